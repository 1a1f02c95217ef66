"""Keras and TensorFlow.js load what each other has saved, and their recorded deviations are all there is."""

from __future__ import annotations

from contextlib import aclosing

import anyio
import pytest

from conformance.cases.drafts.models import designed
from conformance.engine import Plan, run
from conformance.events import Judged, Unavailable
from conformance.runners import registry
from conformance.verdicts import FINDINGS, SPECIFICATION, Check, Verdict

NAMES = ("keras-tensorflow", "tfjs-cpu")


@pytest.fixture(scope="module")
def checks() -> tuple[Check, ...]:
    """Of two models that aim at much: one that all take, and one with layers that TensorFlow.js lacks."""
    plan = Plan(
        (designed.dense(), designed.diamond()),
        tuple(registry.backends()[name] for name in NAMES),
        witnesses=False,
        workers=0,
    )

    async def judged() -> tuple[Check, ...]:
        async with aclosing(run(plan)) as events:
            found = [event async for event in events]
        assert not any(isinstance(event, Unavailable) for event in found)
        return tuple(check for event in found if isinstance(event, Judged) for check in event.checks)

    return anyio.run(judged)


@pytest.mark.keras
@pytest.mark.node
def test_nothing_gets_lost(checks: tuple[Check, ...]) -> None:
    assert [c for c in checks if c.verdict in FINDINGS] == []
    conforming = {(c.peer, c.format, c.backend) for c in checks if c.verdict is Verdict.CONFORMS}
    assert ("keras-tensorflow", "keras", "tfjs-cpu") in conforming
    assert ("tfjs-cpu", "model.json", "keras-tensorflow") in conforming
    assert (SPECIFICATION, "keras2.h5", "keras-tensorflow") in conforming


@pytest.mark.keras
@pytest.mark.node
def test_what_a_format_lacks_is_told(checks: tuple[Check, ...]) -> None:
    lacking = {c.message for c in checks if c.peer == SPECIFICATION and c.verdict is Verdict.UNSUPPORTED}
    assert lacking == {"layer minus: TensorFlow.js does not know class_name = 'Subtract'"}
