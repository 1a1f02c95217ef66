"""The page of a checked model carries the answer, and its graph with a verdict on every layer."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from conformance.interchange.verdict import Checked, Outcome, Rewritten, encode
from conformance.reporting.model_page import Content, Edge, Node, content, render, worst_of
from conformance.reporting.model_words import OUTCOMES, headline
from conformance.verdicts import Verdict
from tests.reporting import checked
from tests.reporting.checked import COMMAND
from tests.reporting.test_page import Outline, unpacked

ANSWERS = checked.of_outcomes()


@pytest.fixture(scope="module")
def told() -> Content:
    return content(checked.departing(), COMMAND)


@pytest.fixture(scope="module")
def nodes(told: Content) -> dict[str, Node]:
    return {node.id: node for node in told.nodes}


def edges(told: Content) -> list[tuple[Any, ...]]:
    return [msgspec.structs.astuple(edge) for edge in told.edges]


def test_nothing_is_loaded_from_anywhere_and_no_script_runs_but_the_pages_own() -> None:
    page = render(checked.departing(), COMMAND)
    attributes = Outline(page).attributes
    assert [v for _, n, v in attributes if n in ("src", "srcset", "data", "action", "href")] == []
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    (policy,) = (v for tag, n, v in attributes if (tag, n) == ("meta", "content") and "src" in v)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy.partition("style-src")[0]


@pytest.mark.parametrize("name", ANSWERS)
def test_the_page_carries_the_answer_that_json_has(name: str) -> None:
    page = render(ANSWERS[name], COMMAND)
    assert render(ANSWERS[name], COMMAND) == page
    answer = json.loads(encode(ANSWERS[name]))
    assert unpacked(page, "check")["checked"] == {
        key: value for key, value in answer.items() if key not in ("structure", "exit_code")
    }


def test_what_a_file_says_is_never_html() -> None:
    attack = "</script><script>alert(1)</script>"
    page = render(msgspec.structs.replace(checked.departing(), model=attack, made_by=attack), COMMAND)
    assert attack not in page
    assert unpacked(page, "check")["checked"]["made_by"] == attack


def test_every_layer_is_a_node_and_each_group_comes_before_what_is_in_it(told: Content) -> None:
    assert [node.id for node in told.nodes] == [
        "one", "other", "tower", "tower/x", "tower/wide", "tower/narrow", "minus (rewritten)",
        "minus_rescaling", "minus", "top",
    ]  # fmt: skip
    assert {node.id: node.group for node in told.nodes if node.group} == {
        "tower/x": "tower",
        "tower/wide": "tower",
        "tower/narrow": "tower",
        "minus_rescaling": "minus (rewritten)",
        "minus": "minus (rewritten)",
    }


def test_a_rewritten_layer_is_a_group_that_has_its_name_and_class(nodes: dict[str, Node]) -> None:
    group = nodes["minus (rewritten)"]
    assert (group.kind, group.name, group.class_name) == ("rewritten", "minus", "Subtract")
    assert group.shapes == (((None, 4),),)
    assert nodes["minus"].class_name == "Add"


def test_a_layer_rewritten_twice_is_one_group() -> None:
    again = Rewritten("minus", "layers.Rescaling", "another", "scale", ("minus_rescaling",))
    answer = checked.departing()
    answer = msgspec.structs.replace(answer, rewrites=(*answer.rewrites, again))
    assert [n.id for n in content(answer, COMMAND).nodes if n.kind == "rewritten"] == ["minus (rewritten)"]


def test_a_layer_rewritten_as_one_other_is_no_group() -> None:
    one = Rewritten("top", "layers.Dense", "another", "units", ("top",))
    nodes = content(msgspec.structs.replace(checked.departing(), rewrites=(one,)), COMMAND).nodes
    assert [node.kind for node in nodes if node.kind == "rewritten"] == []


def test_edges_stay_within_a_group_and_a_shared_model_has_one_for_each_call(told: Content) -> None:
    assert edges(told) == [
        ("one", 0, "tower", 0),
        ("other", 0, "tower", 1),
        ("tower/x", 0, "tower/wide", 0),
        ("tower/wide", 0, "tower/narrow", 0),
        ("tower", 1, "minus (rewritten)", 0),
        ("tower", 0, "minus (rewritten)", 0),
        ("minus_rescaling", 0, "minus", 0),
        ("minus (rewritten)", 0, "top", 0),
    ]
    groups = {node.id: node.group for node in told.nodes}
    assert all(groups[edge.source] == groups[edge.target] for edge in told.edges)


def test_a_node_has_the_worst_of_its_verdicts_and_a_group_of_those_in_it(nodes: dict[str, Node]) -> None:
    assert nodes["top"].verdicts == {"tfjs-wasm": Verdict.DIVERGES, "tfjs-cpu": Verdict.CONFORMS}
    assert nodes["tower/narrow"].verdicts["tfjs-wasm"] is Verdict.DEVIATES
    assert nodes["tower"].verdicts == {"tfjs-wasm": Verdict.DEVIATES, "tfjs-cpu": Verdict.CONFORMS}
    assert nodes["one"].verdicts == {}


@pytest.mark.parametrize(
    ("name", "raising"),
    [("not-loaded", {"top"}), ("not-converted", {"top", "tower/narrow", "tower"}), ("unavailable", set())],
)
def test_where_nothing_ran_the_layers_that_are_refused_raise(name: str, raising: set[str]) -> None:
    told = content(ANSWERS[name], COMMAND)
    verdicts = {node.id: node.verdicts["tfjs-wasm"] for node in told.nodes if node.verdicts}
    assert {id_ for id_, verdict in verdicts.items() if verdict is Verdict.RAISES} == raising
    assert {verdict for id_, verdict in verdicts.items() if id_ not in raising} == {Verdict.NOT_RUN}


def test_what_was_not_run_counts_only_where_nothing_was() -> None:
    assert worst_of([Verdict.NOT_RUN, Verdict.CONFORMS]) is Verdict.CONFORMS
    assert worst_of([Verdict.NOT_RUN]) is Verdict.NOT_RUN
    assert worst_of([Verdict.DEVIATES, Verdict.DIVERGES, Verdict.NOT_RUN]) is Verdict.DIVERGES


def test_the_outputs_of_the_model_are_marked(nodes: dict[str, Node]) -> None:
    assert [id_ for id_, node in nodes.items() if node.gives] == ["top"]


def test_every_outcome_has_words_and_a_sign() -> None:
    assert set(OUTCOMES) == set(Outcome)


@pytest.mark.parametrize(
    ("name", "claim", "cause", "remedy"),
    [
        (
            "departs",
            "model.keras on tfjs-wasm computes something else, and on tfjs-cpu computes the same.",
            "tower/narrow (Dense) is the first layer to depart, with an error of 0.5 where rounding allows "
            "1e-06; recorded as tfjs-average-ignores-mask.",
            checked.POOLING.summary,
        ),
        (
            "same",
            "model.keras on tfjs-cpu computes the same.",
            "All 5 layers are within the limits of rounding, at 0.25 of them at most, and so are the "
            "outputs.",
            "",
        ),
        (
            "unspecified",
            "model.keras on tfjs-wasm can be judged only in part.",
            "Nothing can be said of top.",
            "",
        ),
        (
            "not-loaded",
            "model.keras on tfjs-wasm does not load.",
            "top is refused at load: Dense takes no <b>bias</b>",
            checked.POOLING.summary,
        ),
        (
            "fails",
            "model.keras on tfjs-wasm loads, and does not run.",
            "At crashed: it exited with code 1",
            "",
        ),
        (
            "not-converted",
            "model.keras cannot be converted.",
            "TensorFlow.js has no words for class_name = 'Dense' of top, nor for 1 more.",
            "write it out.",
        ),
        ("unavailable", "model.keras on tfjs-wasm was not run.", "At start: no Node", "install it."),
    ],
)
def test_the_answer_in_three_sentences(name: str, claim: str, cause: str, remedy: str) -> None:
    assert msgspec.structs.astuple(headline(ANSWERS[name])) == (claim, cause, remedy)


def test_a_departure_that_no_output_shows_is_said_to_be_one() -> None:
    answer = checked.departing()
    wasm = msgspec.structs.replace(answer.backends[0], outcome=Outcome.SAME)
    inside: Checked = msgspec.structs.replace(answer, backends=(wasm,))
    assert headline(inside).cause == "Inside, tower/narrow and top depart as recorded, which no output shows."


def test_nodes_and_edges_of_a_large_model() -> None:
    told = content(checked.large(90), COMMAND)
    assert len(told.nodes) == 91
    assert Edge("layer_88", 0, "layer_89", 0) in told.edges
    assert len(told.edges) == 90 + 30
