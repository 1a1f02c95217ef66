"""The recorded deviations of TensorFlow.js: each is well formed and has a witness that it is about, explains
what it records and nothing else, and holds for the real thing."""

from __future__ import annotations

import re
from typing import Any

import anyio
import numpy as np
import pytest

from conformance.cases.case import Case
from conformance.cases.properties import PROPERTIES
from conformance.cases.properties.property import matches
from conformance.cases.subjects import class_of
from conformance.checks import Trial, check
from conformance.dialects.deviation import Deviation, Raises, Unpredictable, Value
from conformance.dialects.tensorflow_js import DIALECTS
from conformance.engine import Plan, run
from conformance.reference_impl.patches import TARGETS
from conformance.reporting.results import DeviationRecord
from conformance.runners.protocol import ERROR_KINDS, WireError
from conformance.runners.registry import backends
from conformance.verdicts import FINDINGS, Check, Verdict

from ..wrong_backends.reference_backend import Said, bench, data_of, observe

CPU = DIALECTS["tfjs-cpu"]
ENTRIES = {d.id: d for dialect in DIALECTS.values() for d in dialect.deviations}
RECORDED = [(name, d) for name, dialect in DIALECTS.items() for d in dialect.deviations]

every_entry = pytest.mark.parametrize(
    ("backend", "entry"), RECORDED, ids=[f"{name}-{d.id}" for name, d in RECORDED]
)


def argument_exists(target: str) -> bool:
    subject, _, argument = target.removeprefix("default:").rpartition(".")
    return argument in class_of(subject).arguments


@every_entry
def test_entry_is_complete(backend: str, entry: Deviation) -> None:
    assert re.fullmatch(r"tfjs-[a-z0-9]+(-[a-z0-9]+)*", entry.id)
    assert entry.kind in ("intentional", "bug", "precision")
    assert re.match(r"@tensorflow/tfjs-[a-z-]+@4\.22\.0 dist/.*\.js", entry.source)
    assert re.match(
        r"https://github\.com/tensorflow/tfjs(-core|-layers)?/(issues|pull)/\d+$|none found \(.+\)$",
        entry.upstream,
    )
    assert entry.summary.endswith(".")
    assert entry.witnesses
    match entry.effect:
        case Value(patches):
            known = {t: argument_exists(t) if t.startswith("default:") else t in TARGETS for t in patches}
            assert all(known.values()), known
        case Raises(kind):
            assert kind in ERROR_KINDS


@every_entry
def test_every_witness_is_in_scope_and_asks_what_differs(backend: str, entry: Deviation) -> None:
    for case in entry.witnesses:
        assert entry.scope(case, data_of(case))
        if not isinstance(entry.effect, Value):
            assert any(matches(entry.effect.observables, observable) for observable in case.observables)


@every_entry
def test_patches_in_scope_of_a_witness_compose(backend: str, entry: Deviation) -> None:
    for case in entry.witnesses:
        trial = Trial(case, data_of(case), bench(DIALECTS[backend]))
        reached: set[str] = set()
        for observable in case.observables:
            with np.errstate(all="ignore"):
                answers = trial.under(trial.patching(observable))
                assert answers[observable] is not None
            reached |= answers.reached
        if isinstance(entry.effect, Value):
            assert reached & entry.effect.patches.keys()


def judged(case: Case, replaced: dict[str, Any], said: Said | None = None) -> dict[str, Check]:
    """The checks, under the dialect of tfjs-cpu, of a backend that answers as the patched specification."""
    backend = bench(CPU)
    answers = {backend.name: observe(case, replaced, said)}
    checks = check(case, data_of(case), [backend], answers, list(PROPERTIES.values()))
    return {c.observable: c for c in checks}


def witness(name: str, index: int = 0) -> Case:
    return ENTRIES[name].witnesses[index]


def patches(name: str) -> dict[str, Any]:
    effect = ENTRIES[name].effect
    assert isinstance(effect, Value)
    return dict(effect.patches)


def slightly_more(names: tuple[str, ...]) -> Said:
    """A fault on top: a thousandth more than what was computed."""
    return lambda case, name, x: (
        (x * np.float32(1.001)).astype(x.dtype)
        if name in names and isinstance(x, np.ndarray) and x.dtype.kind == "f"
        else x
    )


COMPUTED = (
    ("tfjs-hard-sigmoid-of-keras-2", "output/0"),
    ("tfjs-constraints-act-on-assignment", "output/0"),
    ("tfjs-batch-normalization-inner-axis", "output/0"),
    ("tfjs-batch-normalization-ignores-mask", "training/state/moving_mean"),
    ("tfjs-batch-normalization-frozen-in-training", "training/output/0"),
    ("tfjs-recurrent-masked-step-gives-state", "output/0"),
    ("tfjs-concatenate-negative-axis", "output/0"),
    ("tfjs-softmax-adds-mask", "output/0"),
)
"""Entries about values, and an observable that shows each."""


