"""What a program's dialect has against a model: which recorded deviations bar its conversion.

They are those that show in a call of a layer of the model, and that all backends of the program have: a
refusal always, and what is computed otherwise unless the outputs of the model, computed by the specification
with and without it, are the same bit for bit. What differs by rounding alone bars nothing, nor does what the
program on the other side does likewise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance import dialects
from conformance.dialects.deviation import Deviation, Dialect, Raises, Value
from conformance.interchange import samples
from conformance.interchange.preflight import CountedOn, Met, preflight
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.models import Model
from conformance.reference_impl.patches import patched
from conformance.reference_impl.saving.configuration.known import Program, Target
from conformance.reference_impl.saving.saved_model import LayerPath, StoredArray, loaded
from conformance.reference_impl.tape import Tensor

BACKENDS: Mapping[Program, tuple[str, ...]] = {
    "keras3": ("keras-tensorflow",),
    "keras2": ("keras2-tensorflow",),
    "tfjs": ("tfjs-cpu", "tfjs-wasm"),
}
"""By program that reads and writes models, the backends that it has."""

Weights = Mapping[LayerPath, Mapping[str, StoredArray]]


@dataclass(frozen=True)
class Verdict:
    """What the dialect has against a model.

    Attributes:
        barring: what bars its conversion.
        harmless: what is in scope and does not, and why not, in a few words.
    """

    barring: tuple[Met, ...] = ()
    harmless: tuple[tuple[Met, str], ...] = ()


def of(program: Program) -> tuple[Dialect, Mapping[str, tuple[str, ...]]]:
    """What the backends of a program have recorded, and by id which of them have it."""
    having: dict[str, tuple[str, ...]] = {}
    entries: dict[str, Deviation] = {}
    for backend in BACKENDS[program]:
        for deviation in dialects.of(backend, {}).deviations:
            entries[deviation.id] = deviation
            having[deviation.id] = (*having.get(deviation.id, ()), backend)
    return Dialect(tuple(entries.values())), having


def alike(some: Deviation, other: Deviation) -> bool:
    """Whether two deviations put the same functions in the place of the specification's, or both refuse."""
    match some.effect, other.effect:
        case Value(patches), Value(others):
            return dict(patches) == dict(others)
        case Raises(), Raises():
            return True
    return False


def shared(target: Program, source: Program) -> frozenset[str]:
    """Ids of what the target computes otherwise than the specification, and the source just so."""
    if target == source:
        return frozenset(d.id for d in of(target)[0].deviations if isinstance(d.effect, Value))
    theirs = of(source)[0].deviations
    return frozenset(
        d.id
        for d in of(target)[0].deviations
        if isinstance(d.effect, Value) and any(alike(d, other) for other in theirs)
    )


def judged(
    model: Model, weights: Weights, program: Program, other: Program, counted_on: CountedOn
) -> Verdict:
    """What a program's dialect has against a model, given as the program has it.

    Args:
        weights: by layer and name; read only where something is computed otherwise.
        other: the program that wrote the model, or that is to read it.

    Raises:
        BadInputs: the model can be given none that could be drawn.
        ValueError: a layer does not take what it is given; the message names it.
    """
    dialect, having = of(program)
    inputs = samples.drawn(model, samples.SAMPLES, seed=0)
    met = [
        one
        for one in preflight(model, weights, inputs, dialect, _words(program), counted_on)
        if one.deviation.kind != "precision"
    ]
    if not met:
        return Verdict()
    there = preflight(model, weights, inputs, of(other)[0], _words(other))
    met = [left for one in met if (left := _elsewhere(one, there))]
    everywhere = [one for one in met if len(having[one.deviation.id]) == len(BACKENDS[program])]
    harmless = [
        (one, f"on {', '.join(having[one.deviation.id])} alone") for one in met if one not in everywhere
    ]
    computed = [one for one in everywhere if isinstance(one.deviation.effect, Value)]
    changing = [
        one
        for given in samples.of_several_kinds(model, inputs)
        for one in _changing(model, weights, given, computed)
    ]
    harmless += [(one, "where no output shows it") for one in computed if one not in changing]
    return Verdict(
        tuple(one for one in everywhere if one in changing or one not in computed), tuple(harmless)
    )


def _words(program: Program) -> Target | None:
    return None if program == "keras3" else program


def _elsewhere(met: Met, others: Iterable[Met]) -> Met | None:
    """What is met by the layers of which the other program has not the like to say."""
    likewise = {path for other in others if alike(met.deviation, other.deviation) for path in other.layers}
    left = {path: why for path, why in met.because.items() if path not in likewise}
    return replace(met, because=left) if left else None


def _changing(model: Model, weights: Weights, inputs: Sequence[Array], met: Sequence[Met]) -> list[Met]:
    """Those without which the outputs of the model would be others; all, where they do it together, or where
    the specification cannot follow the model."""
    if not met:
        return []
    held = {
        path: {name: Tensor(_truth(loaded(own))) for name, own in named.items() if own.dtype != "string"}
        for path, named in weights.items()
    }
    given = [Tensor(_truth(x)) for x in inputs]
    try:
        plain = _outputs(model, held, given, ())
        if _same(plain, _outputs(model, held, given, met)):
            return []
        alone = [one for one in met if not _same(plain, _outputs(model, held, given, [one]))]
    except ValueError:
        return list(met)
    return alone or list(met)


def _outputs(
    model: Model,
    weights: Mapping[LayerPath, Mapping[str, Tensor]],
    inputs: Sequence[Tensor],
    met: Sequence[Met],
) -> list[Array]:
    """The outputs of the model with what the deviations patch in force in their layers."""
    patches: dict[LayerPath, dict[str, Any]] = {}
    for one in met:
        assert isinstance(one.deviation.effect, Value)
        for path in one.layers:
            own = patches.setdefault(path, {})
            if own.keys() & one.deviation.effect.patches.keys():
                raise ValueError(f"two deviations patch one function in layer {'/'.join(path)}")
            own |= one.deviation.effect.patches
    steps = model.steps(inputs, weights, Context())
    for path in _called(model):
        # Those of layers in a model in TimeDistributed too, all at once.
        inside = [own for layer, own in patches.items() if layer[: len(path)] == path]
        with patched({target: patch for own in inside for target, patch in own.items()}):
            next(steps)
    try:
        next(steps)
    except StopIteration as end:
        return [output.value for output in end.value.outputs]
    raise AssertionError("a model calls the layers of its graph, and no more")


def _called(model: Model, around: LayerPath = ()) -> Iterator[LayerPath]:
    """The layers in the order of their calls, those in models inside too."""
    for call in model.graph.calls:
        member = model.members[call.layer]
        if isinstance(member, Model):
            yield from _called(member, (*around, call.layer))
        else:
            yield (*around, call.layer)


def _truth(x: Array) -> Array:
    """In float64; integers and truth values as they are."""
    truth: Array = x.astype(np.float64) if x.dtype.kind == "f" else x
    return truth


def _same(some: Sequence[Array], others: Sequence[Array]) -> bool:
    return all(np.array_equal(x, y, equal_nan=x.dtype.kind == "f") for x, y in zip(some, others, strict=True))
