"""How far the outputs of a whole model are from the specification's, and how far rounding may take them.

A bound that is carried from layer to layer is of no use in depth. Instead each layer's own rounding errors
(their bounds, at the specification's values) are weighed by what a change there does to one element of an
output: the cotangent that reaches the layer in one reverse pass. Their sum limits the error of that element
to first order. It is reported, and decides nothing: what a layer computes is judged by `judging`, from the
backend's own inputs to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from conformance.interchange.judging import Run, Specified, farthest
from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers.layer import Context, given_weights
from conformance.reference_impl.patches import patched
from conformance.reference_impl.saving.saved_model import LayerPath
from conformance.reference_impl.tape import Tensor, error_bounds, variable, vjp
from conformance.runners.inspection import Inspection, referred
from conformance.runners.protocol import LayerCall


@dataclass(frozen=True)
class Distance:
    """How far an output of a model is from what it is compared with.

    Attributes:
        error: the largest absolute difference; infinite where one is NaN and the other is not.
        place: the index of that element; none in an output without elements.
        limit: how far rounding alone may take that element, to first order; None where it is not known.
        likely: the root of the sum of squares of what adds up to the limit, as errors do that are random.
    """

    error: float
    place: tuple[int, ...]
    limit: float | None = None
    likely: float | None = None


def between(some: Inspection, other: Inspection) -> tuple[Distance | None, ...]:
    """How far what two backends predict is apart, output by output; None where their shapes differ."""
    pairs = zip(some.told.results, other.told.results, strict=True)
    return tuple(_distance(some.arrays[a], other.arrays[b]) for a, b in pairs)


def _distance(x: Array, y: Array) -> Distance | None:
    return Distance(*farthest(x, y)) if x.shape == y.shape else None


def from_specification(
    inspection: Inspection,
    specified: Mapping[LayerPath, Specified],
    inputs: Sequence[Array],
    arithmetic: Arithmetic,
) -> tuple[Distance | None, ...]:
    """How far what a backend predicts is from what the specification computes of the same inputs.

    Args:
        specified: by path.
        inputs: the arrays that the model was given.
        arithmetic: the backend's.

    Returns:
        for each output; None where the specification cannot follow the model, as through a layer that it
        does not have, or where the shapes differ.
    """
    chain = Chain(inspection, specified, inputs)
    found: list[Distance | None] = []
    for result, end in zip(inspection.told.results, chain.ends, strict=True):
        value = chain.values.get(end) if end is not None else None
        distance = None if value is None else _distance(value, inspection.arrays[result])
        if distance is not None and distance.place and end is not None:
            limit, likely = chain.limits(end, distance.place, arithmetic)
            distance = Distance(distance.error, distance.place, limit, likely)
        found.append(distance)
    return tuple(found)


class Chain:
    """The specification's run of a model, by the calls that a backend has made."""

    def __init__(
        self, inspection: Inspection, specified: Mapping[LayerPath, Specified], inputs: Sequence[Array]
    ) -> None:
        """Run the model on the inputs that it was given.

        Attributes:
            values: by the backend's number for it, what the specification has for an array; without what it
                cannot follow.
            ends: the number under which each output of the model was computed, or None.
        """
        self.run, self.specified = Run(inspection), specified
        self.values: dict[int, Array] = {}
        self.followed: list[LayerCall] = []
        given = {(x.dtype.name, x.shape, x.tobytes()) for x in inputs}
        calls = inspection.told.calls
        for n in {n for call in calls for n in call.inputs} - self.run.computed:
            x = inspection.arrays[n]
            if (x.dtype.name, x.shape, x.tobytes()) in given:
                self.values[n] = _truth(x)
        for call in calls:
            self._follow(call)
        self.ends = tuple(self._computed_as(n) for n in inspection.told.ends)

    def _computed_as(self, end: int) -> int | None:
        """The number under which a call computed an output of the model; of a copy, the last equal one's."""
        if end in self.values:
            return end
        arrays = self.run.arrays
        equal = (
            n
            for n in sorted(self.values, reverse=True)
            if np.array_equal(arrays[n], arrays[end], equal_nan=True)
        )
        return next(equal, None)

    def _follow(self, call: LayerCall) -> None:
        """Compute what the call has, where its layer and everything that it was given are known."""
        layer = self.specified.get(call.layer)
        known = all(n in self.values for n in (*call.inputs, *call.initial_state))
        if layer is None or layer.layer is None or not known or any(True for _ in referred(call.others)):
            return
        outputs, _ = self._computed(call, tracked=False)
        if len(outputs) == len(call.outputs):
            self.followed.append(call)
            for n, output in zip(call.outputs, outputs, strict=True):
                self.values.setdefault(n, output.value)

    def _computed(self, call: LayerCall, *, tracked: bool) -> tuple[Sequence[Tensor], list[Tensor]]:
        """The outputs of a call at the specification's own values, and what it was given."""
        layer, weights = self.specified[call.layer].layer, self.specified[call.layer].weights
        assert layer is not None
        sources = [variable(self.values[n], tracked=tracked) for n in (*call.inputs, *call.initial_state)]
        count = len(call.inputs)
        masks = self.run.masks_due(call)
        context = Context(
            masks=tuple(None if mask is None else xp.asarray(mask) for mask in masks)
            if any(mask is not None for mask in masks)
            else (),
            initial_state=tuple(sources[count:]),
        )
        own = {name: variable(_truth(x), tracked=False) for name, x in weights.items()}
        with patched(self.specified[call.layer].patches):
            return layer.call(sources[:count], given_weights(layer, own), context).outputs, sources

    def limits(self, end: int, place: tuple[int, ...], arithmetic: Arithmetic) -> tuple[float, float]:
        """The limit of the error of one element of an array that was computed, and its likely size."""
        seed = xp.zeros(self.values[end].shape)
        seed[place] = 1.0
        cotangents = {end: seed}
        limit, squares = 0.0, 0.0
        for call in reversed(self.followed):
            # One array may be two outputs, as the last step of a recurrent layer and its state.
            reached = [n for n in dict.fromkeys(call.outputs) if n in cotangents and n not in call.inputs]
            if not reached:
                continue
            with error_bounds(arithmetic):
                outputs, sources = self._computed(call, tracked=True)
            of = dict(zip(call.outputs, outputs, strict=True))
            flowing = [cotangents.pop(n) for n in reached]
            with np.errstate(all="ignore"):
                for n, cotangent in zip(reached, flowing, strict=True):
                    terms = xp.abs(cotangent) * _error(of[n])
                    terms[cotangent == 0] = 0.0  # also where a layer's own error has no limit
                    limit += float(terms.sum())
                    squares += float((terms**2).sum())
                products = vjp([of[n] for n in reached], [Tensor(c) for c in flowing], sources)
            for n, source, product in zip(
                (*call.inputs, *call.initial_state), sources, products, strict=True
            ):
                if source.tracked:
                    cotangents[n] = cotangents[n] + product.value if n in cotangents else product.value
        return limit, math.sqrt(squares)


def _error(x: Tensor) -> Array:
    return xp.zeros(x.shape) if x.error is None else x.error


def _truth(x: Array) -> Array:
    """In float64; integers and truth values as they are."""
    truth: Array = xp.asarray(x, dtype=xp.float64 if x.dtype.kind == "f" else None)
    return truth
