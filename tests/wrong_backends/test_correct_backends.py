"""A correct implementation raises no alarm, whatever order, algorithm or rounding it has declared."""

from __future__ import annotations

import pytest

from conformance.verdicts import BROKEN, FINDINGS, Verdict

from .correct import EQUIVALENT, VARIANTS, Variant
from .reference_backend import QUICK, judge_of, observe


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_correct_backend_raises_no_alarm(variant: Variant) -> None:
    """Those that `proofs.teeth` asks the whole standard corpus are asked every second case here."""
    judge = judge_of(**variant.arithmetic)
    alarms = [
        f"{case.subject} {case.config} {check.observable}: {check.message}"
        for case in (QUICK[::2] if variant in EQUIVALENT else QUICK)
        if variant.concerns(case)
        for check in judge.checks(case, observe(case, variant.replaced))
        if check.verdict in FINDINGS | BROKEN
    ]
    assert not alarms, "\n".join(alarms[:20])


@pytest.mark.parametrize("variant", EQUIVALENT, ids=str)
def test_equivalent_backend_has_other_bits(variant: Variant) -> None:
    """It would prove nothing if it computed as the reference backend does."""
    cases = [case for case in QUICK if case.subject in ("layers.GRU", "layers.GlobalAveragePooling1D")]
    assert any(observe(case, variant.replaced) != observe(case) for case in cases)


@pytest.mark.parametrize("name", ["round_to_zero", "one_pass_variance"])
def test_variant_that_is_not_declared_is_caught(name: str) -> None:
    variant = next(v for v in VARIANTS if v.name == name)
    assert any(
        check.verdict is Verdict.DIVERGES
        for case in QUICK
        if case.subject in ("layers.Dense", "layers.BatchNormalization")
        for check in judge_of().checks(case, observe(case, variant.replaced))
    )
