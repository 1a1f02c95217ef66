"""What each of the programs that read a configuration knows by name, as the live ones say
(`tests/saving/known.py`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

TABLE = Path(__file__).with_suffix(".json")

NAMING = Path(__file__).parents[3] / "runners" / "tfjs" / "naming.json"
"""The naming differences between Keras and TensorFlow.js, which its adapter reads too."""

Program = Literal["keras3", "keras2", "tfjs"]
Target = Literal["keras2", "tfjs"]
Objects = dict[str, list[str]]


@dataclass(frozen=True)
class Known:
    """The classes that a program knows, by its own names, each with its constructor's arguments, by those of
    Keras; and the activation functions."""

    layers: Objects
    initializers: Objects
    regularizers: Objects
    constraints: Objects
    activations: list[str]


@cache
def known(program: Program) -> Known:
    """
    >>> "negative_slope" in known("keras2").layers["LeakyReLU"]
    False
    """
    return Known(**json.loads(TABLE.read_text("utf-8"))[program])


@cache
def naming() -> dict[str, Any]:
    """The tables of `NAMING`."""
    tables: dict[str, Any] = json.loads(NAMING.read_text("utf-8"))
    return tables
