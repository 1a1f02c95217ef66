"""Cells and findings are sums of checks, whatever their order."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.cases.case import Case
from conformance.reporting.ledger import (
    FAILING,
    finding_id,
    group_findings,
    sum_cells,
    suspect_specification,
    total,
)
from conformance.reporting.results import DeviationRecord
from conformance.verdicts import Check, Rung, Verdict

CASES = {case.id: case for case in (Case("layers.Dense", {"units": units}) for units in (3, 40, 500))}

CHECK = st.builds(
    Check,
    case=st.sampled_from(sorted(CASES)),
    backend=st.sampled_from(["keras-tensorflow", "tfjs-cpu"]),
    subject=st.just("layers.Dense"),
    property=st.sampled_from(["forward", "dtype"]),
    observable=st.sampled_from(["output/0", "output/1", "dtype"]),
    verdict=st.sampled_from(Verdict),
    rung=st.none() | st.sampled_from(Rung),
    margin=st.none() | st.just("infinite") | st.floats(0, 1e6),
    deviations=st.just(()) | st.just(("a", "b")),
)
CHECKS = st.lists(
    CHECK, unique_by=lambda check: (check.case, check.backend, check.property, check.observable)
)


def check(**fields: object) -> Check:
    """A check of the first case that conforms, but for the fields given."""
    plain = Check(min(CASES), "tfjs-cpu", "layers.Dense", "forward", "output/0", Verdict.CONFORMS)
    return msgspec.structs.replace(plain, **fields)


@given(CHECKS, st.randoms(use_true_random=False))
def test_cells_and_findings_do_not_depend_on_the_order_of_the_checks(
    checks: list[Check], random: Random
) -> None:
    shuffled = list(checks)
    random.shuffle(shuffled)
    assert sum_cells(shuffled) == sum_cells(checks)
    assert group_findings(shuffled, CASES) == group_findings(checks, CASES)


@given(CHECKS)
def test_every_check_is_counted_once_and_by_its_verdict(checks: list[Check]) -> None:
    cells = sum_cells(checks)
    totals = total(cells)
    assert totals.checks == len(checks)
    assert totals.conforms == sum(c.verdict is Verdict.CONFORMS for c in checks)
    assert totals.findings + totals.broken == sum(c.verdict in FAILING for c in checks)
    for cell in cells:
        assert cell.asked + cell.unsupported + cell.not_run == total([cell]).checks
        mine = [c for c in checks if (c.backend, c.property) == (cell.backend, cell.property)]
        assert cell.verdict.severity == max(c.verdict.severity for c in mine)


@given(CHECKS)
def test_every_failing_check_is_in_the_finding_of_its_signature(checks: list[Check]) -> None:
    findings = {finding.id: finding for finding in group_findings(checks, CASES)}
    failing = [c for c in checks if c.verdict in FAILING]
    assert sum(finding.count for finding in findings.values()) == len(failing)
    assert {finding_id(c) for c in failing} == findings.keys()


def test_the_witness_of_a_finding_is_its_smallest_case() -> None:
    checks = [check(case=id_, verdict=Verdict.DIVERGES, margin=2.0) for id_ in CASES]
    (finding,) = group_findings(checks, CASES)
    assert finding.count == 3
    assert finding.witness.config == {"units": 3}


def test_a_finding_is_named_by_its_signature_alone() -> None:
    one = check(verdict=Verdict.DIVERGES, deviations=("a", "b"), margin=2.0)
    assert finding_id(one) == finding_id(check(verdict=Verdict.DIVERGES, deviations=("b", "a"), message="x"))
    assert finding_id(one) != finding_id(check(verdict=Verdict.RAISES, deviations=("a", "b")))


def test_the_worst_margin_of_a_cell_is_infinite_if_one_is() -> None:
    margins = [None, 0.5, "infinite", 1e300]
    (cell,) = sum_cells([check(observable=str(i), margin=margin) for i, margin in enumerate(margins)])
    assert cell.worst_margin == "infinite"


def test_the_lowest_rung_of_a_cell_is_that_of_checks_that_conform_or_deviate() -> None:
    (cell,) = sum_cells(
        [
            check(observable="0", rung=Rung.EXACT),
            check(observable="1", rung=Rung.ULP, verdict=Verdict.DEVIATES),
            check(observable="2", rung=Rung.NONE, verdict=Verdict.DIVERGES),
        ]
    )
    assert cell.lowest_rung is Rung.ULP


@pytest.mark.parametrize("margin", [-1.0, float("nan"), float("inf"), "huge"])
def test_a_margin_that_is_none_is_refused(margin: float | str) -> None:
    with pytest.raises(ValueError, match="neither null, a number"):
        sum_cells([check(margin=margin)])


def against(verdicts: dict[str, Verdict]) -> list[Check]:
    """Checks of backends that all agree with each other."""
    return [
        check(backend=name, verdict=verdict, agrees_with=tuple(verdicts.keys() - {name}))
        for name, verdict in verdicts.items()
    ]


def test_the_specification_is_the_suspect_where_independent_backends_agree_against_it() -> None:
    (doubt,) = suspect_specification(
        against({"keras-tensorflow": Verdict.DIVERGES, "tfjs-cpu": Verdict.DEVIATES}), ()
    )
    assert (doubt.backends, doubt.count, doubt.case) == (("keras-tensorflow", "tfjs-cpu"), 1, min(CASES))


@pytest.mark.parametrize(
    "verdicts",
    [
        pytest.param({"tfjs-cpu": Verdict.DIVERGES, "tfjs-wasm": Verdict.DIVERGES}, id="one family"),
        pytest.param({"keras-tensorflow": Verdict.CONFORMS, "tfjs-cpu": Verdict.DIVERGES}, id="one conforms"),
        pytest.param(
            {"keras-tensorflow": Verdict.UNSUPPORTED, "tfjs-cpu": Verdict.DIVERGES}, id="one did not answer"
        ),
    ],
)
def test_the_specification_is_no_suspect_otherwise(verdicts: dict[str, Verdict]) -> None:
    assert suspect_specification(against(verdicts), ()) == ()


def test_the_specification_is_no_suspect_where_backends_differ_from_each_other() -> None:
    checks = against({"keras-tensorflow": Verdict.DIVERGES, "tfjs-cpu": Verdict.DIVERGES})
    alone = msgspec.structs.replace(checks[1], agrees_with=())
    assert suspect_specification([checks[0], alone], ()) == ()


@pytest.mark.parametrize("stands", ["", "The message says that it is the CPU which lacks it."])
def test_a_deviation_that_argues_for_the_specification_clears_it(stands: str) -> None:
    keras, tfjs = against({"keras-tensorflow": Verdict.DEVIATES, "tfjs-cpu": Verdict.DEVIATES})
    recorded = msgspec.structs.replace(keras, deviations=("keras-lacks-a-kernel",))
    record = DeviationRecord(
        "keras-lacks-a-kernel", "keras-tensorflow", "bug", "raises", "", "", "", (), True, 1, stands
    )
    assert len(suspect_specification([recorded, tfjs], [record])) == (0 if stands else 1)
