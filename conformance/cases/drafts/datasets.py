"""Drafts about training runs on batches that the user makes: on datasets and generators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from conformance.cases.case import Case, Source
from conformance.cases.drafts.models.sketch import JSONObject
from conformance.cases.drafts.training import (
    CLASSES,
    LINE,
    MOMENTUM,
    SGD,
    draft,
    forked,
    numbers,
    one_hot,
    towers,
    weights,
)

HELD_OUT: tuple[list[Source], list[Source]] = ([numbers(4, samples=5)], [numbers(1, samples=5)])
"""Data for validation, to be given in batches of 2 and 3."""

SQUARED: JSONObject = {"optimizer": SGD, "loss": "mean_squared_error"}


def uneven() -> Case:
    """Batches of several sizes, the smallest between two others: a mean counts the samples."""
    return draft(
        CLASSES, [numbers(4)], [one_hot()],
        {"optimizer": MOMENTUM, "loss": "categorical_crossentropy", "metrics": ["mse"]},
        batches=[3, 1, 3], validation=[[numbers(4, samples=5)], [one_hot(samples=5)]],
        validation_batches=[2, 3], fit={"epochs": 2}, evaluate={}, predict={},
    )  # fmt: skip


def generated() -> Case:
    """What is gone through once, and does not say how long it is."""
    return draft(
        LINE, [numbers(4)], [numbers(1)], SQUARED, batches=[4, 3], once=True, fit={}, evaluate={}
    )  # fmt: skip


def generated_for_steps() -> Case:
    """A generator goes on in the second epoch where the first has left it."""
    return draft(
        LINE, [numbers(4)], [numbers(1)], SQUARED, batches=[2, 1, 2, 2], once=True,
        fit={"epochs": 2, "steps_per_epoch": 2},
    )  # fmt: skip


def weighted() -> Case:
    """Batches with weights of samples."""
    return draft(
        LINE, [numbers(4)], [numbers(1)], SQUARED, sample_weight=[weights()],
        batches=[3, 4], fit={"epochs": 2}, evaluate={},
    )  # fmt: skip


def in_steps(sizes: list[int], steps: int, epochs: int, **more: Any) -> Case:
    """Epochs of so many batches: fewer than there are, just as many, or more."""
    return draft(
        LINE, [numbers(4)], [numbers(1)], SQUARED, batches=sizes,
        fit={"epochs": epochs, "steps_per_epoch": steps}, **more,
    )  # fmt: skip


def validated_in_steps() -> Case:
    """Validation begins with the first batch each time; the second epoch has the batches that are left."""
    return draft(
        LINE, [numbers(4)], [numbers(1)], SQUARED, batches=[2, 1, 2, 2], validation=HELD_OUT,
        validation_batches=[2, 3], fit={"epochs": 2, "steps_per_epoch": 3, "validation_steps": 1},
    )  # fmt: skip


def weighted_classes() -> Case:
    return draft(
        CLASSES, [numbers(4)], [one_hot()], {"optimizer": SGD, "loss": "categorical_crossentropy"},
        batches=[3, 4], fit={"class_weight": {"0": 0.5, "1": 1.0, "2": 3.0}},
    )  # fmt: skip


def several_outputs() -> Case:
    return draft(
        forked(), [numbers(4)], [numbers(1), one_hot()],
        {"optimizer": SGD, "loss": ["mean_squared_error", "categorical_crossentropy"]},
        batches=[4, 3], fit={}, evaluate={},
    )  # fmt: skip


def several_inputs() -> Case:
    return draft(
        towers(), [numbers(4), numbers(4)], [numbers(1)], SQUARED,
        batches=[4, 1, 2], fit={}, evaluate={}, predict={},
    )  # fmt: skip


QUICK: tuple[Callable[[], Case], ...] = (uneven,)

STANDARD: tuple[Callable[[], Case], ...] = (
    generated,
    generated_for_steps,
    weighted,
    partial(in_steps, [2, 1, 2, 2], 3, 3),
    partial(in_steps, [4, 3], 2, 2),
    partial(in_steps, [4, 3], 3, 2, evaluate={"steps": 1}),
    validated_in_steps,
    weighted_classes,
    several_outputs,
    several_inputs,
)


def drafts() -> Iterator[Case]:
    return (drafted() for drafted in QUICK)


def more() -> Iterator[Case]:
    """What the standard corpus has beyond them."""
    return (drafted() for drafted in STANDARD)
