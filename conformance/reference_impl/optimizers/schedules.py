"""Learning rates that depend on how many calls there were. Source: `keras.optimizers.schedules`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from conformance.reference_impl import fields
from conformance.reference_impl.configured import Configured
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.primitives import (
    add,
    cos,
    divide,
    exponentiate,
    floor,
    log,
    multiply,
    subtract,
)
from conformance.reference_impl.spelling import suggestion
from conformance.reference_impl.tape import Tensor, constant


def _positive_number(value: Any) -> Any:
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        raise ValueError
    return value


def _number(value: Any) -> Any:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError
    return value


def _numbers(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError
    return [_number(item) for item in value]


positive_number = Kind("a number above 0", _positive_number, (0, -10))
numbers = Kind("a list of numbers", _numbers, (3,))


class Schedule(Configured):
    """A learning rate as a function of the number of calls before this one, `iteration`.

    Called with that number, and optionally with a tensor whose dtype the rate takes, it gives a scalar.

    >>> float(ExponentialDecay(0.5, decay_steps=2, decay_rate=0.25)(1).value)
    0.25
    """

    family = "schedules"
    registered: ClassVar[dict[str, type[Schedule]]] = {}
    name: Any

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        Schedule.registered[cls.__name__] = cls

    def __call__(self, step: int, like: Tensor | None = None) -> Tensor:
        return self.rate(constant(float(step), like))

    def rate(self, step: Tensor) -> Tensor:
        """The rate at that step, a scalar as the step is."""
        raise NotImplementedError  # every schedule has its own

    def serialized(self) -> dict[str, Any]:
        """The description by which `deserialize` makes the same schedule, as in Keras's files."""
        return {
            "module": "keras.optimizers.schedules",
            "class_name": type(self).__name__,
            "config": self.get_config(),
            "registered_name": None,
        }


def deserialize(description: Mapping[str, Any]) -> Schedule:
    """The schedule that is described.

    Raises:
        ValueError: there is no such schedule, or it has no such arguments; the message names the nearest.
    """
    name = description.get("class_name")
    if name not in Schedule.registered:
        raise ValueError(f"unknown schedule {name!r}; {suggestion(str(name), [*Schedule.registered])}")
    return Schedule.registered[name].from_config(description.get("config") or {})


def clamped(step: Tensor, last: float) -> Tensor:
    """The step, or the last one that matters."""
    return step if step.value <= last else constant(float(last), step)


class ExponentialDecay(Schedule):
    """initial · rateᵖ, for p = step/decay_steps or, in a staircase, the integer below."""

    initial_learning_rate = field(fields.number, doc="the first rate")
    decay_steps = field(positive_number, doc="after how many steps `decay_rate` has been applied once")
    decay_rate = field(fields.number, doc="what remains after them")
    staircase = field(fields.boolean, False, "whether it decays at once after them, and not between")
    name = field(fields.text, "ExponentialDecay")

    def rate(self, step: Tensor) -> Tensor:
        p = periods(step, self.decay_steps, self.staircase)
        return multiply(exponentiate(constant(self.decay_rate, step), p), self.initial_learning_rate)


class InverseTimeDecay(Schedule):
    """initial/(1 + rate·p), for p = step/decay_steps or, in a staircase, the integer below."""

    initial_learning_rate = field(fields.number, doc="the first rate")
    decay_steps = field(positive_number, doc="after how many steps `decay_rate` is added once")
    decay_rate = field(fields.number, doc="what is added to the divisor after them")
    staircase = field(fields.boolean, False, "whether it decays at once after them, and not between")
    name = field(fields.text, "InverseTimeDecay")

    def rate(self, step: Tensor) -> Tensor:
        p = periods(step, self.decay_steps, self.staircase)
        return divide(self.initial_learning_rate, add(multiply(p, self.decay_rate), 1.0))


def periods(step: Tensor, length: float, whole: bool) -> Tensor:
    """How many periods of that length have gone by."""
    p = divide(step, float(length))
    return floor(p) if whole else p


class PiecewiseConstantDecay(Schedule):
    """values[i] after i of the boundaries: a step on a boundary is still before it."""

    boundaries = field(numbers, doc="increasing numbers of steps")
    values = field(numbers, doc="the rates before, between and after them")
    name = field(fields.text, "PiecewiseConstant")

    def check(self) -> None:
        if len(self.boundaries) != len(self.values) - 1:
            raise ValueError(
                f"argument `boundaries`: expected one fewer than the {len(self.values)} `values`, got "
                f"{self.boundaries}"
            )

    def rate(self, step: Tensor) -> Tensor:
        passed = sum(bool(step.value > boundary) for boundary in self.boundaries)
        return constant(float(self.values[passed]), step)


