"""Shows a run on a terminal: a bar for each backend while it goes, or plain lines elsewhere, then what came
of it, and how that differs from earlier results."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from conformance.events import Event, Judged, Preparing, Started, Unavailable
from conformance.reporting.diff import LISTED, Change, Difference, News
from conformance.reporting.exchanges import Exchanges, exchanges, table_rows, told
from conformance.reporting.journal import Journal
from conformance.reporting.ledger import (
    FAILING,
    Totals,
    finding_id,
    suspect_specification,
    total,
    unrecorded_versions,
)
from conformance.reporting.legend import GLYPHS
from conformance.reporting.results import Cell, Results
from conformance.reporting.store import PAGE, Report

FINDINGS_SHOWN = 20

SIGNS = {
    "deviates": ("~", "blue", "deviate as recorded"),
    "unsupported": ("–", "dim", "unsupported"),
    "unspecified": ("?", "magenta", "unspecified"),
    "findings": ("≠", "bold red", "failed"),
    "broken": ("✕", "bold red reverse", "broken"),
    "not_run": ("○", "dim", "not run"),
}
"""How the kinds of checks that do not conform are shown in the table: sign, style, meaning."""


class Display(Protocol):
    """What shows a run while it goes; a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def event(self, event: Event) -> None:
        """Something happened."""


def display(console: Console, backends: Sequence[str], cases: int | None) -> Display:
    """Bars where the console is a terminal, plain lines elsewhere.

    Args:
        cases: how many each backend will be asked, if that is known; the witnesses of recorded deviations
            that are asked after them are not counted.
    """
    return Bars(console, backends, cases) if console.file.isatty() else Lines(console, cases)


class Found:
    """How many findings each backend has so far."""

    def __init__(self) -> None:
        self._signatures: dict[str, set[str]] = defaultdict(set)

    def told(self, event: Judged, backend: str) -> str:
        """The number, with what the event brings."""
        own = self._signatures[backend]
        own |= {finding_id(c) for c in event.checks if c.backend == backend and c.verdict in FAILING}
        return f"{len(own):,} finding{'' if len(own) == 1 else 's'}"


class Bars:
    """A bar for each backend: cases answered, their rate, and how many findings there are so far."""

    def __init__(self, console: Console, backends: Sequence[str], cases: int | None) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}", justify="right"),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {
            name: self._progress.add_task(name, start=False, total=cases, rate="", state="starting")
            for name in backends
        }
        self._found = Found()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def event(self, event: Event) -> None:
        match event:
            case Preparing(backend=backend, message=message):
                self._progress.update(self._tasks[backend], state=message)
            case Started(backend=backend):
                self._progress.start_task(self._tasks[backend])
                self._progress.update(self._tasks[backend], state="0 findings")
            case Unavailable(backend=backend):
                self._progress.update(self._tasks[backend], state="could not be started")
            case Judged(checks=checks):
                for backend in sorted({check.backend for check in checks}):
                    self._judged(event, backend)

    def _judged(self, event: Judged, backend: str) -> None:
        task = self._tasks[backend]
        speed = self._progress.tasks[task].speed
        self._progress.update(
            task,
            advance=0 if self._progress.tasks[task].finished else 1,
            rate=f"{speed:.0f}/s" if speed else "",
            state=self._found.told(event, backend),
        )


class Lines:
    """A line for each tenth of the cases of each backend, or each thousand, for logs."""

    def __init__(self, console: Console, cases: int | None) -> None:
        self._console = console
        self._cases = cases
        self._answered: Counter[str] = Counter()
        self._found = Found()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def event(self, event: Event) -> None:
        match event:
            case Preparing(backend=backend, message=message):
                self._say(f"{backend}: {message}")
            case Started(backend=backend, identity=identity):
                versions = ", ".join(f"{name} {value}" for name, value in sorted(identity.versions.items()))
                self._say(f"{backend}: started ({versions})")
            case Unavailable(backend=backend):
                self._say(f"{backend}: could not be started")
            case Judged(checks=checks):
                for backend in sorted({check.backend for check in checks}):
                    self._judged(event, backend)

    def _judged(self, event: Judged, backend: str) -> None:
        self._answered[backend] += 1
        answered, found, cases = self._answered[backend], self._found.told(event, backend), self._cases
        if cases is None:
            if answered % 1000 == 0:
                self._say(f"{backend}: {answered:,} cases, {found}")
        elif answered <= cases and answered * 10 // cases > (answered - 1) * 10 // cases:
            self._say(f"{backend}: {answered:,} of {cases:,} cases, {found}")

    def _say(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)


