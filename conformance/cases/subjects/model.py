"""A model as a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.cases.case import Case
from conformance.cases.models import configuration, weight_name
from conformance.cases.subjects.subject import Subject
from conformance.reference_impl.layers.layer import Context, Result, Shape
from conformance.reference_impl.models import Model
from conformance.reference_impl.tape import Tensor


class ModelSubject(Subject):
    """A model of layers; its weights are named by their paths."""

    def __init__(self, case: Case) -> None:
        self.name = case.subject.partition(".")[2]
        self.configuration = configuration(case)
        self.model = Model.from_config(self.configuration)

    def call(self, x: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        declared = self.model.declare_weights([t.shape for t in x])
        names = [weight_name(path, w.name) for path, own in declared.items() for w in own]
        if set(names) != weights.keys():
            raise ValueError(f"{self.name} has the weights {names}, the case gives {list(weights)}")
        own = {
            path: {w.name: weights[weight_name(path, w.name)] for w in of_layer}
            for path, of_layer in declared.items()
        }
        return Result(self.model.call(x, own, context).outputs)

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return self.model.output_shapes(shapes)