class PolynomialDecay(Schedule):
    """(initial − end)·(1 − step/decay_steps)^power + end; in cycles, decay_steps is taken as often as it
    takes to reach the step."""

    initial_learning_rate = field(fields.number, doc="the first rate")
    decay_steps = field(positive_number, doc="after how many steps the rate is the last one")
    end_learning_rate = field(fields.number, 0.0001, "the last rate")
    power = field(fields.number, 1.0, "the exponent")
    cycle = field(fields.boolean, False, "whether it begins again and again")
    name = field(fields.text, "PolynomialDecay")

    def rate(self, step: Tensor) -> Tensor:
        length = float(self.decay_steps)
        if self.cycle:
            length *= max(1, math.ceil(float(step.value) / length))
        left = subtract(1.0, divide(clamped(step, length), length))
        way = subtract(constant(self.initial_learning_rate, step), self.end_learning_rate)
        return add(multiply(way, exponentiate(left, float(self.power))), self.end_learning_rate)


def half_cosine(fraction: Tensor) -> Tensor:
    """½(1 + cos πx), from 1 to 0 (Loshchilov and Hutter 2016, equation 5)."""
    return multiply(add(cos(multiply(fraction, math.pi)), 1.0), 0.5)


class CosineDecay(Schedule):
    """from·((1 − α)·½(1 + cos π·step/decay_steps) + α), where `from` is `initial_learning_rate` or, after a
    linear warm-up to it, `warmup_target`."""

    initial_learning_rate = field(fields.number, doc="the first rate")
    decay_steps = field(positive_number, doc="how many steps the decay takes")
    alpha = field(fields.number, 0.0, "the last rate, as a fraction of the one that it decays from")
    name = field(fields.text, "CosineDecay")
    warmup_target = field(fields.optional(fields.number), None, "the rate that a warm-up reaches")
    warmup_steps = field(fields.number, 0, "how many steps that takes")

    def rate(self, step: Tensor) -> Tensor:
        start = constant(self.initial_learning_rate, step)
        warmup = 0.0 if self.warmup_target is None else float(self.warmup_steps)
        if step.value < warmup:
            way = subtract(constant(self.warmup_target, step), start)
            return add(multiply(way, divide(step, warmup)), start)
        if self.warmup_target is not None:
            start = constant(self.warmup_target, step)
        done = subtract(clamped(step, self.decay_steps + warmup), warmup)
        decayed = half_cosine(divide(done, float(self.decay_steps)))
        alpha = constant(self.alpha, step)
        return multiply(start, add(multiply(decayed, subtract(1.0, alpha)), alpha))


class CosineDecayRestarts(Schedule):
    """initial·((1 − α)·m·½(1 + cos πx) + α), where x goes from 0 to 1 again and again: each time t_mul
    times as slowly, and with m_mul times as large an m."""

    initial_learning_rate = field(fields.number, doc="the first rate")
    first_decay_steps = field(positive_number, doc="how many steps the first decay takes")
    t_mul = field(fields.number, 2.0, "how many times as long each decay is as the one before")
    m_mul = field(fields.number, 1.0, "how many times as high each begins")
    alpha = field(fields.number, 0.0, "the last rate, as a fraction of the first")
    name = field(fields.text, "SGDRDecay")

    def rate(self, step: Tensor) -> Tensor:
        done = divide(step, float(self.first_decay_steps))
        if self.t_mul == 1:
            restarts = floor(done)
            fraction = subtract(done, restarts)
        else:
            t = constant(self.t_mul, step)
            grown = subtract(1.0, multiply(done, subtract(1.0, t)))
            restarts = floor(divide(log(grown), log(t)))
            length = exponentiate(t, restarts)
            before = divide(subtract(1.0, length), subtract(1.0, t))
            fraction = divide(subtract(done, before), length)
        high = exponentiate(constant(self.m_mul, step), restarts)
        alpha = constant(self.alpha, step)
        decayed = multiply(half_cosine(fraction), high)
        return multiply(add(multiply(decayed, subtract(1.0, alpha)), alpha), self.initial_learning_rate)
