"""Drafts about methods that only some configurations have; those of every layer are asked once of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from conformance.cases.case import Case
from conformance.cases.drafts.draft import draft_layer, recipe

STATEFUL: dict[str, dict[str, Any]] = {
    "SimpleRNN": {},
    "LSTM": {"recurrent_activation": "sigmoid"},
    "GRU": {"reset_after": False, "recurrent_activation": "sigmoid"},
}


def drafts() -> Iterator[Case]:
    for name, config in STATEFUL.items():
        for sequences in (False, True):
            case = draft_layer(
                f"layers.{name}",
                {"units": 3, "stateful": True, "return_sequences": sequences} | config,
                [recipe("normal", 2, 4, 5)],
                weights="small_normal",
            )
            yield msgspec.structs.replace(case, observables=("method/reset_state",), cotangents=())