def summarize(console: Console, report: Report, directory: Path, news: News | None = None) -> None:
    """Print the table, the findings, what else has to be known, where the report lies, and the totals.

    Args:
        news: what the results have beyond a baseline; then only new findings are listed.
    """
    results = report.results
    if results.cells:
        console.print(_table(results))
        console.print(_legend(), soft_wrap=True)
    if (matrix := exchanges(report)) is not None:
        console.print()
        console.print(_exchanges(matrix))
    findings = _against_baseline(news) if news else _findings(results)
    for part in (findings, _notices(report)):
        for line in part:
            console.print(line, soft_wrap=True)
    console.print()
    console.print(f"Report: {directory / PAGE}", markup=False, highlight=False, soft_wrap=True)
    if results.status == "interrupted":
        journal = Journal(directory)
        verb = journal.begun().arguments.get("command") if journal.path.exists() else None
        goes_on = f" To go on: conformance {verb} --resume {shlex.quote(str(directory))}" if verb else ""
        console.print(
            f"Interrupted: this is of the cases that were judged until then.{goes_on}",
            soft_wrap=True,
        )
    console.print(Text(str(total(results.cells)), style="bold"), soft_wrap=True)


def _table(results: Results) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("Subject", no_wrap=True)
    names = [backend.name for backend in results.backends]
    for name in names:
        table.add_column(name, no_wrap=True)
    for subject in sorted({cell.subject for cell in results.cells}):
        cells = [cell for cell in results.cells if cell.subject == subject]
        row: list[RenderableType] = [subject]
        for name in names:
            row.append(_counts([cell for cell in cells if cell.backend == name]))
        table.add_row(*row)
    return table


