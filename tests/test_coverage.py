"""Coverage: asked, unsupported, not there and unknown are told apart, and what nobody asks shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import anyio
import msgspec
import pytest

from conformance.cases import corpus
from conformance.cases.case import Case, Recipe
from conformance.coverage import EXAMPLES, Asked, Coverage, Place, State, cover, is_statement, of_report
from conformance.reporting import coverage as rendering
from conformance.reporting.results import BackendRecord, Results
from conformance.reporting.store import Report
from conformance.runners.process import Runner
from conformance.runners.registry import backends
from conformance.verdicts import Check, Verdict
from tests.reporting.synthetic import SUITE

X = Recipe("normal", (2, 3), 1)


def dense(**config: Any) -> Case:
    return Case("layers.Dense", {"units": 4} | config, (X,), observables=("output/0",))


CASES = (dense(), dense(use_bias=False), dense(activation="relu"), dense(units=5))


def record(name: str, subjects: Collection[str], aliases: Mapping[str, str] | None = None) -> BackendRecord:
    capabilities = {subject: ["*"] for subject in subjects}
    declaration = {"base": "ieee-float32"}
    return BackendRecord(
        name, "python", {}, {}, {}, declaration, capabilities, "d" * 64, aliases=dict(aliases or {})
    )


def places(coverage: Coverage, subject: str, argument: str | None = None) -> tuple[Place, ...]:
    """The place of a subject, or of an argument of it, on each backend."""
    (row,) = (row for row in coverage.subjects if row.name == subject)
    if argument is None:
        return tuple(row.backends.values())
    (found,) = (a for a in row.arguments if a.name == argument)
    return tuple(found.backends.values())


@pytest.fixture
def coverage() -> Coverage:
    one = record("one", ["layers.Dense", "layers.Own", "layers.Thick"], {"layers.Thick": "layers.Dense"})
    two = record("two", ["layers.Dense", "activations.swish", "activations.own"])
    three = record("three", [])
    return cover(
        [
            Asked(one, CASES, {"layers.Dense": ("units", "activation", "trainable", "window")}),
            Asked(two, CASES[:2], {}),
            Asked(three, (), {}),
        ]
    )


def test_a_class_is_asked_by_its_cases_or_unsupported_or_not_there(coverage: Coverage) -> None:
    assert places(coverage, "layers.Dense") == (
        Place(State.ASKED, 4), Place(State.ASKED, 2), Place(State.UNSUPPORTED),
    )  # fmt: skip
    assert [place.state for place in places(coverage, "layers.Conv2D")] == [State.UNSUPPORTED] * 3


def test_what_the_specification_lacks_shows(coverage: Coverage) -> None:
    for subject, states in (
        ("layers.Own", [State.NOT_THERE, State.UNSUPPORTED, State.UNSUPPORTED]),
        ("activations.own", [State.UNSUPPORTED, State.NOT_THERE, State.UNSUPPORTED]),
    ):
        assert [place.state for place in places(coverage, subject)] == states
        (row,) = (row for row in coverage.subjects if row.name == subject)
        assert not row.specified


def test_an_argument_that_a_backend_alone_has_is_not_there_and_elsewhere_unknown(coverage: Coverage) -> None:
    assert [place.state for place in places(coverage, "layers.Dense", "window")] == [
        State.NOT_THERE, State.UNKNOWN, State.UNSUPPORTED,
    ]  # fmt: skip


def test_values_of_an_argument_are_counted_its_default_among_them(coverage: Coverage) -> None:
    assert places(coverage, "layers.Dense", "units") == (
        Place(State.ASKED, 2), Place(State.ASKED, 1), Place(State.UNSUPPORTED),
    )  # fmt: skip
    assert places(coverage, "layers.Dense", "activation")[0] == Place(State.ASKED, 2)


def test_an_argument_outside_the_signature_is_unsupported_and_without_one_was_asked(
    coverage: Coverage,
) -> None:
    assert places(coverage, "layers.Dense", "use_bias") == (
        Place(State.UNSUPPORTED), Place(State.ASKED, 2), Place(State.UNSUPPORTED),
    )  # fmt: skip


def test_an_argument_that_is_declined_wherever_it_is_given_is_unsupported() -> None:
    one = record("one", ["layers.Dense"])
    declined = [dense(use_bias=False, activation="relu")]
    answered = [dense(), dense(activation="elu")]
    found = cover([Asked(one, answered, {}, declined)])
    assert places(found, "layers.Dense", "use_bias") == (Place(State.UNSUPPORTED),)
    assert places(found, "layers.Dense", "activation") == (Place(State.ASKED, 2),)


def test_other_names_of_a_class_are_no_rows_of_their_own(coverage: Coverage) -> None:
    names = [row.name for row in coverage.subjects]
    assert "layers.Thick" not in names
    assert "activations.swish" not in names
    (row,) = (row for row in coverage.subjects if row.name == "layers.Dense")
    assert row.aliases == ("layers.Thick",)


def test_few_values_are_shown() -> None:
    cases = [dense(units=units) for units in range(1, EXAMPLES + 3)]
    row = next(
        row for row in cover([Asked(record("one", ["layers.Dense"]), cases, {})]).subjects
        if row.name == "layers.Dense"
    )  # fmt: skip
    units = row.arguments[0]
    assert units.examples == tuple(str(n) for n in range(1, EXAMPLES + 1))
    assert units.backends["one"] == Place(State.ASKED, EXAMPLES + 2)


def test_a_configuration_that_the_specification_refuses_gives_the_values_in_it() -> None:
    refused = cover([Asked(record("one", ["layers.Dense"]), [dense(units=-1)], {})])
    assert places(refused, "layers.Dense") == (Place(State.ASKED, 1),)
    assert places(refused, "layers.Dense", "units") == (Place(State.ASKED, 1),)
    assert places(refused, "layers.Dense", "use_bias") == (Place(State.NOT_THERE),)


def test_coverage_survives_json(coverage: Coverage) -> None:
    assert msgspec.json.decode(msgspec.json.encode(coverage), type=Coverage) == coverage


QUICK = tuple(case for case in corpus.load("quick") if case.subject == "layers.Dense")


def report_of(*checks: Check) -> Report:
    backends = (record("one", ["layers.Dense"]),)
    return Report(Results(1, "complete", SUITE, "2026-07-01T09:30:00", 1.5, backends, (), (), (), ()), checks)


def check(case: Case, verdict: Verdict, arguments: tuple[str, ...] = ()) -> Check:
    return Check(case.id, "one", case.subject, "constructor", "signature", verdict, arguments=arguments)


@pytest.mark.parametrize("verdict", [Verdict.UNSUPPORTED, Verdict.NOT_RUN])
def test_of_a_report_what_was_put_to_nobody_does_not_count(verdict: Verdict) -> None:
    found = of_report(report_of(check(QUICK[0], verdict), check(QUICK[1], Verdict.DIVERGES)))
    assert places(found, "layers.Dense") == (Place(State.ASKED, 1),)


def test_of_a_report_signatures_are_those_that_the_checks_tell() -> None:
    found = of_report(report_of(check(QUICK[0], Verdict.DEVIATES, ("units", "window"))))
    assert places(found, "layers.Dense", "window") == (Place(State.NOT_THERE),)
    assert places(found, "layers.Dense", "use_bias") == (Place(State.UNSUPPORTED),)


def test_markdown_shows_what_is_not_there_and_every_argument() -> None:
    told = check(QUICK[0], Verdict.DEVIATES, ("units", "window"))
    text = rendering.render(report_of(told, check(QUICK[1], Verdict.CONFORMS)))
    assert "| window | one | 1 | layers.Dense |" in text
    assert "| window (not in the specification) |  | **not there** |" in text
    assert "| use\\_bias |  | unsupported |" in text
    assert "| units | 3, 7 | asked 2 |" in text


def test_the_standard_corpus_gives_every_argument_two_values_or_more() -> None:
    """But `input_dim`, which Keras takes silently in every layer, and TensorFlow.js in few."""
    cases = [case for case in corpus.load("standard") if not is_statement(case.subject)]
    coverage = cover([Asked(record("any", {case.subject for case in cases}), cases, {})])
    assert [
        f"{subject.name}: {argument.name}"
        for subject in coverage.subjects
        for argument in subject.arguments
        if argument.name != "input_dim" and argument.backends["any"] == Place(State.ASKED, 1)
    ] == []


@pytest.mark.node
def test_every_layer_that_tensorflow_js_registers_is_specified_and_asked() -> None:
    async def capabilities() -> Collection[str]:
        async with Runner(backends()["tfjs-cpu"]) as runner:
            return (await runner.start()).capabilities.keys()

    registered = {subject for subject in anyio.run(capabilities) if subject.startswith("layers.")}
    assert len(registered) >= 65
    assert registered <= {case.subject for case in corpus.load("quick")}
