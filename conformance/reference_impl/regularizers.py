"""Regularizers: penalties on weights and outputs that the loss gets. Source: `keras.regularizers`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from conformance.reference_impl import identifiers
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    absolute,
    add,
    affine,
    divide,
    minimum,
    multiply,
    rsqrt,
    square,
    total,
    transpose,
)
from conformance.reference_impl.primitives.primitive import either
from conformance.reference_impl.tape import Tensor, constant

LARGEST_SCALE = 1e7
"""1/`keras.config.epsilon()`, by which Keras multiplies at most to bring a vector to length one."""


def everything(x: Tensor) -> Tensor:
    """The sum of all elements, a scalar."""
    return total(x, axis=tuple(range(x.ndim)))


@patchable("regularizers.magnitude")
def magnitude(x: Tensor) -> Tensor:
    """|x|"""
    return absolute(x)


def penalty(terms: Tensor, factor: float) -> Tensor:
    """The sum of the terms times the factor, or that of terms times the factor."""
    return either(multiply(everything(terms), factor), lambda: everything(multiply(terms, factor)))


def l1_l2(x: Tensor, l1: float, l2: float) -> Tensor:
    """l1·Σ|x| + l2·Σx²"""
    penalties = [penalty(terms(x), factor) for factor, terms in ((l1, magnitude), (l2, square)) if factor]
    return add(*penalties) if len(penalties) == 2 else penalties[0] if penalties else constant(0.0, x)


def orthogonal(x: Tensor, factor: float, mode: str) -> Tensor:
    """factor times the mean magnitude of the products of every two rows, or columns, brought to length one.

    Raises:
        ValueError: x is no matrix.
    """
    if x.ndim != 2:
        raise ValueError(f"OrthogonalRegularizer takes matrices; the shape is {x.shape}")
    rows = x if mode == "rows" else transpose(x, axes=(1, 0))
    lengths = total(square(rows), axis=(1,), keepdims=True)
    rows = multiply(rows, minimum(rsqrt(lengths), LARGEST_SCALE))
    products = affine(rows, transpose(rows, axes=(1, 0)))
    count = len(rows.value)
    others = multiply(products, Tensor(1.0 - xp.eye(count, dtype=x.dtype)))
    pairs = constant(count * (count - 1.0) / 2.0, x)
    return divide(multiply(everything(absolute(others)), factor * 0.5), pairs)


REGULARIZERS: dict[str, Callable[..., Tensor]] = {"L1L2": l1_l2, "OrthogonalRegularizer": orthogonal}
"""By canonical class, a function of the weight and the class's arguments."""


def get(identifier: Any) -> Callable[[Tensor], Tensor]:
    """The regularizer of a name or a description: from a weight of any shape to a scalar.

    Raises:
        UnknownIdentifier: there is none of that name, or it has no such argument.
        ValueError: there is no regularizer, or an argument has a value that is not allowed.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> penalty = get({"class_name": "L2", "config": {"l2": 0.5}})
    >>> float(penalty(variable(np.array([[1.0, -3.0]]))).value)
    5.0
    """
    found = identifiers.canonical(identifier, identifiers.REGULARIZERS)
    if found is None:
        raise ValueError("None is no regularizer; a name or a description is one")
    return partial(REGULARIZERS[found["class_name"]], **found["config"])
