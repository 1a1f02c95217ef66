"""What the options `--conformance-*` ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from conformance import selection
from conformance.cases.case import Case
from conformance.cases.properties import PROPERTIES
from conformance.cases.properties.property import pairs
from conformance.engine import Plan
from conformance.pytest_plugin import OPTIONS, PREFIX
from conformance.pytest_plugin.failures import Again, case_names
from conformance.reporting import results
from conformance.reporting.recording import suite_of

NARROWING = ("backend", "case", "subject", "property")
"""The options that the results tell as their selection."""

SETTINGS = ("node", "seed", "dialect", "device")
"""The options that a command line needs too to show the same again, whichever backend it asks."""


@dataclass(frozen=True)
class Request:
    """All that a session may ask, before any item is deselected.

    Attributes:
        cells: the cases, by id, of each subject and property.
        again: how the command line is told the same.
        suite: what the results say of it.
    """

    plan: Plan
    cells: Mapping[tuple[str, str], Mapping[str, Case]]
    again: Again
    suite: results.Suite

    @classmethod
    def of(cls, config: pytest.Config) -> Request:
        """What the command line says.

        Raises:
            UnknownName: it names something that does not exist.
            BadCase: a file holds no case.
            BadBuild: a path holds no package of TensorFlow.js.
            BadPython: a path is no Python.
        """
        given = {name: value for name in OPTIONS if (value := config.getoption(PREFIX + name)) is not None}
        repeatable = [name for name, option in OPTIONS.items() if option.get("action") == "append"]
        many = {name: tuple(given.get(name, ())) for name in repeatable}
        one: dict[str, Any] = {"corpus": "quick", "seed": 0, "profile": None, "node": None} | given
        backends = selection.find_backends(
            many["backend"],
            many["backend-command"],
            one["node"],
            tfjs=many["tfjs"],
            keras_pythons=many["keras-python"],
        )
        found = selection.find_cases(one["corpus"], many["case"])
        selection.check_dialects(many["dialect"])
        plan = Plan(
            cases=selection.of_subjects(found, many["subject"]),
            backends=backends,
            properties=selection.find_properties(many["property"], one["profile"]),
            seed=one["seed"],
            dialects=many["dialect"],
            witnesses=not many["case"],
        )
        words = {spec.name: spec.options for spec in backends}
        settings = [
            word
            for name in SETTINGS
            if name in given
            for value in (many.get(name) or [one[name]])
            for word in (f"--{name}", str(value))
        ]
        return cls(
            plan,
            _cells(plan),
            Again(words, case_names(many["case"]), tuple(settings)),
            suite_of(
                found,
                corpus="" if many["case"] else one["corpus"],
                seed=one["seed"],
                profile=one["profile"],
                selection={name: list(many[name]) for name in NARROWING if many[name]},
                options=settings,
            ),
        )


def _cells(plan: Plan) -> dict[tuple[str, str], dict[str, Case]]:
    """The cases, by id, of each subject and property, in the order of both."""
    properties = [PROPERTIES[name] for name in plan.properties or PROPERTIES]
    subjects: dict[str, list[Case]] = {}
    for case in plan.cases:
        subjects.setdefault(case.subject, []).append(case)
    cells = {
        (subject, property_.name): {c.id: c for c in cases if pairs((property_,), c.observables)}
        for subject, cases in subjects.items()
        for property_ in properties
    }
    return {cell: cases for cell, cases in cells.items() if cases}
