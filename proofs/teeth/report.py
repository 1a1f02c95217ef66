"""The report: which property has caught which fault, and whether anything correct was taken for wrong."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

import conformance
from conformance.cases.properties import PROPERTIES
from conformance.reporting.markdown import table
from proofs.teeth.asking import ASKED, CORPUS, Kill, Row
from proofs.teeth.binding import Binding, present
from tests.wrong_backends.correct import Variant
from tests.wrong_backends.fault import Fault
from tests.wrong_backends.zoo import BACKENDS

ENOUGH = 10_000
"""Cases that each equivalent backend has to be asked."""


class Hunted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of a fault.

    Attributes:
        subject: a pattern of the subjects that it concerns.
        property, verdict: those meant for it.
        cases: about these subjects, all of which were asked.
        failed: by property, how many checks failed.
        first: of them, by the property meant for it, in the order of the corpus; None where it has survived.
    """

    subject: str
    property: str
    verdict: str
    cases: int
    failed: dict[str, int]
    first: Kill | None


class Spared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of a correct backend, in the arithmetic that it declares.

    Attributes:
        failed: by property, how many checks failed, all of them false alarms.
        first: of them, in the order of the corpus.
    """

    arithmetic: dict[str, Any]
    cases: int
    failed: dict[str, int]
    first: Kill | None


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The proof's result.

    Attributes:
        suite: the version of the suite.
        versions: of what computes.
        corpus: whose cases were asked.
        bound_to: digests of what the result depends on.
    """

    suite: str
    versions: dict[str, str]
    corpus: str
    bound_to: Binding
    faults: dict[str, Hunted]
    correct: dict[str, Spared]

    @property
    def survivors(self) -> list[str]:
        """The faults that the property meant for them has not caught."""
        return [name for name, fault in self.faults.items() if fault.first is None]

    @property
    def alarms(self) -> list[str]:
        """The correct backends that were taken for wrong."""
        return [name for name, backend in self.correct.items() if backend.failed]

    @property
    def unasked(self) -> list[str]:
        """The backends of the zoo that are missing, and correct ones that were asked too little."""
        missing = [b.name for b in ASKED if b.name not in self.faults.keys() | self.correct.keys()]
        return missing + [name for name, backend in self.correct.items() if backend.cases < ENOUGH]

    @property
    def holds(self) -> bool:
        """Whether all is proved."""
        return not (self.survivors or self.alarms or self.unasked)


def made(rows: Collection[Row]) -> Report:
    """The report on all backends of which there are rows."""
    summed = {name: _summed(name, rows) for name in dict.fromkeys(row.backend for row in rows)}
    return Report(
        suite=conformance.__version__,
        versions={"python": platform.python_version(), "numpy": np.__version__},
        corpus=CORPUS,
        bound_to=present(),
        faults={b.name: s for b in ASKED if isinstance(s := summed.get(b.name), Hunted)},
        correct={b.name: s for b in ASKED if isinstance(s := summed.get(b.name), Spared)},
    )


def _summed(name: str, rows: Iterable[Row]) -> Hunted | Spared:
    own = [row for row in rows if row.backend == name]
    cases = sum(row.cases for row in own)
    counts = sum((Counter(row.failed) for row in own), Counter[str]())
    failed = {property_: counts[property_] for property_ in PROPERTIES if property_ in counts}
    first = min((row.first for row in own if row.first), key=lambda kill: kill.place, default=None)
    match BACKENDS[name]:
        case Fault(property=property_, subject=subject, verdict=verdict):
            return Hunted(subject, property_, verdict, cases, failed, first)
        case Variant(arithmetic=arithmetic):
            return Spared(dict(arithmetic), cases, failed, first)


def read(path: Path) -> Report:
    """The report in a file.

    Raises:
        msgspec.ValidationError: it is none.
    """
    return msgspec.json.decode(path.read_bytes(), type=Report)


def write(report: Report, path: Path) -> None:
    """Write it as JSON, and beside it as Markdown."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    path.with_suffix(".md").write_text("\n\n".join(_markdown(report)) + "\n")


def _markdown(report: Report) -> Iterator[str]:
    killed = len(report.faults) - len(report.survivors)
    yield "# Teeth"
    yield (
        f"Suite {report.suite}, corpus {report.corpus}. Of {len(report.faults)} backends that are wrong on "
        f"purpose, {killed} are caught by the property meant for their fault; of {len(report.correct)} "
        f"correct ones that compute in their own ways, {len(report.alarms)} raise an alarm. Written by "
        "`python -m proofs.teeth`; `teeth.json` has the first case that catches each."
    )
    yield "## Correct backends"
    rows = [
        [f"`{name}`", _declared(one), f"{one.cases:,}", f"{sum(one.failed.values()):,}"]
        for name, one in report.correct.items()
    ]
    yield from table(["Backend", "Declares", "Cases", "Alarms"], rows, "llrr")
    yield "## Faults"
    yield "How many checks of each property fail; **bold** is the property meant for the fault."
    reached = {property_ for fault in report.faults.values() for property_ in fault.failed}
    columns = [property_ for property_ in PROPERTIES if property_ in reached]
    counts = [
        [f"`{name}`", f"`{fault.subject}`", f"{fault.cases:,}", *(_count(fault, p) for p in columns)]
        for name, fault in report.faults.items()
    ]
    yield from table(["Fault", "Subjects", "Cases", *columns], counts, "llr" + "r" * len(columns))


def _declared(one: Spared) -> str:
    declared = {"base": "ieee-float32"} | one.arithmetic
    return f"`{msgspec.json.encode(declared).decode()}`"


def _count(fault: Hunted, property_: str) -> str:
    count = fault.failed.get(property_)
    if property_ == fault.property:
        return f"**{count or 0:,}**"
    return f"{count:,}" if count else ""
