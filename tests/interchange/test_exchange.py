"""Models that go between programs: what gets lost is found, and held against the one that has lost it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.cases.case import Case
from conformance.cases.data import make
from conformance.cases.drafts.models import designed, drawn
from conformance.cases.models import configuration, described, marks, weights_by_layer
from conformance.interchange.files import FORMATS, File, Weights, converted, in_memory, read, written
from conformance.reference_impl.saving.saved_model import FormatError, JSONObject
from conformance.runners.protocol import ConcreteCase, Observed, WireJSON
from conformance.verdicts import FINDINGS, SPECIFICATION, Check, Verdict

from .programs import Change, Program, by_layer, correct, exchanged, named, with_layers

DESIGNED = [draft() for draft in (*designed.QUICK, *designed.MORE)]
UNASKED = {Verdict.UNSUPPORTED, Verdict.NOT_RUN}


def python() -> Program:
    return correct("python", "keras", "h5")


def web(**faults: Any) -> Program:
    return correct("web", "model.json", **faults)


def findings(checks: tuple[Check, ...]) -> set[tuple[str, str]]:
    """Who is found to be wrong in what."""
    return {(c.backend, c.observable) for c in checks if c.verdict in FINDINGS}


@pytest.mark.parametrize("case", DESIGNED, ids=lambda case: case.config["name"])
def test_correct_programs_raise_no_alarm(case: Case) -> None:
    checks = exchanged(case, python(), web())
    assert findings(checks) == set()
    conforming = {(c.backend, c.peer, c.format) for c in checks if c.verdict is Verdict.CONFORMS}
    assert {("python", SPECIFICATION, "keras"), ("python", "python", "h5")} <= conforming


def test_every_program_loads_what_every_other_has_saved() -> None:
    checks = exchanged(designed.dense(), python(), web())
    assert {c.verdict for c in checks} == {Verdict.CONFORMS}
    rows = {(c.peer, c.format) for c in checks if c.peer}
    assert rows == {
        *((SPECIFICATION, name) for name in FORMATS),
        ("python", "keras"),
        ("python", "h5"),
        ("web", "model.json"),
    }
    assert {(c.peer, c.format, c.backend) for c in checks if c.peer} == {
        (*row, name) for row in rows for name in ("python", "web")
    }
    assert {(c.backend, c.format) for c in checks if not c.peer} == rows - {
        (SPECIFICATION, name) for name in FORMATS
    }


def test_the_same_bytes_are_asked_once() -> None:
    program = python()
    exchanged(designed.dense(), program, web())
    files = [tuple(sorted(case.files.items())) for case in program.asked]
    assert len(files) == len(set(files))
    assert sum("file/keras" in case.observables for case in program.asked) == 1


def test_a_program_of_a_later_format_saves_though_the_same_bytes_are_converted_for_it_before() -> None:
    checks = exchanged(designed.dense(), correct("older", "h5"))
    assert {c.verdict for c in checks if (c.backend, c.format) == ("older", "h5")} == {Verdict.CONFORMS}
    assert {c.observable for c in checks if not c.peer} == {"saved/config", "saved/weights"}


def without_epsilon(model: JSONObject, weights: Weights) -> tuple[JSONObject, Weights]:
    return with_layers(model, lambda config: {k: v for k, v in config.items() if k != "epsilon"}), weights


def without_activation(model: JSONObject, weights: Weights) -> tuple[JSONObject, Weights]:
    return with_layers(model, lambda config: {k: v for k, v in config.items() if k != "activation"}), weights


def swapped(own: Mapping[str, Any]) -> Mapping[str, Any]:
    """Two weights of one shape, each in the place of the other."""
    other = {"beta": "moving_mean", "moving_mean": "beta"}
    return {name: own[other.get(name, name)] for name in own}


def with_swapped_weights(model: JSONObject, weights: Weights) -> tuple[JSONObject, Weights]:
    return model, by_layer(weights, swapped)


@dataclass(frozen=True)
class Fault:
    """What a program does wrong, and what it is found to be wrong in."""

    what: str
    change: Change
    observables: frozenset[str]


FAULTS = (
    Fault("on_saving", without_epsilon, frozenset({"saved/config"})),
    Fault("on_saving", without_activation, frozenset({"saved/config"})),
    Fault("on_saving", with_swapped_weights, frozenset({"saved/weights"})),
    Fault("on_loading", without_epsilon, frozenset({"loaded/config", "loaded/output/0", "saved/config"})),
    Fault("on_loading", without_activation, frozenset({"loaded/config", "loaded/output/0", "saved/config"})),
    Fault(
        "on_loading", with_swapped_weights, frozenset({"loaded/weights", "loaded/output/0", "saved/weights"})
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.change.__name__}_{fault.what}")
@pytest.mark.parametrize("guilty", ["python", "web"])
def test_a_fault_is_found_in_the_one_who_has_it_alone(fault: Fault, guilty: str) -> None:
    faults: dict[str, Any] = {fault.what: fault.change}
    programs = {"python": python(), "web": web()}
    programs[guilty] = correct(guilty, *programs[guilty].loads, **faults)
    found = findings(exchanged(designed.dense(), *programs.values()))
    assert found == {(guilty, observable) for observable in fault.observables}


def test_who_does_not_save_is_found_and_nobody_is_asked_about_nothing() -> None:
    checks = exchanged(designed.dense(), python(), web(fails_at="save"))
    assert findings(checks) == {("web", "saved/config"), ("web", "saved/weights")}
    assert {c.verdict for c in checks if c.peer == "web"} == {Verdict.NOT_RUN}


def test_who_does_not_load_is_found() -> None:
    checks = exchanged(designed.dense(), web(fails_at="load"))
    assert {c.verdict for c in checks if c.peer} == {Verdict.RAISES}


class Garbling(Program):
    """Saves a file that holds nothing."""

    def answered(self, case: ConcreteCase, name: str) -> Observed:
        if name.startswith("file/"):
            return WireJSON({"model.json": base64.b64encode(b"{}").decode()})
        return super().answered(case, name)


def test_what_is_no_file_of_the_format_is_found_and_cannot_be_converted() -> None:
    checks = exchanged(designed.dense(), Garbling("web", ["model.json"], ["model.json"]), python())
    assert {backend for backend, _ in findings(checks)} == {"web"}
    saved = [c for c in checks if c.backend == "web" and not c.peer]
    assert all("nothing that can be read: " in c.message for c in saved)
    assert {c.verdict for c in saved} == {Verdict.DIVERGES}
    assert {c.verdict for c in checks if (c.peer, c.backend) == ("web", "web")} == {Verdict.RAISES}
    assert {c.verdict for c in checks if (c.peer, c.backend) == ("web", "python")} == {Verdict.UNSUPPORTED}


def test_what_a_format_has_no_words_for_is_unsupported_and_says_why() -> None:
    unsupported = [c for c in exchanged(designed.namesakes(), web()) if c.verdict is Verdict.UNSUPPORTED]
    assert {(c.peer, c.format) for c in unsupported} == {(SPECIFICATION, "model.json")}
    assert all("two layers under the name" in c.message for c in unsupported)


def test_who_neither_loads_nor_saves_is_unsupported() -> None:
    checks = exchanged(designed.dense(), correct("neither"))
    assert {c.verdict for c in checks} == {Verdict.UNSUPPORTED}
    assert {c.message for c in checks} == {"neither loads no models", "neither saves no models"}


def of_models() -> st.SearchStrategy[Case]:
    """Models put together by Hypothesis, which reduces what fails."""

    @st.composite
    def models(draw: st.DrawFn) -> Case:
        return drawn.model(lambda options: draw(st.sampled_from(options)))

    return models()


@given(of_models())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_what_the_specification_writes_it_reads(case: Case) -> None:
    weights = make(case).weights
    model = configuration(case)
    for file in files_of(case):
        found, held = read(file, model)
        assert described(found) == described(model), file.format
        assert marks(named(held)) == marks(weights), file.format


@pytest.mark.parametrize("case", DESIGNED, ids=lambda case: case.config["name"])
def test_what_is_converted_and_converted_back_is_the_same_model(case: Case) -> None:
    model = configuration(case)
    for file in files_of(case):
        try:
            there = converted(file, model, "h5" if file.format == "keras" else "keras")
        except FormatError as error:
            pytest.fail(f"{file.format}: {error}")
        found, held = read(there, model)
        assert described(found) == described(model), file.format
        assert marks(named(held)) == marks(make(case).weights), file.format


def files_of(case: Case) -> Iterator[File]:
    """The model in every format that has words for it."""
    model = in_memory(configuration(case), weights_by_layer(case, make(case).weights))
    for name in FORMATS:
        try:
            yield written(model, name)
        except FormatError:
            assert name in ("model.json", "keras2.h5")
