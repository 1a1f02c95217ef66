"""Training runs as cases: what a recipe says of a model, how it is compiled, the data and the calls.

The `config` of a case has `model`, as in a case about a model; `compile`, the arguments of Keras's
`Model.compile`, in which a class and its configuration stand for an instance; `data`, which of the case's
inputs are `x`, `y`, `sample_weight` and, under `validation`, these again; and the arguments of each method
that is asked, under its name: `fit`, `evaluate`, `predict`. Of `train_on_batch` and `test_on_batch`, which
have none, there are the sizes of the batches that they are given one after the other. Weights are named as in
a case about a model.

Data with `batches`, a list of sizes, are given as batches of these sizes: a dataset, which can be gone
through any number of times, and says how many batches it has; or, where `once` is true, what can be gone
through once and does not say it, as a generator.

A case about a callback, `callbacks.NAME`, is one of `fit` and of a Sequential, and has the callback's
arguments under `callback`. What JSON cannot hold stands there as follows:

- `filename` and `filepath`, files: their names in a folder of the case's own;
- `schedule`, a function from an epoch and a rate to a rate: the factors of the rate, by epoch;
- an occasion, `on_train_batch_end`, a function of what is seen then: "stop", which ends the training.

Errors grow from step to step. So a backend tells what it has after every step, and each step is judged from
what the backend itself had before it (`subjects.training.Resynchronised`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.cases.case import Case
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.training.callbacks import CALLBACKS

RUNS = ("training.Functional", "training.Sequential")
"""The subjects of runs without a callback of their own."""

CALLED_BACK = tuple(f"callbacks.{name}" for name in CALLBACKS)

SUBJECTS = (*RUNS, *CALLED_BACK)

METHODS = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch")
"""What a case can ask: its observables begin with one of these."""

PARTS = ("x", "y", "sample_weight")
"""Of data, in the order in which a batch has them."""


def is_about_training(case: Case) -> bool:
    """Whether the case is about a training run."""
    return case.subject in SUBJECTS


def is_of_run(observable: str) -> bool:
    """Whether it is one of a training run's, or a pattern of such."""
    return observable.partition("/")[0] in METHODS


def class_of_model(case: Case) -> str:
    """The class of the run's model, Functional or Sequential."""
    return case.subject.partition(".")[2] if case.subject in RUNS else "Sequential"


def data_of(case: Case, inputs: Sequence[Array]) -> dict[str, Any]:
    """The arrays of the run, by the arguments of `fit` that they are for: lists, or None."""
    places = case.config["data"]
    held_out = places.get("validation")
    found: dict[str, Any] = {name: _listed(places, name, inputs) for name in PARTS}
    if held_out is not None:
        given = (_listed(held_out, name, inputs) for name in PARTS)
        found["validation_data"] = tuple(arrays for arrays in given if arrays is not None)
    return found


def as_given(case: Case, inputs: Sequence[Array]) -> dict[str, Any]:
    """The arguments of `fit` that are data, as they are given: lists of arrays, or under `x`, and as
    `validation_data`, batches."""
    places = case.config["data"]
    found = data_of(case, inputs)
    if "batches" in places:
        found |= {"x": _in_batches(places, inputs), "y": None, "sample_weight": None}
    if "batches" in places.get("validation", {}):
        found["validation_data"] = _in_batches(places["validation"], inputs)
    return found


def _in_batches(places: Mapping[str, Any], inputs: Sequence[Array]) -> Any:
    data = {name: _listed(places, name, inputs) for name in PARTS}
    # A list would be taken for arrays.
    batches = deque(tuple(batch.values()) for batch in batches_of(places["batches"], data))
    return iter(batches) if places.get("once") else batches


def _listed(places: Mapping[str, Any], name: str, inputs: Sequence[Array]) -> list[Array] | None:
    return [inputs[i] for i in places[name]] if name in places else None


def batches_of(sizes: Sequence[int], data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The data in batches of these sizes, as arguments of `train_on_batch`."""
    start = 0
    for size in sizes:
        yield {
            name: [array[start : start + size] for array in data[name]]
            for name in PARTS
            if data[name] is not None
        }
        start += size


def class_weights(given: Mapping[str, float] | None) -> dict[int, float] | None:
    """Weights of classes by number, whose keys JSON makes texts."""
    return None if given is None else {int(name): weight for name, weight in given.items()}
