"""The kinds of subject."""

from __future__ import annotations

from collections.abc import Callable

from conformance.cases.case import Case
from conformance.cases.subjects.activation import ActivationSubject
from conformance.cases.subjects.layer import LayerSubject
from conformance.cases.subjects.loss import LossSubject
from conformance.cases.subjects.metric import MetricSubject
from conformance.cases.subjects.model import ModelSubject
from conformance.cases.subjects.optimizer import OptimizerSubject
from conformance.cases.subjects.schedule import ScheduleSubject
from conformance.cases.subjects.statement import StatementSubject
from conformance.cases.subjects.subject import Subject
from conformance.cases.subjects.training import TrainingSubject
from conformance.cases.subjects.value import ConstraintSubject, InitializerSubject, RegularizerSubject

SUBJECTS: dict[str, Callable[[Case], Subject]] = {
    "layers": LayerSubject,
    "activations": ActivationSubject,
    "losses": LossSubject,
    "metrics": MetricSubject,
    "optimizers": OptimizerSubject,
    "schedules": ScheduleSubject,
    "constraints": ConstraintSubject,
    "regularizers": RegularizerSubject,
    "initializers": InitializerSubject,
    "guide": StatementSubject,
    "models": ModelSubject,
    "training": TrainingSubject,
    "callbacks": TrainingSubject,
}
"""The kinds of subject, by the first part of a subject's name."""
