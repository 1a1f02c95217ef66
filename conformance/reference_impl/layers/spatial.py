"""What layers share that lengthen or shorten the spatial dimensions, and their arguments of pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.reference_impl.fields import Kind
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.tape import Tensor


class Spatial(Layer, registered=False):
    """A layer that changes the spatial dimensions, each by itself, and leaves batch and channels alone.

    Input (batch, *spatial, channels), or (batch, channels, *spatial) where channels come first.
    """

    rank: int

    def check(self) -> None:
        if "data_format" in self.config:
            self.config["data_format"] = self.config["data_format"] or "channels_last"

    @property
    def first_axis(self) -> int:
        """The first of the spatial axes."""
        return 2 if self.config.get("data_format") == "channels_first" else 1

    def lengths(self, spatial: Sequence[int | None]) -> tuple[int | None, ...]:
        """The sizes of the spatial dimensions after the layer."""
        raise NotImplementedError  # every such layer has its own

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        shape, start = shapes[0], self.first_axis
        stop = start + self.rank
        return ((*shape[:start], *self.lengths(shape[start:stop]), *shape[stop:]),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        return Result((self.changed(inputs[0]),))

    def changed(self, x: Tensor) -> Tensor:
        """The input with other spatial dimensions."""
        raise NotImplementedError  # every such layer has its own


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError
    return int(value)


def _pair(value: Any) -> list[int]:
    before, after = (value, value) if isinstance(value, int) else value
    return [_whole(before), _whole(after)]


def pairs(rank: int) -> Kind:
    """Two numbers for each of so many dimensions, before and after it; in one dimension the pair itself."""

    def parse(value: Any) -> Any:
        if rank == 1:
            return _pair(value)
        given = [value] * rank if isinstance(value, int) else list(value)
        if len(given) != rank:
            raise ValueError
        return [_pair(v) for v in given]

    of_each = "two integers" if rank == 1 else f"{rank} integers, or {rank} pairs of integers"
    return Kind(f"an integer or {of_each}, none below 0", parse, (-1, "x", [1, 2, 3, 4]))
