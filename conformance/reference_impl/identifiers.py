"""Initializers, regularizers and constraints as they stand in a layer's configuration.

A configuration names one by a string ("glorot_uniform"), or by a class and its arguments. Both runtimes
have several spellings of the same thing; here each has one canonical form.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.reference_impl.spelling import suggestion


@dataclass(frozen=True, eq=False)
class Named:
    """A class that a configuration can name: its arguments with their defaults, its other names, and what
    values an argument may have that may not have any."""

    class_name: str
    arguments: Mapping[str, Any]
    aliases: tuple[str, ...] = ()
    allowed: Mapping[str, Allowed] = field(default_factory=dict)


@dataclass(frozen=True)
class Allowed:
    """The values that an argument may have, in words and as a test; and some that it may not have, as users
    give them by mistake, for cases and tests."""

    words: str
    holds: Callable[[Any], bool]
    refused: tuple[Any, ...] = ()


class UnknownIdentifier(ValueError):
    """No initializer, regularizer or constraint has that name, or it has no such argument."""


WINDOWS = ("boxcar", "hann", "hamming", "blackman")
"""The windows of a Fourier transform that have a name here; SciPy has more."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_axes(value: Any) -> bool:
    return all(map(_is_integer, value)) if isinstance(value, list | tuple) else _is_integer(value)


def _one_of(*values: Any) -> Allowed:
    return Allowed(f"one of {', '.join(map(repr, values))}", lambda value: value in values, ("nonsense",))


_NUMBER = Allowed("a finite number", _is_number, ("x",))
_PENALTY = Allowed(
    "a finite number of 0 or more", lambda value: _is_number(value) and value >= 0, (-0.5, "x")
)
_POSITIVE = Allowed("a number above 0", lambda value: _is_number(value) and value > 0, (0.0, -1.0, "x"))
_AXES = Allowed("an integer or a list of integers", _are_axes, ("first",))
_NUMBERS = Allowed(
    "a number, or an array of them",
    lambda value: _is_number(value) or isinstance(value, list | tuple | Mapping),
    ("x",),
)
_SEEDING = Allowed(
    "an integer, None, or the description of a generator of seeds",
    lambda value: value is None or _is_integer(value) or isinstance(value, Mapping),
    ("seven", 0.5),
)
_SEEDED = {"seed": _SEEDING}
_NORMAL = {"mean": _NUMBER, "stddev": _NUMBER} | _SEEDED
_UNIFORM = {"minval": _NUMBER, "maxval": _NUMBER} | _SEEDED
_GAIN = {"gain": _NUMBER}
_SCALING = _SEEDED | {
    "scale": _POSITIVE,
    "mode": _one_of("fan_in", "fan_out", "fan_avg"),
    "distribution": _one_of("uniform", "truncated_normal", "untruncated_normal"),
}
_TRANSFORM = {
    "side": _one_of("real", "imag"),
    "scaling": _one_of("density", "spectrum", None),
    "window": Allowed(
        f"None, a list of samples, or one of {', '.join(map(repr, WINDOWS))}",
        lambda value: value is None or isinstance(value, list | tuple) or value in WINDOWS,
        (3,),
    ),
}


_SEED_AND_AXES = {"seed": None, "input_axes": None, "output_axes": None}


def _scaling(scale: float, mode: str, distribution: str) -> dict[str, Any]:
    return {"scale": scale, "mode": mode, "distribution": distribution} | _SEED_AND_AXES


NONE_IS_DEFAULT = ("l1", "l2")
"""Arguments of which None means the default."""

SCALINGS = {
    "GlorotUniform": _scaling(1.0, "fan_avg", "uniform"),
    "GlorotNormal": _scaling(1.0, "fan_avg", "truncated_normal"),
    "HeUniform": _scaling(2.0, "fan_in", "uniform"),
    "HeNormal": _scaling(2.0, "fan_in", "truncated_normal"),
    "LecunUniform": _scaling(1.0, "fan_in", "uniform"),
    "LecunNormal": _scaling(1.0, "fan_in", "truncated_normal"),
}
"""The classes that are VarianceScaling with fixed arguments, and nothing else."""

_SEED = {"seed": None}

INITIALIZERS = (
    Named("Zeros", {}, ("zero",)),
    Named("Ones", {}, ("one",)),
    Named("Constant", {"value": 0.0}, allowed={"value": _NUMBERS}),
    Named("RandomNormal", {"mean": 0.0, "stddev": 0.05} | _SEED, ("normal",), _NORMAL),
    Named("TruncatedNormal", {"mean": 0.0, "stddev": 0.05} | _SEED, allowed=_NORMAL),
    Named("RandomUniform", {"minval": -0.05, "maxval": 0.05} | _SEED, ("uniform",), _UNIFORM),
    Named("Orthogonal", {"gain": 1.0} | _SEED, ("OrthogonalInitializer",), _GAIN | _SEEDED),
    Named("Identity", {"gain": 1.0}, ("IdentityInitializer",), _GAIN),
    Named(
        "STFT",
        {"side": "real", "window": "hann", "scaling": "density", "periodic": False},
        ("STFTInitializer",),
        _TRANSFORM,
    ),
    Named("VarianceScaling", _scaling(1.0, "fan_in", "truncated_normal"), allowed=_SCALING),
    *(Named(name, _SEED_AND_AXES, allowed=_SEEDED) for name in SCALINGS),
)