def _exchanges(matrix: Exchanges) -> Table:
    """Saved models by who has loaded them."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("Saved by", "as", *(f"in {name}" for name in matrix.loaders)):
        table.add_column(heading, no_wrap=True)
    for saver, format_, places in table_rows(matrix):
        shown = [f"{GLYPHS[place.verdict]} {told(place)}" if place else "" for place in places]
        table.add_row(saver, format_, *map(Text, shown))
    return table


def _counts(cells: list[Cell]) -> Text:
    if not cells:
        return Text("")
    sums = total(cells)
    text = Text(f"{sums.conforms:,} of {sums.checks:,}")
    for field, (sign, style, _) in SIGNS.items():
        if count := getattr(sums, field):
            text.append(" ").append(f"{sign}{count:,}", style=style)
    return text


def _legend() -> Text:
    text = Text("checks that conform, of all", style="dim")
    for sign, style, meaning in SIGNS.values():
        text.append("   ").append(sign, style=style).append(f" {meaning}")
    return text


def _findings(results: Results) -> list[Text]:
    lines = []
    for finding in results.findings[:FINDINGS_SHOWN]:
        where = f"{finding.subject} · {finding.property} · {finding.observable} on {finding.backend}: "
        many = f" ({finding.count} checks)" if finding.count > 1 else ""
        lines += [Text(), Text(where).append(finding.verdict, style="bold red").append(many)]
        if finding.summary:
            lines.append(Text(f"  {finding.summary}"))
        lines.append(Text(f"  {finding.reproduce.command}", style="dim"))
    if lines:
        lines[:1] = [Text(), Text(f"Findings: {len(results.findings)}", style="bold")]
    if len(results.findings) > FINDINGS_SHOWN:
        lines.append(Text(f"and {len(results.findings) - FINDINGS_SHOWN} more in the report"))
    return lines


def _against_baseline(news: News) -> list[Text]:
    """What the baseline does not have, and how much of the rest is known from it."""
    difference = news.difference
    lines = [Text(), *(Text(notice, style="dim") for notice in difference.notices)]
    lines.append(Text(str(news), style="bold"))
    return [*lines, *_changes(difference, Change.NEWLY_FAILING)]


def show_difference(console: Console, difference: Difference) -> None:
    """Print how many checks of which backend changed, and how, and then each kind of change."""
    lost = [Text(), Text(f"Deviations gone: {len(difference.lost):,}", style="bold")]
    lost += [Text(str(gone)) for gone in difference.lost]
    parts: list[RenderableType] = [
        *(Text(notice, style="dim") for notice in difference.notices),
        *([_change_counts(difference)] if difference.changes else []),
        *(line for change in LISTED for line in _changes(difference, change)),
        *(lost if difference.lost else []),
    ]
    for part in parts:
        console.print(part, soft_wrap=True)
    if parts:
        console.print()
    console.print(Text(difference.headline, style="bold"), soft_wrap=True)


def _change_counts(difference: Difference) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("Checks", no_wrap=True)
    backends, rows = difference.counts
    for name in backends:
        table.add_column(name, no_wrap=True, justify="right")
    for change, counts in rows.items():
        table.add_row(change, *(f"{count:,}" for count in counts))
    return table


def _changes(difference: Difference, change: Change) -> list[Text]:
    groups = difference.groups(change)
    if not groups:
        return []
    style = "bold red" if change is Change.NEWLY_FAILING else "bold"
    checks = sum(group.count for group in groups)
    lines = [Text(), Text(f"{change.capitalize()}: {checks:,}", style="bold")]
    for group in groups[:FINDINGS_SHOWN]:
        lines.append(Text(f"{group.place}: ").append(group.became, style=style).append(group.many))
        if change is Change.NEWLY_FAILING:
            message, command = group.how
            lines += [Text(f"  {message}"), Text(f"  {command}", style="dim")]
    if len(groups) > FINDINGS_SHOWN:
        lines.append(Text(f"and {len(groups) - FINDINGS_SHOWN:,} more"))
    return lines


def _notices(report: Report) -> list[Text]:
    """Versions without a dialect, backends that were asked nothing, deviations that no longer hold, doubts
    about the specification, backends that did not start."""
    lines = [Text(line) for backend in report.results.backends for line in unrecorded_versions(backend)]
    lines += _unasked(report.results)
    for deviation in report.results.deviations:
        if deviation.holds is False:
            lines.append(
                Text(f"Recorded deviation {deviation.id} of {deviation.backend} no longer holds: ").append(
                    "mend or remove it in the dialect", style="bold"
                )
            )
    for doubt in suspect_specification(report.checks, report.results.deviations):
        lines.append(
            Text(
                f"{doubt.subject} · {doubt.property} · {doubt.observable}: {', '.join(doubt.backends)} agree "
                "against the specification, which is the suspect"
            )
        )
    for gone in report.results.unavailable:
        lines.append(Text(f"{gone.backend} could not be started:", style="bold red"))
        lines += [Text(f"  {line}") for line in gone.message.splitlines()]
    return [Text(), *lines] if lines else []


def _unasked(results: Results) -> list[Text]:
    """Backends that support nothing of what was asked, and what they say that they do: there a name may be
    misspelt."""
    lines = []
    for backend in results.backends:
        cells = [cell for cell in results.cells if cell.backend == backend.name]
        sums = total(cells)
        if not sums.checks or sums.unsupported < sums.checks:
            continue
        asked = {cell.subject for cell in cells}
        told = [
            f"{subject} ({', '.join(patterns)})" if subject in asked else subject
            for subject, patterns in backend.capabilities.items()
        ]
        more = f", and {len(told) - FINDINGS_SHOWN} more" if len(told) > FINDINGS_SHOWN else ""
        listed = ", ".join(told[:FINDINGS_SHOWN]) or "nothing"
        lines.append(
            Text(f"{backend.name} supports none of what was asked; its capabilities name: {listed}{more}")
        )
    return lines


def summary(report: Report, directory: Path, exit_code: int, news: News | None = None) -> bytes:
    """The same for programs, as one JSON object: status, exit code, totals of all and of each backend,
    lines about versions that no deviation is recorded for, findings, deviations that no longer hold, backends
    that could not be started, and the directory; and where there is a baseline, what it does not have."""
    results = report.results
    doubts = suspect_specification(report.checks, results.deviations)

    def totals(cells: Sequence[Cell]) -> dict[str, int]:
        sums: Totals = total(cells)
        return asdict(sums)

    content: dict[str, Any] = {
        "status": results.status,
        "exit_code": exit_code,
        "totals": totals(results.cells),
        "backends": {
            backend.name: totals([cell for cell in results.cells if cell.backend == backend.name])
            for backend in results.backends
        },
        "unrecorded_versions": [line for b in results.backends for line in unrecorded_versions(b)],
        "findings": results.findings,
        "deviations_not_holding": [d.id for d in results.deviations if d.holds is False],
        "against_the_specification": [asdict(doubt) for doubt in doubts],
        "unavailable": results.unavailable,
        "results": str(directory),
    }
    if news:
        content["baseline"] = {
            "new_findings": news.new,
            "known_findings": news.known,
            "new_deviations_not_holding": [lost.id for lost in news.difference.lost if lost.recorded],
            "notices": news.difference.notices,
        }
    return msgspec.json.encode(content)
