"""The engine asks every backend every case once, judges in order, and outlives what its backends do."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import psutil
import pytest

from conformance.cases.case import Case, Literal
from conformance.dialects.deviation import Deviation, Dialect, Effect, Raises, Unpredictable, Value, subject
from conformance.engine import LOOKAHEAD, Plan, run
from conformance.events import Event, Judged, Started, Unavailable
from conformance.reference_impl.primitives import multiply, relu, subtract
from conformance.reporting.results import DeviationRecord
from conformance.runners.process import Runner
from conformance.runners.protocol import ConcreteCase
from conformance.runners.question import Limits, Question
from conformance.runners.registry import BackendSpec, from_command
from conformance.verdicts import Check, Verdict

ADAPTER = Path(__file__).parent / "adapters" / "rectifier.py"
DIALECT = "dialect_of_a_test"


def backend(how: str) -> BackendSpec:
    return from_command(shlex.join([sys.executable, "-S", str(ADAPTER), how]), how)


def relu_of(*values: float, observables: tuple[str, ...] = ("output/0",)) -> Case:
    x = Literal((len(values),), values)
    return Case("activations.relu", inputs=(x,), cotangents=(x,), observables=observables)


CASES = tuple(relu_of(-1.0, n + 0.5, -n - 2.0) for n in range(12))


def plan(*hows: str, cases: Iterable[Case] = CASES, **more: Any) -> Plan:
    """Judged in this process, where a test's own dialects are."""
    given: dict[str, Any] = {"limits": Limits(start_s=30, case_s=30), "workers": 0} | more
    return Plan(tuple(cases), tuple(backend(how) for how in hows), **given)


def events_of(plan: Plan) -> list[Event]:
    async def collect() -> list[Event]:
        async with aclosing(run(plan)) as events:
            return [event async for event in events]

    return anyio.run(collect)


def judged(events: Iterable[Event]) -> list[Judged]:
    return [event for event in events if isinstance(event, Judged)]


def checks_of(events: Iterable[Event]) -> list[Check]:
    return [check for event in judged(events) for check in event.checks]


