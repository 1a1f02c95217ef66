"""The quick corpus: every case once, as drafted, and every argument of every subject at two values."""

from __future__ import annotations

import inspect
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from conformance.cases import corpus, models, training
from conformance.cases.case import Case, Literal, Recipe, decode, encode
from conformance.cases.data import make
from conformance.cases.drafts import quick, values
from conformance.cases.drafts.errors import first_cases
from conformance.cases.drafts.metrics import REQUIRED as REQUIRED_BY_METRICS
from conformance.cases.properties import PROPERTIES
from conformance.cases.properties.property import pairs
from conformance.cases.subjects import CLASSES, class_of
from conformance.reference_impl import identified, layers
from conformance.reference_impl.activations import ACTIVATIONS
from conformance.reference_impl.fields import REQUIRED
from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.layers.cell import Cell
from conformance.reference_impl.layers.layer import Layer
from conformance.reference_impl.losses import LOSSES
from conformance.runners.protocol import OBSERVABLES

QUICK = corpus.load("quick")
SOUND = [case for case in QUICK if not case.to_be_refused]
LAYERS = {
    name: layer for name, layer in Layer.registered.items() if layer.__module__.startswith("conformance.")
}
CALLED = {name: layer for name, layer in LAYERS.items() if f"layers.{name}" in first_cases()}
"""All but InputLayer."""

ONE_VALUE = {
    "factor": "images take none: an argument of a base class, which only None is allowed for",
    "fill_mode": "only `constant` is allowed",
    "lora_alpha": "acts only with `lora_rank`, in three layers",
    "input_dim": "is read by Dense alone in TensorFlow.js, and shown nowhere in Keras",
    "input_tensor": "a symbolic tensor, which JSON cannot hold",
    "quantization_config": "changes nothing before `quantize` is called, which no case does",
    "sparse": "a sparse tensor cannot be told",
    "weights": "the first values of a table that every case sets anyway",
}
"""Arguments that the corpus of a layer may leave at one value, and why."""


def test_no_case_stands_twice() -> None:
    assert max(Counter(case.id for case in QUICK).values()) == 1


def test_decoding_undoes_encoding() -> None:
    for case in quick():
        assert decode(encode(case)) == case
        assert decode(encode(case)).id == case.id


def test_corpus_is_what_is_drafted() -> None:
    """Until a release freezes it; `python -m conformance.cases.drafts` writes it."""
    assert {case.id for case in QUICK} == {case.id for case in quick()}


def test_cases_are_a_few_hundred_bytes() -> None:
    assert sorted(len(encode(case)) for case in QUICK)[-1] < 4000
    assert np.median([len(encode(case)) for case in QUICK]) < 800


def test_every_subject_of_the_specification_is_asked() -> None:
    asked = {case.subject for case in QUICK}
    classes = {f"{kind}.{name}" for kind, known in CLASSES.items() for name in known}
    functions = {f"activations.{name}" for name in ACTIVATIONS}
    assert asked == classes | functions | {*models.SUBJECTS, *training.SUBJECTS}


@pytest.mark.parametrize("name", LAYERS)
def test_every_argument_of_a_layer_takes_two_values(name: str) -> None:
    values: dict[str, set[str]] = defaultdict(set)
    for case in SOUND:
        if case.subject == f"layers.{name}":
            for argument, value in layers.get(name).from_config(case.config).config.items():
                values[argument].add(repr(value))
    constant = {argument for argument in LAYERS[name].arguments if len(values[argument]) < 2}
    assert constant - ONE_VALUE.keys() == set()


def test_exceptions_are_needed() -> None:
    arguments = {argument for layer in LAYERS.values() for argument in layer.arguments}
    assert ONE_VALUE.keys() <= arguments


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_argument_of_a_function_takes_two_values(name: str) -> None:
    values: dict[str, set[str]] = defaultdict(set)
    for case in QUICK:
        if case.subject == f"activations.{name}" and "output/0" in case.observables:
            for argument, parameter in ACTIVATIONS[name].arguments.items():
                given = case.config.get(argument, parameter.default)
                assert given is not inspect.Parameter.empty
                values[argument].add(repr(given))
    assert {argument: len(v) for argument, v in values.items() if len(v) < 2} == {}


