"""Every relation holds of the specification, and says nothing about a case that it is not about."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.cases.case import Case, Literal
from conformance.cases.data import make
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.relations import drafts, related
from conformance.cases.expected import Value
from conformance.cases.regimes import expand
from conformance.cases.relations import RELATIONS, asked_beside, derivations, relation_of
from conformance.cases.relations.relation import Outputs, literal
from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from tests.answers import answer

DRAFTS = tuple(drafts())


def asked(case: Case) -> str:
    """The relation that a draft asks for."""
    (name,) = {relation_of(observable) for observable in case.observables} - {None}
    assert name is not None
    return name


def outputs(case: Case) -> Outputs:
    found = answer(case, make(case), IEEE_FLOAT32)
    expected = [x for name, x in found.items() if name.startswith("output/")]
    return [x.tensor.value for x in expected if isinstance(x, Value)]


@pytest.mark.parametrize("name", RELATIONS)
def test_the_specification_keeps_the_relation(name: str) -> None:
    cases = [case for case in DRAFTS if asked(case) == name]
    assert cases
    for case in cases:
        derivation = derivations(case)[name]
        composed = derivation.compose([outputs(derived) for derived in derivation.cases])
        for own, other in zip(outputs(case), composed, strict=True):
            rtol = 0 if derivation.exact else 1e-12
            np.testing.assert_allclose(derivation.factor * other, own, rtol=rtol, atol=rtol)


def test_a_derived_case_asks_other_things_than_outputs_too() -> None:
    """Else an answer that has to be the same would be taken for one that came too late."""
    for case in DRAFTS:
        for derived in asked_beside(case).values():
            assert "dtype" in {*derived.observables} - {*case.observables}


@pytest.mark.parametrize(
    ("relation", "subject", "config", "shape"),
    [
        ("batch-halves", "layers.Softmax", {"axis": 0}, (2, 3)),
        ("batch-halves", "layers.LSTM", {"units": 2, "stateful": True}, (2, 3, 4)),
        ("batch-halves", "layers.Dense", {"units": 2}, (1, 3)),
        ("channels-last", "layers.Conv1D", {"filters": 2, "kernel_size": 1}, (2, 3, 4)),
        ("loop", "layers.LSTM", {"units": 2}, (2, 3, 4)),
        ("multiple", "layers.Dense", {"units": 2, "activation": "tanh"}, (2, 3)),
        ("of-height-one", "layers.Conv2D", {"filters": 2, "kernel_size": 1}, (2, 3, 4, 1)),
    ],
)
def test_a_relation_says_nothing_about_other_cases(
    relation: str, subject: str, config: dict[str, Any], shape: tuple[int, ...]
) -> None:
    case = related(draft_layer(subject, config, [recipe("normal", *shape)]), relation)
    assert derivations(case) == {}


@pytest.mark.parametrize("name", ["no-such-relation", "batch-halves"])
def test_a_relation_that_makes_no_sense_derives_nothing(name: str) -> None:
    case = Case("layers.Dence", {"axis": "x"}, (Literal((2, 1), (1.0, 2.0)),))
    assert asked_beside(related(case, name)) == {}


def test_arrays_are_written_out_bit_for_bit() -> None:
    x = np.array([[0.1, -0.0, np.nan], [np.inf, -np.inf, 1e-45]], np.float32)
    np.testing.assert_array_equal(expand(literal(x)).view(np.int32), x.view(np.int32))
    mask = np.array([True, False])
    np.testing.assert_array_equal(expand(literal(mask)), mask)