def verdicts(events: Iterable[Event], backend: str) -> list[Verdict]:
    return [check.verdict for check in checks_of(events) if check.backend == backend]


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Records deviations of the backend `leaky`, or of another, in the module `DIALECT`."""

    def record(*deviations: Deviation, of: str = "leaky") -> None:
        module = ModuleType(DIALECT)
        module.DIALECTS = {of: Dialect(deviations)}  # type: ignore[attr-defined]  # what a dialect's module has
        monkeypatch.setitem(sys.modules, DIALECT, module)

    return record


def leaking(original: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    return subtract(relu(x), multiply(relu(multiply(x, -1.0)), 0.25))


WITNESS = relu_of(-4.0, 3.0)


def deviation(effect: Effect, name: str = "leaky-relu", witness: Case = WITNESS) -> Deviation:
    return Deviation(name, "", "bug", "", "", "", subject("activations.relu"), effect, (witness,))


LEAK = deviation(Value({"activations.relu": leaking}))


def records(events: Iterable[Event]) -> list[DeviationRecord]:
    return [event for event in events if isinstance(event, DeviationRecord)]


def test_two_backends_are_asked_side_by_side() -> None:
    events = events_of(plan("well", "leaky"))
    assert {event.backend for event in events[:2] if isinstance(event, Started)} == {"well", "leaky"}
    assert verdicts(events, "well") == [Verdict.CONFORMS] * len(CASES)
    assert verdicts(events, "leaky") == [Verdict.DIVERGES] * len(CASES)
    assert {check.agrees_with for check in checks_of(events)} == {()}


def test_cases_are_judged_in_their_order_and_once() -> None:
    assert [event.case for event in judged(events_of(plan("well", "leaky")))] == list(CASES)


def test_backends_that_answer_alike_agree_also_against_the_specification() -> None:
    """They go by the names that they were given, though both say the same one of themselves."""
    leaky = backend("leaky")
    specs = (backend("well"), leaky, replace(leaky, name="like-leaky"))
    assert {(c.backend, c.verdict, c.agrees_with) for c in checks_of(events_of(Plan(CASES, specs)))} == {
        ("well", Verdict.CONFORMS, ()),
        ("leaky", Verdict.DIVERGES, ("like-leaky",)),
        ("like-leaky", Verdict.DIVERGES, ("leaky",)),
    }


def test_observable_that_is_no_capability_is_asked_nothing() -> None:
    case = relu_of(1.0, observables=("output/0", "gradient/input/0"))
    alone = relu_of(1.0, observables=("gradient/input/0",))
    checks = checks_of(events_of(plan("well", cases=[case, alone])))
    assert [(check.observable, check.verdict) for check in checks] == [
        ("output/0", Verdict.CONFORMS),
        ("gradient/input/0", Verdict.UNSUPPORTED),
        ("gradient/input/0", Verdict.UNSUPPORTED),
    ]


def test_properties_that_are_not_chosen_judge_nothing() -> None:
    assert checks_of(events_of(plan("well", properties=("gradients",)))) == []


def test_what_the_chosen_properties_neither_judge_nor_judge_by_is_not_asked() -> None:
    everything = ("output/0", "again/output/0", "gradient/input/0", "relation/odd/output/0")
    case = relu_of(1.0, observables=everything)

    def wanted(*properties: str) -> tuple[str, ...]:
        return plan("well", properties=properties or None).wanted(case)

    assert wanted() == everything
    assert wanted("gradients") == ("gradient/input/0",)
    assert wanted("determinism") == ("output/0", "again/output/0")
    assert wanted("forward", "metamorphic") == ("output/0", "relation/odd/output/0")


def test_backend_that_dies_fails_only_the_case_at_fault() -> None:
    cases = [*CASES[:4], relu_of(7.0), *CASES[4:]]
    events = events_of(plan("fragile", "well", cases=cases))
    expected = [Verdict.CONFORMS] * len(cases)
    assert verdicts(events, "well") == expected
    expected[4] = Verdict.CRASHED
    assert verdicts(events, "fragile") == expected


def test_backend_that_hangs_fails_only_the_case_at_fault() -> None:
    cases = [relu_of(8.0), CASES[0]]
    events = events_of(plan("fragile", cases=cases, limits=Limits(start_s=30, case_s=0.4)))
    assert verdicts(events, "fragile") == [Verdict.TIMED_OUT, Verdict.CONFORMS]


def test_unavailable_backend_does_not_stop_the_others() -> None:
    events = events_of(plan("refuse", "well"))
    (unavailable,) = [event for event in events if isinstance(event, Unavailable)]
    assert unavailable.backend == "refuse"
    assert "No module named 'rectifier'" in unavailable.message
    assert verdicts(events, "well") == [Verdict.CONFORMS] * len(CASES)
    assert verdicts(events, "refuse") == []


def test_run_without_any_backend_ends_and_checks_nothing() -> None:
    events = events_of(plan("refuse"))
    assert isinstance(events[0], Unavailable)
    assert checks_of(events) == []


def test_backend_whose_arithmetic_makes_no_sense_is_unavailable(tmp_path: Path) -> None:
    program = tmp_path / "odd.py"
    program.write_text(ADAPTER.read_text().replace("ieee-float32", "decimal"))
    spec = from_command(shlex.join([sys.executable, "-S", str(program), "well"]), "odd")
    event = events_of(Plan(CASES, (spec,)))[0]
    assert isinstance(event, Unavailable)
    assert "decimal" in event.message


def test_dialect_that_cannot_be_imported_makes_the_backend_unavailable() -> None:
    event = events_of(plan("well", dialects=("no_such_module",)))[0]
    assert isinstance(event, Unavailable)
    assert "no_such_module" in event.message


def test_witnesses_are_asked_after_the_cases_and_only_of_their_backend(recorded: Any) -> None:
    recorded(LEAK)
    events = events_of(plan("well", "leaky", dialects=(DIALECT,)))
    assert [event.case for event in judged(events)] == [*CASES, WITNESS]
    assert {check.backend for check in judged(events)[-1].checks} == {"leaky"}
    (record,) = records(events)
    assert (record.id, record.backend, record.holds) == ("leaky-relu", "leaky", True)
    assert record.matched == len(CASES) + 1
    assert events[-1] is record


def test_witness_of_all_backends_is_reached_behind_many_of_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    own = tuple(relu_of(-4.0, n + 0.25) for n in range(2 * LOOKAHEAD))
    module = ModuleType(DIALECT)
    module.DIALECTS = {  # type: ignore[attr-defined]  # what a dialect's module has
        "leaky": Dialect((replace(LEAK, witnesses=(*own, WITNESS)),)),
        "well": Dialect((LEAK,)),
    }
    monkeypatch.setitem(sys.modules, DIALECT, module)
    events = events_of(plan("well", "leaky", dialects=(DIALECT,)))
    assert [event.case for event in judged(events)] == [*CASES, WITNESS, *own]


def test_witnesses_of_other_subjects_and_unwanted_ones_are_not_asked(recorded: Any) -> None:
    recorded(LEAK)
    events = events_of(plan("leaky", dialects=(DIALECT,), witnesses=False))
    assert [event.case for event in judged(events)] == list(CASES)
    assert records(events)[0].holds is None
    recorded(deviation(LEAK.effect, witness=Case("activations.elu", observables=("output/0",))))
    assert records(events_of(plan("leaky", dialects=(DIALECT,))))[0].holds is None


def test_deviation_that_is_no_longer_seen_does_not_hold(recorded: Any) -> None:
    recorded(LEAK, of="well")
    events = events_of(plan("well", dialects=(DIALECT,)))
    (record,) = records(events)
    assert (record.holds, record.matched) == (False, 0)
    assert verdicts(events, "well") == [Verdict.CONFORMS] * (len(CASES) + 1)


def test_deviation_whose_effect_is_another_does_not_hold(recorded: Any) -> None:
    recorded(deviation(Raises("internal", "call", ("output/*",), "")))
    events = events_of(plan("leaky", dialects=(DIALECT,)))
    assert records(events)[0].holds is False
    assert set(verdicts(events, "leaky")) == {Verdict.DIVERGES}


def test_deviation_of_a_crash_holds_and_never_conforms(recorded: Any) -> None:
    effect = Unpredictable(Verdict.CRASHED, ("output/0",), "")
    recorded(deviation(effect, "relu-of-7-crashes", relu_of(7.0)), of="fragile")
    events = events_of(plan("fragile", dialects=(DIALECT,)))
    (check,) = judged(events)[-1].checks
    assert (check.verdict, check.deviations) == (Verdict.UNSPECIFIED, ("relu-of-7-crashes",))
    assert records(events)[0].holds is True


def test_case_that_is_recorded_to_hang_is_asked_observable_by_observable(
    recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    effect = Unpredictable(Verdict.TIMED_OUT, ("output/0",), "gave no answer within")
    hanging = deviation(effect, "relu-of-8-hangs", relu_of(8.0))
    recorded(replace(hanging, scope=lambda case, data: 8.0 in data.inputs[0]), of="fragile")
    ask, suspected = Runner.ask, []

    def note(runner: Runner, case: ConcreteCase, **how: bool) -> Question:
        suspected.append(how["suspected"])
        return ask(runner, case, **how)

    monkeypatch.setattr(Runner, "ask", note)
    limits = Limits(start_s=30, case_s=0.4)
    asked = plan("fragile", cases=CASES[:1], limits=limits, dialects=(DIALECT,))
    events = events_of(replace(asked, prove=True))
    assert suspected == [False, True]
    assert verdicts(events, "fragile") == [Verdict.CONFORMS, Verdict.UNSPECIFIED]
    assert records(events)[0].holds is True
    # Nobody waits for it who does not ask for it.
    events = events_of(asked)
    assert verdicts(events, "fragile") == [Verdict.CONFORMS]
    assert records(events)[0].holds is None


def test_deviation_whose_witness_breaks_the_backend_is_undecided(recorded: Any) -> None:
    recorded(deviation(LEAK.effect, witness=relu_of(7.0)), of="fragile")
    assert records(events_of(plan("fragile", dialects=(DIALECT,))))[0].holds is None


def test_selected_properties_leave_deviations_undecided(recorded: Any) -> None:
    recorded(LEAK)
    events = events_of(plan("leaky", dialects=(DIALECT,), properties=("gradients",)))
    assert records(events)[0].holds is None


def test_proven_deviations_are_judged_in_full_and_told_as_the_properties_say(recorded: Any) -> None:
    """Also where no case is about what they are about."""
    recorded(LEAK)
    asked = plan("leaky", cases=(), dialects=(DIALECT,), properties=("gradients",), prove=True)
    events = events_of(asked)
    assert records(events)[0].holds
    assert [(event.case, event.checks) for event in judged(events)] == [(WITNESS, ())]


def test_two_runs_give_equal_checks(recorded: Any) -> None:
    recorded(LEAK)
    first, second = (events_of(plan("well", "leaky", "fragile", dialects=(DIALECT,))) for _ in range(2))
    assert checks_of(first) == checks_of(second)


def test_more_cases_than_may_be_ahead_are_all_judged() -> None:
    many = [relu_of(float(n)) for n in range(-100, 100) if n not in (7, 8)]
    assert len(judged(events_of(plan("well", "fragile", cases=many)))) == len(many)


def descendants() -> set[int]:
    """All but the one that watches over them."""
    children = psutil.Process().children(recursive=True)
    return {child.pid for child in children if not any("janitor" in word for word in child.cmdline())}


def test_run_that_is_given_up_leaves_no_child_behind() -> None:
    before = descendants()
    cases = [CASES[0], relu_of(8.0), *CASES[1:]]

    async def give_up() -> set[int]:
        async with aclosing(run(plan("well", "fragile", cases=cases))) as events:
            async for event in events:
                if isinstance(event, Judged):
                    break
            return descendants() - before

    assert len(anyio.run(give_up)) == 2
    assert descendants() <= before


def test_run_that_is_cancelled_leaves_no_child_behind() -> None:
    before = descendants()
    seen: list[Event] = []

    async def cancelled() -> None:
        async with aclosing(run(plan("fragile", cases=[CASES[0], relu_of(8.0)]))) as events:
            with anyio.CancelScope() as scope:
                async for event in events:
                    seen.append(event)
                    if isinstance(event, Judged):
                        scope.cancel()

    anyio.run(cancelled)
    assert [type(event) for event in seen] == [Started, Judged]
    assert descendants() <= before
