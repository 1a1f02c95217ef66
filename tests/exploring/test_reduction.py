"""What fails is reduced to data that a person can read, and still fails."""

from __future__ import annotations

import asyncio
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.cases.case import Case, Literal, Recipe, Source
from conformance.cases.data import make
from conformance.cases.drafts.determinism import asked_again
from conformance.cases.drafts.models import designed
from conformance.exploring.reduction import asking, reduced, size
from conformance.exploring.spaces import answered

quickly = settings(max_examples=60, deadline=None, derandomize=True, database=None)

DENSE = Case(
    "layers.Dense",
    {"units": 3, "use_bias": True, "activation": "tanh"},
    inputs=(Recipe("normal", (2, 4), 7),),
    weights={"kernel": Recipe("normal", (4, 3), 8), "bias": Recipe("normal", (3,), 9)},
    cotangents=(Recipe("cotangent", (2, 3), 10),),
    observables=("output/0", "gradient/input/0", "config"),
)


def reduce(case: Case, observable: str, fails) -> tuple[Case, int]:  # type: ignore[no-untyped-def]
    """The reduced case, and how often it was asked."""
    asked = 0

    async def ask(candidate: Case) -> bool:
        nonlocal asked
        asked += 1
        return bool(fails(candidate))

    return asyncio.run(reduced(case, observable, ask)), asked


@quickly
@given(st.integers(0, 7), st.integers(0, 11), st.floats(-3, 3).filter(lambda x: abs(x) > 0.1))
def test_only_the_numbers_that_matter_are_left(i: int, j: int, threshold: float) -> None:
    """One element of the input and one of the kernel make the fault."""

    def fails(case: Case) -> bool:
        data = make(case)
        x, kernel = data.inputs[0].reshape(-1), data.weights["kernel"].reshape(-1)
        return x.size == 8 and bool(
            abs(x[i]) > 0 and kernel[j] * np.sign(threshold) >= min(abs(threshold), 0.01)
        )

    if not fails(DENSE):
        return
    case, _ = reduce(DENSE, "output/0", fails)
    assert fails(case)
    data = make(case)
    assert np.flatnonzero(data.inputs[0]).tolist() == [i]
    assert np.flatnonzero(data.weights["kernel"]).tolist() == [j]
    assert not data.weights["bias"].any()
    assert data.inputs[0].reshape(-1)[i] == 1


def test_what_has_no_outputs_is_reduced_too() -> None:
    updates: dict[str, Source] = {
        "0/y_true": Recipe("normal", (5,), 7),
        "0/y_pred": Recipe("normal", (5,), 8),
    }
    case = Case("metrics.MeanSquaredError", {"name": "mine"}, weights=updates, observables=("result/0",))
    assert answered(case)
    small, _ = reduce(case, "result/0", lambda case: make(case).weights["0/y_true"].size == 5)
    assert small.config == {}
    assert not any(x.any() for x in make(small).weights.values())


def test_the_batches_of_a_metric_are_cut_together() -> None:
    updates: dict[str, Source] = {
        "0/y_true": Recipe("positive", (5, 3), 7),
        "0/y_pred": Recipe("positive", (5, 3), 8),
        "0/sample_weight": Recipe("positive", (5,), 9),
    }
    case = Case("metrics.MeanSquaredError", weights=updates, observables=("result/0",))
    small, _ = reduce(case, "result/0", lambda case: make(case).weights["0/y_pred"].shape[1] > 1)
    assert {name: x.shape for name, x in make(small).weights.items()} == {
        "0/y_true": (1, 2), "0/y_pred": (1, 2), "0/sample_weight": (1,),
    }  # fmt: skip


def test_what_a_fault_does_not_need_is_left_out() -> None:
    case, _ = reduce(DENSE, "output/0", lambda case: "units" in case.config)
    assert (case.config, case.observables, case.cotangents) == ({"units": 3}, ("output/0",), ())
    case, _ = reduce(DENSE, "gradient/input/0", lambda case: case.cotangents and "units" in case.config)
    assert len(case.cotangents) == 1


def test_a_second_call_is_asked_together_with_the_first_that_it_is_compared_with() -> None:
    case = asking(asked_again(DENSE), {"again/output/0"})
    assert case.observables == ("output/0", "again/output/0")


def test_a_case_that_fails_by_chance_comes_back_as_it_was() -> None:
    assert reduce(DENSE, "output/0", lambda case: False)[0] == DENSE


