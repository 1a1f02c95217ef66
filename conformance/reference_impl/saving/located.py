"""A JSON value together with its place in its file, so that whatever is wrong with it can be said there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from typing import Any

from conformance.reference_impl.saving.saved_model import FormatError, JSONObject

_NAMES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a whole number",
    float: "a fraction",
    type(None): "null",
}


def quoted(text: str) -> str:
    """A text out of a file as an error of one line can show it."""
    return repr(text if len(text) <= 80 else f"{text[:79]}…")


@dataclass(frozen=True, slots=True)
class Located:
    """A value out of a JSON file; the place is its JSON pointer (RFC 6901).

    What is asked for a value of another type raises FormatError.

    >>> document = Located("model.json", {"layers": [{"name": "dense"}]})
    >>> next(document.member("layers").items()).member("name").text()
    'dense'
    >>> print(document.member("layers").fault("too many"))
    model.json: /layers: too many
    """

    file: str | PathLike[str]
    value: Any
    pointer: str = ""

    def fault(self, reason: str) -> FormatError:
        return FormatError(self.file, self.pointer, reason)

    def _of(self, kind: type) -> Any:
        if type(self.value) is not kind:
            raise self.fault(f"expected {_NAMES[kind]}, found {_NAMES[type(self.value)]}")
        return self.value

    def mapping(self) -> JSONObject:
        return self._of(dict)

    def text(self) -> str:
        return self._of(str)

    def count(self) -> int:
        """Of the items of an array."""
        return len(self._of(list))

    def items(self) -> Iterator[Located]:
        for i, value in enumerate(self._of(list)):
            yield Located(self.file, value, f"{self.pointer}/{i}")

    def number(self) -> float:
        """A number of JavaScript, which are float64."""
        if type(self.value) not in (int, float):
            raise self.fault(f"expected a number, found {_NAMES[type(self.value)]}")
        try:
            return float(self.value)
        except OverflowError:
            raise self.fault("the number is beyond float64") from None

    def member(self, key: str) -> Located:
        """What stands under a key that has to be there."""
        found = self.optional(key)
        if found is None:
            raise self.fault(f"has no {key!r}")
        return found

    def optional(self, key: str) -> Located | None:
        """What stands under a key, or None if nothing or null does."""
        value = self.mapping().get(key)
        escaped = key.replace("~", "~0").replace("/", "~1")
        return None if value is None else Located(self.file, value, f"{self.pointer}/{escaped}")

    def named(self, *keys: str) -> Iterator[Located]:
        """Those of the keys under which something stands."""
        yield from (found for key in keys if (found := self.optional(key)) is not None)
