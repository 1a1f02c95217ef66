"""From answers to checks: what was not asked, not answered or broken, and who agrees with whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pytest

from conformance.cases.case import Case, Literal
from conformance.cases.data import make
from conformance.cases.properties import PROPERTIES
from conformance.checks import Bench, check
from conformance.dialects.deviation import Dialect
from conformance.reference_impl.arithmetic import declared
from conformance.runners.protocol import (
    Identity,
    Observed,
    WireError,
    WireJSON,
    to_wire,
)
from conformance.runners.question import Answer, Broken
from conformance.verdicts import BROKEN, Check, Rung, Verdict

X = Literal((3,), (-1.0, 0.5, 2.0))
RELU = Case("activations.relu", inputs=(X,), cotangents=(X,), observables=("output/0", "gradient/input/0"))
TANH = Case("activations.tanh", inputs=(X,), observables=("output/0",))
FLATTEN = Case(
    "layers.Flatten", inputs=(Literal((1, 2), (1.0, 2.0)),), observables=("shape/concrete", "output/0")
)

RIGHT: dict[str, Observed] = {
    "output/0": to_wire(np.array([0, 0.5, 2], np.float32)),
    "gradient/input/0": to_wire(np.array([0, 0.5, 2], np.float32)),
}
WRONG = RIGHT | {"output/0": to_wire(np.array([-1, 0.5, 2], np.float32))}
FAILING: dict[str, Observed] = dict.fromkeys(RIGHT, WireError("invalid-argument", "call", "no"))


def bench(name: str, *patterns: str) -> Bench:
    capabilities = {case.subject: list(patterns or ("*",)) for case in (RELU, TANH, FLATTEN)}
    identity = Identity(name, "python", {}, {}, {}, {"base": "ieee-float32"}, capabilities)
    return Bench(identity, declared(identity.arithmetic), Dialect())


def checks(
    answers: Mapping[str, Answer | None], case: Case = RELU, patterns: tuple[str, ...] = ()
) -> dict[tuple[str, str], Check]:
    """By backend and observable."""
    benches = [bench(name, *patterns) for name in answers]
    found = check(case, make(case), benches, answers, list(PROPERTIES.values()))
    return {(c.backend, c.observable): c for c in found}


def test_check_names_its_case_property_and_rungs() -> None:
    assert checks({"a": RIGHT})["a", "output/0"] == Check(
        RELU.id, "a", RELU.subject, "forward", "output/0", Verdict.CONFORMS, Rung.EXACT, Rung.EXACT, 0.0
    )


def test_every_observable_is_judged_on_its_own() -> None:
    found = checks(
        {"a": RIGHT | {"gradient/input/0": WireError("missing-kernel", "gradient", "no gradient")}}
    )
    assert found["a", "output/0"].verdict is Verdict.CONFORMS
    assert found["a", "gradient/input/0"].verdict is Verdict.RAISES


def test_observable_without_the_capability_is_unsupported() -> None:
    found = checks({"a": {"output/0": RIGHT["output/0"]}}, patterns=("output/*",))
    assert found["a", "output/0"].verdict is Verdict.CONFORMS
    assert found["a", "gradient/input/0"].verdict is Verdict.UNSUPPORTED


def test_supported_observables_are_those_of_the_patterns() -> None:
    assert bench("a", "output/*").supported(RELU) == ("output/0",)
    assert bench("a", "gradient/input/?", "output/1").supported(RELU) == ("gradient/input/0",)
    assert bench("a").supported(Case("layers.Unheard", observables=("output/0",))) == ()


def test_case_without_an_answer_is_not_run() -> None:
    assert {c.verdict for c in checks({"a": None}).values()} == {Verdict.NOT_RUN}


@pytest.mark.parametrize("verdict", sorted(BROKEN))
def test_broken_backend_breaks_each_check_of_the_case(verdict: Verdict) -> None:
    found = checks({"a": dict.fromkeys(RIGHT, Broken(verdict, "signal 11")), "b": RIGHT})
    assert {(c.backend, c.verdict) for c in found.values()} == {("a", verdict), ("b", Verdict.CONFORMS)}
    assert found["a", "output/0"].message == "signal 11"


def test_crash_in_the_gradient_does_not_hide_the_value() -> None:
    found = checks({"a": RIGHT | {"gradient/input/0": Broken(Verdict.CRASHED, "signal 11")}})
    assert found["a", "output/0"].verdict is Verdict.CONFORMS
    assert found["a", "gradient/input/0"].verdict is Verdict.CRASHED


def test_who_conforms_agrees_with_who_conforms() -> None:
    found = checks({"a": RIGHT, "b": RIGHT, "c": WRONG})
    assert found["a", "output/0"].agrees_with == ("b",)
    assert found["c", "output/0"].agrees_with == ()
    assert found["c", "gradient/input/0"].agrees_with == ("a", "b")


def test_who_is_wrong_alike_agrees() -> None:
    found = checks({"a": WRONG, "b": WRONG, "c": RIGHT})
    assert found["a", "output/0"].agrees_with == ("b",)
    assert found["a", "output/0"].verdict is Verdict.DIVERGES


def test_who_gives_the_same_of_another_shape_agrees() -> None:
    short: dict[str, Observed] = {"output/0": to_wire(np.array([0, 1], np.float32))}
    other: dict[str, Observed] = {"output/0": to_wire(np.array([0, 1.0000001], np.float32))}
    found = checks({"a": short, "b": short, "c": other}, TANH)
    assert found["a", "output/0"].agrees_with == ("b",)


def test_refusals_agree_with_refusals_alone() -> None:
    found = checks(
        {"a": FAILING, "b": FAILING, "c": RIGHT, "d": dict.fromkeys(RIGHT, Broken(Verdict.CRASHED, ""))}
    )
    assert found["a", "output/0"].agrees_with == ("b",)
    assert found["d", "output/0"].agrees_with == ()


def test_to_refuse_a_gradient_is_not_to_refuse_the_call() -> None:
    error = FAILING["gradient/input/0"]
    assert isinstance(error, WireError)
    at_gradient = RIGHT | {"gradient/input/0": msgspec.structs.replace(error, at="gradient")}
    found = checks({"a": FAILING, "b": at_gradient, "c": at_gradient})
    assert found["a", "gradient/input/0"].agrees_with == ()
    assert found["b", "gradient/input/0"].agrees_with == ("c",)


def test_failures_that_nobody_meant_agree_with_nothing() -> None:
    broken = dict.fromkeys(RIGHT, WireError("internal", "call", "index out of range"))
    found = checks({"a": broken, "b": broken, "c": FAILING})
    assert {c.agrees_with for c in found.values()} == {()}


@pytest.mark.parametrize(("other", "agrees"), [([[1, 3]], ("b",)), ([[1, 4]], ())])
def test_structures_agree_where_they_are_equal(other: list[list[int]], agrees: tuple[str, ...]) -> None:
    output = {"output/0": to_wire(np.array([[1, 2]], np.float32))}
    answers = {
        "a": {"shape/concrete": WireJSON([[1, 3]])} | output,
        "b": {"shape/concrete": WireJSON(other)} | output,
    }
    found = checks(dict(answers), FLATTEN)
    assert found["a", "shape/concrete"].verdict is Verdict.DIVERGES
    assert found["a", "shape/concrete"].agrees_with == agrees


def test_arrays_of_other_shapes_do_not_agree() -> None:
    short = RIGHT | {"output/0": to_wire(np.zeros(2, np.float32))}
    long = RIGHT | {"output/0": to_wire(np.zeros(4, np.float32))}
    assert checks({"a": short, "b": long})["a", "output/0"].agrees_with == ()


def test_arrays_of_one_wrong_shape_agree_where_they_are_equal() -> None:
    alike = RIGHT | {"output/0": to_wire(np.zeros(2, np.float32))}
    other = RIGHT | {"output/0": to_wire(np.ones(2, np.float32))}
    found = checks({"a": alike, "b": alike, "c": other})
    assert found["a", "output/0"].verdict is Verdict.DIVERGES
    assert found["a", "output/0"].agrees_with == ("b",)


def test_nan_agrees_with_nan() -> None:
    nan = RIGHT | {"output/0": to_wire(np.full(3, np.nan, np.float32))}
    assert checks({"a": nan, "b": nan})["a", "output/0"].agrees_with == ("b",)


def test_configurations_agree_whatever_number_a_layer_has() -> None:
    case = Case("layers.Flatten", observables=("config",))
    answers = {name: {"config": WireJSON({"name": f"flatten_{name}", "odd": 1})} for name in ("a", "b")}
    assert checks(answers, case)["a", "config"].agrees_with == ("b",)


AGAIN = Case("activations.relu", inputs=(X,), observables=("output/0", "again/output/0"))


def again(first: Observed | Broken, second: Observed) -> Check:
    return checks({"a": {"output/0": first, "again/output/0": second}}, AGAIN)["a", "again/output/0"]


def test_a_second_answer_is_held_against_the_first_bit_for_bit() -> None:
    """Whatever the specification says of both."""
    assert again(WRONG["output/0"], WRONG["output/0"]).verdict is Verdict.CONFORMS
    nearly = to_wire(np.nextafter(np.array([0, 0.5, 2], np.float32), np.float32(3)))
    found = again(RIGHT["output/0"], nearly)
    assert (found.verdict, found.required_rung) == (Verdict.DIVERGES, Rung.EXACT)
    negative = to_wire(np.array([-0.0, 0.5, 2], np.float32))
    assert again(RIGHT["output/0"], negative).verdict is Verdict.DIVERGES


def test_what_was_refused_once_has_to_be_refused_again() -> None:
    refused = WireError("internal", "call", "no")
    assert again(refused, refused).verdict is Verdict.CONFORMS
    assert again(refused, WireError("type", "call", "no")).verdict is Verdict.DIVERGES
    assert again(refused, RIGHT["output/0"]).verdict is Verdict.ACCEPTS
    assert again(RIGHT["output/0"], refused).verdict is Verdict.RAISES


def test_a_second_answer_to_nothing_is_not_judged() -> None:
    found = again(Broken(Verdict.CRASHED, "signal 11"), RIGHT["output/0"])
    assert found.verdict is Verdict.NOT_RUN
    assert "signal 11" in found.message


@pytest.mark.parametrize(
    "arguments", [{"name": {"default": None}}, {"data_format": {"read": True}, "own": {}}]
)
def test_check_of_a_signature_keeps_the_arguments_told(arguments: dict[str, Any]) -> None:
    case = Case("layers.Flatten", observables=("signature", "config"))
    told = WireJSON({"arguments": arguments})
    found = checks({"a": {"signature": told, "config": told}}, case)
    assert found["a", "signature"].arguments == tuple(arguments)
    assert found["a", "config"].arguments == ()


def test_check_of_a_signature_that_is_refused_or_odd_has_no_arguments() -> None:
    case = Case("layers.Flatten", observables=("signature",))
    answers = {"a": FAILING["output/0"], "b": WireJSON(["units"])}
    found = checks({name: {"signature": answer} for name, answer in answers.items()}, case)
    assert {c.arguments for c in found.values()} == {()}
