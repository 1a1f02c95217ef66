"""Makes a failing case one that a person can read: what it need not ask or say is left out, its data are
written down, and as many of them as can be are 0, and the others plain.

The configuration and the sizes were reduced by Hypothesis before; this is about the data (delta debugging,
Zeller and Hildebrandt 2002: halves first, then ever smaller parts).
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator, Sequence, Set
from dataclasses import dataclass

import msgspec
import numpy as np

from conformance.cases.answer import Answers
from conformance.cases.case import Case, Literal, Source, encode
from conformance.cases.data import make
from conformance.cases.expected import Value
from conformance.cases.models import is_about_model
from conformance.exploring.spaces import answered
from conformance.reference_impl.arrays import Array

Fails = Callable[[Case], Awaitable[bool]]
"""Whether a case still fails in the same way."""

PLAIN = (1.0, 2.0, -1.0, 0.5)
"""What a number is replaced by, if it can be; else it is rounded."""

DIGITS = (1, 2, 3)
"""Significant decimal digits to which a number is rounded, the fewest first."""


def size(case: Case) -> tuple[int, int]:
    """What is reduced: the elements of inputs and weights, then bytes."""
    return case.elements, len(encode(case))


async def reduced(case: Case, observable: str, fails: Fails) -> Case:
    """The case, asking for nothing but the observable, as small as it gets while it fails.

    Args:
        fails: asked of one candidate after the other; where it answers no to everything, the case comes back
            as it was.
    """
    alone = asking(case, {observable})
    for simpler in (alone, bare(alone)):
        if simpler != case and await fails(simpler):
            case = simpler
    case = await without_arguments(case, fails)
    literal = written_out(case)
    if not await fails(literal):
        return case
    for axis in axes_to_shorten(literal):
        literal = await shortened(literal, axis, fails)
    for place in places(literal):
        literal = await simplified(literal, place, fails)
    return literal


def asking(case: Case, observables: Set[str]) -> Case:
    """The case, asking for nothing but these and what they are compared with. A model is asked for all, for
    each part shows in another."""
    if is_about_model(case):
        return case
    needed = observables | {name.removeprefix("again/") for name in observables}
    return msgspec.structs.replace(case, observables=tuple(o for o in case.observables if o in needed))


def bare(case: Case) -> Case:
    """The case without cotangents, where no gradient is asked."""
    gradients = any("gradient" in name for name in case.observables)
    return case if gradients else msgspec.structs.replace(case, cotangents=())


async def without_arguments(case: Case, fails: Fails) -> Case:
    """The case with as many arguments left to their defaults as can be."""
    called = is_called(case)
    for argument in list(case.config):
        config = {name: value for name, value in case.config.items() if name != argument}
        candidate = msgspec.structs.replace(case, config=config)
        # With another configuration there may be other weights.
        if is_called(candidate) == called and await fails(candidate):
            case = candidate
    return case


def is_called(case: Case) -> bool:
    """Whether the specification computes an output of a layer, asked or not; what is no layer need not have
    any."""
    about_layer = case.subject.startswith("layers.")
    return not about_layer or answered(msgspec.structs.replace(case, observables=("output/0",)))


# Data


@dataclass(frozen=True)
class Place:
    """Where an array of a case is: a field, and in it an index or a name."""

    field: str
    key: int | str

    def source(self, case: Case) -> Source:
        return getattr(case, self.field)[self.key]  # type: ignore[no-any-return]  # by its name

    def of(self, case: Case) -> Literal:
        source = self.source(case)
        assert isinstance(source, Literal)
        return source

    def replaced(self, case: Case, source: Source) -> Case:
        old = getattr(case, self.field)
        if isinstance(old, dict):
            return msgspec.structs.replace(case, **{self.field: old | {self.key: source}})
        new = tuple(source if i == self.key else other for i, other in enumerate(old))
        return msgspec.structs.replace(case, **{self.field: new})


FIELDS = ("inputs", "weights", "initial_state", "masks", "cotangents")


def places(case: Case) -> Iterator[Place]:
    """Every array of the case."""
    for field in FIELDS:
        arrays = getattr(case, field)
        for key in arrays if isinstance(arrays, dict) else range(len(arrays)):
            yield Place(field, key)


def written_out(case: Case) -> Case:
    """The case with literal numbers in place of recipes."""
    data = make(case)
    literal = case
    for field in FIELDS:
        arrays = getattr(data, field)
        made = (
            {name: as_literal(x) for name, x in arrays.items()}
            if isinstance(arrays, dict)
            else tuple(map(as_literal, arrays))
        )
        literal = msgspec.structs.replace(literal, **{field: made})
    return literal


def is_written_out(case: Case) -> bool:
    """Whether all of the case's data are literal: it has been reduced, or has none."""
    return all(isinstance(place.source(case), Literal) for place in places(case))


def as_literal(x: Array) -> Literal:
    """The array, written out in the fewest digits that stand for its numbers."""
    return Literal(x.shape, tuple(map(told, x.reshape(-1))), x.dtype.name)


def told(number: np.generic) -> float | str:
    """A number as a literal has it.

    >>> told(np.float32(0.1)), told(np.float32(-0.0)), told(np.float32("-inf"))
    (0.1, '-0', '-inf')
    """
    value = float(number)
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else 0.0
    return float(str(number)) if number.dtype.kind == "f" else value


