"""Each of the effects of a deviation, shown by wrong backends whose fault is recorded, or is not."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.errors import spoilt
from conformance.cases.properties import PROPERTIES
from conformance.checks import check
from conformance.dialects.deviation import (
    Accepts,
    Deviation,
    Dialect,
    Effect,
    Metadata,
    Raises,
    Unpredictable,
    Value,
    subject,
)
from conformance.dialects.refused import unknown_arguments
from conformance.dialects.scopes import all_of
from conformance.reference_impl import layers
from conformance.reference_impl.primitives import add, multiply
from conformance.runners.protocol import WireError
from conformance.runners.question import REPEATED
from conformance.verdicts import FINDINGS, Check, Verdict

from .reference_backend import QUICK, Replacements, Said, bench, data_of, observe


def deviation(name: str, effect: Effect, scope: Any) -> Deviation:
    return Deviation(name, "", "bug", "", "", "", scope, effect, ())


def judged(
    case: Case, *deviations: Deviation, replaced: Replacements | None = None, said: Said | None = None
) -> dict[str, Check]:
    """The checks of a faulty backend's answer under a dialect, by observable."""
    backend = bench(Dialect(deviations))
    answers = {backend.name: observe(case, replaced, said)}
    checks = check(case, data_of(case), [backend], answers, list(PROPERTIES.values()))
    return {c.observable: c for c in checks}


def case_of(subject_: str, **config: Any) -> Case:
    """The first case with values in its data whose configuration says this."""
    return next(
        case
        for case in QUICK
        if case.subject == subject_
        and case.config.items() >= config.items()
        and "output/0" in case.observables
    )


GELU = case_of("activations.gelu")
SILU = case_of("activations.silu")
DENSE = case_of("layers.Dense", units=3)


def doubled(original: Any, x: Any, *args: Any) -> Any:
    return multiply(original(x, *args), 2.0)


def shifted(original: Any, x: Any, *args: Any) -> Any:
    return add(original(x, *args), 1.0)


GELU_DOUBLED = deviation("gelu-doubled", Value({"activations.gelu": doubled}), subject("activations.gelu"))


def test_value_in_scope_deviates_as_recorded() -> None:
    checks = judged(GELU, GELU_DOUBLED, replaced={"activations.gelu": doubled})
    assert {(c.verdict, c.deviations) for c in checks.values()} == {(Verdict.DEVIATES, ("gelu-doubled",))}
    assert all(isinstance(c.margin, float) and c.margin <= 1 for c in checks.values())


def test_fault_out_of_scope_stays_a_finding() -> None:
    checks = judged(SILU, GELU_DOUBLED, replaced={"activations.silu": doubled})
    assert {(c.verdict, c.deviations) for c in checks.values()} == {(Verdict.DIVERGES, ())}


def test_another_fault_beneath_a_recorded_one_is_a_finding() -> None:
    def both(original: Any, x: Any, *args: Any) -> Any:
        return shifted(lambda *a: doubled(original, *a), x, *args)

    checks = judged(GELU, GELU_DOUBLED, replaced={"activations.gelu": both})
    assert checks["output/0"].verdict is Verdict.DIVERGES
    assert checks["output/0"].deviations == ()


def test_correct_answer_in_the_scope_of_a_deviation_conforms() -> None:
    checks = judged(GELU, GELU_DOUBLED)
    assert {(c.verdict, c.deviations) for c in checks.values()} == {(Verdict.CONFORMS, ())}


def test_default_in_scope_deviates_as_recorded() -> None:
    default = {"default:layers.BatchNormalization.epsilon": 0.5}
    other = deviation("epsilon", Value(default), subject("layers.BatchNormalization"))
    checks = judged(case_of("layers.BatchNormalization"), other, replaced=default)
    assert checks["output/0"].verdict is Verdict.DEVIATES
    assert checks["config"].verdict is Verdict.DEVIATES
    assert checks["weights"].verdict is Verdict.CONFORMS


def test_two_patches_of_one_target_explain_nothing_and_the_finding_names_both() -> None:
    other = deviation("gelu-shifted", Value({"activations.gelu": shifted}), subject("activations.gelu"))
    check = judged(GELU, GELU_DOUBLED, other, replaced={"activations.gelu": doubled})["output/0"]
    assert (check.verdict, check.deviations) == (Verdict.DIVERGES, ())
    assert f"deviations {GELU_DOUBLED.id} and {other.id} both patch activations.gelu" in check.message


def test_patch_that_fails_explains_nothing_and_the_finding_names_it() -> None:
    def failing(original: Any, x: Any, *args: Any) -> Any:
        return x.value[99]

    other = deviation("gelu-at-99", Value({"activations.gelu": failing}), subject("activations.gelu"))
    check = judged(GELU, other, replaced={"activations.gelu": doubled})["output/0"]
    assert (check.verdict, check.deviations) == (Verdict.DIVERGES, ())
    assert "gelu-at-99" in check.message
    assert "failing (test_dialects.py:" in check.message
    assert "IndexError: index 99" in check.message


