"""What cropping of every rank shares."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.reference_impl.layers.layer import Shape
from conformance.reference_impl.layers.spatial import Spatial
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import take_slice
from conformance.reference_impl.tape import Tensor


class Cropping(Spatial, registered=False):
    """What is left of each spatial dimension without some elements at its beginning and at its end."""

    @property
    def widths(self) -> list[list[int]]:
        """How many elements are taken away at the beginning and at the end of each spatial dimension."""
        cropping = self.config["cropping"]
        return [cropping] if self.rank == 1 else list(cropping)

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        spatial = shapes[0][self.first_axis : self.first_axis + self.rank]
        if any(n is not None and n <= sum(width) for n, width in zip(spatial, self.widths, strict=True)):
            raise ValueError(
                f"argument `cropping`: {self.config['cropping']} leaves nothing of an input of shape "
                f"{shapes[0]}"
            )

    def lengths(self, spatial: Sequence[int | None]) -> tuple[int | None, ...]:
        return tuple(
            None if n is None else n - sum(width) for n, width in zip(spatial, self.widths, strict=True)
        )

    def changed(self, x: Tensor) -> Tensor:
        return cropped(self, x, self.first_axis)


@patchable("layers.Cropping.cropped")
def cropped(layer: Cropping, x: Tensor, first_axis: int) -> Tensor:
    """What is left of the axes from the first spatial one"""
    kept = [slice(None)] * x.ndim
    for axis, (before, after) in enumerate(layer.widths, first_axis):
        kept[axis] = slice(before, x.shape[axis] - after)
    return take_slice(x, key=tuple(kept))
