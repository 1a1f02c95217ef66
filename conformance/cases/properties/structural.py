"""Properties of what is said of a layer: shapes, dtypes, weights, configuration, constructor, names."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.cases.properties.property import Property
from conformance.reference_impl import activations, layers
from conformance.reference_impl.layers.fields import Field


def _arguments(case: Case) -> dict[str, Field]:
    return layers.get(case.subject.partition(".")[2]).arguments


def _parsed(argument: Field, value: Any) -> Any:
    """The value in canonical form, or as it is where the specification does not accept it."""
    try:
        parsed = argument.parse(value)
    except ValueError:
        return value
    return list(parsed) if isinstance(parsed, tuple) else parsed


def configurations(case: Case, expected: Any, observed: Any) -> tuple[Any, Any]:
    """Configurations with every spelling of a value made one, without names, which are made up; an
    argument that may be left out at its default is left out of both."""
    if not isinstance(observed, dict):
        return expected, observed
    arguments = _arguments(case)
    seen = {
        key: _parsed(arguments[key], value) if key in arguments else value
        for key, value in observed.items()
        if key != "name"
    }
    wanted = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in expected.items()
        if key != "name" and not (key not in seen and value in arguments[key].absent_as)
    }
    return wanted, seen


def signatures(case: Case, expected: Any, observed: Any) -> tuple[Any, Any]:
    """Arguments with their defaults in canonical form. Where a runtime cannot tell a default, only that
    the argument is there is compared."""
    if not isinstance(observed, dict) or "arguments" not in observed:
        return expected, observed
    arguments = _arguments(case)
    wanted = dict(expected["arguments"])
    seen: dict[str, Any] = {}
    for name, said in observed["arguments"].items():
        if name in arguments and "default" in said:
            seen[name] = {"default": _parsed(arguments[name], said["default"])}
        elif name in wanted and said.get("read"):
            seen[name] = wanted[name]
        else:
            seen[name] = said
    return {"arguments": wanted}, {"arguments": seen}


def identifiers(case: Case, expected: Any, observed: Any) -> tuple[Any, Any]:
    """Names of activation functions, aliases resolved."""
    try:
        return expected, activations.get(observed).name
    except activations.UnknownActivation:
        return expected, observed


PROPERTIES = (
    Property(
        "shape",
        "The inferred output shape is the specification's, with known and with unknown dimensions.",
        ("shape/*",),
    ),
    Property("dtype", "The outputs have the specification's dtypes.", ("dtype",)),
    Property(
        "weights", "Number, order, names, shapes, dtypes and trainability of the weights.", ("weights",)
    ),
    Property("config", "The configuration says what the constructor was told.", ("config",), configurations),
    Property(
        "config-round-trip",
        "The configuration makes the same layer again: same configuration, same output.",
        ("reconstructed/*",),
        configurations,
    ),
    Property(
        "constructor",
        "The constructor takes the same arguments with the same defaults.",
        ("signature",),
        signatures,
    ),
    Property(
        "identifiers",
        "A string identifier, and each alias, names the same function.",
        ("identifier",),
        identifiers,
    ),
)
