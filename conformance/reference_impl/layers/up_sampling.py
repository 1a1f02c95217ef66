"""What upsampling of every rank shares."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.reference_impl.layers.spatial import Spatial
from conformance.reference_impl.primitives import broadcast_to, reshape
from conformance.reference_impl.tape import Tensor


class UpSampling(Spatial, registered=False):
    """Each element several times along each spatial dimension."""

    def check(self) -> None:
        super().check()
        size = self.config["size"]
        if self.rank > 1:
            if len(size) not in (1, self.rank):
                raise ValueError(f"argument `size`: expected {self.rank} integers or one, got {size}")
            self.config["size"] = size * (self.rank // len(size))

    @property
    def factors(self) -> tuple[int, ...]:
        """How often an element comes along each spatial dimension."""
        size = self.config["size"]
        return (size,) if self.rank == 1 else tuple(size)

    def lengths(self, spatial: Sequence[int | None]) -> tuple[int | None, ...]:
        return tuple(None if n is None else n * times for n, times in zip(spatial, self.factors, strict=True))

    def changed(self, x: Tensor) -> Tensor:
        (shape,) = self.output_shapes([x.shape])
        apart, repeated = list(x.shape), list(x.shape)
        for axis, times in reversed(list(enumerate(self.factors, self.first_axis))):
            apart.insert(axis + 1, 1)
            repeated.insert(axis + 1, times)
        copies = broadcast_to(reshape(x, shape=tuple(apart)), shape=tuple(repeated))
        return reshape(copies, shape=tuple(n for n in shape if n is not None))
