"""Relations are asked of a backend by the engine, and judged on its own answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data, make
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.relations import related
from conformance.cases.properties import PROPERTIES
from conformance.cases.regimes import expand
from conformance.cases.relations import asked_beside
from conformance.checks import check
from conformance.dialects.deviation import Deviation, Dialect, Raises, Unpredictable, Value, subject
from conformance.reference_impl.primitives import multiply
from conformance.runners.protocol import WireError, to_wire
from conformance.runners.question import Answer, Broken
from conformance.verdicts import Check, Rung, Verdict

from .test_engine import checks_of, events_of, plan
from .wrong_backends.reference_backend import bench
from .wrong_backends.test_dialects import deviation

X = Literal((2, 3), (1.0, -0.5, 2.0, -3.0, 0.25, -1.0))
RELU = related(Case("activations.relu", inputs=(X,), observables=("output/0",)), "batch-halves")
TANH = related(Case("activations.tanh", inputs=(X,), observables=("output/0",)), "odd")
ODD = "relation/odd/output/0"
BATCH_HALVES = tuple(f"relation/batch-halves/{i}/output/0" for i in range(2))
DERIVED = "relation/odd/0/output/0"


def judged(case: Case, answer: Answer, *deviations: Deviation) -> dict[str, Check]:
    """By observable."""
    one = bench(Dialect(deviations))
    checks = check(case, make(case), [one], {one.name: answer}, list(PROPERTIES.values()))
    return {c.observable: c for c in checks}


def test_a_relation_is_asked_by_other_cases_and_holds_of_wrong_answers_too() -> None:
    """A backend with another slope is wrong in the same way whatever it is asked together."""
    checks = checks_of(events_of(plan("well", "leaky", cases=[RELU])))
    assert {(c.backend, c.observable): c.verdict for c in checks} == {
        ("well", "output/0"): Verdict.CONFORMS,
        ("well", "relation/batch-halves/output/0"): Verdict.CONFORMS,
        ("leaky", "output/0"): Verdict.DIVERGES,
        ("leaky", "relation/batch-halves/output/0"): Verdict.CONFORMS,
    }


def test_what_a_backend_lacks_is_asked_of_no_derived_case() -> None:
    """Where one dimension is as two of which one is of size one, and the backend has only one."""
    case = related(draft_layer("layers.MaxPooling1D", {}, [recipe("normal", 2, 6, 3)]), "of-height-one")
    (derived,) = asked_beside(case).values()
    narrow = bench()
    capabilities = {case.subject: ["output/*"]}
    narrow = replace(narrow, identity=msgspec.structs.replace(narrow.identity, capabilities=capabilities))
    assert narrow.asked(case) == ("output/0",)
    assert narrow.supported(case) == case.observables
    assert narrow.asked(derived) == ()
    answers = {narrow.name: {"output/0": to_wire(np.zeros((2, 3, 3), np.float32))}}
    checks = check(case, make(case), [narrow], answers, [PROPERTIES["metamorphic"]])
    assert [c.verdict for c in checks] == [Verdict.UNSUPPORTED]


def answers(own: Any, derived: Any) -> Answer:
    """What a backend says of `TANH`, and of the case that is derived from it."""
    said = {"output/0": own, DERIVED: derived}
    return {name: to_wire(x) if isinstance(x, np.ndarray) else x for name, x in said.items()}


Y = np.tanh(expand(X))


@pytest.mark.parametrize(
    ("own", "derived", "verdict"),
    [
        (Y, -Y, Verdict.CONFORMS),
        (2 * Y, -2 * Y, Verdict.CONFORMS),
        (Y, Y, Verdict.DIVERGES),
        (Y, -Y[:1], Verdict.DIVERGES),
        (Y, WireError("internal", "call", "no"), Verdict.RAISES),
        (Y, Broken(Verdict.CRASHED, "signal 11"), Verdict.CRASHED),
        (Broken(Verdict.TIMED_OUT, "late"), -Y, Verdict.NOT_RUN),
    ],
    ids=["right", "wrong alike", "even", "of another shape", "refused", "crashed", "nothing to compare"],
)
def test_a_relation_is_judged_on_the_backends_own_answers(own: Any, derived: Any, verdict: Verdict) -> None:
    assert judged(TANH, answers(own, derived))[ODD].verdict is verdict


def test_the_limit_is_the_sum_of_both_bounds() -> None:
    ulp = np.spacing(Y)
    near, far = (judged(TANH, answers(Y + n * ulp, -(Y - n * ulp)))[ODD] for n in (1, 40))
    assert (near.verdict, near.required_rung, near.rung) == (Verdict.CONFORMS, Rung.BOUND, Rung.BOUND)
    assert far.verdict is Verdict.DIVERGES


def test_a_relation_says_nothing_about_what_the_specification_refuses() -> None:
    """A layer without its weights, say: no output of it is right."""
    drafted = draft_layer("layers.Dense", {"units": 3}, [recipe("normal", 2, 4)])
    case = related(msgspec.structs.replace(drafted, weights={}), "batch-halves")
    refused = {name: WireError("type", "build", "no weights") for name in ("output/0", *BATCH_HALVES)}
    found = judged(case, refused)
    assert found["output/0"].verdict is Verdict.CONFORMS
    assert found["relation/batch-halves/output/0"].verdict is Verdict.UNSPECIFIED


def test_a_relation_says_nothing_about_gradients() -> None:
    observable = "relation/odd/gradient/input/0"
    case = msgspec.structs.replace(TANH, observables=("output/0", observable))
    assert judged(case, answers(Y, -Y))[observable].verdict is Verdict.UNSPECIFIED


def test_a_relation_that_there_is_not_says_nothing() -> None:
    case = related(TANH, "no-such-relation")
    found = judged(case, {"output/0": to_wire(Y)})["relation/no-such-relation/output/0"]
    assert found.verdict is Verdict.UNSPECIFIED


def positive(case: Case, data: Data) -> bool:
    """Of the two cases, only that which is not derived."""
    return case.subject == "activations.tanh" and bool(data.inputs[0][0, 0] > 0)


def doubled(original: Any, x: Any) -> Any:
    return multiply(original(x), 2.0)


HALF = deviation("tanh-doubled", Value({"activations.tanh": doubled}), positive)


def test_a_recorded_deviation_explains_the_relation_that_it_breaks() -> None:
    found = judged(TANH, answers(2 * Y, -Y), HALF)[ODD]
    assert (found.verdict, found.deviations) == (Verdict.DEVIATES, ("tanh-doubled",))


def test_another_fault_than_the_recorded_one_is_a_finding() -> None:
    assert judged(TANH, answers(3 * Y, -Y), HALF)[ODD].verdict is Verdict.DIVERGES
    assert judged(TANH, answers(2 * Y, Y), HALF)[ODD].verdict is Verdict.DIVERGES


def test_a_recorded_refusal_of_a_derived_case_explains_the_relation() -> None:
    refusal = WireError("internal", "call", "no negative numbers")
    effect = Raises("internal", "call", ("output/*",), "no negative")
    recorded = deviation("tanh-refused", effect, lambda case, data: not positive(case, data))
    found = judged(TANH, answers(Y, refusal), recorded)[ODD]
    assert (found.verdict, found.deviations) == (Verdict.DEVIATES, ("tanh-refused",))


def test_what_is_unpredictable_has_no_relations() -> None:
    """Also where chance keeps them."""
    effect = Unpredictable(Verdict.DIVERGES, ("output/*",), "expected")
    recorded = deviation("tanh-garbage", effect, subject("activations.tanh"))
    for derived in (-Y, Y):
        found = judged(TANH, answers(Y, derived), recorded)[ODD]
        assert (found.verdict, found.deviations) == (Verdict.UNSPECIFIED, ("tanh-garbage",))
