"""The items of a session: a cell (subject × property) of one backend, and its recorded deviations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cases.case import Case
from conformance.pytest_plugin.failures import describe_deviations, describe_findings
from conformance.reporting.ledger import sum_cells, total
from conformance.verdicts import Check, Verdict

if TYPE_CHECKING:
    from conformance.pytest_plugin.asking import Asking
    from conformance.pytest_plugin.suite import Suite

BACKEND = "conformance backend"
"""The user property of a report that says which backend it is about."""

PASSING = {Verdict.CONFORMS, Verdict.DEVIATES}


class Collection(pytest.Directory):
    """The package as pytest sees it: not its modules, but what the suite asks."""

    def __init__(self, *, suite: Suite, **parts: Any) -> None:
        super().__init__(**parts)
        self.suite = suite

    def collect(self) -> Iterable[pytest.Item]:
        request = self.suite.request
        for backend in (spec.name for spec in request.plan.backends):
            for (subject, property_), cases in request.cells.items():
                yield CellItem.from_parent(
                    self,
                    name=f"{subject}-{property_}-{backend}",
                    backend=backend,
                    subject=subject,
                    property_=property_,
                    cases=cases,
                )
            if request.plan.witnesses:
                yield DeviationsItem.from_parent(self, name=f"recorded-deviations-{backend}", backend=backend)


class BackendItem(pytest.Item):
    """An item about one backend, which is started by the first of its items that runs."""

    def __init__(self, *, backend: str, **parts: Any) -> None:
        super().__init__(**parts)
        assert isinstance(self.parent, Collection)
        self.suite = self.parent.suite
        self.backend = backend

    @property
    def asking(self) -> Asking:
        return self.suite.asking(self.backend)

    def setup(self) -> None:
        """Wait for the backend; an error is told in full once."""
        self.asking.until_started()
        if (unavailable := self.asking.unavailable) is not None:
            pytest.fail(self.suite.once(str(unavailable)), pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.name

    def report(self, checks: tuple[Check, ...]) -> None:
        """Tell JUnit and the summary how many checks there were, and which deviations were reached."""
        totals = asdict(total(sum_cells(checks)))
        reached = ", ".join(dict.fromkeys(name for check in checks for name in check.deviations))
        self.user_properties += [(BACKEND, self.backend), *totals.items()]
        if reached:
            self.user_properties.append(("deviations", reached))
            self.add_report_section("call", "recorded deviations reached", reached)

    def settle(self, problems: list[str]) -> None:
        if problems:
            pytest.fail("\n\n".join(problems), pytrace=False)


class CellItem(BackendItem):
    """Whether a property holds of a subject, over all cases that show it."""

    def __init__(self, *, subject: str, property_: str, cases: Mapping[str, Case], **parts: Any) -> None:
        super().__init__(**parts)
        self.subject, self.property, self.cases = subject, property_, cases

    def runtest(self) -> None:
        """Passes where checks conform or deviate as recorded, and none fails; skips where there is no such
        check: a cell in which nothing was promised has not passed."""
        asking = self.asking
        asking.until(lambda: self.cases.keys() <= asking.judged.keys())
        checks = tuple(
            check
            for id_ in self.cases
            for check in asking.judged[id_].checks
            if check.property == self.property
        )
        self.report(checks)
        self.settle(describe_findings(checks, self.cases, self.suite.request.again))
        # One that fails may be run again, as by a plugin for flaky tests.
        asking.release(self.cases.keys())
        if not any(check.verdict in PASSING for check in checks):
            pytest.skip(f"{self.subject} · {self.property} on {self.backend}: {without_promise(checks)}")


def without_promise(checks: Iterable[Check]) -> str:
    """Why there is nothing in the checks that could pass.

    >>> check = Check("0", "mine", "layers.Dense", "shape", "shape", Verdict.UNSUPPORTED, message="no shapes")
    >>> without_promise([check, check])
    'unsupported in 2 checks (no shapes)'
    """
    messages: dict[Verdict, list[str]] = {}
    for check in checks:
        messages.setdefault(check.verdict, []).append(check.message)
    return "; ".join(f"{verdict} in {len(of)} checks ({of[0]})" for verdict, of in messages.items())


class DeviationsItem(BackendItem):
    """Whether all recorded deviations of a backend hold on their witnesses."""

    def runtest(self) -> None:
        """Fails where one no longer holds, or a witness shows anything else; skips where none is decided."""
        asking = self.asking
        asking.until_over()
        corpus = {case.id: case for case in self.suite.request.plan.cases}
        witnesses = [one for id_, one in asking.judged.items() if id_ not in corpus]
        checks = tuple(check for one in witnesses for check in one.checks)
        self.report(checks)
        again = self.suite.request.again
        cases = corpus | {one.case.id: one.case for one in witnesses}
        self.settle(
            [
                *describe_deviations(asking.records, cases, again),
                *describe_findings(checks, cases, again, cell=True),
            ]
        )
        if not any(record.holds for record in asking.records):
            recorded = f"{len(asking.records)} recorded, none decided by these properties and subjects"
            pytest.skip(f"deviations of {self.backend}: {recorded if asking.records else 'none recorded'}")
