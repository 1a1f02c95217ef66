"""An activation function as a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.cases.case import Case
from conformance.cases.subjects.subject import Subject
from conformance.reference_impl import activations
from conformance.reference_impl.layers.layer import Context, Result, Shape
from conformance.reference_impl.tape import Tensor


class ActivationSubject(Subject):
    """An activation function with the case's arguments."""

    def __init__(self, case: Case) -> None:
        self.name = case.subject.partition(".")[2]
        self.entry = activations.get(self.name)
        self.identifier = case.config.get("identifier")
        self.arguments = {k: v for k, v in case.config.items() if k != "identifier"}
        unknown = self.arguments.keys() - self.entry.arguments.keys()
        missing = {n for n, p in self.entry.arguments.items() if p.default is p.empty} - self.arguments.keys()
        if unknown or (missing and self.identifier is None):
            raise TypeError(f"{self.name} takes {list(self.entry.arguments)}, got {list(self.arguments)}")

    def call(self, x: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        return Result((self.entry.function(x[0], **self.arguments),))

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (tuple(shapes[0]),)

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return (dtypes[0],)

    def resolved(self) -> str:
        return activations.get(self.identifier).name
