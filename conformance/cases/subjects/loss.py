"""A loss as a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.cases.case import Case
from conformance.cases.subjects.subject import Subject
from conformance.reference_impl import losses
from conformance.reference_impl.configured import Configured
from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.layers.layer import Context, Result
from conformance.reference_impl.tape import Tensor


class LossSubject(Subject):
    """A loss of labels and predictions, and of weights where there is a third input; the mask, if there is
    one, is that of the predictions."""

    def __init__(self, case: Case) -> None:
        self.name = case.subject.partition(".")[2]
        self.identifier = case.config.get("identifier")
        self.given = {k: v for k, v in case.config.items() if k != "identifier"}
        self.loss = losses.loss_class(self.name).from_config(self.given)

    @property
    def configured(self) -> Configured:
        return self.loss

    def call(self, x: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        y_true, y_pred, *given = x
        mask = context.masks[0] if context.masks else None
        return Result((self.loss(y_true, y_pred, given[0] if given else None, mask),))

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return (str(self.loss.dtype),)

    def resolved(self) -> str:
        meant = losses.get(self.identifier)
        return snake_case(type(meant).__name__) if isinstance(meant, losses.Loss) else str(meant.__name__)
