"""Whatever a space draws, the specification takes, and a file can hold."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.cases import corpus
from conformance.cases.case import Case, Recipe, decode, encode
from conformance.cases.drafts.standard import LARGEST, computes
from conformance.exploring.spaces import MAKERS, Space, answered, rekeyed, spaces, with_other_numbers

QUICK = corpus.load("quick")
SPACES = spaces(QUICK)

quickly = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("subject", SPACES)
def test_what_is_drawn_is_a_case_that_the_specification_answers(subject: str) -> None:
    @quickly
    @given(SPACES[subject])
    def holds(case: Case) -> None:
        assert case.subject == subject or subject.startswith("models.")
        assert decode(encode(case)) == case
        if not subject.startswith("models."):
            assert computes(case) if "output/0" in case.observables else answered(case)
            assert case.elements <= 2 * LARGEST

    holds()


def test_every_layer_and_activation_of_the_corpus_has_a_space() -> None:
    kinds = {kind: {c.subject for c in QUICK if c.subject.startswith(f"{kind}.")} for kind in MAKERS}
    # An InputLayer is never called: what it does, models show.
    assert kinds["layers"] | kinds["activations"] <= SPACES.keys() | {"layers.InputLayer"}
    assert {kind for kind in kinds if any(s.startswith(f"{kind}.") for s in SPACES)} == set(MAKERS)


@pytest.mark.parametrize("observables", [("mask/0",), ("mask/1", "mask/2"), ("dtype",)])
def test_what_a_call_tells_can_be_asked_without_its_outputs(observables: tuple[str, ...]) -> None:
    case = next(c for c in QUICK if c.subject == "layers.LSTM" and {"mask/2", "dtype"} <= set(c.observables))
    assert answered(msgspec.structs.replace(case, observables=observables))


def test_cases_are_drawn_that_no_corpus_has() -> None:
    drawn: list[str] = []

    @settings(quickly, max_examples=40)
    @given(SPACES["layers.Conv2D"])
    def collect(case: Case) -> None:
        drawn.append(case.id)

    collect()
    assert len(set(drawn) - corpus.ids()) > 20


@pytest.mark.parametrize("subject", ["layers.GRUCell", "layers.ConvLSTM2DCell", "layers.StackedRNNCells"])
def test_states_are_drawn_as_large_as_the_layer_takes_them(subject: str) -> None:
    drawn: set[tuple[tuple[int, ...], ...]] = set()

    @settings(quickly, max_examples=60)
    @given(SPACES[subject])
    def collect(case: Case) -> None:
        drawn.add(tuple(state.shape for state in case.initial_state))

    collect()
    assert len(drawn) > 3


@pytest.mark.parametrize(
    ("subject", "argument"), [("layers.Embedding", "input_dim"), ("layers.CategoryEncoding", "num_tokens")]
)
def test_indices_are_drawn_in_the_range_that_the_layer_takes(subject: str, argument: str) -> None:
    @settings(quickly, max_examples=60)
    @given(SPACES[subject])
    def in_range(case: Case) -> None:
        (indices,) = case.inputs
        if isinstance(indices, Recipe):
            assert indices.regime == f"indices:{case.config[argument]}"

    in_range()


def smallest(space: Space) -> Case:
    """What a space reduces to."""
    found: list[Case] = []

    @settings(quickly, max_examples=1)
    @given(space)
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found[0]


@pytest.mark.parametrize(
    "subject", ["layers.Dense", "layers.Conv2D", "layers.LSTM", "layers.BatchNormalization"]
)
def test_the_plainest_case_is_small(subject: str) -> None:
    assert smallest(SPACES[subject]).elements <= 16


@given(st.integers(1, 2**16 - 1))
def test_other_keys_make_another_case_with_the_same_arguments(by: int) -> None:
    case = next(case for case in QUICK if case.subject == "layers.Dense" and not case.to_be_refused)
    other = rekeyed(case, by)
    assert other.id != case.id
    assert (other.config, other.observables) == (case.config, case.observables)
    assert rekeyed(other, by) == case


@pytest.mark.parametrize("subject", ["layers.Dense", "layers.Embedding", "layers.LSTM"])
def test_a_case_with_other_numbers_differs_in_them_alone(subject: str) -> None:
    for case in (case for case in QUICK if case.subject == subject and not case.to_be_refused):
        other = with_other_numbers(case)
        assert other.id != case.id
        assert (other.config, other.observables) == (case.config, case.observables)
        assert [source.shape for source in other.inputs] == [source.shape for source in case.inputs]
        assert answered(other) == answered(case)
