"""Training runs as cases: what a recipe says of a model, how it is compiled, the data and the calls.

The `config` of a case has `model`, as in a case about a model; `compile`, the arguments of Keras's
`Model.compile`; `data`, which of the case's inputs are `x`, `y`, `sample_weight` and, under `validation`,
these again; and the arguments of each method that is asked, under its name: `fit`, `evaluate`, `predict`.
Of `train_on_batch` and `test_on_batch`, which have none, there are the sizes of the batches that they are
given one after the other. A callback is its name and arguments. Weights are named as in a case about a model.

Errors grow from step to step. So a backend tells what it has after every step, and each step is judged from
what the backend itself had before it (`subjects.training.Resynchronised`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.cases.case import Case
from conformance.reference_impl.arrays import Array

SUBJECTS = ("training.Functional", "training.Sequential")

METHODS = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch")
"""What a case can ask: its observables begin with one of these."""


def is_about_training(case: Case) -> bool:
    """Whether the case is about a training run."""
    return case.subject in SUBJECTS


def is_of_run(observable: str) -> bool:
    """Whether it is one of a training run's, or a pattern of such."""
    return observable.partition("/")[0] in METHODS


def data_of(case: Case, inputs: Sequence[Array]) -> dict[str, Any]:
    """The arguments of `fit` that are data: lists of arrays, or None."""
    places = case.config["data"]
    held_out = places.get("validation")
    found: dict[str, Any] = {name: _listed(places, name, inputs) for name in ("x", "y", "sample_weight")}
    if held_out is not None:
        given = (_listed(held_out, name, inputs) for name in ("x", "y", "sample_weight"))
        found["validation_data"] = tuple(arrays for arrays in given if arrays is not None)
    return found


def _listed(places: Mapping[str, Any], name: str, inputs: Sequence[Array]) -> list[Array] | None:
    return [inputs[i] for i in places[name]] if name in places else None


def batches_of(sizes: Sequence[int], data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The data in batches of these sizes, as arguments of `train_on_batch`."""
    start = 0
    for size in sizes:
        yield {
            name: [array[start : start + size] for array in data[name]]
            for name in ("x", "y", "sample_weight")
            if data[name] is not None
        }
        start += size


def class_weights(given: Mapping[str, float] | None) -> dict[int, float] | None:
    """Weights of classes by number, whose keys JSON makes texts."""
    return None if given is None else {int(name): weight for name, weight in given.items()}
