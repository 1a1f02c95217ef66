"""Whether a backend computed each layer of a model as the specification does, from its own inputs to it.

A call is judged as a case is, with the limits and the dialect of `checks`: its data are what the backend told
of its own run. So an error that comes from a layer further up is held against that layer alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.cases.data import Data
from conformance.cases.expected import Value
from conformance.cases.inside import case_of, completed_masks
from conformance.cases.properties import PROPERTIES
from conformance.cases.properties.property import matches
from conformance.checks import Bench, Ruling, Trial
from conformance.dialects import deviation as effects
from conformance.dialects.deviation import Deviation
from conformance.judging import Judgement
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers.layer import Layer
from conformance.reference_impl.saving.saved_model import LayerPath
from conformance.runners.inspection import Inspection, referred
from conformance.runners.protocol import LayerCall, Observed, WireJSON, WireTensor, from_wire, to_wire
from conformance.verdicts import FINDINGS, Rung, Verdict

JUDGED_BY = (PROPERTIES["forward"], PROPERTIES["masks"])


@dataclass(frozen=True)
class Specified:
    """A layer of the model as the specification has it.

    Attributes:
        layer: None where the specification has no such layer.
        weights: by the specification's names, as the backend should have them.
        counted_on: the deviations because of which the layer computes what it should.
    """

    layer: Layer | None
    weights: Mapping[str, Array]
    counted_on: tuple[Deviation, ...] = ()

    @property
    def patches(self) -> dict[str, Any]:
        """What those put in the place of the specification's functions."""
        return {
            target: patch
            for deviation in self.counted_on
            if isinstance(deviation.effect, effects.Value)
            for target, patch in deviation.effect.patches.items()
        }


@dataclass(frozen=True)
class LayerCheck:
    """What is to be said of one output of a call, or of the mask that it hands on.

    Attributes:
        path: of the layer.
        call: which of the layer's calls it is, from 0.
        observable: `output/0` or `mask/0`, ….
        error: the largest absolute difference from the specification's value, whatever the verdict; None
            where there is none to be had.
        ulps: that in units in the last place of the specification's value; None where that is 0 or no float.
        place: the index of that element.
        limit: how far rounding alone may take that element; None where it is not known.
    """

    path: LayerPath
    call: int
    observable: str
    verdict: Verdict
    required_rung: Rung | None = None
    rung: Rung | None = None
    margin: float | str | None = None
    deviations: tuple[str, ...] = ()
    message: str = ""
    error: float | None = None
    ulps: float | None = None
    place: tuple[int, ...] | None = None
    limit: float | None = None


def check_layers(
    inspection: Inspection, specified: Mapping[LayerPath, Specified], bench: Bench
) -> Iterator[LayerCheck]:
    """The checks of every call that the backend told of, in its order; one at a time, so that what the
    specification computes of one layer is forgotten before the next.

    Args:
        specified: by path; a layer that is missing is not judged.
    """
    run = Run(inspection)
    for number, call in enumerate(inspection.told.calls):
        layer = specified.get(call.layer, Specified(None, {}))
        for observable, ruling in rulings(run, call, layer, bench).items():
            yield _told(call, run.ordinals[number], observable, ruling)


class Run:
    """A backend's run of a model: whose output each array is, and which mask goes with it."""

    def __init__(self, inspection: Inspection) -> None:
        self.arrays = inspection.arrays
        self.ordinals: list[int] = []
        """Of each call, which of its layer's it is."""
        self.computed: set[int] = set()
        """The arrays that some call has made; one that is passed on is not made anew."""
        self._mask_with: dict[int, int | None] = {}
        counts: dict[LayerPath, int] = {}
        for call in inspection.told.calls:
            self.ordinals.append(counts.get(call.layer, 0))
            counts[call.layer] = self.ordinals[-1] + 1
            self.computed.update(n for n in call.outputs if n not in call.inputs)
            self._mask_with |= zip(call.outputs, call.output_masks, strict=False)

    def masks_given(self, call: LayerCall) -> tuple[Array | None, ...]:
        """What the layer was called with."""
        return tuple(None if n is None else self.arrays[n] for n in call.masks)

    def masks_due(self, call: LayerCall) -> tuple[Array | None, ...]:
        """A mask for each input: one that a call has computed as its output was given on purpose; else it is
        the mask that is handed on with the input."""
        given = (*call.masks, *[None] * len(call.inputs))
        due = (
            mask if mask in self.computed else self._mask_with.get(n)
            for n, mask in zip(call.inputs, given, strict=False)
        )
        return tuple(None if n is None else self.arrays[n] for n in due)


def rulings(run: Run, call: LayerCall, specified: Specified, bench: Bench) -> dict[str, Ruling]:
    """By observable, what is to be said of a call, with the values and the limits of all elements.

    Where a runtime calls a layer with another mask than the one that is due, its answer is held against the
    latter: that it is right for the wrong mask is said in the message.
    """
    outputs = [f"output/{i}" for i in range(len(call.outputs))]
    obstacle = _obstacle(run, call, specified)
    if obstacle is not None:
        return dict.fromkeys(outputs, Ruling(obstacle))
    due, given = run.masks_due(call), run.masks_given(call)
    found = _ruled(run, call, specified, bench, due)
    departs = any(found[name].judgement.verdict in FINDINGS for name in outputs)
    if departs and not _same(due, given):
        beside = _ruled(run, call, specified, bench, given)
        if not any(beside[name].judgement.verdict in FINDINGS for name in outputs):
            found = {
                name: _remarked(r, "right for the mask that it was called with") for name, r in found.items()
            }
    return found


