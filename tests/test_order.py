"""The proof of order itself: it tells an answer that depends on the one before it from one that does not."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import anyio

from conformance.cases.case import Case, Literal
from conformance.runners.protocol import WireError, WireJSON
from conformance.runners.registry import BackendSpec, from_command
from proofs.order import digest, prove

ADAPTER = Path(__file__).parent / "adapters" / "rectifier.py"
CASES = tuple(
    Case("activations.relu", inputs=(Literal((2,), (-1.0, n + 0.5)),), observables=("output/0",))
    for n in range(8)
)


def backend(how: str) -> BackendSpec:
    return from_command(shlex.join([sys.executable, "-S", str(ADAPTER), how]), how)


def test_what_is_answered_alike_in_every_order_does_not_depart() -> None:
    outcome = anyio.run(prove, backend("well"), CASES, 0)
    assert (outcome.answers, outcome.fresh, outcome.unpredictable) == (8, 1, 0)
    assert outcome.departures == ()


def test_an_answer_that_is_another_one_at_first_departs() -> None:
    """The first of a process, which is the first case forwards, the last backwards, and its subject's own."""
    departures = anyio.run(prove, backend("warming"), CASES, 0).departures
    first, last = CASES[0].id, CASES[-1].id
    assert {d for d in departures if "backwards" in d} == {
        f"{id_} output/0 backwards" for id_ in (first, last)
    }
    assert not [d for d in departures if "first of a process" in d]


def test_numbers_in_names_and_messages_are_no_departures() -> None:
    assert digest(WireJSON({"name": "dense_1", "units": 3})) == digest(
        WireJSON({"name": "dense_7", "units": 3})
    )
    assert digest(WireJSON({"units": 3})) != digest(WireJSON({"units": 4}))
    one, other = (WireError("internal", "call", f"layer dense_{n} refuses") for n in (1, 2))
    assert digest(one) == digest(other)
