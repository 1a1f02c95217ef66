"""Predicates over a case and its data, of which the scopes of deviations are put together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.properties.property import matches
from conformance.dialects.deviation import About, Scope, everywhere
from conformance.reference_impl.layers import Layer
from conformance.reference_impl.layers.convolution import Convolution, WindowedProduct
from conformance.reference_impl.layers.nested import within
from conformance.reference_impl.layers.transposed_convolution import TransposedConvolution

LAYERS = tuple(f"layers.{name}" for name in sorted(Layer.registered))
"""All layers of the specification."""


def subjects_of(base: type[Layer]) -> tuple[str, ...]:
    """The layers that are made of this base."""
    return tuple(f"layers.{name}" for name, c in sorted(Layer.registered.items()) if issubclass(c, base))


CONVOLUTIONS = subjects_of(Convolution)
"""Those that sum over channels: Conv1D to Conv3D."""

TRANSPOSED_CONVOLUTIONS = subjects_of(TransposedConvolution)

ALL_CONVOLUTIONS = subjects_of(WindowedProduct)
"""Depthwise, separable and transposed ones too."""


def all_of(*scopes: Scope) -> Scope:
    """Where all hold; about the subjects that all are about."""
    about = [scope.subjects for scope in scopes if isinstance(scope, About)]
    predicates = [scope.holds if isinstance(scope, About) else scope for scope in scopes]
    predicates = [predicate for predicate in predicates if predicate is not everywhere]

    def holds(case: Case, data: Data) -> bool:
        return all(predicate(case, data) for predicate in predicates)

    return About(frozenset.intersection(*about), holds) if about else holds


def any_of(*scopes: Scope) -> Scope:
    return lambda case, data: any(scope(case, data) for scope in scopes)


def without(scope: Scope) -> Scope:
    return lambda case, data: not scope(case, data)


def omits(argument: str) -> Scope:
    """The configuration leaves the argument at its default."""
    return lambda case, data: argument not in case.config


def sets(*arguments: str) -> Scope:
    """The configuration gives one of the arguments a value other than None, False or 0."""
    return lambda case, data: any(case.config.get(argument) for argument in arguments)


def unsets(argument: str) -> Scope:
    """The configuration sets the argument to False."""
    return lambda case, data: case.config.get(argument) is False


def channels_first(case: Case, data: Data) -> bool:
    """The configuration says so."""
    return case.config.get("data_format") == "channels_first"


def spatial_sizes(case: Case, data: Data) -> tuple[int, ...]:
    """Of the first input, the axes that are neither samples nor channels."""
    shape: tuple[int, ...] = data.inputs[0].shape
    return shape[2:] if channels_first(case, data) else shape[1:-1]


def ungrouped(case: Case, data: Data) -> bool:
    """A convolution's channels are all of one group."""
    return bool(case.config.get("groups", 1) == 1)


def dilates(case: Case, data: Data) -> bool:
    """A convolution's dilation rate exceeds 1."""
    rates = case.config.get("dilation_rate", 1)
    return bool(max(rates if isinstance(rates, list) else [rates]) > 1)


def asks(pattern: str) -> Scope:
    """An observable of that pattern is asked."""
    is_asked = partial(matches, (pattern,))
    return lambda case, data: any(map(is_asked, case.observables))


def activations_of(case: Case) -> Iterator[str]:
    """The names of the activation functions that the configuration gives; a layer may stand for one."""
    given = (case.config.get(key) for key in ("activation", "recurrent_activation"))
    return (name for name in given if isinstance(name, str))


ACTIVATION_LAYERS = {"layers.ELU": "elu", "layers.LeakyReLU": "leaky_relu", "layers.ReLU": "relu"}
"""Layers that are one activation function."""


def activated_by(names: Collection[str]) -> Scope:
    """The case is about one of the activation functions, or about a layer that is one or is configured with
    one."""

    def scope(case: Case, data: Data) -> bool:
        kind, _, name = case.subject.partition(".")
        if kind == "activations":
            return name in names
        if ACTIVATION_LAYERS.get(case.subject) in names:
            return True
        return any(name in names for name in activations_of(case))

    return scope


def inner(case: Case) -> list[tuple[str, Mapping[str, Any]]]:
    """The class and configuration of every layer inside the case's configuration, at any depth."""
    return list(within(case.config))


def wraps(*classes: str) -> Scope:
    """A layer of one of the classes is inside the configuration."""
    return lambda case, data: any(name in classes for name, _ in inner(case))


def rank(*ranks: int) -> Scope:
    """The first input has one of the ranks."""
    return lambda case, data: data.inputs[0].ndim in ranks if data.inputs else False


def given_nan(case: Case, data: Data) -> bool:
    """An input holds NaN."""
    return any(x.dtype.kind == "f" and bool(np.isnan(x).any()) for x in data.inputs)


def given_infinity(case: Case, data: Data) -> bool:
    """An input holds an infinity."""
    return any(x.dtype.kind == "f" and bool(np.isinf(x).any()) for x in data.inputs)


def given_special_values(case: Case, data: Data) -> bool:
    """An input holds NaN or an infinity."""
    return any(x.dtype.kind == "f" and not bool(np.isfinite(x).all()) for x in data.inputs)


def given_subnormals(case: Case, data: Data) -> bool:
    """An input holds subnormal numbers of float32."""
    smallest = np.finfo(np.float32).smallest_normal
    return any(bool(((x != 0) & (np.abs(x) < smallest)).any()) for x in data.inputs)


def given_no_row(case: Case, data: Data) -> bool:
    """An axis before the last of the first input is of size 0."""
    return bool(data.inputs) and 0 in data.inputs[0].shape[:-1]


def given_empty_batch(case: Case, data: Data) -> bool:
    """The first axis of the first input is of size 0."""
    return bool(data.inputs) and data.inputs[0].shape[0] == 0


def given_mask(case: Case, data: Data) -> bool:
    """An input has a mask."""
    return bool(data.masks)


def masked(case: Case, data: Data) -> bool:
    """A mask hides something."""
    return any(not mask.all() for mask in data.masks)


def over_several_axes(case: Case, data: Data) -> bool:
    """The sum is over more axes than one."""
    axis = case.config.get("axis")
    return isinstance(axis, list) and len(axis) > 1


def last_axis(axes: int | list[int], ndim: int) -> bool:
    """Whether one axis, alone or in a list, is the last one."""
    return [a % ndim for a in (axes if isinstance(axes, list) else [axes])] == [ndim - 1]
