"""Constraints: what an updated weight is brought under. Source: `keras.constraints`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from conformance.reference_impl import identifiers
from conformance.reference_impl.layers.spanned_axes import axes_of, check_axes
from conformance.reference_impl.primitives import (
    add,
    divide,
    maximum,
    minimum,
    multiply,
    relu,
    sqrt,
    square,
    subtract,
    total,
)
from conformance.reference_impl.tape import Tensor, constant

EPSILON = 1e-7
"""`keras.config.epsilon()`, which is added to a norm before it divides."""

Axis = int | Sequence[int]


def norms(w: Tensor, axis: Axis) -> Tensor:
    """√Σw² along the axis or axes, kept with size one; raises ValueError where w has not all of them."""
    check_axes(axis, w.shape)
    return sqrt(total(square(w), axis=axes_of(axis, w.ndim), keepdims=True))


def scaled(w: Tensor, norm: Tensor, wanted: Tensor) -> Tensor:
    """w with other norms."""
    return multiply(w, divide(wanted, add(norm, EPSILON)))


def max_norm(w: Tensor, max_value: float, axis: Axis) -> Tensor:
    """w·min(‖w‖, max_value)/(‖w‖ + ε)"""
    norm = norms(w, axis)
    return scaled(w, norm, minimum(maximum(norm, 0.0), max_value))


def min_max_norm(w: Tensor, min_value: float, max_value: float, rate: float, axis: Axis) -> Tensor:
    """w·(rate·clip(‖w‖, min_value, max_value) + (1 − rate)·‖w‖)/(‖w‖ + ε)"""
    norm = norms(w, axis)
    clipped = minimum(maximum(norm, min_value), max_value)
    rest = subtract(1.0, constant(rate, norm))
    return scaled(w, norm, add(multiply(clipped, rate), multiply(norm, rest)))


def unit_norm(w: Tensor, axis: Axis) -> Tensor:
    """w/(‖w‖ + ε)"""
    return divide(w, add(norms(w, axis), EPSILON))


CONSTRAINTS: dict[str, Callable[..., Tensor]] = {
    "MaxNorm": max_norm, "MinMaxNorm": min_max_norm, "NonNeg": relu, "UnitNorm": unit_norm,
}  # fmt: skip
"""By class, a function of the weight and the class's arguments."""


def get(identifier: Any) -> Callable[[Tensor], Tensor]:
    """The constraint of a name or a description.

    Raises:
        UnknownIdentifier: there is none of that name, or it has no such argument.
        ValueError: there is no constraint, or an argument has a value that is not allowed.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> max_norm = get({"class_name": "MaxNorm", "config": {"max_value": 1}})
    >>> max_norm(variable(np.array([3.0, 4.0]))).value.round(6)
    array([0.6, 0.8])
    """
    found = identifiers.canonical(identifier, identifiers.CONSTRAINTS)
    if found is None:
        raise ValueError("None is no constraint; a name or a description is one")
    return partial(CONSTRAINTS[found["class_name"]], **found["config"])
