"""The command `python -m proofs.teeth`; see the package's README."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from proofs.processes import side_by_side
from proofs.teeth import report
from proofs.teeth.asking import ASKED, ask, cases, concerned
from proofs.teeth.binding import present
from proofs.teeth.journal import Journal

REPORT = Path(__file__).parents[2] / "reports" / "teeth.json"
JOURNAL = Path("teeth-journal.jsonl")


def open_questions(journal: Journal, names: Sequence[str]) -> dict[str, list[str]]:
    """By subject the backends that it concerns and of which nothing is known, the longest work first."""
    found = {
        subject: [
            name for name in concerned(subject) if name in names and (subject, name) not in journal.rows
        ]
        for subject in cases()
    }
    weighed = sorted(found, key=lambda subject: work(subject, found[subject]), reverse=True)
    return {subject: found[subject] for subject in weighed if found[subject]}


def work(subject: str, names: Sequence[str]) -> int:
    """How many answers are asked for."""
    return len(cases()[subject]) * len(names)


def prove(journal: Journal, names: Sequence[str], jobs: int, console: Console) -> report.Report:
    """Ask what is not known yet, keep it, and make the report of all that is asked for."""
    questions = open_questions(journal, names)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress:
        total = sum(work(subject, asked) for subject, asked in questions.items())
        task = progress.add_task("answers", total=total)
        for rows in side_by_side(ask, questions.items(), jobs):
            journal.keep(rows)
            progress.advance(task, work(rows[0].subject, [row.backend for row in rows]))
            if not console.is_terminal:
                console.print(f"{rows[0].subject}: {len(rows)} backends, {rows[0].cases} cases")
    return report.made([row for row in journal.rows.values() if row.backend in names])


def checked(path: Path) -> None:
    """Say whether a report holds, and is of what is there now.

    Raises:
        SystemExit: it does not, or is not.
    """
    found, now = report.read(path), present()
    stale = [
        part for part in ("corpus", "code", "zoo") if getattr(found.bound_to, part) != getattr(now, part)
    ]
    if stale:
        print(f"{path} is of another {', another '.join(stale)}: run `python -m proofs.teeth`")
    tell(found)
    sys.exit(0 if found.holds and not stale else 1)


def tell(found: report.Report) -> None:
    """Say what came of the proof."""
    print(
        f"{len(found.faults)} faults, {len(found.survivors)} survive; {len(found.correct)} correct backends, "
        f"{len(found.alarms)} raise an alarm"
    )
    for name in (*found.survivors, *found.alarms):
        print(line(found, name))
    for name in found.unasked:
        print(f"{name} was not asked, or not enough")


def line(found: report.Report, name: str) -> str:
    """What came of one backend, for people."""
    one = found.faults.get(name) or found.correct[name]
    if isinstance(one, report.Hunted):
        outcome = f"is {'caught' if one.first else 'not caught'} by {one.property}"
    else:
        outcome = "raises an alarm" if one.failed else "raises no alarm"
    counts = ", ".join(f"{count} of {property_}" for property_, count in one.failed.items())
    told = f"{name} {outcome}; {one.cases} cases, checks that fail: {counts or 'none'}"
    first = one.first
    return (
        f"{told}; first {first.subject} {first.case} {first.observable}: {first.message}" if first else told
    )


def main() -> None:
    """Run the proof, write its report, and say what came of it.

    Raises:
        SystemExit: the proof has failed.
    """
    parser = argparse.ArgumentParser(prog="python -m proofs.teeth", description=__doc__)
    parser.add_argument("names", nargs="*", help="backends of the zoo, of which no report is written")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes; default: %(default)s")
    parser.add_argument(
        "--journal", type=Path, default=JOURNAL, help="what is known already; default: %(default)s"
    )
    parser.add_argument("--report", type=Path, default=REPORT, help="default: reports/teeth.json")
    parser.add_argument("--check", action="store_true", help="only say whether the report is of the present")
    given = parser.parse_args()
    known = [backend.name for backend in ASKED]
    if unknown := [name for name in given.names if name not in known]:
        parser.error(f"the proof asks no {', '.join(unknown)}")
    if given.check:
        checked(given.report)
    names = given.names or known
    try:
        found = prove(Journal(given.journal), names, given.jobs, Console())
    except KeyboardInterrupt:
        print(f"interrupted; what is known is kept in {given.journal}, and the next proof goes on from there")
        sys.exit(130)
    if given.names:
        print(*(line(found, name) for name in names), sep="\n")
        return
    report.write(found, given.report)
    tell(found)
    sys.exit(0 if found.holds else 1)


if __name__ == "__main__":
    main()
