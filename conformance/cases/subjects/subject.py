"""What a case is about, as the observables ask it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from conformance.reference_impl.configured import Configured
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.tape import Tensor


class Subject:
    """What a case is about, ready to be asked: a layer, or a function seen as one."""

    name: str
    layer: Layer | None = None
    identifier: str | None = None
    """What is to be resolved to a name, if anything is."""
    given: Collection[str] = ()
    """The arguments that the case gives."""

    def call(self, x: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        raise NotImplementedError  # every kind of subject has its own

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        raise NotImplementedError  # every kind of subject has its own

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        raise NotImplementedError  # every kind of subject has its own

    @property
    def configured(self) -> Configured:
        """What has the case's arguments."""
        raise NotImplementedError  # functions have none

    def resolved(self) -> str:
        """The name of what the identifier means."""
        raise NotImplementedError  # layers have none

    def initial_weights(self, shapes: Sequence[Shape]) -> dict[str, Tensor]:
        """Weights for inputs of these shapes: zeros, for whom their values do not matter."""
        return {}
