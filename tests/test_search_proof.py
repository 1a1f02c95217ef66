"""The proof of the search itself, on a fault, and what it says of faults that are not found."""

from __future__ import annotations

from functools import partial

import anyio
import msgspec
import pytest

from conformance.cases.case import decode
from proofs.search.__main__ import Report, markdown
from proofs.search.hunting import Hunt, concerned, hunt, searchable
from proofs.teeth.binding import present
from tests.wrong_backends.fault import Fault
from tests.wrong_backends.zoo import BACKENDS, FAULTS


def report(*hunts: Hunt) -> Report:
    return Report("0", {}, present(), hunts)


FOUND = Hunt("a", "layers.A", 3, 1.5, ("forward",), 2.0, 4)


def test_the_search_finds_and_reduces_a_fault_without_the_corpus() -> None:
    fault = BACKENDS["relu_gradient_at_zero_one"]
    assert isinstance(fault, Fault)
    found = anyio.run(partial(hunt, fault))
    assert found.found_s is not None
    assert fault.property in found.properties
    assert found.elements is not None
    assert found.elements <= 12
    assert decode(bytes(found.case)).elements == found.elements


def test_most_of_the_zoo_can_be_searched_for() -> None:
    faults = list(searchable())
    assert len(faults) > 0.7 * len(FAULTS)
    assert len(faults) > 0.8 * len([fault for fault in FAULTS if concerned(fault)])
    assert all(concerned(fault) for fault in faults)


@pytest.mark.parametrize(
    ("hunts", "holds"),
    [
        ([FOUND], True),
        ([FOUND, Hunt("b", "layers.B", 3000)], False),
        ([FOUND, Hunt("b", "layers.B", 3, 1.0, ("forward",))], False),
        ([FOUND, Hunt("b", "layers.B", 3, 1.0, ("forward",), 61.0, 2)], False),
        ([msgspec.structs.replace(FOUND, elements=13)], False),
        ([FOUND, msgspec.structs.replace(FOUND, elements=13)], True),
    ],
)
def test_what_is_required(hunts: list[Hunt], holds: bool) -> None:
    assert report(*hunts).holds is holds


def test_the_table_has_a_row_for_each_fault() -> None:
    text = "\n".join(markdown(report(FOUND, Hunt("b", "layers.B", 3000))))
    assert "1 of 2 faults found" in text
    assert "| `b` | `layers.B` | 3,000 | – |" in text
