"""A schedule of the learning rate as a subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.cases.case import Case
from conformance.cases.subjects import class_of
from conformance.cases.subjects.subject import Subject
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.configured import Configured
from conformance.reference_impl.layers.layer import Context, Result
from conformance.reference_impl.optimizers.schedules import Schedule
from conformance.reference_impl.primitives import concatenate, reshape
from conformance.reference_impl.tape import Tensor, current_arithmetic


class ScheduleSubject(Subject):
    """A schedule, whose one input holds numbers of steps, and whose output the rate at each."""

    def __init__(self, case: Case) -> None:
        self.name = case.subject.partition(".")[2]
        self.given = case.config
        schedule = class_of(case.subject).from_config(case.config)
        assert isinstance(schedule, Schedule)
        self.schedule = schedule

    @property
    def configured(self) -> Configured:
        return self.schedule

    def call(self, x: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        like = Tensor(xp.zeros((), xp.float32 if current_arithmetic() is None else xp.float64))
        rates = [self.schedule(int(step), like) for step in x[0].value]
        return Result((concatenate(*(reshape(rate, shape=(1,)) for rate in rates), axis=0),))

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return ("float32",)
