"""Properties of what is said of a layer: shapes, dtypes, weights, configuration, constructor, names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import msgspec

from conformance.cases.case import Case
from conformance.cases.models import UNREADABLE, described, mark_of_message
from conformance.cases.properties.property import Property
from conformance.cases.subjects import class_of
from conformance.reference_impl import activations, losses, metrics
from conformance.reference_impl.fields import REQUIRED, Field
from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.layers.nested import names_layers, rewritten
from conformance.reference_impl.optimizers import Optimizer, OptimizerMap
from conformance.reference_impl.optimizers.schedules import Schedule
from conformance.reference_impl.saving.configuration import modern


def _canonical(case: Case, given: Mapping[str, Any]) -> dict[str, Any]:
    """Values of arguments as the specification's constructor understands them together with the case's
    required ones, or as they are where it refuses them."""
    required = {name: case.config[name] for name in _required(case.subject)}
    return _understood(case.subject, msgspec.json.encode((required, given)))


@cache
def _required(subject: str) -> tuple[str, ...]:
    return tuple(name for name, f in class_of(subject).arguments.items() if f.default is REQUIRED)


@lru_cache(maxsize=1024)
def _understood(subject: str, told: bytes) -> dict[str, Any]:
    """`_canonical` of (required, given) as JSON. A backend says the same thing several times: of a case as
    config and as reconstructed/config, and of many cases the same."""
    required, given = msgspec.json.decode(told)
    return _in_one_form(subject, required, given)


def _in_one_form(subject: str, required: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    cls = class_of(subject)
    known = {key: value for key, value in given.items() if key in cls.arguments}
    try:
        understood = cls.from_config({**required, **known}).config
    except (TypeError, ValueError):
        understood = {key: _parsed(cls.arguments[key], value) for key, value in known.items()}
    return {
        # Of layers inside a configuration what is said of them, and no more.
        key: rewritten(value, lambda inner, config: _in_one_form(f"layers.{inner}", {}, config))
        if names_layers(value)
        else _listed(understood.get(key, value))
        for key, value in given.items()
    }


def _parsed(argument: Field, value: Any) -> Any:
    try:
        return argument.parse(value)
    except ValueError:
        return value


def _listed(value: Any) -> Any:
    if isinstance(value, Schedule | Optimizer | OptimizerMap):
        return value.serialized()
    return list(value) if isinstance(value, tuple) else value


def configurations(case: Case, expected: Any, observed: Any) -> tuple[Any, Any]:
    """Configurations with every spelling of a value made one, without names, which are made up, and
    without what may be left out at its default."""
    if not isinstance(observed, dict):
        return expected, observed
    return _told(case.subject, expected), _told(case.subject, _canonical(case, observed))


def _told(subject: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
    left_out = class_of(subject).unsaid_at_default
    return {
        key: rewritten(value, lambda inner, config: _told(f"layers.{inner}", config))
        if names_layers(value)
        else _unnamed(value)
        for key, value in configuration.items()
        if key != "name" and not (key in left_out and value == left_out[key])
    }


def _unnamed(value: Any) -> Any:
    """What is told of optimizers, without the names of those that are inside."""
    if not isinstance(value, dict):
        return value
    made_up = {"name"} if "learning_rate" in value else set[str]()
    return {key: _unnamed(inner) for key, inner in value.items() if key not in made_up}


def signatures(case: Case, expected: Any, observed: Any) -> tuple[Any, Any]:
    """Arguments with their defaults in canonical form. Where a runtime cannot tell a default, only that
    the argument is there is compared."""
    if not isinstance(observed, dict) or "arguments" not in observed:
        return expected, observed
    said = observed["arguments"]
    defaults = _canonical(case, {name: s["default"] for name, s in said.items() if "default" in s})
    seen: dict[str, Any] = {}
    for name, argument in said.items():
        if name in defaults:
            seen[name] = {"default": defaults[name]}
        elif name in expected["arguments"] and argument.get("read"):
            seen[name] = expected["arguments"][name]
        else:
            seen[name] = argument
    return expected, {"arguments": seen}


def promised(case: Case, expected: Any, observed: Any) -> tuple[Any, Any]:
    """Of the members of a layer those that the specification promises: a runtime may have more."""
    if not isinstance(observed, dict):
        return expected, observed
    return expected, {name: kind for name, kind in observed.items() if name in expected}


def identifiers(case: Case, expected: Any, observed: Any) -> tuple[Any, Any]:
    """Names of functions, aliases resolved."""
    try:
        return expected, _function_name(case.subject, observed)
    except ValueError:
        return expected, observed


def _function_name(subject: str, name: str) -> str:
    if subject.startswith("losses."):
        return losses.function_named(snake_case(name)).name
    if subject.startswith("metrics."):
        return metrics.metric_class(name).__name__
    return activations.get(name).name if subject.startswith("activations.") else name


def models(case: Case, expected: Any, observed: Any) -> tuple[Any, Any]:
    """What a program says of a model in the specification's form; of weights, a word for each array."""
    try:
        match observed:
            case {"class_name": str(), "config": _}:
                return expected, described(modern(observed))
            case dict() if all(map(is_tensor, observed.values())):
                return expected, {name: mark_of_message(tensor) for name, tensor in observed.items()}
    except ValueError as error:
        return expected, f"{UNREADABLE}{error}"
    return expected, observed


def is_tensor(value: Any) -> bool:
    return isinstance(value, dict) and {"dtype", "shape", "data"} <= value.keys()


PROPERTIES = (
    Property(
        "shape",
        "The inferred output shape is the specification's, with known and with unknown dimensions.",
        ("shape/*",),
    ),
    Property("dtype", "The outputs have the specification's dtypes.", ("dtype",)),
    Property("masks", "Each output hands on the specification's mask, or none.", ("mask/*",)),
    Property(
        "memory",
        "Nothing stays in memory that nobody holds, after calls, gradients, refusals and disposal.",
        ("memory",),
    ),
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
        "methods",
        "The layer has the methods and properties that Keras's has, and the basic ones do what they say.",
        ("methods", "method/*"),
        promised,
    ),
    Property(
        "identifiers",
        "A string identifier, and each alias, names the same function or class.",
        ("identifier",),
        identifiers,
    ),
    Property(
        "interchange",
        "A model that one program saves and another loads is the same model: configuration, weights, "
        "outputs.",
        ("saved/*", "loaded/*"),
        models,
    ),
)
