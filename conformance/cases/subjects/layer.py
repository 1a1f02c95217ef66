"""A layer as a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.cases.case import Case
from conformance.cases.subjects.subject import Subject
from conformance.reference_impl import layers
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.configured import Configured
from conformance.reference_impl.layers.layer import Context, Result, Shape, given_weights
from conformance.reference_impl.tape import Tensor


class LayerSubject(Subject):
    """A layer made from the case's configuration."""

    def __init__(self, case: Case) -> None:
        self.name = case.subject.partition(".")[2]
        self.layer = layers.get(self.name).from_config(case.config)
        self.given = case.config

    @property
    def configured(self) -> Configured:
        assert self.layer is not None
        return self.layer

    def call(self, x: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        assert self.layer is not None
        self.shapes([t.shape for t in x])
        self.check_weights(x, weights)
        return self.layer.call(x, given_weights(self.layer, weights), context)

    def check_weights(self, x: Sequence[Tensor] | Sequence[Array], weights: Mapping[str, Any]) -> None:
        """Whether the case's weights are the layer's; raises ValueError where not."""
        assert self.layer is not None
        declared = {weight.name: weight.shape for weight in self.layer.declare_weights([t.shape for t in x])}
        given = {name: weight.shape for name, weight in weights.items()}
        if declared != given:
            raise ValueError(f"{self.name} has the weights {declared}, the case gives {given}")

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        assert self.layer is not None
        self.layer.check_inputs(shapes)
        return self.layer.output_shapes(shapes)

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        assert self.layer is not None
        return self.layer.output_dtypes(dtypes)

    def initial_weights(self, shapes: Sequence[Shape]) -> dict[str, Tensor]:
        assert self.layer is not None
        self.shapes(shapes)
        return {w.name: Tensor(xp.zeros(w.shape)) for w in self.layer.declare_weights(shapes)}
