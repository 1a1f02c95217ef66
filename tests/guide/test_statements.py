"""The guides' statements: what is asked of whom, what is given, and what the runtimes of today show."""

from __future__ import annotations

import re
from contextlib import aclosing
from pathlib import Path

import anyio
import numpy as np
import pytest

from conformance.cases.case import Case
from conformance.cases.data import make
from conformance.cases.guide import ROWS, errata, facts_of
from conformance.cases.guide.row import Row, both
from conformance.cases.properties import PROPERTIES
from conformance.checks import Bench, check
from conformance.dialects.deviation import Dialect
from conformance.engine import Made, Plan, run
from conformance.events import Judged
from conformance.guide import Given
from conformance.interchange.checking import Read
from conformance.reference_impl.arithmetic import declared
from conformance.runners.protocol import Identity, Observed, WireJSON, to_wire
from conformance.runners.question import Limits, Question
from conformance.runners.registry import backends
from conformance.verdicts import Check, Verdict

FOLDERS = {
    "javascript": Path(__file__).parents[2] / "conformance" / "runners" / "tfjs" / "guide",
    "python": Path(__file__).parents[2] / "conformance" / "runners" / "keras_adapter" / "guide",
}

HOLDING = frozenset({Verdict.CONFORMS, Verdict.DEVIATES, Verdict.NOT_RUN})


def bench(name: str, language: str, *observables: str) -> Bench:
    capabilities = {row.case.subject: list(observables) for row in ROWS.values()}
    identity = Identity(name, language, {}, {}, {}, {"base": "ieee-float32"}, capabilities)
    return Bench(identity, declared(identity.arithmetic), Dialect())


def checks(row: str, of: Bench, answer: dict[str, Observed]) -> dict[str, Check]:
    case = ROWS[row].case
    found = check(case, make(case), [of], {of.name: answer}, list(PROPERTIES.values()))
    return {c.observable: c for c in found}


def test_there_is_a_row_for_each_statement() -> None:
    ids = [f"{guide}{i + 1:02}" for guide, rows in (("G", 15), ("M", 14), ("I", 6)) for i in range(rows)]
    assert list(ROWS) == ids
    assert all(row.statement.endswith(".") and row.facts for row in ROWS.values())


def shown_in(text: str, language: str) -> set[str]:
    """The names of the facts that a program shows."""
    if language == "python":
        return {name.replace("_", "-") for name in re.findall(r"^def ([a-z]\w*)\(stage", text, re.MULTILINE)}
    names = re.findall(r"^export (?:const|function|async function) (\w+)", text, re.MULTILINE)
    names += re.findall(r"^export {\w+ as (\w+)}", text, re.MULTILINE)
    return {re.sub("[A-Z]", lambda letter: f"-{letter[0].lower()}", name) for name in names}


@pytest.mark.parametrize("language", FOLDERS)
def test_every_fact_has_its_program_and_every_program_its_fact(language: str) -> None:
    programs = {
        path.stem.upper(): shown_in(path.read_text("utf-8"), language)
        for path in FOLDERS[language].glob("[A-Za-z]*.*")
        if path.suffix in (".mjs", ".py")
    }
    expected = {
        row.id: {fact.name for fact in row.facts if fact.language == language and not fact.needs}
        for row in ROWS.values()
    }
    assert programs == {row: facts for row, facts in expected.items() if facts}


def test_a_backend_is_judged_by_what_is_said_of_its_language() -> None:
    answer: dict[str, Observed] = {"guide/javascript/is-promise": WireJSON(False)}
    found = checks("G11", bench("mine", "javascript", *answer), answer)
    assert all(observable.startswith("guide/javascript/") for observable in found)
    assert found["guide/javascript/is-promise"].verdict is Verdict.DIVERGES
    assert found["guide/javascript/is-promise"].shown == "false"
    assert found["guide/javascript/requests"].verdict is Verdict.UNSUPPORTED
    assert checks("G11", bench("mine", "rust", *answer), answer) == {}


def test_what_takes_a_browser_is_not_run_until_a_backend_has_one() -> None:
    (saved, *_) = (observable for observable in facts_of(ROWS["M12"].case))
    without = checks("M12", bench("mine", "javascript"), {})[saved]
    assert without.verdict is Verdict.NOT_RUN
    assert without.message == "it takes a browser, and no backend here runs in one"
    within = checks("M12", bench("mine", "javascript", saved), {saved: WireJSON(True)})
    assert within[saved].verdict is Verdict.CONFORMS


