"""Turns the events of a run into a results directory, whole even where the run is interrupted."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from conformance import __version__
from conformance.cases.case import Case
from conformance.events import Event, Judged, Started, Unavailable
from conformance.reporting.page import render
from conformance.reporting.results import (
    BackendRecord,
    DeviationRecord,
    Results,
    Suite,
    UnavailableRecord,
)
from conformance.reporting.store import PAGE, Report, Writer, read, replace
from conformance.reporting.terminal import Display
from conformance.reproduction.files import Invocation, make_reproducible


def suite_of(
    cases: Iterable[Case], *, corpus: str, seed: int, profile: str | None, selection: dict[str, list[str]]
) -> Suite:
    """What is asked for.

    Args:
        cases: the whole corpus, whatever the selection; its digest is the SHA-256 of the sorted ids, a
            line each.
    """
    ids = "".join(f"{id_}\n" for id_ in sorted(case.id for case in cases))
    return Suite(
        version=__version__,
        corpus=corpus,
        corpus_digest=hashlib.sha256(ids.encode()).hexdigest(),
        checks_digest=hashlib.sha256(b"").hexdigest(),
        seed=seed,
        profile=profile,
        selection=selection,
        shard=None,
    )


def record(
    events: AsyncGenerator[Event, None],
    directory: Path,
    suite: Suite,
    show: Display,
    invocation: Invocation,
) -> Report:
    """Run the engine to its end, or until Ctrl-C, and write what it judged into the directory.

    Args:
        invocation: what the run was told, for the commands and scripts that show its findings again.

    Returns:
        The results as they are read back from the directory.

    Raises:
        OSError: the directory cannot be written.
    """
    started, began = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    backends: list[BackendRecord] = []
    unavailable: list[UnavailableRecord] = []
    deviations: list[DeviationRecord] = []
    status: Literal["complete", "interrupted"] = "complete"

    def keep(event: Event) -> None:
        match event:
            case Started(identity=identity, dialect_digest=digest):
                fields = msgspec.structs.asdict(identity)
                backends.append(BackendRecord(**fields, dialect_digest=digest))
            case Unavailable(backend=backend, message=message):
                unavailable.append(UnavailableRecord(backend, message))
            case Judged(case=case, checks=checks):
                writer.write(case, checks)
            case DeviationRecord():
                deviations.append(event)

    async def consume() -> None:
        async with aclosing(events):
            async for event in events:
                show.event(event)
                keep(event)

    async def consume_until_interrupted() -> None:
        consuming = asyncio.ensure_future(consume())
        try:
            await asyncio.wait([consuming])
        except asyncio.CancelledError:
            # Ctrl-C: what breaks while the backends are torn down is no news then.
            consuming.cancel()
            await asyncio.gather(consuming, return_exceptions=True)
            raise
        consuming.result()

    with Writer(directory) as writer:
        try:
            with show:
                asyncio.run(consume_until_interrupted())
        except KeyboardInterrupt:
            status = "interrupted"
        results = writer.finish(
            status=status,
            suite=suite,
            started=started,
            duration_s=round(time.monotonic() - began, 3),
            backends=backends,
            unavailable=unavailable,
            deviations=deviations,
        )
    make_reproducible(directory, results, invocation)
    return render_again(directory)


def render_again(directory: Path) -> Report:
    """Write the page of the results in the directory.

    Raises:
        ResultsError: they cannot be trusted.
        OSError: the page cannot be written.
    """
    report = read(directory)
    replace(directory / PAGE, render(report).encode())
    return report


def exit_code(results: Results) -> int:
    """What the process says of these results: 130 interrupted, 3 a backend could not be started, 1 a
    finding or a recorded deviation that no longer holds, 0 all as expected."""
    if results.status == "interrupted":
        return 130
    if results.unavailable:
        return 3
    broken_promise = any(deviation.holds is False for deviation in results.deviations)
    return 1 if results.findings or broken_promise else 0