NAMING = {"name", "dtype"}
"""What all metrics have, and says nothing of what they compute."""

WITHOUT_GRADIENTS = {"layers.CategoryEncoding"}
"""Layers of integers that have no weights."""


OF_RUNS = {"fit", "evaluate", "predict", "callbacks"}
"""The properties of training runs."""


@pytest.mark.parametrize("subject", sorted({case.subject for case in QUICK}))
def test_every_applicable_property_judges_a_subject(subject: str) -> None:
    observables = {o for case in QUICK if case.subject == subject for o in case.observables}
    judging = {p.name for p, _ in pairs(tuple(PROPERTIES.values()), tuple(observables))}
    if subject in models.SUBJECTS:
        assert judging == {"interchange"}
    elif subject in training.SUBJECTS:
        assert judging - {"errors"} <= OF_RUNS
    elif subject.startswith("activations."):
        applicable = {"forward", "determinism", "metamorphic", "gradients", "identifiers"}
        assert judging - {"errors"} == applicable
    elif subject.startswith("optimizers."):
        around = subject.endswith(("LossScaleOptimizer", "MultiOptimizer"))
        applicable = {"config", "config-round-trip", "optimizer-steps"}
        applicable |= set() if around else {"constructor", "identifiers"}
        assert judging - {"errors"} == applicable
    elif subject.startswith("schedules."):
        assert judging - {"errors"} == {"forward", "dtype", "config", "config-round-trip", "constructor"}
    elif subject.partition(".")[0] in identified.CLASSES:
        applicable = {"config", "config-round-trip", "constructor", "dtype"}
        drawn = subject.partition(".")[2] in values.DRAWN
        applicable |= {"random"} if drawn else {"forward"}
        applicable |= {"gradients"} if subject.startswith("regularizers.") else set()
        applicable |= {"identifiers"} if subject != "initializers.STFT" else set()
        assert judging - {"errors"} == applicable
    elif subject.startswith("losses."):
        said = {"config", "config-round-trip", "constructor", "dtype", "errors", "identifiers"}
        assert judging == {"forward", "gradients"} | said
    elif subject.startswith("metrics."):
        by_name = set() if subject.partition(".")[2] in REQUIRED_BY_METRICS else {"identifiers"}
        said = {"config", "config-round-trip", "constructor", "dtype"}
        assert judging - {"errors"} == {"metrics"} | said | by_name
    else:
        inapplicable = {"guide", "identifiers", "interchange", "metrics", "optimizer-steps"} | OF_RUNS
        if subject in WITHOUT_GRADIENTS:
            inapplicable |= {"gradients"}
        if issubclass(layers.get(subject.partition(".")[2]), Cell):
            inapplicable |= {"memory"}  # the layer around a cell builds it and disposes of it
        if "seed" not in layers.get(subject.partition(".")[2]).arguments:
            inapplicable |= {"random"}
        if subject.partition(".")[2] not in CALLED:
            inapplicable = PROPERTIES.keys() - {
                "config",
                "config-round-trip",
                "constructor",
                "errors",
                "methods",
            }
        assert judging == PROPERTIES.keys() - inapplicable


def test_every_identifier_of_a_function_is_asked() -> None:
    cases = [case for case in QUICK if case.subject.startswith(("activations.", "losses."))]
    asked = {case.config["identifier"] for case in cases if "identifier" in case.observables}
    functions: list[Any] = [*ACTIVATIONS.values(), *LOSSES.values()]
    assert asked - CLASSES["losses"].keys() == {name for e in functions for name in (e.name, *e.aliases)}