def test_data_that_cannot_be_written_out_stay_recipes() -> None:
    def fails(case: Case) -> bool:
        return isinstance(case.inputs[0], Recipe)

    case, _ = reduce(DENSE, "output/0", fails)
    assert isinstance(case.inputs[0], Recipe)
    assert case.observables == ("output/0",)


def test_special_values_integers_and_masks_are_written_out() -> None:
    case = Case(
        "layers.Embedding",
        inputs=(
            Recipe("indices:5", (2, 3), 1, "int32"),
            Recipe("one_nan", (5,), 2),
            Recipe("signed_zeros", (4,), 3),
        ),
        masks=(Recipe("mask", (2, 3), 4, "bool"),),
        observables=("output/0",),
    )
    written, _ = reduce(case, "output/0", lambda candidate: same_data(case, candidate))
    assert all(isinstance(source, Literal) for source in (*written.inputs, *written.masks))


def same_data(one: Case, other: Case) -> bool:
    pairs = zip((*make(one).inputs, *make(one).masks), (*make(other).inputs, *make(other).masks), strict=True)
    return all(x.dtype == y.dtype and x.tobytes() == y.tobytes() for x, y in pairs)


@quickly
@given(st.integers(1, 200), st.sets(st.integers(0, 199), max_size=3))
def test_few_questions_are_asked(count: int, needed: set[int]) -> None:
    """Of n numbers of which k matter, in the order of k log n + n for the last, plain ones."""
    needed = {i for i in needed if i < count}
    case = Case("layers.Flatten", inputs=(Recipe("positive", (1, count), 3),), observables=("output/0",))

    def fails(candidate: Case) -> bool:
        x = make(candidate).inputs[0].reshape(-1)
        return x.size == count and all(x[i] > 0 for i in needed)

    small, asked = reduce(case, "output/0", fails)
    assert size(small)[0] == count
    assert np.flatnonzero(make(small).inputs[0]).tolist() == sorted(needed)
    parts = math.ceil(math.log2(count)) + 2
    assert asked <= 8 + 2 * parts + (2 * len(needed) + 1) * parts


CONV = Case(
    "layers.Conv2D",
    {"filters": 2, "kernel_size": 1, "strides": 2},
    inputs=(Recipe("normal", (3, 9, 6, 2), 7),),
    weights={"kernel": Recipe("normal", (1, 1, 2, 2), 8), "bias": Recipe("normal", (2,), 9)},
    cotangents=(Recipe("cotangent", (3, 5, 3, 2), 10),),
    observables=("output/0", "gradient/input/0"),
)


@quickly
@given(st.integers(0, 2), st.integers(0, 8), st.integers(0, 5))
def test_of_each_axis_as_little_is_left_as_the_fault_needs(image: int, row: int, column: int) -> None:
    number = make(CONV).inputs[0][image, row, column, 1]

    def fails(case: Case) -> bool:
        return answered(case) and number in make(case).inputs[0]

    case, _ = reduce(CONV, "output/0", fails)
    assert case.inputs[0] == Literal((1, 1, 1, 2), (0.0, float(str(number))))


def test_cotangents_are_cut_as_the_outputs_are() -> None:
    case, _ = reduce(CONV, "gradient/input/0", lambda case: answered(case) and case.inputs[0].shape[1] > 3)
    assert case.inputs[0].shape == (1, 4, 1, 2)
    assert case.cotangents == (Literal((1, 2, 1, 2), (0.0,) * 4),)


def test_of_a_model_the_samples_alone_are_cut() -> None:
    model = designed.wrapped()
    small, _ = reduce(model, "output/0", lambda case: True)
    assert [source.shape for source in small.inputs] == [(1, *source.shape[1:]) for source in model.inputs]


def test_masks_and_states_are_cut_with_the_inputs() -> None:
    case = Case(
        "layers.SimpleRNN",
        {"units": 2},
        inputs=(Recipe("normal", (4, 5, 3), 1),),
        weights={
            "kernel": Recipe("normal", (3, 2), 2),
            "recurrent_kernel": Recipe("normal", (2, 2), 3),
            "bias": Recipe("normal", (2,), 4),
        },
        masks=(Recipe("mask", (4, 5), 5, "bool"),),
        initial_state=(Recipe("normal", (4, 2), 6),),
        observables=("output/0",),
    )
    small, _ = reduce(case, "output/0", lambda case: answered(case) and case.inputs[0].shape[1] > 1)
    assert small.inputs[0].shape == (1, 2, 3)
    assert small.masks[0].shape == (1, 2)
    assert small.initial_state[0].shape == (1, 2)