def test_numbers_are_held_against_the_specification_within_its_bound() -> None:
    name = "guide/javascript/output"
    mine = bench("mine", "javascript", name)
    right, wrong = (to_wire(np.array([0, 1, x, 5], np.float32)) for x in (0, 1e-30))
    assert checks("M07", mine, {name: right})[name].verdict is Verdict.CONFORMS
    assert checks("M07", mine, {name: wrong})[name].verdict is Verdict.DIVERGES


def test_a_fact_is_named_by_its_language() -> None:
    assert [fact.observable for fact in both("loads", "a model is loaded", True)] == [
        "guide/python/loads",
        "guide/javascript/loads",
    ]


def test_programs_run_as_printed_but_for_the_errata() -> None:
    printed = {path.name.removesuffix(".txt") for path in errata.PRINTED.iterdir()}
    for name in printed:
        text = (errata.PRINTED / f"{name}.txt").read_text("utf-8")
        changes = [e for e in errata.ERRATA if e.program == name]
        assert errata.program(name) == text or changes
        assert all(e.line in text and e.reason for e in changes)
    asked = {
        file
        for row in ROWS.values()
        for files in row.given.get("program", {}).values()
        for file in files.values()
    }
    assert asked == printed


def test_an_erratum_about_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    stale = errata.Erratum("apply.mjs", "Korean", "no such line", "", "")
    monkeypatch.setattr(errata, "ERRATA", (stale,))
    with pytest.raises(ValueError, match=r"apply\.mjs has no line 'no such line'"):
        errata.program("apply.mjs")


def test_programs_and_converted_models_are_given_in_place_of_their_names() -> None:
    given = Given()
    assert given.concrete(Case("layers.Flatten", {"data_format": None})) == {"data_format": None}
    assert "print(flatten(my_input).shape)" in given.concrete(ROWS["G08"].case)["program"]["apply"]["py"]
    models = given.concrete(ROWS["I05"].case)["models"]
    assert len([*Path(models["sharded"]["converted"]).glob("*.bin")]) == 3
    assert Read.of(Path(models["keras3-h5"]["saved"])).made_by.startswith("Keras 3")
    folder = Path(models["sharded"]["converted"]).parent
    del given
    assert not folder.exists()


def test_a_statement_has_time_for_a_thousand_epochs() -> None:
    """Also where it is asked by itself, after a fault."""
    made = Made(seed=0)
    limits = Limits(case_s=1, observable_s=1, statement_s=9)
    for suspected in (False, True):
        training, layer = (
            Question(case=made.concrete(case, ()), suspected=suspected)
            for case in (ROWS["G01"].case, Case("layers.Flatten"))
        )
        assert (training.seconds(limits), layer.seconds(limits)) == (9, 1)


def asked_of(backend: str, *rows: Row) -> dict[tuple[str, str], Check]:
    """The checks of a backend that is asked for real."""

    async def judged() -> list[Check]:
        plan = Plan(tuple(row.case for row in rows), (backends()[backend],), workers=0)
        async with aclosing(run(plan)) as events:
            return [
                check
                for event in [e async for e in events]
                if isinstance(event, Judged)
                for check in event.checks
            ]

    return {(c.subject.partition(".")[2], c.observable): c for c in anyio.run(judged)}


def troubles(found: dict[tuple[str, str], Check]) -> list[str]:
    return [
        f"{row} {observable}: {c.verdict} {c.message}"
        for (row, observable), c in found.items()
        if c.verdict not in HOLDING
    ]


@pytest.mark.node
@pytest.mark.parametrize("backend", ["tfjs-cpu", "tfjs-wasm"])
def test_tensorflow_js_shows_what_is_said_of_it_or_what_is_recorded(backend: str) -> None:
    found = asked_of(backend, *ROWS.values())
    assert troubles(found) == []
    refuted = {row for (row, _), c in found.items() if c.verdict is Verdict.DEVIATES}
    assert refuted == {"G10", "G15", "M03", "M11", "M13", *(["I04"] if backend == "tfjs-wasm" else [])}


@pytest.mark.keras
def test_keras_shows_what_is_said_of_it_or_what_is_recorded() -> None:
    """All but the thousand epochs of G01, which take a while."""
    found = asked_of("keras-tensorflow", *(row for row in ROWS.values() if row.id != "G01"))
    assert troubles(found) == []
    assert {row for (row, _), c in found.items() if c.verdict is Verdict.DEVIATES} == {"G09", "I04"}