def test_every_identifier_of_an_initializer_is_asked() -> None:
    """As of regularizers and constraints; but for a Fourier transform, whose window by default has a name."""
    asked = {(case.subject, case.config["identifier"]) for case in QUICK if "identifier" in case.observables}
    for family, classes in identified.CLASSES.items():
        for name, made in classes.items():
            entry = next(entry for entry in made.table if entry.class_name == name)
            if name != "STFT":
                assert {(f"{family}.{name}", n) for n in (snake_case(name), *entry.aliases)} <= asked


def test_every_argument_of_a_metric_takes_two_values() -> None:
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    for case in corpus.load("quick"):
        if case.subject.startswith("metrics.") and "result/0" in case.observables:
            for argument, value in class_of(case.subject).from_config(case.config).config.items():
                values[case.subject, argument].add(repr(value))
    constant = {where for where, given in values.items() if len(given) < 2 and where[1] not in NAMING}
    assert constant == set()


def test_every_observable_of_the_protocol_is_asked() -> None:
    asked = {o for case in corpus.load("standard") for o in case.observables}
    # What is saved is read in a file, which is what a backend is asked for.
    asked |= {o.replace("saved/", "file/") for o in asked}
    for pattern in OBSERVABLES:
        stem = pattern.partition("{")[0]
        assert any(o.startswith(stem) for o in asked), pattern


def recipes(case: Case) -> dict[str, Recipe]:
    sources: dict[str, Any] = {f"input/{i}": x for i, x in enumerate(case.inputs)} | dict(case.weights)
    return {slot: source for slot, source in sources.items() if isinstance(source, Recipe)}


def test_no_two_arrays_of_a_case_share_their_bits() -> None:
    for case in QUICK:
        keys = [(source.key, source.regime, source.shape) for source in recipes(case).values()]
        assert len(set(keys)) == len(keys), case


def test_weights_are_asymmetric() -> None:
    """Transposed, reversed or permuted by gate, no weight of a dozen elements is what it was; but for those
    written out, diagonals that tell what was dropped."""
    for case in QUICK:
        if case.subject.startswith("metrics."):
            continue  # what stands there are labels and predictions
        for name, weight in make(case).weights.items():
            if weight.size < 12 or weight.ndim < 2 or isinstance(case.weights[name], Literal):
                continue
            for axis in range(weight.ndim):
                if weight.shape[axis] > 1:
                    assert not np.array_equal(np.flip(weight, axis), weight), (case, name)
            assert weight.shape != weight.T.shape or not np.array_equal(weight, weight.T), (case, name)


@pytest.mark.parametrize("name", ["Dense", "Conv2D", "LSTM", "BatchNormalization", "Embedding", "Flatten"])
def test_most_shapes_have_mutually_distinct_dimensions(name: str) -> None:
    shapes = [case.inputs[0].shape for case in QUICK if case.subject == f"layers.{name}"]
    distinct = [len(set(shape)) == len(shape) for shape in shapes]
    assert sum(distinct) >= 0.75 * len(distinct)


@pytest.mark.parametrize("name", CALLED)
def test_a_layer_is_asked_for_its_signature_with_required_arguments_alone(name: str) -> None:
    required = {argument for argument, f in LAYERS[name].arguments.items() if f.default is REQUIRED}
    asked = [c for c in QUICK if c.subject == f"layers.{name}" and "signature" in c.observables]
    assert [c.config.keys() for c in asked] == [required]


def test_no_case_can_be_changed() -> None:
    with pytest.raises(AttributeError):
        QUICK[0].subject = "layers.Dense"  # type: ignore[misc]  # that is what is tried
    assert msgspec.structs.replace(QUICK[0], subject="layers.Other").id != QUICK[0].id


def test_cases_that_the_readme_names_are_in_the_corpus() -> None:
    readme = Path(__file__).parents[2].joinpath("README.md").read_text("utf-8")
    named = set(re.findall(r"\b[0-9a-f]{16}\b", readme))
    assert named
    assert named <= {case.id for case in corpus.load("quick")}
