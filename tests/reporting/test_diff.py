"""Two results are compared check by check, and what is new against a baseline is told from what is known."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from conformance.cases.case import Case
from conformance.reporting.diff import Change, Difference, classify, compare, encode, news
from conformance.reporting.ledger import FAILING, group_findings, sum_cells
from conformance.reporting.markdown import render_difference
from conformance.reporting.recording import exit_code
from conformance.reporting.results import DeviationRecord, Results
from conformance.reporting.store import Report
from conformance.reporting.terminal import show_difference
from conformance.verdicts import Check, Verdict
from tests.reporting import synthetic

CASES = {case.id: case for case in (Case("layers.Dense", {"units": units}) for units in (3, 40, 500))}
FIRST, SECOND, THIRD = sorted(CASES)
HOLDS, LOST, UNKNOWN = (
    DeviationRecord("elu", "tfjs-cpu", "bug", "value", "It is another elu.", "", "", (), holds, 1)
    for holds in (True, False, None)
)


def check(case: str = FIRST, verdict: Verdict = Verdict.CONFORMS, **fields: Any) -> Check:
    message = "it is wrong" if verdict in FAILING else ""
    plain = Check(case, "tfjs-cpu", "layers.Dense", "forward", "output/0", verdict, message=message)
    return msgspec.structs.replace(plain, **fields)


def report(*checks: Check, deviations: Iterable[DeviationRecord] = (), **changes: Any) -> Report:
    results = Results(
        schema=1, status="complete", suite=synthetic.SUITE, started="2025-06-01T12:00:00Z", duration_s=1.0,
        backends=synthetic.BACKENDS, unavailable=(), cells=sum_cells(checks),
        findings=group_findings(checks, CASES), deviations=tuple(deviations),
    )  # fmt: skip
    return Report(msgspec.structs.replace(results, **changes), sorted(checks, key=lambda check: check.case))


def compared(before: Iterable[Check], after: Iterable[Check]) -> Difference:
    return compare(report(*before), report(*after), worse=10)


CHECKS = st.dictionaries(st.sampled_from(sorted(CASES)), st.sampled_from(Verdict)).map(
    lambda verdicts: [check(case, verdict) for case, verdict in verdicts.items()]
)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (Verdict.CONFORMS, Verdict.DIVERGES, Change.NEWLY_FAILING),
        (Verdict.UNSUPPORTED, Verdict.RAISES, Change.NEWLY_FAILING),
        (Verdict.DIVERGES, Verdict.CRASHED, Change.NEWLY_FAILING),
        (None, Verdict.ACCEPTS, Change.NEWLY_FAILING),
        (Verdict.DIVERGES, Verdict.CONFORMS, Change.MENDED),
        (Verdict.TIMED_OUT, Verdict.DEVIATES, Change.MENDED),
        (Verdict.CONFORMS, Verdict.UNSUPPORTED, Change.NEWLY_UNSUPPORTED),
        (Verdict.DIVERGES, Verdict.UNSUPPORTED, Change.NEWLY_UNSUPPORTED),
        (Verdict.CONFORMS, None, Change.NO_LONGER_ASKED),
        (Verdict.DIVERGES, Verdict.NOT_RUN, Change.NO_LONGER_ASKED),
        (Verdict.CONFORMS, Verdict.DEVIATES, Change.OTHER_VERDICT),
        (Verdict.DIVERGES, Verdict.UNSPECIFIED, Change.OTHER_VERDICT),
        (Verdict.DIVERGES, Verdict.DIVERGES, None),
        (None, Verdict.CONFORMS, None),
        (None, Verdict.UNSUPPORTED, None),
        (Verdict.UNSUPPORTED, Verdict.CONFORMS, None),
        (Verdict.UNSUPPORTED, None, None),
        (Verdict.NOT_RUN, None, None),
    ],
)
def test_what_became_of_a_check(before: Verdict | None, after: Verdict | None, change: Change | None) -> None:
    old, new = (check(verdict=verdict) if verdict else None for verdict in (before, after))
    assert classify(old, new, worse=10) is change


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        (0.01, 0.1, True),
        (0.01, 0.099, False),
        (0.0, 0.001, True),
        (0.0, 0.0, False),
        (3.0, "infinite", True),
        ("infinite", "infinite", False),
        ("infinite", 3.0, False),
        (None, 0.5, False),
        (0.5, None, False),
    ],
)
def test_a_margin_that_is_ten_times_larger_is_numerically_worse(
    before: float | str | None, after: float | str | None, worse: bool
) -> None:
    change = classify(check(margin=before), check(margin=after), worse=10)
    assert change is (Change.NUMERICALLY_WORSE if worse else None)


def test_one_that_fails_as_before_may_be_numerically_worse_but_does_not_newly_fail() -> None:
    difference = compared(
        [check(verdict=Verdict.DIVERGES, margin=2.0)], [check(verdict=Verdict.DIVERGES, margin=90.0)]
    )
    assert [changed.change for changed in difference.changes] == [Change.NUMERICALLY_WORSE]
    assert not difference.regressed


@given(CHECKS)
def test_results_do_not_differ_from_themselves(checks: list[Check]) -> None:
    difference = compared(checks, checks)
    assert (difference.changes, difference.regressed) == ((), False)
    assert difference.in_both == len(checks)


@given(CHECKS, CHECKS)
def test_it_regresses_exactly_where_a_check_fails_that_did_not_fail_so_before(
    before: list[Check], after: list[Check]
) -> None:
    difference = compared(before, after)
    failed = {(c.case, c.verdict) for c in before}
    assert difference.regressed == any(
        c.verdict in FAILING and (c.case, c.verdict) not in failed for c in after
    )
    assert difference.in_both + difference.only_old == len(before)
    assert difference.in_both + difference.only_new == len(after)
    assert sum(group.count for kind in Change for group in difference.groups(kind)) == len(difference.changes)


def test_checks_of_another_backend_property_or_observable_are_others() -> None:
    others = [check(backend="tfjs-wasm"), check(property="dtype"), check(observable="output/1")]
    difference = compared([check()], [msgspec.structs.replace(c, verdict=Verdict.DIVERGES) for c in others])
    assert (difference.in_both, difference.only_old, difference.only_new) == (0, 1, 3)
    assert len(difference.of(Change.NEWLY_FAILING)) == 3


@pytest.mark.parametrize(
    ("before", "after", "lost", "regressed"),
    [
        ([HOLDS], [LOST], [True], True),
        ([UNKNOWN], [LOST], [True], True),
        ([], [LOST], [True], True),
        ([LOST], [LOST], [], False),
        ([HOLDS], [], [False], False),
        ([HOLDS], [UNKNOWN], [], False),
        ([UNKNOWN], [], [], False),
        ([LOST], [], [], False),
        ([HOLDS], [HOLDS], [], False),
    ],
)
def test_deviations_that_are_gone(
    before: list[DeviationRecord], after: list[DeviationRecord], lost: list[bool], regressed: bool
) -> None:
    difference = compare(report(deviations=before), report(deviations=after), worse=10)
    assert [gone.recorded for gone in difference.lost] == lost
    assert difference.regressed == regressed


def test_a_deviation_of_a_backend_that_was_not_asked_again_is_not_gone() -> None:
    assert compare(report(deviations=[HOLDS]), report(backends=()), worse=10).lost == ()


def test_a_finding_is_known_where_the_baseline_has_all_its_checks() -> None:
    known = [check(FIRST, Verdict.DIVERGES), check(SECOND, Verdict.DIVERGES)]
    found = news(report(*known), report(*known, check(THIRD), deviations=()))
    assert (len(found.new), len(found.known)) == (0, 1)
    assert str(found) == "Findings: 0 new, 1 known from the baseline"


def test_a_finding_is_new_where_one_of_its_checks_is() -> None:
    baseline = report(check(FIRST, Verdict.DIVERGES), check(SECOND))
    found = news(baseline, report(check(FIRST, Verdict.DIVERGES), check(SECOND, Verdict.DIVERGES)))
    assert (len(found.new), len(found.known)) == (1, 0)
    assert [changed.check.case for changed in found.difference.of(Change.NEWLY_FAILING)] == [SECOND]


def test_deviations_that_no_longer_hold_are_counted_as_new_and_known() -> None:
    other = msgspec.structs.replace(LOST, id="gelu")
    found = news(report(deviations=[LOST]), report(deviations=[LOST, other]))
    assert str(found).endswith("deviations that no longer hold: 1 new, 1 known")


@pytest.mark.parametrize(
    ("after", "code"),
    [
        (report(check(FIRST, Verdict.DIVERGES), deviations=[LOST]), 0),
        (report(check(FIRST, Verdict.RAISES)), 1),
        (report(check(SECOND, Verdict.DIVERGES)), 1),
        (report(deviations=[msgspec.structs.replace(LOST, id="gelu")]), 1),
        (report(unavailable=synthetic.UNAVAILABLE), 3),
        (report(status="interrupted"), 130),
    ],
)
def test_with_a_baseline_only_what_is_new_fails(after: Report, code: int) -> None:
    baseline = report(check(FIRST, Verdict.DIVERGES), deviations=[LOST])
    assert exit_code(after.results, news(baseline, after)) == code


def changed_suite(**changes: Any) -> dict[str, Any]:
    return {"suite": msgspec.structs.replace(synthetic.SUITE, **changes)}


@pytest.mark.parametrize(
    ("before", "after", "notice"),
    [
        ({}, {}, None),
        (changed_suite(corpus="full", corpus_digest="1" * 64), {}, "corpus full, the new of corpus quick:"),
        (changed_suite(corpus_digest="1" * 64), {}, "the new of corpus quick with other cases:"),
        ({}, changed_suite(corpus="", corpus_digest="1" * 64), "the new of single cases:"),
        (changed_suite(version="0.0.9"), {}, "of suite 0.0.9, the new of 0.1.0"),
        ({"status": "interrupted"}, {}, "old run was interrupted"),
        ({}, {"status": "interrupted"}, "new run was interrupted"),
        ({}, {"unavailable": synthetic.UNAVAILABLE}, "mine could not be started"),
        ({"backends": synthetic.BACKENDS[:2]}, {}, "tfjs-wasm was not asked in the old run"),
        ({}, {"backends": synthetic.BACKENDS[:2]}, "tfjs-wasm was not asked in the new run"),
        (
            {"backends": (msgspec.structs.replace(synthetic.BACKENDS[1], versions={"node": "18.3.0"}),)},
            {"backends": synthetic.BACKENDS[1:2]},
            "tfjs-cpu: @tensorflow/tfjs none → 4.22.0, node 18.3.0 → 18.4.0",
        ),
    ],
)  # fmt: skip
def test_what_makes_results_hard_to_compare_is_said(
    before: dict[str, Any], after: dict[str, Any], notice: str | None
) -> None:
    notices = compare(report(**before), report(**after), worse=10).notices
    assert len(notices) == bool(notice)
    assert all(notice and notice in line for line in notices)


DIFFERENCE = compare(
    report(
        check(FIRST), check(SECOND), check(THIRD, Verdict.DIVERGES), check(FIRST, observable="output/1"),
        check(FIRST, property="dtype", margin=0.01), check(SECOND, property="dtype"),
        deviations=[HOLDS],
    ),
    report(
        check(FIRST, Verdict.DIVERGES), check(SECOND, Verdict.DIVERGES), check(THIRD),
        check(FIRST, Verdict.UNSUPPORTED, observable="output/1"), check(FIRST, property="dtype", margin=0.5),
        deviations=[LOST],
    ),
    worse=10,
)  # fmt: skip
"""Each kind of change but the last."""


def test_a_terminal_shows_each_kind_and_how_to_see_what_newly_fails() -> None:
    console = Console(file=(stream := io.StringIO()), width=200, highlight=False, color_system=None)
    show_difference(console, DIFFERENCE)
    text = stream.getvalue()
    rows = dict(line.rsplit(maxsplit=1) for line in text.partition("\n\n")[0].splitlines())
    assert rows == {
        "Checks": "tfjs-cpu", "newly failing": "2", "mended": "1", "newly unsupported": "1",
        "no longer asked": "1", "numerically worse": "1",
    }  # fmt: skip
    again = DIFFERENCE.new.findings[0].reproduce.command
    assert (
        "layers.Dense · forward · output/0 on tfjs-cpu: conforms → diverges (2 checks)\n  it is wrong\n"
        f"  {again}\n" in text
    )
    assert "layers.Dense · dtype · output/0 on tfjs-cpu: margin 0.01 → 0.5, conforms" in text
    assert "elu of tfjs-cpu no longer holds: It is another elu." in text
    last = text.splitlines()[-1]
    assert last == "Something newly fails: 5 checks are in both results, 1 in the old only, 0 in the new only"


def test_markdown_shows_the_same() -> None:
    text = render_difference(DIFFERENCE)
    assert "| newly failing | 2 |" in text
    assert "output/0 on tfjs-cpu: **conforms → diverges** (2 checks)\n\n  ```text\n  it is wrong\n" in text
    assert "### Deviations gone\n\n- elu of tfjs-cpu no longer holds: It is another elu." in text
    assert "**Something newly fails: 5 checks are in both results" in text


def test_json_has_every_changed_check() -> None:
    content = json.loads(encode(DIFFERENCE))
    assert content["regressed"] is True
    assert content["checks"] == {"in_both": 5, "only_old": 1, "only_new": 0}
    assert {kind: len(changes) for kind, changes in content["changes"].items()} == {
        "newly_failing": 2, "mended": 1, "newly_unsupported": 1, "no_longer_asked": 1,
        "numerically_worse": 1, "other_verdict": 0,
    }  # fmt: skip
    (gone,) = content["changes"]["no_longer_asked"]
    assert (gone["case"], gone["before"]["verdict"], gone["after"]) == (SECOND, "conforms", None)
    assert content["lost_deviations"][0]["id"] == "elu"
