"""Scopes about what is to be refused hold where that one thing is wrong, and nothing beside it."""

from __future__ import annotations

import pytest

from conformance.cases.case import Case
from conformance.cases.data import make
from conformance.cases.drafts.draft import recipe
from conformance.cases.drafts.errors import normal, spoilt
from conformance.dialects.deviation import Scope
from conformance.dialects.refused import (
    lacking,
    sound,
    too_many_inputs,
    unknown_arguments,
    wrong_in,
    wrong_in_masks,
    wrong_in_states,
)

MASK = (recipe("mask", 2, 5, dtype="bool"),)
STATES = normal((2, 7), (2, 7))
TWICE = normal((3, 4), (3, 4))

SCOPES: tuple[tuple[Scope, Case, Case], ...] = (
    (wrong_in("use_cudnn"), spoilt("LSTM", {"use_cudnn": 3}), spoilt("LSTM", {"use_cudnn": 3, "units": 0})),
    (wrong_in("name"), spoilt("Dense", {"name": 3}), spoilt("Dense", {"units": 0})),
    (wrong_in(units=3), spoilt("Dense", {"units": 0}), spoilt("Dense", {"units": 0, "nmae": "x"})),
    (wrong_in(units=3), spoilt("Dense", {"units": 0}), spoilt("Dense", without="units")),
    (unknown_arguments, spoilt("Dense", {"nmae": "x"}), spoilt("Dense", {"nmae": "x", "name": 3})),
    (lacking(rate=0.5), spoilt("Dropout", without="rate"), spoilt("Dropout", {"rate": 2.0})),
    (wrong_in_masks, spoilt("LSTM", masks=MASK), spoilt("LSTM", {"units": 0}, masks=MASK)),
    (
        wrong_in_states,
        spoilt("LSTM", initial_state=STATES),
        spoilt("LSTM", {"units": 0}, initial_state=STATES),
    ),
    (too_many_inputs, spoilt("Dropout", inputs=TWICE), spoilt("Dropout", {"rate": 2.0}, inputs=TWICE)),
)


@pytest.mark.parametrize(("scope", "alone", "beside"), SCOPES)
def test_scope_holds_where_nothing_else_is_wrong(scope: Scope, alone: Case, beside: Case) -> None:
    assert scope(alone, make(alone))
    assert not scope(beside, make(beside))


def test_what_is_sound_is_in_no_scope_of_a_wrong_argument() -> None:
    case = spoilt("Dense")
    assert sound(case, make(case))
    assert not unknown_arguments(case, make(case))
    assert not wrong_in("name")(case, make(case))
