"""Drafts about the arguments that all classes of a kind have: what is said of a class when each is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from conformance.cases.case import JSON, Case
from conformance.cases.drafts import losses, metrics, optimizers, schedules
from conformance.cases.drafts.draft import STRUCTURAL, configured
from conformance.cases.drafts.errors import first_cases, spoilt
from conformance.cases.drafts.layers.settings import L1L2, L2, MAX_NORM, NON_NEG
from conformance.cases.subjects import class_of
from conformance.reference_impl import layers
from conformance.reference_impl.layers.nested import names_layers

SAID = ("dtype", "weights", "config", "reconstructed/config")
"""What may depend on an argument that says nothing of shapes."""

SHARED: Mapping[str, JSON] = {"name": "another_name", "trainable": False}
"""What both runtimes' layers take."""

OWN: tuple[Mapping[str, JSON], ...] = (
    {"dtype": "float64"},
    {"autocast": False, "name": "as_it_comes"},
    {"activity_regularizer": L2},
)
"""What each is asked by itself, since not all runtimes take it; under another name where the answer would be
the one before it again, which is doubted."""

HIDDEN: Mapping[str, JSON] = {"alpha": 0.25, "implementation": 1, "input_length": 5}
"""Arguments of single layers that Keras takes for Keras 2's sake, and shows nowhere."""

DROPOUT_FUNC: Mapping[str, tuple[JSON, JSON]] = {"dropout_func": ("dropout", "spatial")}

NEVER_THERE: Mapping[str, Mapping[str, tuple[JSON, JSON]]] = {
    "ConvLSTM2D": {**DROPOUT_FUNC, "implementation": (1, 2)},
    "ConvLSTM2DCell": {**DROPOUT_FUNC, "implementation": (1, 2)},
    "Embedding": {"batch_size": (2, 3)},
    "GRU": DROPOUT_FUNC,
    "GRUCell": DROPOUT_FUNC,
    "LSTM": DROPOUT_FUNC,
    "LSTMCell": DROPOUT_FUNC,
    "SeparableConv2D": {
        "kernel_constraint": (MAX_NORM, NON_NEG),
        "kernel_initializer": ("zeros", "ones"),
        "kernel_regularizer": (L2, L1L2),
    },
    "SimpleRNN": DROPOUT_FUNC,
    "SimpleRNNCell": DROPOUT_FUNC,
    "SpatialDropout1D": {"noise_shape": ([2, 1, 3], [2, 4, 3]), "trainable": (True, False)},
}
"""By layer, arguments of TensorFlow.js that Keras 3 has not, and what they are given."""


OF_A_WIDTH = ("Cropping2D", "Dense")
"""Layers that TensorFlow.js lets be told a width, as far as it says: that of Cropping2D's arguments it says
nothing."""

OF_OTHERS: tuple[Mapping[str, JSON], ...] = ({"name": "another_name"}, {"dtype": "float64"}, {"decay": 0.25})
"""What losses, metrics, optimizers and schedules take, each as far as it has the argument."""


def drafts() -> Iterator[Case]:
    yield from of_layers()
    yield from of_others()


def of_others() -> Iterator[Case]:
    """What is said of a class that is no layer, in the first case in which it is asked for its signature."""
    drafted = (case for module in (losses, metrics, optimizers, schedules) for case in module.drafts())
    first = {case.subject: case for case in reversed([*drafted]) if "signature" in case.observables}
    for subject, case in first.items():
        for arguments in OF_OTHERS:
            if arguments.keys() <= class_of(subject).arguments.keys() - case.config.keys():
                yield configured(said_of(case, arguments))


def of_layers() -> Iterator[Case]:
    for subject, first in first_cases().items():
        name = subject.removeprefix("layers.")
        known = layers.get(name).arguments
        batch, *sample = first.inputs[0].shape
        told: tuple[Mapping[str, JSON], ...] = (
            {"input_shape": sample, "name": "told_a_shape"},
            *([{"input_dim": sample[-1], "name": "told_a_width"}] if name in OF_A_WIDTH else ()),
            *({argument: value, "name": "of_keras_2"} for argument, value in HIDDEN.items()),
        )
        for arguments in (SHARED, *OWN, *told):
            if arguments.keys() <= known.keys() - first.config.keys():
                yield said_of(first, arguments, STRUCTURAL if arguments in told else SAID)
        unknown: Mapping[str, tuple[JSON, JSON]] = {
            "batch_input_shape": ([None, *sample], [batch, *sample]),
            "weights": ([], [[0.5]]),
            **NEVER_THERE.get(name, {}),
        }
        for argument in sorted(unknown.keys() - known.keys()):
            for value in unknown[argument]:
                yield spoilt(name, {argument: value})


def said_of(case: Case, arguments: Mapping[str, Any], observables: Sequence[str] = SAID) -> Case:
    """The case with these arguments too, of the same dtype throughout, in which nothing is asked that is
    computed."""
    dtype = {name: value for name, value in arguments.items() if name == "dtype"}
    config = {name: _inside(value, dtype) for name, value in case.config.items()}
    return msgspec.structs.replace(
        case, config={**config, **arguments}, cotangents=(), observables=tuple(observables)
    )


def _inside(value: Any, arguments: Mapping[str, Any]) -> Any:
    """The value with these arguments in each layer that it describes."""
    if not names_layers(value):
        return value
    if isinstance(value, list):
        return [_inside(item, arguments) for item in value]
    return {**value, "config": {**value["config"], **arguments}}