def test_two_patches_compose_and_only_those_that_matter_are_named() -> None:
    """The momentum changes the state, the epsilon the output; each observable names its own cause."""
    target = "layers.BatchNormalization"
    scope = subject(target)
    momentum = deviation("momentum", Value({f"default:{target}.momentum": 0.25}), scope)
    epsilon = deviation("epsilon", Value({f"default:{target}.epsilon": 0.5}), scope)
    faulty = {f"default:{target}.momentum": 0.25, f"default:{target}.epsilon": 0.5}
    case = case_of(target)
    checks = judged(case, momentum, epsilon, replaced=faulty)
    assert checks["output/0"].deviations == ("epsilon",)
    assert checks["training/output/0"].deviations == ("epsilon",)
    assert checks["training/state/moving_mean"].deviations == ("momentum",)
    assert set(checks["config"].deviations) == {"momentum", "epsilon"}
    assert checks["shape/concrete"].verdict is Verdict.CONFORMS


def test_patch_need_not_hold_without_another_one_that_matters() -> None:
    def relying(original: Any, *args: Any, **kwargs: Any) -> Any:
        if layers.get(target.partition(".")[2])().get_config()["epsilon"] != 0.5:
            raise IndexError
        return original(*args, **kwargs)

    target = "layers.BatchNormalization"
    patches = {f"default:{target}.epsilon": 0.5, f"{target}.moments": relying}
    epsilon, other = (
        deviation(name, Value({place: patch}), subject(target))
        for name, (place, patch) in zip(("epsilon", "relying"), patches.items(), strict=True)
    )
    check = judged(case_of(target), epsilon, other, replaced=patches)["training/output/0"]
    assert (check.verdict, check.deviations) == (Verdict.DEVIATES, ("epsilon",))


REFUSED = WireError("missing-kernel", "gradient", "no gradient registered for Erf")


def refusing(error: WireError) -> Said:
    return lambda case, observable, answer: error if observable.startswith("gradient") else answer


REFUSAL = deviation(
    "gelu-no-gradient",
    Raises("missing-kernel", "gradient", ("gradient/*",), "gradient registered"),
    subject("activations.gelu"),
)


def test_recorded_refusal_deviates_and_hides_no_value() -> None:
    checks = judged(GELU, REFUSAL, said=refusing(REFUSED))
    assert checks["gradient/input/0"].verdict is Verdict.DEVIATES
    assert checks["gradient/input/0"].deviations == ("gelu-no-gradient",)
    assert checks["output/0"].verdict is Verdict.CONFORMS


@pytest.mark.parametrize(
    "error",
    [
        WireError("internal", "gradient", REFUSED.message),
        WireError("missing-kernel", "call", REFUSED.message),
        WireError("missing-kernel", "gradient", "out of memory"),
    ],
    ids=["kind", "at", "message"],
)
def test_another_refusal_than_the_recorded_one_is_a_finding(error: WireError) -> None:
    checks = judged(GELU, REFUSAL, said=refusing(error))
    assert checks["gradient/input/0"].verdict is Verdict.RAISES


def test_refusal_of_another_observable_is_a_finding() -> None:
    checks = judged(GELU, REFUSAL, said=lambda case, observable, answer: REFUSED)
    assert checks["output/0"].verdict is Verdict.RAISES


def units_as_text(case: Case, expected: Any) -> Any:
    return expected | {"units": str(expected["units"])}


TEXTUAL = deviation("dense-units-text", Metadata(("config",), units_as_text), subject("layers.Dense"))


def saying_units(units: Any) -> Said:
    return lambda case, observable, answer: answer | {"units": units} if observable == "config" else answer


def test_recorded_metadata_deviates_exactly_thus() -> None:
    checks = judged(DENSE, TEXTUAL, said=saying_units("3"))
    assert checks["config"].verdict is Verdict.DEVIATES
    assert checks["config"].deviations == ("dense-units-text",)
    assert checks["reconstructed/config"].verdict is Verdict.CONFORMS


def test_other_metadata_than_recorded_are_a_finding() -> None:
    checks = judged(DENSE, TEXTUAL, said=saying_units("three"))
    assert checks["config"].verdict is Verdict.DIVERGES


GARBAGE = deviation(
    "gelu-garbage", Unpredictable(Verdict.DIVERGES, ("output/0",), "elements"), subject("activations.gelu")
)


def test_unpredictable_never_conforms_and_is_no_finding() -> None:
    checks = judged(GELU, GARBAGE, replaced={"activations.gelu": shifted})
    assert checks["output/0"].verdict is Verdict.UNSPECIFIED
    assert checks["output/0"].deviations == ("gelu-garbage",)


def test_every_run_says_the_same_of_what_is_unpredictable() -> None:
    """Whether the garbage is this, that, or by chance what is right, or what another deviation says."""
    found = [
        judged(GELU, GARBAGE, GELU_DOUBLED, replaced={"activations.gelu": garbage})["output/0"]
        for garbage in (shifted, doubled, lambda original, x, *args: original(x, *args))
    ]
    assert found[0] == found[1] == found[2]
    assert found[0].verdict is Verdict.UNSPECIFIED


