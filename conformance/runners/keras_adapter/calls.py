"""How Keras wants a layer to be built and called with the arrays of a case."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from conformance.runners.keras_adapter.messages import ConcreteCase
from conformance.runners.keras_adapter.runtime import api
from conformance.runners.wire import Array

STATES = ("initial_state", "states")
"""The names of the call argument that takes a recurrent layer's, or a cell's, initial state."""


@functools.cache
def _call_arguments(cls: Any) -> tuple[tuple[str, ...], frozenset[str]]:
    """The names of the arguments that take inputs, and of all arguments, of the layer's `call`.

    A layer that takes several inputs takes them as one list, or as arguments of their own: then the
    inputs are the required arguments, and attention's optional `key` after them.
    """
    _, *parameters = inspect.signature(cls.call).parameters.values()
    required = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    inputs = [name for name in required if name not in STATES]
    names = frozenset(p.name for p in parameters)
    return (*inputs, "key") if len(inputs) > 1 and "key" in names else tuple(inputs), names


def _by_cell(layer: Any, states: list[Any]) -> list[Any]:
    """The states as the layer takes them: those of each cell of a stack are a list of their own, in each of
    the directions of a Bidirectional layer."""
    if hasattr(layer, "forward_layer"):
        half = len(states) // 2
        return [*_by_cell(layer.forward_layer, states[:half]), *_by_cell(layer.backward_layer, states[half:])]
    cells = getattr(getattr(layer, "cell", layer), "cells", None)
    if cells is None:
        return states
    remaining = iter(states)
    return [list(itertools.islice(remaining, len(tf.nest.flatten(cell.state_size)))) for cell in cells]


def is_stateful(layer: Any) -> bool:
    """Whether a call goes on from the states in which the one before it ended."""
    return bool(getattr(layer, "stateful", False))


LONGER: tuple[Callable[[int], Iterable[int]], ...] = (
    lambda rank: (0,),
    lambda rank: range(rank - 1),
    lambda rank: (0, *range(2, rank)),
)
"""Of an input's rank, the axes along which it is made longer: the batch; all but the last, or but the
second, where channels may be."""


def of_other_sizes(case: ConcreteCase) -> Iterator[ConcreteCase]:
    """The case with inputs twice as long along some axes; a layer may refuse some of them."""
    for longer in LONGER:
        axes = [longer(x.ndim) for x in case.inputs]
        yield replace(
            case,
            inputs=tuple(map(_doubled, case.inputs, axes)),
            masks=tuple(map(_doubled, case.masks, axes)),
            initial_state=tuple(_doubled(state, (0,)) for state in case.initial_state),
        )


def _doubled(x: Array, axes: Iterable[int]) -> Array:
    """The array followed by itself along each of the axes that it has."""
    for axis in axes:
        if axis < x.ndim:
            x = np.concatenate([x, x], axis)
    return x


class Invocation:
    """The arguments of a layer's `build`, `compute_output_shape` and `call`, made from a case."""

    def __init__(self, cls: Any, case: ConcreteCase) -> None:
        self._input_names, self._names = _call_arguments(cls)
        self.inputs = [tf.constant(x) for x in case.inputs]
        self.shapes = [tuple(tensor.shape) for tensor in case.inputs]
        self._arguments: dict[str, Any] = {}
        masks = [tf.constant(mask) for mask in case.masks]
        if masks and "mask" in self._names:
            self._arguments["mask"] = masks[0] if len(masks) == 1 else masks
        else:
            # What a layer upstream does: the mask travels with its tensor.
            for x, mask in zip(self.inputs, masks, strict=False):
                x._keras_mask = mask
        self._states = [tf.constant(state) for state in case.initial_state]

    def __call__(self, layer: Any, *, training: bool, follows: bool = False) -> Any:
        """The outputs of the layer; a stateful one starts from its initial state, unless the call follows
        another one."""
        if is_stateful(layer) and not follows:
            api.reset_state(layer)
        mode: dict[str, Any] = {"training": training} if "training" in self._names else {}
        for name in self._names.intersection(STATES) if self._states else ():
            mode[name] = _by_cell(layer, self._states)
        if len(self._input_names) > 1:
            inputs = dict(zip(self._input_names, self.inputs, strict=False))
            return layer(inputs.pop(self._input_names[0]), **inputs, **self._arguments, **mode)
        return layer(*self.grouped(self.inputs), **self._arguments, **mode)

    def grouped(self, values: list[Any]) -> list[Any]:
        """One value per input, as the layer's positional arguments: each its own, or one list of all."""
        return values if len(self._input_names) > 1 or len(values) == 1 else [values]
