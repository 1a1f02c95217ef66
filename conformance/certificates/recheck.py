"""Asks a sample of a certificate's cases again, of the backend that is installed here."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

import anyio

from conformance import engine
from conformance.certificates.grading import judged_otherwise
from conformance.certificates.verification import Verified
from conformance.events import Judged, Started, Unavailable
from conformance.runners.registry import BackendSpec
from conformance.runners.unavailable import BackendUnavailable
from conformance.verdicts import Check, Verdict


@dataclass(frozen=True)
class Rechecked:
    """What became of the sample.

    Attributes:
        differences: checks with another verdict than in the certificate, each a line.
        circumstances: what is another than when the certificate was granted, each a line: no reason to fail,
            but one for differences.
    """

    cases: int
    checks: int
    differences: tuple[str, ...]
    circumstances: tuple[str, ...]


def recheck(
    verified: Verified, backend: BackendSpec, count: int, dialects: tuple[str, ...] = ()
) -> Rechecked:
    """Ask as many cases again, drawn anew each time, and compare what the checks say.

    Raises:
        BackendUnavailable: the backend could not be started.
    """
    supported = {check.case for check in verified.report.checks if check.verdict is not Verdict.UNSUPPORTED}
    among = [case for case in verified.scope.cases if case.id in supported]
    sample = tuple(random.SystemRandom().sample(among, min(count, len(among))))
    plan = engine.Plan(
        cases=sample,
        backends=(backend,),
        properties=verified.scope.properties,
        seed=verified.certificate.seed,
        dialects=dialects,
        witnesses=False,
    )
    started, now = anyio.run(_ask, plan)
    chosen = {case.id for case in sample}
    before = [check for check in verified.report.checks if check.case in chosen]
    return Rechecked(
        len(sample),
        len(now),
        tuple(judged_otherwise(before, now)),
        tuple(_circumstances(verified, started)),
    )


async def _ask(plan: engine.Plan) -> tuple[Started, Sequence[Check]]:
    checks: list[Check] = []
    started = None
    async with aclosing(engine.run(plan)) as events:
        async for event in events:
            match event:
                case Unavailable(message=message):
                    raise BackendUnavailable(message)
                case Started():
                    started = event
                case Judged(checks=judged):
                    checks += judged
    assert started is not None  # or it was unavailable
    return started, checks


def _circumstances(verified: Verified, started: Started) -> list[str]:
    then = verified.certificate.backend
    told = [
        (
            f"{what} {name}",
            getattr(then, what).get(name, "not told"),
            getattr(started.identity, what).get(name, "not told"),
        )
        for what in ("versions", "settings", "platform")
        for name in sorted(getattr(then, what).keys() | getattr(started.identity, what).keys())
    ]
    told.append(("dialect", then.dialect_digest, started.dialect_digest))
    return [f"{what}: {old} in the certificate, {new} now" for what, old, new in told if old != new]
