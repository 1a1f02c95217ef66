"""The proof of faults itself: it commits every kind, and tells a departure from a broken check."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import msgspec
import pytest

from conformance.cases.case import Case, Literal
from conformance.engine import Plan
from conformance.runners.question import Limits
from conformance.runners.registry import from_command
from conformance.verdicts import Check, Verdict
from proofs.faults.sabotage import departures, prove, recoveries
from proofs.faults.saboteur import KINDS

ADAPTER = Path(__file__).parent / "adapters" / "rectifier.py"
CASES = tuple(
    Case("activations.relu", inputs=(Literal((2,), (-1.0, n + 0.5)),), observables=("output/0",))
    for n in range(200)
)


def test_faults_of_every_kind_change_no_check_but_of_the_cases_they_hit(tmp_path: Path) -> None:
    backend = from_command(shlex.join([sys.executable, "-S", str(ADAPTER), "leaky"]), "leaky")
    limits = Limits(start_s=20, case_s=1, observable_s=1)
    outcome = prove(Plan(CASES, (backend,), limits=limits), len(KINDS), 0, tmp_path)
    assert outcome.departures == ()
    assert outcome.left_behind == 0
    assert outcome.faults == dict.fromkeys(KINDS, 1)
    assert 0 < outcome.broken <= outcome.hit


RIGHT = Check("a", "mine", "layers.Dense", "forward", "output/0", Verdict.CONFORMS, margin=0.25)
KEY = "a", "mine", "forward", "output/0"


@pytest.mark.parametrize(
    ("change", "hit", "departs"),
    [
        ({}, False, False),
        ({"message": "dense_7 refuses"}, False, False),
        ({"margin": 0.5}, False, True),
        ({"margin": 0.5}, True, True),
        ({"agrees_with": ("yours",)}, False, True),
        ({"agrees_with": ("yours",)}, True, False),
        ({"verdict": Verdict.DIVERGES}, True, True),
        ({"verdict": Verdict.CRASHED, "margin": None}, True, False),
        ({"verdict": Verdict.CRASHED, "margin": None}, False, True),
    ],
)
def test_departure_is_what_no_fault_excuses(change: dict[str, object], hit: bool, departs: bool) -> None:
    after = msgspec.structs.replace(RIGHT, **change)
    found = list(departures({KEY: RIGHT}, {KEY: after}, {("a", "mine")} if hit else set()))
    assert bool(found) == departs


def test_check_that_is_missing_departs() -> None:
    assert list(departures({KEY: RIGHT}, {}, {("a", "mine")}))


def test_recovery_is_the_time_that_a_new_child_takes_without_any_other_wait() -> None:
    log = [
        {"event": event, "time": time, "case": case}
        for event, time, case in [
            ("launched", 0, ""), ("asked", 0, "a"), ("answered", 0, ""),
            ("fault", 1, "b"), ("answered", 2, ""),
            ("fault", 10, "c"), ("launched", 11, ""), ("asked", 12, "c"), ("answered", 12, ""),
            ("fault", 20, "d"), ("launched", 61, ""), ("asked", 63, "d"), ("answered", 64, ""),
            ("fault", 70, "e"), ("stumbled", 74, ""), ("launched", 75, ""), ("asked", 76, "e"),
            ("answered", 77, ""),
            ("fault", 80, "f"), ("launched", 90, ""), ("asked", 91, "g"), ("answered", 92, ""),
            ("fault", 100, "h"), ("launched", 101, ""), ("asked", 102, "h"),
            ("fault", 103, "h"), ("launched", 104, ""), ("asked", 105, "h"), ("answered", 107, ""),
        ]
    ]  # fmt: skip
    assert recoveries(log, case_s=40) == [2, 4, 3, 2, 3, 4]
