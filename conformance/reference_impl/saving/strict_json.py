"""JSON out of files from strangers: what the standard allows, each key once, and in bounded memory."""

from __future__ import annotations

import json
import math
import re
from os import PathLike
from typing import Any, NoReturn

from conformance.reference_impl.saving.saved_model import FormatError, JSONObject

MOST_BYTES = 16 * 2**20
MOST_VALUES = 2**20
DEEPEST = 100

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{,\]}]', re.DOTALL)


def parse(content: bytes, file: str | PathLike[str], place: str = "") -> JSONObject:
    """The object that a JSON text is.

    Raises:
        FormatError: it is not UTF-8, not JSON, or not an object; it has a key twice, NaN, an infinity, half a
            character (a lone surrogate), or more bytes, values or levels than the limits above.

    >>> parse(b'{"units": 3}', "config.json")
    {'units': 3}
    """
    if len(content) > MOST_BYTES:
        raise FormatError(file, place, f"the JSON text has {len(content)} bytes; {MOST_BYTES} are allowed")
    try:
        text = content.decode("utf-8", errors="strict")
        _check_extent(text)
        parsed = json.loads(
            text, object_pairs_hook=_each_once, parse_float=_finite, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        raise FormatError(file, place, f"not UTF-8: byte {error.start} of the JSON text") from None
    except json.JSONDecodeError as error:
        raise FormatError(
            file, place, f"not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        ) from None
    except ValueError as error:
        raise FormatError(file, place, f"not allowed in JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise FormatError(file, place, f"expected a JSON object, found {type(parsed).__name__}")
    return parsed


def text(value: JSONObject) -> str:
    """The object as JSON, the same for the same object; raises ValueError for NaN and infinities."""
    return json.dumps(value, allow_nan=False)


def _check_extent(text: str) -> None:
    """Before any of it is parsed, since Python's objects are up to a hundred times as large as their text."""
    depth, values = 0, 1
    for token in _TOKEN.finditer(text):
        found = token.group()
        if found in "[{":
            depth += 1
            values += 1
        elif found in "]}":
            depth -= 1
        elif found == ",":
            values += 1
        elif r"\u" in found:
            _check_characters(found)
        if depth > DEEPEST:
            raise ValueError(f"more than {DEEPEST} levels of nesting")
        if values > MOST_VALUES:
            raise ValueError(f"more than {MOST_VALUES} values")


def _check_characters(string: str) -> None:
    try:
        json.loads(string, strict=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f"half a character (a lone surrogate) in {string[:40]}") from None


def _each_once(pairs: list[tuple[str, Any]]) -> JSONObject:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {twice[:80]!r} twice in one object")
    return unique


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        raise ValueError(f"the number {number[:40]}, which is beyond float64")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is no JSON")