def shape_to_cut(case: Case) -> tuple[int, ...]:
    """The shape of the first input; of what has no inputs, of the largest of its weights, which are a
    metric's batches and an optimizer's variables and gradients."""
    shapes = [source.shape for source in case.inputs[:1] or case.weights.values()]
    return max(shapes, key=lambda shape: (len(shape), shape), default=())


def axes_to_shorten(case: Case) -> range:
    """Those whose size the configuration does not say: a model says all but its samples."""
    return range(1 if is_about_model(case) else len(shape_to_cut(case)))


async def shortened(case: Case, axis: int, fails: Fails) -> Case:
    """The case with as little as can be at the end and at the beginning of an axis of its arrays."""
    for at_end in (True, False):
        for count in halvings(shape_to_cut(case)[axis]):
            while count < (length := shape_to_cut(case)[axis]):
                kept = slice(length - count) if at_end else slice(count, None)
                candidate = cut(case, axis, kept)
                if candidate is None or not await fails(candidate):
                    break
                case = candidate
    return case


def cut(case: Case, axis: int, kept: slice) -> Case | None:
    """The case with a part of an axis of its inputs: of each that is as long there as the first, of masks,
    whose axes are the samples and the time steps, of states, and of cotangents as the outputs become; or of
    its weights, where there are no inputs. None where the outputs cannot be made, or grow."""
    size = shape_to_cut(case)[axis]

    def parts(sources: tuple[Source, ...], arrays: tuple[Array, ...]) -> tuple[Source, ...]:
        place = (slice(None),) * axis + (kept,)
        return tuple(
            as_literal(x[place]) if source.shape[axis : axis + 1] == (size,) else source
            for source, x in zip(sources, arrays, strict=True)
        )

    data = make(case)
    weights = case.weights
    if not case.inputs:
        cut_weights = parts(tuple(weights.values()), tuple(data.weights.values()))
        weights = dict(zip(weights, cut_weights, strict=True))
    shorter = msgspec.structs.replace(
        case,
        inputs=parts(case.inputs, data.inputs),
        masks=parts(case.masks, data.masks) if axis < 2 else case.masks,
        initial_state=parts(case.initial_state, data.initial_state) if axis == 0 else case.initial_state,
        weights=weights,
    )
    if not case.cotangents:
        return shorter
    cotangents = []
    for shape, c in zip(output_shapes(shorter), data.cotangents, strict=True):
        if shape is None or len(shape) != c.ndim or any(n > m for n, m in zip(shape, c.shape, strict=True)):
            return None
        cotangents.append(as_literal(c[tuple(map(slice, shape))]))
    return msgspec.structs.replace(shorter, cotangents=tuple(cotangents))


def output_shapes(case: Case) -> list[tuple[int, ...] | None]:
    """Of as many outputs as there are cotangents; None is that of one which the specification refuses to
    compute."""
    names = tuple(f"output/{i}" for i in range(len(case.cotangents)))
    answers = Answers(msgspec.structs.replace(case, observables=names), make(case), None)
    outputs = [answers[name] for name in names]
    return [one.tensor.shape if isinstance(one, Value) else None for one in outputs]


async def simplified(case: Case, place: Place, fails: Fails) -> Case:
    """The case with as many zeros and plain numbers in an array as can be."""
    for count in halvings(len(place.of(case).data)):
        for start in range(0, len(place.of(case).data), count):
            source = place.of(case)
            data = list(source.data)
            data[start : start + count] = [0.0] * len(data[start : start + count])
            case = await _tried(case, place, data, fails)
    for i, number in enumerate(place.of(case).data):
        for plainer in plainer_than(number, place.of(case).dtype):
            data = list(place.of(case).data)
            data[i] = plainer
            after = await _tried(case, place, data, fails)
            if after is not case:
                case = after
                break
    return case


async def _tried(case: Case, place: Place, data: Sequence[float | str], fails: Fails) -> Case:
    """The case with these numbers in the array, if they are others and it fails with them."""
    source = place.of(case)
    if tuple(data) == source.data:
        return case
    candidate = place.replaced(case, Literal(source.shape, tuple(data), source.dtype))
    return candidate if await fails(candidate) else case


def halvings(count: int) -> Iterator[int]:
    """The sizes of the parts.

    >>> list(halvings(10))
    [10, 5, 3, 2, 1]
    """
    while count:
        yield count
        count = -(-count // 2) if count > 1 else 0


def plainer_than(number: float | str, dtype: str) -> Iterator[float]:
    """What is easier to read than a number, the plainest first.

    >>> list(plainer_than(3.14159, "float32"))
    [1.0, 2.0, -1.0, 0.5, 3.0, 3.1, 3.14]
    >>> [list(plainer_than(x, "int32")) for x in (0.0, 1.0, 5.0, "nan")]
    [[], [], [1.0], []]
    """
    if isinstance(number, str) or number in (0.0, 1.0):
        return
    if "float" not in dtype:
        yield 1.0
        return
    rounded = (float(f"{number:.{digits - 1}e}") for digits in DIGITS)
    for plainer in dict.fromkeys((*PLAIN, *rounded)):
        if plainer == number:
            return
        yield plainer
