"""The command `python -m proofs.search`; see the package's README."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio
import msgspec
import numpy as np

import conformance
from conformance.reporting.markdown import table
from proofs.processes import side_by_side
from proofs.search.hunting import PATIENCE_S, Hunt, hunt, searchable
from proofs.teeth.binding import Binding, present
from tests.wrong_backends.zoo import FAULTS

REPORT = Path(__file__).parents[2] / "reports" / "search.json"

REQUIRED_ELEMENTS = 12
"""Of the reduced cases' inputs and weights, at most, in the median."""


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The proof's result; `bound_to` has the digests of what it depends on."""

    suite: str
    versions: dict[str, str]
    bound_to: Binding
    hunts: tuple[Hunt, ...]

    @property
    def missed(self) -> list[str]:
        """The faults that the search has not found."""
        return [one.fault for one in self.hunts if one.found_s is None]

    @property
    def unreduced(self) -> list[str]:
        """Those that it has found, and reduced no case of in time."""
        return [
            one.fault
            for one in self.hunts
            if one.found_s is not None and (one.reduced_s is None or one.reduced_s > PATIENCE_S)
        ]

    @property
    def elements(self) -> float:
        """The median of the reduced cases' sizes."""
        return statistics.median(one.elements for one in self.hunts if one.elements is not None)

    @property
    def holds(self) -> bool:
        return not self.missed and not self.unreduced and self.elements <= REQUIRED_ELEMENTS

    def __str__(self) -> str:
        found = [one for one in self.hunts if one.found_s is not None]
        cases = statistics.median(one.cases for one in found)
        seconds = statistics.median(one.found_s or 0.0 for one in found)
        reduced = [one.reduced_s for one in found if one.reduced_s is not None]
        return (
            f"{len(found)} of {len(self.hunts)} faults found, after {cases:g} cases and {seconds:.1f} s in "
            f"the median; {len(reduced)} reduced, to {self.elements:g} elements, in "
            f"{statistics.median(reduced):.1f} s in the median and {max(reduced):.1f} s at most"
        )


def markdown(report: Report) -> Iterator[str]:
    """The report as a table."""
    yield "# The search"
    yield f"Suite {report.suite}. {report}. Written by `python -m proofs.search`."
    rows = [
        [
            f"`{one.fault}`",
            f"`{one.subject}`",
            f"{one.cases:,}",
            _told(one.found_s),
            ", ".join(one.properties),
            _told(one.reduced_s),
            _told(one.elements),
        ]
        for one in report.hunts
    ]
    headings = ["Fault", "Subjects", "Cases", "Found after (s)", "Seen by", "Reduced in (s)", "Elements"]
    yield from table(headings, rows, "llrrlrr")


def _told(number: float | None) -> str:
    return "–" if number is None else f"{number:g}"


def hunted(name: str) -> Hunt:
    """The search for the fault of this name."""
    return anyio.run(hunt, next(fault for fault in FAULTS if fault.name == name))


def hunts(names: Sequence[str], jobs: int) -> list[Hunt]:
    """The searches for the faults of these names, in that order, made side by side."""
    found = {}
    for one in side_by_side(hunted, ((name,) for name in names), jobs):
        print(
            f"{one.fault}: {one.cases} cases, {_told(one.found_s)} s, reduced to {_told(one.elements)} "
            f"elements in {_told(one.reduced_s)} s",
            flush=True,
        )
        found[one.fault] = one
    return [found[name] for name in names]


def main() -> None:
    """Search for every fault, write the report, and say what came of it.

    Raises:
        SystemExit: the proof has failed.
    """
    parser = argparse.ArgumentParser(prog="python -m proofs.search", description=__doc__)
    parser.add_argument("names", nargs="*", help="faults of the zoo, of which no report is written")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes; default: %(default)s")
    parser.add_argument("--report", type=Path, default=REPORT, help="default: reports/search.json")
    given = parser.parse_args()
    known = [fault.name for fault in searchable()]
    if unknown := [name for name in given.names if name not in known]:
        parser.error(f"nothing can be drawn about {', '.join(unknown)}")
    report = Report(
        suite=conformance.__version__,
        versions={"python": platform.python_version(), "numpy": np.__version__},
        bound_to=present(),
        hunts=tuple(hunts(given.names or known, given.jobs)),
    )
    print(report)
    for what, names in (("found", report.missed), ("reduced", report.unreduced)):
        print(f"Not {what}: {', '.join(names) or 'none'}")
    if not given.names:
        given.report.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
        given.report.with_suffix(".md").write_text("\n\n".join(markdown(report)) + "\n")
    sys.exit(0 if report.holds else 1)


if __name__ == "__main__":
    main()
