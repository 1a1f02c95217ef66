"""What a model is made of is told with its shapes, and with the calls that connect it."""

from __future__ import annotations

import pytest

from conformance.cases import corpus
from conformance.interchange.structure import Called, Source, _arguments, structure
from conformance.reference_impl.layers import Layer, get
from tests.interchange.described import layer, sequential, two_inputs
from tests.reporting import checked


def test_a_sequential_model_is_a_chain() -> None:
    told = structure(sequential([4], layer("Dense", "low", units=3), layer("Dense", "top", units=2)))
    assert [member.name for member in told.members] == ["x", "low", "top"]
    assert [member.class_name for member in told.members] == ["InputLayer", "Dense", "Dense"]
    assert told.members[0].calls == (Called((), ((None, 4),)),)
    assert told.members[2].calls == (Called((Source("low", 0, 0),), ((None, 2),)),)
    assert (told.inputs, told.outputs) == (("x",), (Source("top", 0, 0),))


def test_a_call_tells_all_that_it_is_given() -> None:
    told = structure(two_inputs())
    (joined,) = (member for member in told.members if member.name == "join")
    assert joined.calls == (Called((Source("a", 0, 0), Source("b", 0, 0)), ((None, 5),)),)


def test_a_shared_model_is_told_once_with_its_calls_and_what_is_in_it() -> None:
    told = checked.tower()
    (tower,) = (member for member in told.members if member.name == "tower")
    assert [call.inputs for call in tower.calls] == [(Source("one", 0, 0),), (Source("other", 0, 0),)]
    assert tower.inside is not None
    assert [member.name for member in tower.inside.members] == ["x", "wide", "narrow"]
    assert tower.inside.outputs == (Source("narrow", 0, 0),)


def test_arguments_are_told_where_they_are_not_at_their_defaults() -> None:
    conv = layer("Conv2D", "conv", filters=2, kernel_size=3, activation="relu", padding="valid")
    told = structure(sequential([8, 8, 1], conv))
    assert told.members[1].arguments == {"filters": "2", "kernel_size": "[3, 3]", "activation": "'relu'"}


def test_a_layer_in_a_layer_is_told_as_python_has_it() -> None:
    inner = layer("LSTM", "lstm", units=3, return_sequences=True)
    told = structure(sequential([5, 2], layer("TimeDistributed", "each", layer=layer("Dense", "d", units=3))))
    assert told.members[1].arguments == {"layer": "Dense(units=3)"}
    both = structure(sequential([5, 2], layer("Bidirectional", "both", layer=inner))).members[1].arguments
    assert both["layer"].startswith("LSTM(units=3, return_sequences=True")


def test_what_is_long_is_cut_off() -> None:
    scale = [float(number) for number in range(1000)]
    (_, told) = structure(sequential([1000], layer("Rescaling", "r", scale=scale))).members
    assert len(told.arguments["scale"]) < 80


@pytest.mark.parametrize("name", sorted(Layer.registered))
def test_every_layer_of_the_corpus_tells_its_arguments(name: str) -> None:
    cases = [case for case in corpus.load("quick") if case.subject == f"layers.{name}"]
    for case in cases:
        try:
            made = get(name).from_config(case.config)
        except (TypeError, ValueError):
            continue  # it is to be refused
        assert dict(_arguments(made)).keys() <= made.arguments.keys()
