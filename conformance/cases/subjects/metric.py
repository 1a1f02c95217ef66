"""A metric as a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from conformance.cases.case import Case
from conformance.cases.subjects.subject import Subject
from conformance.reference_impl import metrics
from conformance.reference_impl.configured import Configured
from conformance.reference_impl.tape import Tensor

X = TypeVar("X")

RESET = "reset"
"""What stands in the place of an update's number, after the metric was reset."""


class MetricSubject(Subject):
    """A metric. Its case has what each update is given among the weights, by the number of the update and the
    name of the argument: `0/y_true`, `0/y_pred`, `0/sample_weight`, `1/y_true`, …; of a metric of values
    `0/values`."""

    def __init__(self, case: Case) -> None:
        self.name = case.subject.partition(".")[2]
        self.identifier = case.config.get("identifier")
        self.given = self.config = {k: v for k, v in case.config.items() if k != "identifier"}
        self.metric = self.made()

    @property
    def configured(self) -> Configured:
        return self.metric

    def made(self) -> metrics.Metric:
        """A new metric, in its initial state."""
        return metrics.metric_class(self.name).from_config(self.config)

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        dtype = str(self.metric.dtype)
        return (dtype if "float" in dtype else "float32",)

    def resolved(self) -> str:
        return type(metrics.get(self.identifier)).__name__

    def streamed(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The results and variables after each update, and after a reset, by the names of observables.

        Raises:
            ValueError: an update is refused.
        """
        metric, found = self.made(), dict[str, Tensor]()

        def look(when: str) -> None:
            found[f"result/{when}"] = metric.result()
            found.update({f"state/{when}/{name}": value for name, value in metric.variables.items()})

        for number, update in enumerate(updates(weights)):
            metric.update_state(**update)
            look(str(number))
        metric.reset_state()
        look(RESET)
        return found


def updates(weights: Mapping[str, X]) -> list[dict[str, X]]:
    """The arguments of each update, in order."""
    of: dict[int, dict[str, X]] = {}
    for key, x in weights.items():
        number, _, argument = key.partition("/")
        of.setdefault(int(number), {})[argument] = x
    return [of[number] for number in sorted(of)]
