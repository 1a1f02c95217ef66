"""Drafts about calls that follow others: of each layer and function, and of everything that keeps states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from conformance.cases.case import Case, Recipe
from conformance.cases.drafts import activations, layers
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.wrappers import inside


def drafts() -> Iterator[Case]:
    seen = set[str]()
    for case in (*layers.drafts(), *activations.drafts()):
        if any(name.startswith("output/") for name in case.observables):
            if case.subject not in seen or case.masks:
                yield asked_again(case)
            seen.add(case.subject)
    yield from map(asked_again, stateful())


def asked_again(case: Case) -> Case:
    """The case with its outputs and what they are when it is called again, and nothing else."""
    outputs = tuple(name for name in case.observables if name.startswith("output/"))
    again = tuple(f"again/{name}" for name in outputs)
    return msgspec.structs.replace(case, cotangents=(), observables=(*outputs, *again))


GATES = {"kernel_initializer": "glorot_uniform", "recurrent_activation": "sigmoid"}
"""Named, since their defaults are not the same everywhere."""

RECURRENT: dict[str, dict[str, Any]] = {
    "SimpleRNN": {"kernel_initializer": "glorot_uniform"},
    "LSTM": GATES | {"unit_forget_bias": True},
    "GRU": GATES | {"reset_after": False},
}


def stateful() -> Iterator[Case]:
    """Layers that go on from their last states."""

    def case(name: str, config: dict[str, Any], *masks: Recipe) -> Case:
        inputs = [recipe("normal", 2, 3, 4)]
        return draft_layer(f"layers.{name}", config, inputs, weights="small_normal", masks=masks)

    for name, gates in RECURRENT.items():
        cell = {"units": 3} | gates
        config = cell | {"stateful": True}
        yield case(name, config)
        yield case(name, config | {"return_sequences": True, "return_state": True})
        yield case(name, config | {"go_backwards": True})
        yield case(name, config | {"unroll": True})
        yield case(name, config, recipe("mask_right_padded", 2, 3, dtype="bool"))
        yield case("RNN", {"cell": inside(f"{name}Cell", **cell), "stateful": True})
        yield case("Bidirectional", {"layer": inside(name, name="inner", **config)})
