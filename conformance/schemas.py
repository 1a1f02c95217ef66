"""JSON Schemas of records, with the descriptions that their docstrings are."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas_of(*records: Any) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """A schema for each record, and what they refer to as `#/$defs/NAME`."""
    own, definitions = msgspec.json.schema_components(records, ref_template="#/$defs/{name}")
    for definition in definitions.values():
        if "description" in definition:
            # Python keeps the indentation of a docstring before 3.13, and no longer from then on.
            definition["description"] = inspect.cleandoc(definition["description"])
    return list(own), definitions