def test_garbage_may_be_the_answer_before() -> None:
    backend = bench(Dialect((GARBAGE,)))
    answers = {backend.name: observe(GELU) | dict.fromkeys(("output/0", "gradient/input/0"), REPEATED)}
    found = check(GELU, data_of(GELU), [backend], answers, list(PROPERTIES.values()))
    verdicts = {c.observable: c.verdict for c in found}
    assert verdicts["output/0"] is Verdict.UNSPECIFIED
    assert verdicts["gradient/input/0"] is Verdict.PROTOCOL_ERROR


def test_a_recorded_refusal_of_what_is_unpredictable_stays_one() -> None:
    garbage = deviation(
        "gelu-garbage",
        Unpredictable(Verdict.DIVERGES, ("gradient/*",), "elements"),
        subject("activations.gelu"),
    )
    checks = judged(GELU, garbage, REFUSAL, said=refusing(REFUSED))
    assert checks["gradient/input/0"].deviations == ("gelu-no-gradient",)


def test_unpredictable_explains_no_other_observable_and_no_other_message() -> None:
    garbage = deviation(
        "gelu-garbage", Unpredictable(Verdict.RAISES, ("output/0",), "memory"), subject("activations.gelu")
    )
    error = WireError("internal", "call", "out of memory")
    assert judged(GELU, garbage, said=lambda *_: error)["gradient/input/0"].verdict in FINDINGS
    other = WireError("internal", "call", "unreachable")
    assert judged(GELU, garbage, said=lambda *_: other)["output/0"].verdict in FINDINGS


def test_scope_may_look_at_the_data() -> None:
    def where_zero(case: Case, data: Data) -> bool:
        return bool((data.inputs[0] == 0).any())

    recorded = deviation("at-zero", Value({"activations.silu": shifted}), where_zero)
    zeros = next(c for c in QUICK if c.subject == "activations.silu" and c.inputs[0].regime == "signed_zeros")  # type: ignore[union-attr]
    faulty: Replacements = {"activations.silu": shifted}
    assert judged(zeros, recorded, replaced=faulty)["output/0"].verdict is Verdict.DEVIATES
    assert judged(SILU, recorded, replaced=faulty)["output/0"].verdict is Verdict.DIVERGES


UNKNOWN = spoilt("Dense", {"nmae": "x"})
IGNORES = deviation("ignores", Accepts(), all_of(subject("layers.Dense"), unknown_arguments))


def accepting(case: Case, observable: str, answer: Any) -> Any:
    return None


def test_recorded_want_of_a_check_deviates() -> None:
    found = judged(UNKNOWN, IGNORES, said=accepting)["refusal"]
    assert (found.verdict, found.deviations) == (Verdict.DEVIATES, ("ignores",))


def test_refusal_in_the_scope_of_a_missing_check_conforms() -> None:
    found = judged(UNKNOWN, IGNORES)["refusal"]
    assert (found.verdict, found.deviations) == (Verdict.CONFORMS, ())


def test_another_thing_that_is_wrong_is_seen_beneath_a_missing_check() -> None:
    """The same argument is ignored, and beside it a number of units is not checked."""
    case = spoilt("Dense", {"nmae": "x", "units": 0})
    found = judged(case, IGNORES, said=accepting)["refusal"]
    assert (found.verdict, found.deviations) == (Verdict.ACCEPTS, ())


def test_failure_in_the_scope_of_a_missing_check_is_a_finding() -> None:
    failing = WireError("internal", "call", "out of memory")
    found = judged(UNKNOWN, IGNORES, said=lambda case, observable, answer: failing)["refusal"]
    assert (found.verdict, found.deviations) == (Verdict.DIVERGES, ())


def test_other_answer_than_nothing_is_no_want_of_a_check() -> None:
    found = judged(UNKNOWN, IGNORES, said=lambda case, observable, answer: 5)["refusal"]
    assert (found.verdict, found.deviations) == (Verdict.ACCEPTS, ())


def test_recorded_failure_where_a_refusal_is_due_deviates_in_these_words_alone() -> None:
    fails = deviation(
        "fails", Raises("internal", "call", ("refusal",), "out of range"), subject("layers.Dense")
    )

    def saying(message: str) -> Check:
        error = WireError("internal", "call", message)
        return judged(UNKNOWN, fails, said=lambda case, observable, answer: error)["refusal"]

    assert saying("tuple index out of range").deviations == ("fails",)
    assert saying("segmentation fault").verdict is Verdict.DIVERGES


def test_scopes_that_need_a_sound_layer_are_not_asked_about_a_bad_one() -> None:
    def makes_the_layer(case: Case, data: Data) -> bool:
        return bool(layers.get("Dense").from_config(case.config))

    other = deviation("other", Value({"activations.gelu": doubled}), makes_the_layer)
    assert judged(UNKNOWN, other)["refusal"].verdict is Verdict.CONFORMS
    assert judged(UNKNOWN, other, said=accepting)["refusal"].verdict is Verdict.ACCEPTS
