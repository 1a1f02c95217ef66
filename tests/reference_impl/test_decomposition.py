"""The terms of a bound sum to it, and each is what its operation adds."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from conformance.cases import corpus
from conformance.cases.answer import Answers
from conformance.cases.case import Case
from conformance.cases.data import make
from conformance.cases.expected import Value
from conformance.cases.relations import relation_of
from conformance.reference_impl.arithmetic import IEEE_FLOAT32, Arithmetic, declared
from conformance.reference_impl.decomposition import Term, decompose
from conformance.reference_impl.primitives import add, affine, multiply, tanh
from conformance.reference_impl.tape import Tensor, error_bounds, variable

QUICK = [case for case in corpus.load("quick") if not case.to_be_refused]
FLUSHING = declared({"subnormals": "either", "algorithms": {"batch_normalization": "folded", "elu": "exp-1"}})


def largest(tensor: Tensor) -> tuple[int, ...] | None:
    """The element with the largest finite bound, if any is above 0."""
    if tensor.error is None or not tensor.size:
        return None
    finite = np.where(np.isfinite(tensor.error), tensor.error, 0.0)
    place = tuple(int(i) for i in np.unravel_index(int(finite.argmax()), finite.shape))
    return place if finite[place] > 0 else None


def values(case: Case, arithmetic: Arithmetic) -> dict[str, Tensor]:
    answers = Answers(case, make(case), arithmetic, recorded=True)
    found = {name: answers[name] for name in case.observables if relation_of(name) is None}
    return {name: value.tensor for name, value in found.items() if isinstance(value, Value)}


@pytest.mark.parametrize("arithmetic", [IEEE_FLOAT32, FLUSHING], ids=["kept", "either"])
@pytest.mark.parametrize("subject", sorted({case.subject for case in QUICK}))
def test_terms_sum_to_the_bound(subject: str, arithmetic: Arithmetic) -> None:
    """Of outputs, states and gradients alike; no term is negative."""
    for case in [case for case in QUICK if case.subject == subject][::4]:
        for observable, tensor in values(case, arithmetic).items():
            place = largest(tensor)
            if place is None:
                continue
            terms = decompose(tensor, place, arithmetic)
            assert tensor.error is not None
            total = sum(term.contribution for term in terms)
            assert total == pytest.approx(tensor.error[place], rel=1e-12), (case.id, observable)
            assert min(term.contribution for term in terms) >= -1e-9 * total, (case.id, observable)
            assert [t.contribution for t in terms] == sorted((t.contribution for t in terms), reverse=True)


def by_operation(terms: tuple[Term, ...]) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for term in terms:
        sums[term.operation] += term.contribution
    return sums


def lstm() -> Case:
    return next(case for case in QUICK if case.subject == "layers.LSTM" and case.config == {"units": 3})


@pytest.mark.parametrize("observable", ["output/0", "gradient/weight/kernel"])
def test_a_looser_entry_widens_the_bound_by_its_terms(observable: str) -> None:
    """The bound grows with a function's ULPs as its terms say: their sum over the entry, for each ULP."""
    looser = declared({"ulps": {"tanh": 5.125}})
    narrow, wide = (values(lstm(), a)[observable] for a in (IEEE_FLOAT32, looser))
    place = largest(narrow)
    assert place is not None
    assert narrow.error is not None
    assert wide.error is not None
    tanhs = by_operation(decompose(narrow, place, IEEE_FLOAT32))["Tanh"]
    assert tanhs > 0.02 * narrow.error[place]
    assert wide.error[place] - narrow.error[place] == pytest.approx(tanhs * 0.125 / 5, rel=0.01)


def test_a_composition_by_hand() -> None:
    """tanh(x·w)·c: each of the three operations is a row, with what reaches the result."""
    x = variable(np.array([[0.25, 0.75]], np.float64) / 3)
    w = variable(np.array([[0.5], [-0.125]], np.float64) / 3)
    with error_bounds(IEEE_FLOAT32):
        inner = affine(x, w)
        bent = tanh(inner)
        out = multiply(bent, 3.0)
    terms = {term.operation: term for term in decompose(out, (0, 0), IEEE_FLOAT32)}
    assert terms.keys() == {"Affine", "Tanh", "Multiply"}
    assert inner.error is not None
    assert bent.error is not None
    slope = 1 - float(bent.value[0, 0]) ** 2
    assert terms["Affine"].received == 0
    assert terms["Affine"].own == inner.error[0, 0]
    assert terms["Affine"].reach == pytest.approx(3 * slope, rel=1e-6)
    assert terms["Tanh"].entry == "tanh"
    assert terms["Tanh"].received == pytest.approx(slope * inner.error[0, 0], rel=1e-6)
    assert terms["Tanh"].reach == pytest.approx(3.0, rel=1e-6)
    assert terms["Multiply"].value == out.value[0, 0]


def test_roundings_that_exact_operands_would_not_make_are_told_apart() -> None:
    """The sum of two ones is exact; that of two numbers that are only nearly one is not."""
    one = variable(np.array([1.0]))
    with error_bounds(IEEE_FLOAT32):
        nearly = tanh(multiply(one, 40.0))
        total = add(nearly, nearly)
    terms = {term.operation: term for term in decompose(total, (0,), IEEE_FLOAT32)}
    assert total.value[0] == 2.0
    assert terms["Add"].of_exact == 0
    assert terms["Add"].contribution == pytest.approx(2.0 * 2.0**-24, rel=1e-6)
    assert terms["Tanh"].reach == 2.0
