"""How what a check of a model has found is said, on the screen and on its page."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import msgspec

from conformance.interchange.verdict import Checked, Departure, OnBackend, Outcome
from conformance.verdicts import Verdict

OUTCOMES = {
    Outcome.SAME: ("computes the same", Verdict.CONFORMS),
    Outcome.DEVIATES: ("computes something else, as recorded", Verdict.DEVIATES),
    Outcome.UNSPECIFIED: ("can be judged only in part", Verdict.UNSPECIFIED),
    Outcome.DEPARTS: ("computes something else", Verdict.DIVERGES),
    Outcome.FAILS: ("loads, and does not run", Verdict.RAISES),
    Outcome.NOT_LOADED: ("does not load", Verdict.RAISES),
    Outcome.NOT_CONVERTED: ("cannot be converted", Verdict.RAISES),
    Outcome.UNAVAILABLE: ("was not run", Verdict.NOT_RUN),
}
"""What a model does on a backend, by its outcome there, and the verdict whose sign stands for it."""

CONNECTED_OTHERWISE = (
    "Every layer is right for what it was given, and the outputs are not: the backend connects the layers "
    "otherwise, or Keras itself is far from the specification."
)


class Headline(msgspec.Struct, frozen=True):
    """The answer in short.

    Attributes:
        claim: the model, and what it does on which backends.
        cause: of the worst of that.
        remedy: what to change; empty where nothing is, or it is not known.
    """

    claim: str
    cause: str
    remedy: str


def headline(checked: Checked) -> Headline:
    """The answer in three sentences."""
    by_outcome: dict[Outcome, list[str]] = {}
    for backend in checked.backends:
        by_outcome.setdefault(backend.outcome, []).append(backend.backend)
    does = [
        f"{'' if outcome is Outcome.NOT_CONVERTED else f'on {_and(names)} '}{OUTCOMES[outcome][0]}"
        for outcome, names in by_outcome.items()
    ]
    worst = max(checked.backends, key=lambda backend: list(Outcome).index(backend.outcome))
    return Headline(f"{Path(checked.model).name} {_and(does, ', and ')}.", *_why(checked, worst))


def _why(checked: Checked, backend: OnBackend) -> tuple[str, str]:
    """The cause of a backend's outcome, and the remedy."""
    if checked.objections:
        first, *others = checked.objections
        more = f", nor for {len(others)} more" if others else ""
        cause = f"TensorFlow.js has no words for {first.argument} = {first.value} of {first.layer}{more}."
        return cause, f"{first.remedy}."
    if backend.failure is not None:
        failure = backend.failure
        where = f"{_and(failure.layers)} is refused at {failure.at}" if failure.layers else f"At {failure.at}"
        return f"{where}: {failure.message}", failure.remedy
    if backend.outcome is Outcome.SAME:
        return _same(backend), ""
    if backend.first is not None:
        return f"{departed(backend.first)}.", backend.first.remedy
    if backend.outcome is Outcome.DEPARTS:
        return CONNECTED_OTHERWISE, ""
    return f"Nothing can be said of {_and(backend.unjudged) or 'its outputs'}.", ""


def _same(backend: OnBackend) -> str:
    if backend.departures:
        departing = dict.fromkeys(departure.layer for departure in backend.departures)
        verb = "departs" if len(departing) == 1 else "depart"
        return f"Inside, {_and(departing)} {verb} as recorded, which no output shows."
    layers = f"All {backend.layers:,} layers are within the limits of rounding"
    if backend.worst_margin is not None:
        layers += f", at {cut_off(backend.worst_margin):.2g} of them at most"
    return f"{layers}, and so are the outputs."


def departed(first: Departure) -> str:
    """Which layer departs, by how much, and what explains it."""
    which = f"{first.layer} ({first.class_name}) is the first layer to depart"
    if first.error is not None and first.limit is not None:
        which += f", with an error of {first.error:.2g} where rounding allows {first.limit:.2g}"
    elif first.message:
        which += f": {first.message}"
    return f"{which}; recorded as {_and(first.deviations)}" if first.deviations else which


def cut_off(margin: float) -> float:
    """To two places, so that what is below 1 does not look like 1."""
    return math.floor(100 * margin) / 100


def _and(names: Iterable[str], last: str = " and ") -> str:
    *others, final = list(names) or [""]
    return f"{', '.join(others)}{last}{final}" if others else final
