"""An optimizer as a subject."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.cases.case import Case
from conformance.cases.subjects.subject import Subject
from conformance.reference_impl import optimizers
from conformance.reference_impl.configured import Configured
from conformance.reference_impl.optimizers import Update
from conformance.reference_impl.tape import Tensor


class OptimizerSubject(Subject):
    """An optimizer. Its case has all it is given among the weights: `variable/w` and `gradient/w` of the same
    shape, and `slot/…` for every slot of these variables, by its key."""

    def __init__(self, case: Case) -> None:
        self.name = case.subject.partition(".")[2]
        self.identifier = case.config.get("identifier")
        self.given = {k: v for k, v in case.config.items() if k != "identifier"}
        self.optimizer = optimizers.get({"class_name": self.name, "config": self.given})

    @property
    def configured(self) -> Configured:
        return self.optimizer

    def resolved(self) -> str:
        return type(optimizers.get(self.identifier)).__name__

    def update(self, weights: Mapping[str, Tensor]) -> Update:
        """The update; raises ValueError where the slots are not those of the variables."""
        given = by_kind(weights)
        declared = {slot.key for slot in self.optimizer.slots(given["variable"])}
        if declared != given["slot"].keys():
            raise ValueError(
                f"{self.name} has the slots {sorted(declared)}, given are {sorted(given['slot'])}"
            )
        return self.optimizer.apply(given["gradient"], given["variable"], given["slot"])

    def first_update(self, weights: Mapping[str, Tensor]) -> Update:
        """The update from the slots as they begin, whatever slots are given."""
        given = by_kind(weights)
        start = self.optimizer.initial_state(given["variable"])
        return self.optimizer.apply(given["gradient"], given["variable"], start)


def by_kind(weights: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Variables, gradients and slots, each by its own key."""
    given: dict[str, dict[str, Tensor]] = {"variable": {}, "gradient": {}, "slot": {}}
    for name, x in weights.items():
        kind, _, key = name.partition("/")
        given[kind][key] = x
    return given
