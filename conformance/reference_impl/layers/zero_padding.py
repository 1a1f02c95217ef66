"""What zero padding of every rank shares."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.reference_impl.layers.spatial import Spatial
from conformance.reference_impl.primitives import pad
from conformance.reference_impl.tape import Tensor


class ZeroPadding(Spatial, registered=False):
    """Zeros before and after each spatial dimension."""

    @property
    def widths(self) -> list[list[int]]:
        """How many zeros come before and after each spatial dimension."""
        padding = self.config["padding"]
        return [padding] if self.rank == 1 else list(padding)

    def lengths(self, spatial: Sequence[int | None]) -> tuple[int | None, ...]:
        return tuple(
            None if n is None else n + before + after
            for n, (before, after) in zip(spatial, self.widths, strict=True)
        )

    def changed(self, x: Tensor) -> Tensor:
        widths = [(0, 0)] * x.ndim
        widths[self.first_axis : self.first_axis + self.rank] = [(a, b) for a, b in self.widths]
        return pad(x, widths=tuple(widths))
