"""Drafts about schedules of the learning rate: every argument, at steps before, on and behind its bends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.cases.case import Case, Literal

DECAY = {"initial_learning_rate": 0.5, "decay_steps": 8}
BY_RATE = DECAY | {"decay_rate": 0.25}
RESTARTS = {"initial_learning_rate": 0.5, "first_decay_steps": 8}

STEPS = (0, 1, 3, 4, 5, 8, 11, 20)

BETWEEN = (1, 3, 5, 11, 20, 29)
"""Steps on which no cycle begins: there a rounding decides which it is."""

SETTINGS: Mapping[str, tuple[dict[str, Any], ...]] = {
    "ExponentialDecay": (BY_RATE, BY_RATE | {"staircase": True}),
    "InverseTimeDecay": (BY_RATE, BY_RATE | {"staircase": True}),
    "PiecewiseConstantDecay": (
        {"boundaries": [3, 8], "values": [0.5, 0.25, 0.125]},
        {"boundaries": [4], "values": [0.25, 0.5], "name": "up"},
    ),
    "PolynomialDecay": (
        DECAY,
        DECAY | {"end_learning_rate": 0.125, "power": 2.0},
        DECAY | {"end_learning_rate": 0.25, "power": 0.5, "cycle": True},
    ),
    "CosineDecay": (
        DECAY,
        DECAY | {"alpha": 0.25},
        DECAY | {"warmup_target": 1.0, "warmup_steps": 4, "alpha": 0.125},
    ),
    "CosineDecayRestarts": (
        RESTARTS,
        RESTARTS | {"t_mul": 1.0, "m_mul": 0.5},
        RESTARTS | {"m_mul": 0.75, "alpha": 0.125},
    ),
}
"""By class; the first has the required arguments alone."""

REFUSED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ExponentialDecay", BY_RATE | {"decay_steps": 0}),
    ("CosineDecay", DECAY | {"decay_steps": -8}),
    ("PiecewiseConstantDecay", {"boundaries": [3, 8], "values": [0.5, 0.25]}),
)
"""What has to be refused."""

SAID = ("config", "reconstructed/config", "reconstructed/output/0")


def drafts() -> Iterator[Case]:
    for name, settings in SETTINGS.items():
        for index, config in enumerate(settings):
            once = ("dtype", "signature") if index == 0 else ()
            yield draft_schedule(name, config, "output/0", *once, *SAID)
    for name, config in REFUSED:
        yield draft_schedule(name, config, "refusal")


def draft_schedule(name: str, config: Mapping[str, Any], *observables: str) -> Case:
    """A case about the rates at several steps."""
    steps = BETWEEN if name == "CosineDecayRestarts" else STEPS
    given = Literal((len(steps),), steps, "int32")
    return Case(f"schedules.{name}", dict(config), inputs=(given,), observables=observables)