@pytest.mark.parametrize(("name", "observable"), COMPUTED)
def test_recorded_value_deviates(name: str, observable: str) -> None:
    in_scope = [a.deviation for a in CPU.in_scope(witness(name), data_of(witness(name)))]
    every = {t: p for d in in_scope if isinstance(d.effect, Value) for t, p in d.effect.patches.items()}
    found = judged(witness(name), every)[observable]
    assert found.verdict is Verdict.DEVIATES
    assert name in found.deviations


@pytest.mark.parametrize(("name", "observable"), COMPUTED)
def test_fault_beneath_a_recorded_value_is_a_finding(name: str, observable: str) -> None:
    """Neither the specification's value nor the dialect's."""
    found = judged(witness(name), patches(name), slightly_more((observable,)))[observable]
    assert found.verdict is Verdict.DIVERGES
    assert found.deviations == ()


def test_softsign_gradient_is_no_licence_for_a_wrong_slope() -> None:
    case = witness("tfjs-softsign-gradient-composed", 1)
    wrong = judged(case, patches("tfjs-softsign-gradient-composed"), slightly_more(("gradient/input/0",)))
    assert wrong["gradient/input/0"].verdict is Verdict.DIVERGES


@pytest.mark.parametrize(
    "name",
    [
        "tfjs-no-groups",
        "tfjs-batch-normalization-rank",
        "tfjs-softmax-last-axis-only",
        "tfjs-unknown-activation",
    ],
)
def test_other_refusal_than_the_recorded_one_is_a_finding(name: str) -> None:
    effect = ENTRIES[name].effect
    assert isinstance(effect, Raises)

    def refusing(message: str) -> dict[str, Check]:
        error = WireError(effect.kind, effect.at, message)
        return judged(witness(name), {}, lambda case, observable, answer: error)

    recorded, other = refusing(f"… {effect.message} …")["output/0"], refusing("out of memory")["output/0"]
    assert (recorded.verdict, recorded.deviations) == (Verdict.DEVIATES, (name,))
    assert (other.verdict, other.deviations) == (Verdict.RAISES, ())


def test_configuration_deviates_exactly_as_recorded() -> None:
    def saying(**more: Any) -> Check:
        def said(case: Case, observable: str, answer: Any) -> Any:
            if observable != "config":
                return answer
            return {k: v for k, v in answer.items() if k not in ("dtype", "quantization_config")} | more

        default = patches("tfjs-dense-kernel-initializer-default")
        return judged(witness("tfjs-config-without-dtype", 1), default, said)["config"]

    assert saying().verdict is Verdict.DEVIATES
    assert set(saying().deviations) == {
        "tfjs-config-without-dtype",
        "tfjs-dense-kernel-initializer-default",
        "tfjs-no-quantization-config",
    }
    assert saying(units=4).verdict is Verdict.DIVERGES
    assert saying(dtype="float32").verdict is Verdict.DIVERGES


def test_specification_itself_conforms_under_the_dialect() -> None:
    """A deviation that were mended would no longer be named."""
    checks = judged(witness("tfjs-hard-sigmoid-of-keras-2"), {})
    assert {(c.verdict, c.deviations) for c in checks.values()} == {(Verdict.CONFORMS, ())}


@pytest.mark.node
@pytest.mark.parametrize("backend", DIALECTS)
def test_every_deviation_holds_on_its_witnesses(backend: str) -> None:
    """And nothing else is wrong with them. What cannot be predicted holds, or has not shown this time."""
    deviations = DIALECTS[backend].deviations
    cases = {case.id: case for d in deviations for case in d.witnesses}
    records: list[DeviationRecord] = []
    findings: list[Check] = []

    async def collect() -> None:
        async for event in run(Plan(tuple(cases.values()), (backends()[backend],))):
            if isinstance(event, DeviationRecord):
                records.append(event)
            findings.extend(c for c in getattr(event, "checks", ()) if c.verdict in FINDINGS)

    anyio.run(collect)
    assert findings == []
    expected = {d.id: (True, None) if isinstance(d.effect, Unpredictable) else (True,) for d in deviations}
    assert {r.id for r in records} == expected.keys()
    assert [r.id for r in records if r.holds not in expected[r.id]] == []
    assert [r.id for r in records if r.holds and not r.matched] == []
