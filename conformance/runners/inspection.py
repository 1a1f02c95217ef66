"""A saved model on its way to a backend's answer, which comes in pieces, and the answer put together."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import anyio
import numpy as np

from conformance.runners.protocol import (
    DTYPES,
    ERROR_KINDS,
    ArrayForm,
    ConcreteModel,
    Inspect,
    Inspected,
    Piece,
)
from conformance.runners.question import Broken, Limits, Pending
from conformance.runners.wire import Array
from conformance.verdicts import Verdict


@dataclass(frozen=True)
class Inspection:
    """What a backend told of a saved model, and the arrays by their numbers, which are read-only."""

    told: Inspected
    arrays: tuple[Array, ...]

    def weights(self, path: tuple[str, ...]) -> dict[str, Array]:
        """The values of a layer's weights by name, where they were asked for.

        Raises:
            KeyError: the model has no such layer.
        """
        for layer in self.told.layers:
            if layer.path == path:
                return {w.name: self.arrays[w.array] for w in layer.weights if w.array is not None}
        raise KeyError(path)


class BadInspection(ValueError):
    """The parts of an answer do not fit together."""


class Pieces:
    """The arrays of an answer, as far as they have come."""

    def __init__(self, limit: int) -> None:
        """Of no more bytes than the limit, together."""
        self._limit = limit
        self._bytes = 0
        self._arrays: dict[int, bytearray] = {}

    def add(self, piece: Piece) -> None:
        """Put the bytes behind those of the same array.

        Raises:
            BadInspection: they are not base64, or more than is allowed.
        """
        try:
            data = base64.b64decode(piece.data, validate=True)
        except binascii.Error:
            raise BadInspection(f"the data of array {piece.array} is not base64") from None
        self._bytes += len(data)
        if self._bytes > self._limit:
            raise BadInspection(f"the arrays have more than {self._limit:,} bytes")
        self._arrays.setdefault(piece.array, bytearray()).extend(data)

    def assemble(self, told: Inspected) -> Inspection:
        """The whole answer.

        Raises:
            BadInspection: an array has another number of bytes than its form needs, or a number is told of
                which there is no array.
        """
        if told.error is not None and told.error.kind not in ERROR_KINDS:
            kinds = ", ".join(ERROR_KINDS)
            raise BadInspection(f"the error kind {told.error.kind!r} is none of {kinds}")
        unknown = {n for n in _numbers(told) if not 0 <= n < len(told.arrays)}
        unknown |= self._arrays.keys() - range(len(told.arrays))
        if unknown:
            raise BadInspection(f"there is no array {min(unknown)}: {len(told.arrays)} are told of")
        return Inspection(told, tuple(map(self._array, range(len(told.arrays)), told.arrays)))

    def _array(self, number: int, form: ArrayForm) -> Array:
        if form.dtype not in DTYPES or any(n < 0 for n in form.shape):
            raise BadInspection(f"array {number} is told to be {form.dtype} of shape {list(form.shape)}")
        data = memoryview(self._arrays.pop(number, bytearray())).toreadonly()
        expected = math.prod(form.shape) * np.dtype(DTYPES[form.dtype]).itemsize
        if len(data) != expected:
            raise BadInspection(
                f"array {number} has {len(data)} bytes where {form.dtype} of shape {list(form.shape)} has "
                f"{expected}"
            )
        return np.frombuffer(data, DTYPES[form.dtype]).reshape(form.shape)


def _numbers(told: Inspected) -> Iterator[int]:
    """The numbers of arrays that an answer tells."""
    yield from chain(told.results, told.ends)
    yield from (w.array for layer in told.layers for w in layer.weights if w.array is not None)
    for call in told.calls:
        yield from chain(call.inputs, call.initial_state, call.outputs)
        yield from (n for n in (*call.masks, *call.output_masks) if n is not None)
        yield from referred(call.others)


def referred(arguments: Any) -> Iterator[int]:
    """The numbers of the arrays in the other arguments of a call.

    >>> list(referred({"training": False, "key": {"array": 3}, "2": [{"array": 4}, 1]}))
    [3, 4]
    """
    if isinstance(arguments, Mapping):
        if arguments.keys() == {"array"} and isinstance(arguments["array"], int):
            yield arguments["array"]
        else:
            yield from chain.from_iterable(map(referred, arguments.values()))
    elif isinstance(arguments, list):
        yield from chain.from_iterable(map(referred, arguments))


@dataclass(eq=False)
class ModelQuestion(Pending):
    """A saved model on its way to an answer; asked whole once more, where the backend fails at it.

    Attributes:
        limit: bytes of all arrays in the answer.
    """

    model: ConcreteModel
    limit: int
    answer: Inspection | Broken | None = None
    _pieces: Pieces = field(init=False)

    def next(self, number: int) -> Inspect:
        self.id = number
        self._pieces = Pieces(self.limit)
        return Inspect(number, self.model)

    def take(self, part: Piece | Inspected) -> bool:
        """Add a part of the answer; whether it was the last one.

        Raises:
            BadInspection: it does not fit to the others.
        """
        if isinstance(part, Piece):
            self._pieces.add(part)
            return False
        self._settle(self._pieces.assemble(part))
        return True

    def fail(self, fault: Broken) -> None:
        self._settle(fault)

    def give_up(self, fault: Broken) -> None:
        if self.answer is None:
            self._settle(fault)

    def _settle(self, answer: Inspection | Broken) -> None:
        self.answer = answer
        self._pieces = Pieces(0)
        self.settled.set()

    def seconds(self, limits: Limits) -> float:
        return limits.model_s

    async def result(self) -> Inspection | Broken:
        """The answer, once it is there.

        Raises:
            anyio.ClosedResourceError: the runner was closed meanwhile.
        """
        await self.wait()
        if self.answer is None:
            raise anyio.ClosedResourceError
        return self.answer


def misfit(error: BadInspection) -> Broken:
    """The fault that an answer amounts to whose parts do not fit."""
    return Broken(Verdict.PROTOCOL_ERROR, f"told of the model what makes no sense: {error}")
