"""Drafts about layers that draw random numbers in training: so many that a wrong law shows, of data that tell
what was drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from conformance.cases.case import Case, Literal
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.reference_impl import layers

SEQUENCE, SPATIAL, VOLUME, MATRIX = (150, 4, 60), (100, 2, 3, 60), (100, 2, 1, 3, 60), (40, 25, 50)

LAYERS: tuple[tuple[str, dict[str, Any], tuple[int, ...]], ...] = (
    ("Dropout", {"rate": 0.25}, (200, 150)),
    ("Dropout", {"rate": 0.875, "seed": 3}, MATRIX),
    ("Dropout", {"rate": 0.5}, (30000,)),
    ("Dropout", {"rate": 0.25, "noise_shape": [None, 1, None]}, SEQUENCE),
    ("Dropout", {"rate": 0.5, "noise_shape": [1, 100, 60]}, (4, 100, 60)),
    ("SpatialDropout1D", {"rate": 0.25}, SEQUENCE),
    ("SpatialDropout1D", {"rate": 0.5, "seed": 5}, SEQUENCE),
    ("SpatialDropout2D", {"rate": 0.25}, SPATIAL),
    ("SpatialDropout2D", {"rate": 0.5, "data_format": "channels_first"}, (100, 60, 2, 3)),
    ("SpatialDropout3D", {"rate": 0.25}, VOLUME),
    ("SpatialDropout3D", {"rate": 0.5, "data_format": "channels_first"}, (100, 60, 2, 1, 3)),
    ("GaussianNoise", {"stddev": 0.25}, MATRIX),
    ("GaussianNoise", {"stddev": 1.0, "seed": 3}, (50000,)),
    ("GaussianDropout", {"rate": 0.25}, MATRIX),
    ("GaussianDropout", {"rate": 0.5, "seed": 3}, (250, 200)),
    ("AlphaDropout", {"rate": 0.25}, MATRIX),
    ("AlphaDropout", {"rate": 0.5, "seed": 3}, (200, 150)),
    ("AlphaDropout", {"rate": 0.25, "noise_shape": [150, 1, 60]}, SEQUENCE),
    ("AlphaDropout", {"rate": 0.25, "noise_shape": [None, 1, None]}, SEQUENCE),
)
"""Class, configuration and shape of the input."""

UNITS = 4

DIAGONALS: dict[str, dict[str, tuple[float, ...]]] = {
    "SimpleRNN": {"kernel": (1.0,), "recurrent_kernel": (0.75,)},
    "LSTM": {"kernel": (1.0, 0.75, 1.25, 0.875), "recurrent_kernel": (0.5, 1.25, 0.75, 1.0)},
    "ConvLSTM2D": {"kernel": (1.0, 0.75, 1.25, 0.875), "recurrent_kernel": (0.5, 1.25, 0.75, 1.0)},
    "GRU": {"kernel": (1.0, 0.75, 1.25), "recurrent_kernel": (0.5, 1.25, 0.75)},
}
"""By layer and weight, the diagonal of each gate's block: unit i is of feature i alone, and linear, so that
an output tells what was dropped of that feature, and for which gates."""

DROPPED: tuple[dict[str, Any], ...] = ({"dropout": 0.25}, {"recurrent_dropout": 0.5, "seed": 3})

DROPPED_MORE: tuple[dict[str, Any], ...] = ({"recurrent_dropout": 0.25},)
"""In the standard corpus alone: such laws take the longest to judge."""

LONGEST = (("LSTM", DROPPED[1]), ("ConvLSTM2D", DROPPED[0]))
"""So do these of whole layers; quick asks them of the cells."""

FORMS: dict[str, tuple[dict[str, Any], ...]] = {
    "SimpleRNN": ({},),
    "LSTM": ({},),
    "GRU": ({"reset_after": False}, {}),
    "ConvLSTM2D": ({},),
}
"""By layer, what is asked in every form of it; first that which both languages have."""

IMAGE = {"ConvLSTM2D": (3, 2)}
"""By layer, the places of a step."""


def drafts() -> Iterator[Case]:
    for name, config, shape in LAYERS:
        yield asking("random", name, config, shape)
    longest = {case.id for case in of_longest()}
    yield from (case for case in dropped(DROPPED) if case.id not in longest)
    for name, config, shape in {about[0]: about for about in reversed(LAYERS)}.values():
        yield asking("seeds", name, config | {"seed": 7}, (60, *shape[1:-1], 3))
    for name, (form, *_) in FORMS.items():
        for config in ({"dropout": 0.25}, {"recurrent_dropout": 0.25}):
            yield recurrent(name, config | form | {"seed": 7}, 60, 2, observable="seeds")
    yield asking("seeds", "RandomWidth", {"factor": 0.5, "seed": 7}, (1, 1, 500, 1), gradients=False)
    # Not random: nothing is dropped, or everything.
    for name, (form, *_) in FORMS.items():
        for dropout in ("dropout", "recurrent_dropout"):
            for rate in (0.0, 1.0):
                yield recurrent(name, {dropout: rate} | form, 2, 3, observable="training/output/0")


def more() -> Iterator[Case]:
    """What the standard corpus has beyond them."""
    yield from of_longest()
    yield from dropped(DROPPED_MORE)


def of_longest() -> Iterator[Case]:
    for name, config in LONGEST:
        yield recurrent(name, config, batch_of(name), 2)


def batch_of(name: str) -> int:
    """So many samples that a wrong law shows."""
    return 2500 // math.prod(IMAGE.get(name, ()))


def dropped(rates: Sequence[Mapping[str, Any]]) -> Iterator[Case]:
    """The law of each recurrent layer and its cell, in every form, at these rates."""
    for name, forms in FORMS.items():
        for config in rates:
            for form in forms:
                yield recurrent(name, {**config, **form}, batch_of(name), 2)
                yield recurrent(f"{name}Cell", {**config, **form}, batch_of(name))


def asking(observable: str, name: str, config: Mapping[str, Any], shape: Sequence[int], **more: Any) -> Case:
    """One that asks one thing."""
    case = draft_layer(f"layers.{name}", config, [recipe("normal", *shape)], **more)
    return msgspec.structs.replace(case, observables=(observable,))


def recurrent(
    name: str, config: Mapping[str, Any], batch: int, *times: int, observable: str = "random"
) -> Case:
    """About a linear layer, or cell, whose units do not mix, nor do the places of an image."""
    family = name.removesuffix("Cell")
    step = (*IMAGE.get(family, ()), UNITS)
    linear: dict[str, Any] = {"units": UNITS} if family not in IMAGE else {"filters": UNITS, "kernel_size": 1}
    linear["activation"] = "linear"
    if "recurrent_activation" in layers.get(name).arguments:
        linear["recurrent_activation"] = "linear"
    if family == name:
        linear["return_sequences"] = True
    states = [recipe("normal", batch, *step)] * (2 if "LSTM" in family else 1)
    case = asking(observable, name, {**linear, **config}, (batch, *times, *step), initial_state=states)
    weights = {w: diagonal(case.weights[w].shape, values) for w, values in DIAGONALS[family].items()}
    return msgspec.structs.replace(case, weights={**case.weights, **weights})


def diagonal(shape: tuple[int, ...], values: Sequence[float]) -> Literal:
    """Diagonal matrices of these values, side by side."""
    rows = ((v if i == j else 0.0 for v in values for j in range(UNITS)) for i in range(UNITS))
    return Literal(shape, tuple(x for row in rows for x in row))
