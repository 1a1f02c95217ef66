"""Every deliberately wrong backend is caught by the property meant for its fault: here those for which the
quick corpus has a case, by `proofs.teeth` all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from conformance.cases.case import encode
from conformance.cases.properties import PROPERTIES
from conformance.verdicts import FINDINGS

from .fault import Fault
from .reference_backend import QUICK, judge_of, observe
from .zoo import BACKENDS, EVERY, FAULTS


@pytest.fixture(scope="module")
def matrix() -> Iterator[dict[str, Counter[str]]]:
    """Findings by fault and property, printed at the end (`-s` shows them)."""
    rows: dict[str, Counter[str]] = {}
    yield rows
    width = max(map(len, rows), default=0)
    print("\n" + " " * width, *PROPERTIES)
    for name, counts in rows.items():
        print(f"{name:{width}}", *(f"{counts[p] or '·':>{len(p)}}" for p in PROPERTIES))


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.corpus == "quick"], ids=str)
def test_fault_is_caught(fault: Fault, matrix: dict[str, Counter[str]]) -> None:
    found: Counter[str] = Counter()
    caught = []
    for case in filter(fault.concerns, QUICK):
        answer = observe(case, fault.replaced, fault.said)
        if answer == observe(case) and not fault.arithmetic:
            continue  # of that a correct backend's tests have found that it raises no alarm
        for check in judge_of(**fault.arithmetic).checks(case, answer):
            if check.verdict in FINDINGS:
                found[check.property] += 1
                if check.property == fault.property:
                    caught.append((len(encode(case)), case, check))
    matrix[fault.name] = found
    assert caught, f"{fault} passes {fault.property}: the quick corpus has no case for it"
    assert {check.verdict for _, _, check in caught} == {fault.verdict}
    _, case, check = min(caught, key=lambda found: found[0])
    print(f"{fault}: {case.subject} {case.config} {check.observable}: {check.message}")


def test_backends_are_named_once() -> None:
    assert len(BACKENDS) == len(EVERY)


def test_faults_name_the_property_meant_for_them() -> None:
    assert {fault.property for fault in FAULTS} <= PROPERTIES.keys()
