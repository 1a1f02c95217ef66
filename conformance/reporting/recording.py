"""Turns the events of a run into a results directory, whole even where the run is interrupted."""

from __future__ import annotations

import asyncio
import hashlib
import signal
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, Literal

import msgspec

from conformance import __version__
from conformance.cases.case import Case
from conformance.events import Event, Judged, Started, Unavailable
from conformance.reporting import parts
from conformance.reporting.diff import News
from conformance.reporting.journal import BackendStarted, Journal, JournalWriter
from conformance.reporting.page import render
from conformance.reporting.results import (
    BackendRecord,
    DeviationRecord,
    Results,
    Suite,
    UnavailableRecord,
)
from conformance.reporting.store import PAGE, Report, conclude, read, replace
from conformance.reporting.terminal import Display
from conformance.reproduction.files import make_reproducible


def suite_of(
    cases: Iterable[Case],
    *,
    corpus: str,
    seed: int,
    profile: str | None,
    selection: dict[str, list[str]],
    options: Iterable[str] = (),
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
        options=tuple(options),
    )


class CannotGoOn(ValueError):
    """A run cannot be resumed; the message says what is another than before."""


def record(
    events: AsyncGenerator[Event, None],
    directory: Path,
    suite: Suite,
    show: Display,
    arguments: dict[str, Any],
    *,
    going_on: bool = False,
) -> Report:
    """Run the engine to its end, or until Ctrl-C or SIGTERM, and write what it judged into the directory.

    Args:
        arguments: of the command that asks for it; what `run --resume` repeats.
        going_on: with the run whose journal is in the directory.

    Returns:
        The results as they are read back from the directory.

    Raises:
        OSError: the directory cannot be written. The journal there has what was judged until then.
        CannotGoOn: the suite or a backend is another than when the run began.
        ResultsError: there is no journal to go on with.
    """
    earlier = _backends_of(Journal(directory), suite) if going_on else None
    parts.remove(directory)
    with JournalWriter(directory, going_on=going_on) as journal:
        journal.begin(suite, arguments)

        def keep(event: Event) -> None:
            if isinstance(event, Started):
                _refuse_another(_record_of(event), earlier)
            enter(journal, event)

        status: Literal["complete", "interrupted"] = "complete"
        try:
            with show:
                asyncio.run(_consume(events, show, keep))
        except (KeyboardInterrupt, _Terminated):
            status = "interrupted"
    return finish(directory, status)


def enter(journal: JournalWriter, event: Event) -> None:
    """Write down what has happened, as far as a journal tells it."""
    match event:
        case Started():
            journal.started(_record_of(event))
        case Unavailable(backend=backend, message=message):
            journal.unavailable(UnavailableRecord(backend, message))
        case Judged(case=case, checks=checks):
            journal.judge(case, checks)
        case DeviationRecord():
            journal.deviation(event)


def _record_of(started: Started) -> BackendRecord:
    return BackendRecord(
        **msgspec.structs.asdict(started.identity),
        dialect=started.dialect,
        dialect_digest=started.dialect_digest,
        dialect_nearest=dict(started.dialect_nearest),
        given=started.given,
        environment=dict(started.environment),
    )


def finish(directory: Path, status: Literal["complete", "interrupted"]) -> Report:
    """Make the results of the journal in the directory, with what shows their findings again, and the page.
    The journal of a run that is not complete stays.

    Raises:
        ResultsError: the journal cannot be read.
        OSError: the directory cannot be written.
    """
    make_reproducible(directory, conclude(directory, status))
    if status == "complete":
        Journal(directory).path.unlink()
    return render_again(directory)


class _Terminated(Exception):
    """SIGTERM, which does what Ctrl-C does, also where that is ignored, as in the background."""


async def _consume(events: AsyncGenerator[Event, None], show: Display, keep: Callable[[Event], None]) -> None:
    async def consume() -> None:
        async with aclosing(events):
            async for event in events:
                keep(event)
                show.event(event)

    consuming = asyncio.ensure_future(consume())
    terminated = asyncio.get_running_loop().create_future()
    with suppress(NotImplementedError):  # asyncio on Windows has no signal handlers: SIGTERM ends the process
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminated.cancel)
    try:
        await asyncio.wait([consuming, terminated], return_when=asyncio.FIRST_COMPLETED)
        if terminated.done():
            raise _Terminated
    except (asyncio.CancelledError, _Terminated):
        # What breaks while the backends are torn down is no news then.
        consuming.cancel()
        await asyncio.gather(consuming, return_exceptions=True)
        raise
    consuming.result()


def _backends_of(journal: Journal, suite: Suite) -> dict[str, BackendRecord]:
    """The backends of a run that is to go on."""
    if journal.begun().suite != suite:
        raise CannotGoOn(f"{journal.path}: the suite or its corpus is another than when the run began")
    return {e.record.name: e.record for e in journal.entries() if isinstance(e, BackendStarted)}


def _refuse_another(record: BackendRecord, earlier: dict[str, BackendRecord] | None) -> None:
    if earlier and earlier.get(record.name) != record:
        raise CannotGoOn(
            f"{record.name} is another than when the run began (its versions, settings or dialect), "
            "or was not there: begin a new run"
        )


def render_again(directory: Path) -> Report:
    """Write the page of the results in the directory.

    Raises:
        ResultsError: they cannot be trusted.
        OSError: the page cannot be written.
    """
    report = read(directory)
    replace(directory / PAGE, render(report).encode())
    return report


def recover(directory: Path) -> None:
    """Make results of what an ended run saw, and what shows its findings again, where there is one that made
    none or only interrupted ones. One that several processes shared may have left parts of a journal.

    Raises:
        ResultsError: the journal cannot be read.
        OSError: the directory cannot be written.
    """
    parts.merge(directory)
    if Journal(directory).path.exists():
        make_reproducible(directory, conclude(directory, "interrupted"))


def exit_code(results: Results, news: News | None = None) -> int:
    """What the process says of these results: 130 interrupted, 3 a backend could not be started, 1 a
    finding or a recorded deviation that no longer holds, 0 all as expected; with a baseline, what is known
    from it is expected."""
    if results.status == "interrupted":
        return 130
    if results.unavailable:
        return 3
    if news:
        return 1 if news.difference.regressed else 0
    broken_promise = any(deviation.holds is False for deviation in results.deviations)
    return 1 if results.findings or broken_promise else 0
