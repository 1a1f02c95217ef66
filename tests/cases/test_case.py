"""A case has one id, however it came about: written out, with defaults spelled out, or sent to another
process."""

import pickle

import pytest

from conformance.cases.case import Case, Literal, Recipe, Source, decode, encode

SOURCES = [Literal((2,), (-1.0, 2.0)), Recipe("normal", (3,), 7)]


def asking(source: Source) -> Case:
    return Case("activations.relu", inputs=(source,), observables=("output/0",))


@pytest.mark.parametrize("source", SOURCES)
def test_id_outlives_the_way_to_another_process(source: Source) -> None:
    case = asking(source)
    sent = pickle.loads(pickle.dumps(case))
    assert (sent, sent.id) == (case, case.id)


@pytest.mark.parametrize("source", SOURCES)
def test_default_spelled_out_is_the_same_case(source: Source) -> None:
    case = asking(source)
    spelled_out = encode(case).replace(b'"shape"', b'"dtype":"float32","shape"')
    assert decode(spelled_out).id == case.id


def test_whole_number_is_the_same_as_its_float() -> None:
    assert asking(Literal((1,), (2,))).id == asking(Literal((1,), (2.0,))).id
