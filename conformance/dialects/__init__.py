"""The recorded ways in which backends depart from the specification, one module per backend family."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata

from conformance.dialects.deviation import Dialect
from conformance.dialects.versions import InvalidRequirement

ENTRY_POINT_GROUP = "conformance.dialects"

BUILT_IN = {
    "keras-tensorflow": "conformance.dialects.keras_tensorflow",
    "keras-tensorflow-onednn": "conformance.dialects.keras_tensorflow",
    "keras2-tensorflow": "conformance.dialects.keras2_tensorflow",
    "tfjs-cpu": "conformance.dialects.tensorflow_js",
    "tfjs-wasm": "conformance.dialects.tensorflow_js",
}


class BadDialect(ValueError):
    """A dialect's module cannot be imported, holds no `DIALECTS`, or an entry in it makes no sense."""


def load(module: str) -> dict[str, Dialect]:
    """The `DIALECTS` of a module: backend names → `Dialect`.

    Raises:
        BadDialect: it cannot be imported, or has none.
    """
    try:
        table: dict[str, Dialect] = importlib.import_module(module).DIALECTS
    except Exception as error:  # a module of somebody else's can fail in any way
        raise BadDialect(f"dialect {module!r}: {type(error).__name__}: {error}") from error
    return table


def of(backend: str, versions: Mapping[str, str], modules: tuple[str, ...] = ()) -> Dialect:
    """The dialect that a backend of these versions is judged under, empty where none is recorded.

    Modules named on the command line come first, then those that installed packages bring (entry
    points), then the built-in ones.

    Args:
        versions: `Identity.versions`; see `Dialect.of_versions`.

    Raises:
        BadDialect: a module cannot be imported, has no `DIALECTS`, or an entry names no versions.
    """
    installed = [point.value for point in metadata.entry_points(group=ENTRY_POINT_GROUP)]
    built_in = [BUILT_IN[backend]] if backend in BUILT_IN else []
    for module in (*modules, *installed, *built_in):
        table = load(module)
        if backend in table:
            try:
                return replace(table[backend].of_versions(versions), module=module)
            except InvalidRequirement as error:
                raise BadDialect(f"dialect {module!r}: {error}") from error
    return Dialect()
