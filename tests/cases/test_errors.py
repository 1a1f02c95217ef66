"""The drafts of what is to be refused: each spoils a sound case, and the specification says what is wrong."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from conformance.cases.case import Case
from conformance.cases.data import make
from conformance.cases.drafts import errors
from conformance.cases.expected import Refusal, Structure
from conformance.reference_impl.activations import ACTIVATIONS
from conformance.reference_impl.fields import Kind
from conformance.reference_impl.layers.layer import Layer
from tests.answers import answer

DRAFTS = tuple(errors.drafts())
LAYERS = {name: layer for name, layer in Layer.registered.items() if f"layers.{name}" in errors.first_cases()}
"""Those that are called."""
OUR_WORDS = re.compile("|".join(("`", "axis", *LAYERS, *ACTIVATIONS)))
KINDS = {id(f.kind): f.kind for layer in LAYERS.values() for f in layer.arguments.values()}


@pytest.mark.parametrize("subject", sorted({case.subject for case in DRAFTS}))
def test_specification_refuses_every_draft_and_says_why(subject: str) -> None:
    """In words of ours, not of an array library's; a second call is refused where the first is not."""
    for case in (case for case in DRAFTS if case.subject == subject):
        found = answer(case, make(case), None)
        if "refusal/widened" in found:
            assert found.pop("refusal") == Structure(None), case
        for refused in found.values():
            assert isinstance(refused, Refusal), case
            assert OUR_WORDS.search(refused.message), refused.message


@pytest.mark.parametrize("name", LAYERS)
def test_what_is_spoilt_was_sound(name: str) -> None:
    case = errors.spoilt(name)
    assert answer(case, make(case), None) == {"refusal": Structure(None)}


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.allowed)
def test_kind_refuses_the_values_that_it_says_it_does(kind: Kind) -> None:
    assert kind.refused
    for value in kind.refused:
        with pytest.raises((ValueError, TypeError, KeyError)):
            kind.parse(value)


def test_nothing_but_the_refusal_is_asked() -> None:
    assert all(case.to_be_refused for case in DRAFTS)
    assert not Case("layers.Flatten", observables=("refusal", "config")).to_be_refused
    assert not Case("layers.Flatten").to_be_refused


def test_every_layer_is_asked_for_an_unknown_argument() -> None:
    unknown = {c.subject for c in DRAFTS if c.config.items() >= errors.UNKNOWN.items()}
    assert unknown == errors.first_cases().keys()


def test_layers_of_one_family_share_what_does_not_depend_on_the_rank() -> None:
    assert {name for name in LAYERS if errors.spoken_for(name)} >= {"Conv1D", "MaxPooling3D", "LSTMCell"}
    assert not any(map(errors.spoken_for, ("Dense", "Conv2D", "LSTM", "GlobalMaxPooling2D")))


def test_cases_of_a_layer_are_few() -> None:
    counts = Counter(case.subject for case in DRAFTS)
    assert max(counts.values()) < 30
    assert sum(counts.values()) / len(counts) < 12


def test_exceptions_are_about_layers_and_arguments_that_there_are() -> None:
    tables = (errors.NEEDED, errors.TOGETHER, errors.INPUTS, errors.MASKS, errors.STATES)
    assert {name for table in tables for name in table} <= LAYERS.keys()
    assert errors.FUNCTIONS.keys() <= ACTIVATIONS.keys()
    assert errors.UNASKED.keys() <= {a for layer in LAYERS.values() for a in layer.arguments}
    assert all(argument in LAYERS[name].arguments for name, argument in errors.ENDLESS)
