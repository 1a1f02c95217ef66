"""The signs and meanings of the verdicts, and the order in which properties and subjects are shown."""

from __future__ import annotations

from itertools import groupby

from conformance.cases.properties import PROPERTIES
from conformance.verdicts import BROKEN, FINDINGS, Verdict

GLYPHS = {
    Verdict.CONFORMS: "✓",
    Verdict.DEVIATES: "~",
    Verdict.UNSUPPORTED: "–",
    Verdict.UNSPECIFIED: "?",
    Verdict.NOT_RUN: "○",
    Verdict.ACCEPTS: "∋",
    Verdict.RAISES: "!",
    Verdict.DIVERGES: "≠",
    Verdict.PROTOCOL_ERROR: "⇄",
    Verdict.TIMED_OUT: "◷",
    Verdict.CRASHED: "✕",
}
"""A sign for each verdict, so that none is told by colour alone."""

MEANINGS = {
    Verdict.CONFORMS: "within the derived limit, or exactly equal",
    Verdict.DEVIATES: "not the specification, but exactly as recorded",
    Verdict.UNSUPPORTED: "the backend says that it lacks this; not asked",
    Verdict.UNSPECIFIED: "nothing is promised here; never counts as conforming",
    Verdict.NOT_RUN: "never asked",
    Verdict.ACCEPTS: "a value where there should be an error",
    Verdict.RAISES: "an error where there should be a value",
    Verdict.DIVERGES: "a wrong value",
    Verdict.PROTOCOL_ERROR: "the adapter answered out of turn, or no message",
    Verdict.TIMED_OUT: "no answer in time",
    Verdict.CRASHED: "the process ended",
}


def tone(verdict: Verdict) -> str:
    """The style of a verdict: failures of one kind look the same."""
    return "finding" if verdict in FINDINGS else "broken" if verdict in BROKEN else verdict.value


def in_order(names: set[str]) -> list[str]:
    """The properties in the order of the suite's own, and then those that it does not know."""
    return [name for name in PROPERTIES if name in names] + sorted(names - PROPERTIES.keys())


def by_kind(subjects: set[str]) -> list[tuple[str, list[str]]]:
    """The subjects under their kinds, `layers` first: `layers.Dense` is of the kind `layers`."""

    def kind(subject: str) -> str:
        return subject.partition(".")[0]

    ordered = sorted(subjects, key=lambda subject: (kind(subject) != "layers", subject))
    return [(name, list(group)) for name, group in groupby(ordered, kind)]
