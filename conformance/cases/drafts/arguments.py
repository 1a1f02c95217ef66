"""Drafts about the arguments that all layers have: what is said of a layer when each is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from conformance.cases.case import JSON, Case
from conformance.cases.drafts.draft import STRUCTURAL
from conformance.cases.drafts.errors import first_cases
from conformance.cases.drafts.layers.settings import L2
from conformance.reference_impl import layers
from conformance.reference_impl.layers.nested import names_layers

SHARED: Mapping[str, JSON] = {"name": "another_name", "trainable": False}
"""What both runtimes' layers take."""

OWN: tuple[Mapping[str, JSON], ...] = (
    {"dtype": "float64"},
    {"autocast": False},
    {"activity_regularizer": L2},
)
"""What each is asked by itself, since not all runtimes take it."""


def drafts() -> Iterator[Case]:
    for subject, first in first_cases().items():
        known = layers.get(subject.partition(".")[2]).arguments
        for arguments in (SHARED, *OWN):
            if arguments.keys() <= known.keys() - first.config.keys():
                yield said_of(first, arguments)


def said_of(case: Case, arguments: Mapping[str, Any]) -> Case:
    """The case with these arguments too, of the same dtype throughout, in which nothing is asked that is
    computed."""
    dtype = {name: value for name, value in arguments.items() if name == "dtype"}
    config = {name: _inside(value, dtype) for name, value in case.config.items()}
    return msgspec.structs.replace(
        case, config={**config, **arguments}, cotangents=(), observables=STRUCTURAL
    )


def _inside(value: Any, arguments: Mapping[str, Any]) -> Any:
    """The value with these arguments in each layer that it describes."""
    if not names_layers(value):
        return value
    if isinstance(value, list):
        return [_inside(item, arguments) for item in value]
    return {**value, "config": {**value["config"], **arguments}}
