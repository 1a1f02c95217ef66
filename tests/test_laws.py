"""The judgement of what is random: no alarm over correct draws, its statistics' null distributions, and what
an answer tells of what was drawn."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from conformance import evidence
from conformance.cases.answer import Answers
from conformance.cases.case import Case
from conformance.cases.data import make
from conformance.cases.drafts.random import asking, drafts, recurrent
from conformance.cases.drafts.values import draft_value, sizes
from conformance.cases.expected import Image, Law
from conformance.judging import judge
from conformance.laws import recover
from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from conformance.reference_impl.random import Bernoulli, Distribution, Normal
from conformance.runners.protocol import to_wire
from conformance.verdicts import Rung, Verdict

RANDOM = [case for case in drafts() if case.observables == ("random",)]


def law_of(case: Case, *, bounded: bool = True) -> Law:
    law = Answers(case, make(case), IEEE_FLOAT32 if bounded else None)["random"]
    assert isinstance(law, Law)
    return law


def samples(law: Law, key: int) -> list[Any]:
    return [d.distribution.sample(1000 * key + i, d.shape) for i, d in enumerate(law.draws)]


def drawn(law: Law, key: int) -> Any:
    return law.given(samples(law, key)).value


@pytest.mark.parametrize("case", RANDOM, ids=lambda case: f"{case.subject}-{case.id}")
def test_correct_draws_raise_no_alarm_and_are_recovered(case: Case) -> None:
    law, single = law_of(case), law_of(case, bounded=False)
    for key in range(3 if len(law.draws) == 1 else 1):
        answer = drawn(single, key)
        judgement = judge(law, to_wire(answer), IEEE_FLOAT32)
        assert judgement.verdict is Verdict.CONFORMS, judgement.message
        assert judgement.rung is Rung.STATISTICAL
    found = recover(law, answer.astype(np.float64))
    for i, numbers in enumerate(samples(law, key)):
        known = found.told[i,]
        assert known.any()
        # A product with a small x tells less of a normal number than float32 has digits.
        np.testing.assert_allclose(found.draws[i][known], numbers[known], rtol=1e-4, atol=1e-5)


LAWS: dict[str, tuple[Distribution, ...]] = {
    "rare": (Bernoulli(0.0625),),
    "even": (Bernoulli(0.5),),
    "normal": (Normal(),),
    "several": (Bernoulli(0.75), Bernoulli(0.75)),
}


def evidence_of(distributions: tuple[Distribution, ...], key: int) -> list[evidence.Evidence]:
    draws = [d.sample(10 * key + i, (12, 10)) for i, d in enumerate(distributions)]
    told: dict[tuple[int, ...], Any] = {(i,): np.ones(x.shape, bool) for i, x in enumerate(draws)}
    if len(draws) == 2:
        told[0, 1] = told[0,]
    return evidence.against(distributions, draws, told)


@pytest.mark.parametrize("law", LAWS)
def test_statistics_exceed_no_value_more_often_than_they_may(law: str) -> None:
    trials = 1500
    exceeded: Counter[tuple[int, float]] = Counter()
    for key in range(trials):
        for i, found in enumerate(evidence_of(LAWS[law], key)):
            exceeded.update((i, x) for x in (1.0, 2.0, 4.0, 6.0) if found.nats > x)
    for (i, x), count in exceeded.items():
        bound = min(1.0, 2 * math.exp(-x))
        allowed = trials * bound + 5 * math.sqrt(trials * bound * (1 - bound)) + 1
        assert count <= allowed, f"statistic {i} exceeds {x} {count} times of {trials}"


def test_limit_is_the_quantile_of_all_statistics_together() -> None:
    for count in (1, 7, 30):
        assert count * 2 * math.exp(-evidence.limit(count)) == pytest.approx(1e-9)


def test_only_what_does_not_depend_on_itself_is_told() -> None:
    """Where a GRU's candidate sees nothing of the state, what the reset gate sees of it is all one: it is
    told elsewhere, and nothing is said of both together, which would be seen as ones alone."""
    case = recurrent("GRU", {"recurrent_dropout": 0.25, "reset_after": False}, 200, 2)
    law = law_of(case)
    *_, h = samples(law, 0)
    found = recover(law, drawn(law, 0))
    assert (found.told[1,] == (h == 1)).all()
    assert not found.told[1, 2].any()
    for which in ((0,), (2,), (0, 2)):
        assert found.told[which].all()


def test_where_the_input_is_zero_nothing_is_told_and_nothing_demanded() -> None:
    case = asking("random", "Dropout", {"rate": 0.25}, (6, 400))
    data = make(case)
    (x,), (cotangent,) = data.inputs, data.cotangents
    kept = np.arange(6)[:, None] > 2
    data = replace(data, inputs=(x * kept,), cotangents=(cotangent * kept,))
    law = Answers(case, data, IEEE_FLOAT32)["random"]
    assert isinstance(law, Law)
    found = recover(law, drawn(law, 0))
    np.testing.assert_array_equal(found.told[0,], data.inputs[0] != 0)
    judgement = judge(law, to_wire(drawn(law, 0)), IEEE_FLOAT32)
    assert judgement.verdict is Verdict.CONFORMS


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["GaussianNoise", "GaussianDropout", "Dropout"])
def test_an_element_that_is_not_finite_is_wrong(name: str, value: float) -> None:
    measure = "stddev" if name == "GaussianNoise" else "rate"
    law = law_of(asking("random", name, {measure: 0.25}, (20, 50)))
    answer = drawn(law, 0)
    answer[0, 3, 4] = value
    judgement = judge(law, to_wire(answer), IEEE_FLOAT32)
    assert judgement.verdict is Verdict.DIVERGES
    assert "[0, 3, 4]" in judgement.message


def test_another_shape_is_told_as_such() -> None:
    law = law_of(asking("random", "Dropout", {"rate": 0.25}, (20, 50)))
    judgement = judge(law, to_wire(np.zeros((2, 20, 1), np.float32)), IEEE_FLOAT32)
    assert judgement.message == "shape [2, 20, 1], expected [2, 20, 50]"


def test_what_is_not_random_is_one_array() -> None:
    """Dropout with rate 0 draws nothing."""
    law = law_of(asking("random", "Dropout", {"rate": 0.0}, (3, 4)))
    assert law.draws == ()
    right = law.given([]).value
    assert judge(law, to_wire(right), IEEE_FLOAT32).verdict is Verdict.CONFORMS
    assert judge(law, to_wire(right + 1), IEEE_FLOAT32).verdict is Verdict.DIVERGES


SIZES = sizes(60, 80)


@pytest.mark.parametrize("name", ["RandomNormal", "RandomUniform", "TruncatedNormal", "HeUniform"])
def test_what_an_initializer_draws_is_judged_element_by_element(name: str) -> None:
    case = msgspec.structs.replace(draft_value(f"initializers.{name}", {}, SIZES), observables=("drawn",))
    law = Answers(case, make(case), IEEE_FLOAT32)["drawn"]
    assert isinstance(law, Law)
    (draw,) = law.draws
    right = law.given([draw.distribution.sample(1, draw.shape)]).value.astype(np.float32)
    assert right.shape == (60, 80)
    assert judge(law, to_wire(right), IEEE_FLOAT32).verdict is Verdict.CONFORMS
    for wrong in (1.25 * right, right + right.std() / 4, np.repeat(right[:1], 60, axis=0)):
        assert judge(law, to_wire(wrong), IEEE_FLOAT32).verdict is Verdict.DIVERGES


@pytest.mark.parametrize("shape", [(12, 5), (4, 9), (3, 3, 2, 7)])
def test_an_orthogonal_matrix_is_known_by_its_products(shape: tuple[int, ...]) -> None:
    given = draft_value("initializers.Orthogonal", {"gain": 0.5}, sizes(*shape))
    case = msgspec.structs.replace(given, observables=("drawn",))
    image = Answers(case, make(case), IEEE_FLOAT32)["drawn"]
    assert isinstance(image, Image)
    right = image.sample(3).astype(np.float32)
    assert judge(image, to_wire(right), IEEE_FLOAT32).verdict is Verdict.CONFORMS
    assert judge(image, to_wire(-right[::-1].copy()), IEEE_FLOAT32).verdict is Verdict.CONFORMS
    other = right.copy()
    other[..., 0] *= np.float32(1.01)
    assert judge(image, to_wire(other), IEEE_FLOAT32).verdict is Verdict.DIVERGES
    assert judge(image, to_wire(right.T.copy()), IEEE_FLOAT32).message.startswith("shape")