def _obstacle(run: Run, call: LayerCall, specified: Specified) -> Judgement | None:
    """Why nothing can be said of the call, or what is to be said before any value is looked at."""
    if specified.layer is None:
        return Judgement(Verdict.UNSPECIFIED, message="the specification has no such layer")
    if any(True for _ in referred(call.others)):
        return Judgement(
            Verdict.UNSPECIFIED, message="it was given tensors by other arguments than its inputs"
        )
    try:
        count = len(specified.layer.output_shapes([run.arrays[n].shape for n in call.inputs]))
    except ValueError as error:
        return Judgement(Verdict.ACCEPTS, message=f"a value where there should be an error at call: {error}")
    if count != len(call.outputs):
        return Judgement(Verdict.DIVERGES, message=f"{len(call.outputs)} outputs, expected {count}")
    return None


def _ruled(
    run: Run, call: LayerCall, specified: Specified, bench: Bench, masks: Sequence[Array | None]
) -> dict[str, Ruling]:
    """What is to be said of the call with these masks."""
    assert specified.layer is not None
    data = Data(
        inputs=tuple(run.arrays[n] for n in call.inputs),
        weights=specified.weights,
        masks=completed_masks(masks, len(call.inputs)),
        initial_state=tuple(run.arrays[n] for n in call.initial_state),
        cotangents=(),
    )
    answer: dict[str, Observed] = {f"output/{i}": to_wire(run.arrays[n]) for i, n in enumerate(call.outputs)}
    answer |= {
        f"mask/{i}": WireJSON(None) if n is None else to_wire(run.arrays[n])
        for i, n in enumerate(call.output_masks)
    }
    trial = Trial(case_of(specified.layer, data, tuple(answer)), data, bench)
    return {
        observable: _as_counted_on(_of_dependent_errors(trial.rule(property_, observable, answer)), specified)
        for property_ in JUDGED_BY
        for observable in answer
        if matches(property_.observables, observable)
    }


def _of_dependent_errors(ruling: Ruling) -> Ruling:
    """What a layer within a model is given repeats itself, as pixels of one colour do, and activations that
    are cut off: then its roundings are alike too, and their sum is not that of independent ones."""
    judgement = ruling.judgement
    if not judgement.by_bias_alone:
        return ruling
    return replace(
        ruling, judgement=replace(judgement, verdict=Verdict.CONFORMS, required_rung=Rung.BOUND, message="")
    )


def _as_counted_on(ruling: Ruling, specified: Specified) -> Ruling:
    """What deviates just as the model was made for conforms."""
    wanted = {deviation.id for deviation in specified.counted_on}
    if ruling.judgement.verdict is not Verdict.DEVIATES or not wanted.issuperset(ruling.deviations):
        return ruling
    return replace(ruling, judgement=replace(ruling.judgement, verdict=Verdict.CONFORMS), deviations=())


def _same(some: Sequence[Array | None], others: Sequence[Array | None]) -> bool:
    """Whether two calls have the same masks."""
    return len(some) == len(others) and all(
        (a is None) is (b is None) and (a is None or b is None or np.array_equal(a, b))
        for a, b in zip(some, others, strict=True)
    )


def _remarked(ruling: Ruling, remark: str) -> Ruling:
    judgement = ruling.judgement
    return replace(ruling, judgement=replace(judgement, message=f"{judgement.message}; {remark}"))


def _told(call: LayerCall, ordinal: int, observable: str, ruling: Ruling) -> LayerCheck:
    judgement = ruling.judgement
    error, place, ulps = largest_error(ruling)
    return LayerCheck(
        path=call.layer,
        call=ordinal,
        observable=observable,
        verdict=judgement.verdict,
        required_rung=judgement.required_rung,
        rung=judgement.rung,
        margin=judgement.margin,
        deviations=ruling.deviations,
        message=judgement.message,
        error=error,
        ulps=ulps,
        place=place,
        limit=None if place is None or ruling.limit is None else float(xp.to_host(ruling.limit)[place]),
    )


def largest_error(ruling: Ruling) -> tuple[float | None, tuple[int, ...] | None, float | None]:
    """The largest absolute difference of an array from the specification's, where it is, and what it comes to
    in units in the last place.

    A NaN where there should be none, or none where there should be one, is infinitely far off.
    """
    match ruling.expected, ruling.observed:
        case Value(tensor), WireTensor() as wire:
            value, seen = xp.to_host(tensor.value), from_wire(wire)
            if value.shape == seen.shape and value.size:
                error, place = farthest(value, seen)
                return error, place, _ulps(error, value[place], seen.dtype)
    return None, None, None


def _ulps(error: float, value: Any, dtype: np.dtype[Any]) -> float | None:
    """An error in units in the last place that the value has in a dtype.

    >>> _ulps(2.0**-22, 1.5, np.dtype(np.float32))
    2.0
    """
    if dtype.kind != "f" or not 0 < abs(value) <= np.finfo(dtype).max:
        return None
    return error / float(np.spacing(np.abs(dtype.type(value))))


def farthest(x: Array, y: Array) -> tuple[float, tuple[int, ...]]:
    """The largest absolute difference of two arrays of one shape, and where; NaN differs from all but NaN.

    >>> farthest(np.array([1.0, np.nan, 3.0]), np.array([1.0, np.nan, 2.5]))
    (0.5, (2,))
    """
    if not x.size:
        return 0.0, ()
    x, y = x.astype(np.float64), y.astype(np.float64)
    with np.errstate(all="ignore"):
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        error = np.where(same, 0.0, np.nan_to_num(np.abs(x - y), nan=np.inf, posinf=np.inf))
    place = np.unravel_index(int(np.argmax(error)), error.shape)
    return float(error[place]), tuple(map(int, place))