REGULARIZERS = (
    Named("L1", {"l1": 0.01}, allowed={"l1": _PENALTY}),
    Named("L2", {"l2": 0.01}, allowed={"l2": _PENALTY}),
    Named("L1L2", {"l1": 0.0, "l2": 0.0}, ("l1_l2",), {"l1": _PENALTY, "l2": _PENALTY}),
    Named(
        "OrthogonalRegularizer",
        {"factor": 0.01, "mode": "rows"},
        allowed={"factor": _PENALTY, "mode": _one_of("rows", "columns")},
    ),
)

CONSTRAINTS = (
    Named("MaxNorm", {"max_value": 2, "axis": 0}, allowed={"max_value": _NUMBER, "axis": _AXES}),
    Named(
        "MinMaxNorm",
        {"min_value": 0.0, "max_value": 1.0, "rate": 1.0, "axis": 0},
        allowed={"min_value": _NUMBER, "max_value": _NUMBER, "rate": _NUMBER, "axis": _AXES},
    ),
    Named("NonNeg", {}),
    Named("UnitNorm", {"axis": 0}, allowed={"axis": _AXES}),
)

Canonical = dict[str, Any] | None


@functools.cache
def snake_case(name: str) -> str:
    """
    >>> snake_case("GlorotUniform"), snake_case("glorotUniform"), snake_case("L1L2")
    ('glorot_uniform', 'glorot_uniform', 'l1l2')
    >>> snake_case("SimpleRNNCell"), snake_case("ConvLSTM2D")
    ('simple_rnn_cell', 'conv_lstm2d')
    """
    return re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name).lower()


@functools.cache
def _find(name: str, table: tuple[Named, ...]) -> Named:
    """The entry of that name, in whatever case it is written."""
    names = {snake_case(n): entry for entry in table for n in (entry.class_name, *entry.aliases)}
    if snake_case(name) in names:
        return names[snake_case(name)]
    raise UnknownIdentifier(f"unknown identifier {name!r}; {suggestion(snake_case(name), names)}")


def complete(identifier: Any, table: tuple[Named, ...]) -> Canonical:
    """An identifier by its own class, with every argument: `{"class_name": …, "config": {…}}`, or None.

    Raises:
        UnknownIdentifier: an unknown class or argument; the message names the nearest.
        ValueError: an argument has a value that is not allowed.

    >>> complete("he_normal", INITIALIZERS)
    {'class_name': 'HeNormal', 'config': {'seed': None, 'input_axes': None, 'output_axes': None}}
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        name, given = identifier, {}
    elif isinstance(identifier, Mapping) and "class_name" in identifier:
        name, given = identifier["class_name"], dict(identifier.get("config") or {})
    else:
        raise UnknownIdentifier(f'{identifier!r} is neither a name nor {{"class_name": …, "config": {{…}}}}')
    entry = _find(name, table)
    unknown = given.keys() - entry.arguments.keys()
    if unknown:
        raise UnknownIdentifier(
            f"{entry.class_name} has no argument {', '.join(sorted(unknown))}; "
            f"it has {', '.join(entry.arguments) or 'none'}"
        )
    config = dict(entry.arguments) | given
    if config.get("distribution") == "normal":
        # The older name of the truncated distribution, in both runtimes.
        config["distribution"] = "truncated_normal"
    for argument, allowed in entry.allowed.items():
        if config[argument] is None and argument in NONE_IS_DEFAULT:
            config[argument] = entry.arguments[argument]
        if not allowed.holds(config[argument]):
            raise ValueError(
                f"argument `{argument}` of {entry.class_name}: expected {allowed.words}, got "
                f"{config[argument]!r}"
            )
    return {"class_name": entry.class_name, "config": config}


def canonical(identifier: Any, table: tuple[Named, ...]) -> Canonical:
    """The one form of an identifier: `{"class_name": …, "config": {every argument}}`, or None.

    Raises:
        UnknownIdentifier: an unknown class or argument; the message names the nearest.

    >>> canonical("he_normal", INITIALIZERS) == canonical(
    ...     {"class_name": "VarianceScaling", "config": {"scale": 2, "distribution": "normal"}}, INITIALIZERS)
    True
    """
    found = complete(identifier, table)
    if found is None:
        return None
    name, config = found["class_name"], found["config"]
    if name in SCALINGS:
        return {"class_name": "VarianceScaling", "config": SCALINGS[name] | config}
    if name in ("L1", "L2"):
        return {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.0} | config}
    return found
