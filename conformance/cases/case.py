"""A case: one small JSON recipe, and the data that a backend sees when the recipe is expanded."""

from __future__ import annotations

import hashlib
import math
import sys
from functools import cached_property
from typing import Any

import msgspec

JSON = Any
"""Anything that JSON can hold."""


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="recipe", omit_defaults=True):
    """An array made by a named regime from a key, the same bits for ever (`regimes.py`)."""

    regime: str
    shape: tuple[int, ...]
    key: int
    dtype: str = "float32"

    def __post_init__(self) -> None:
        _intern_dtype(self)


class Literal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="literal", omit_defaults=True):
    """An array written out in row-major order; NaN, infinities and −0 are the strings
    "nan", "inf", "-inf" and "-0"."""

    shape: tuple[int, ...]
    data: tuple[float | str, ...]
    dtype: str = "float32"

    def __post_init__(self) -> None:
        """One spelling of a number, so that a case has one id."""
        numbers = tuple(float(x) if isinstance(x, int) else x for x in self.data)
        msgspec.structs.force_setattr(self, "data", numbers)
        _intern_dtype(self)


Source = Recipe | Literal


def _intern_dtype(source: Source) -> None:
    """Whether a default is left out, msgspec decides by identity: one spelled out would make another id."""
    msgspec.structs.force_setattr(source, "dtype", sys.intern(source.dtype))


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, dict=True):
    """What is asked: a subject, its configuration, its data, and what is to be observed.

    Attributes:
        subject: `layers.Dense`, `activations.gelu`, `optimizers.Adam`, …
        config: the constructor's arguments (a function's, for an activation) by their Keras names,
            with the values that Keras's JSON holds.
        inputs: one array per input.
        weights: an array for each weight, by the specification's name for it (`kernel`, `gamma`, …); of an
            optimizer, for each `variable/…`, `gradient/…` and `slot/…`; of a metric, for each argument of
            each update, `0/y_true`, `0/y_pred`, `0/sample_weight`, `1/y_true`, …
        masks: a boolean mask per input, or nothing.
        initial_state: the initial state of a recurrent layer, or nothing.
        cotangents: one array per output that gradients are asked with.
        observables: the names of `protocol.OBSERVABLES` that are asked.
    """

    subject: str
    config: dict[str, JSON] = {}
    inputs: tuple[Source, ...] = ()
    weights: dict[str, Source] = {}
    masks: tuple[Source, ...] = ()
    initial_state: tuple[Source, ...] = ()
    cotangents: tuple[Source, ...] = ()
    observables: tuple[str, ...] = ()

    @cached_property
    def id(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the case's canonical JSON.

        >>> Case("layers.Flatten").id == Case("layers.Flatten", config={}).id
        True
        """
        return hashlib.sha256(encode(self)).hexdigest()[:16]

    @property
    def elements(self) -> int:
        """How many elements its inputs and weights have together."""
        return sum(math.prod(source.shape) for source in (*self.inputs, *self.weights.values()))

    @property
    def to_be_refused(self) -> bool:
        """Whether nothing is asked but if it is refused: then its configuration or its data may be bad."""
        return bool(self.observables) and all(name.startswith("refusal") for name in self.observables)


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Case)


def encode(case: Case) -> bytes:
    """The case as canonical JSON: sorted keys, no white space, defaults left out."""
    return _encoder.encode(case)


def decode(text: bytes | str) -> Case:
    """The case that `encode` wrote.

    Raises:
        msgspec.ValidationError: a field is missing, unknown or of the wrong type.
    """
    return _decoder.decode(text)
