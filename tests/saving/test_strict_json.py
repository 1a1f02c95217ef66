"""JSON from strangers: what is read, and that what is refused names file, place and reason in one line."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.reference_impl.saving import strict_json
from conformance.reference_impl.saving.saved_model import FormatError, JSONObject

TEXTS = st.text('aé一😀"\\[{,]} \n')
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(-1e300, 1e300) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)

FAULTS = {
    "a byte that is no UTF-8": (b'{"a": "\xff"}', "not UTF-8: byte 7"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "not JSON"),
    "NaN": (b'{"a": NaN}', "NaN"),
    "Infinity": (b'{"a": -Infinity}', "-Infinity"),
    "a number beyond float64": (b'{"a": 1e999}', "1e999"),
    "a number of too many digits": (b'{"a": ' + b"7" * 5000 + b"}", "digits"),
    "a key twice": (b'{"a": {"b": 1, "b": 2}}', "key 'b' twice"),
    "a lone surrogate": (rb'{"a": "\ud800"}', "surrogate"),
    "a lone surrogate in a key": (rb'{"\udc00x": 1}', "surrogate"),
    "deep lists": (b'{"a": ' + b"[" * 100_000, "levels of nesting"),
    "deep objects": (b'{"a":' * 100_000, "levels of nesting"),
    "a great many values": (b'{"a": [' + b"[]," * 2_000_000 + b"0]}", "values"),
    "a great text": (b'{"a": "' + b" " * strict_json.MOST_BYTES + b'"}', "bytes"),
    "a list": (b"[1]", "expected a JSON object, found list"),
    "nothing": (b"", "not JSON"),
    "half an object": (b'{"a": 1', "not JSON"),
    "something behind it": (b"{} {}", "not JSON"),
    "an unfinished string": (b'{"a": "' + b"\\" * 10_001, "not JSON"),
    "a line break in a string": (b'{"a": "\n"}', "not JSON"),
}


@pytest.mark.parametrize(("content", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_refused_in_one_line_with_file_place_and_reason(content: bytes, reason: str) -> None:
    with pytest.raises(FormatError) as refusal:
        strict_json.parse(content, "m.keras", "config.json")
    message = str(refusal.value)
    assert message.startswith("m.keras: config.json: ")
    assert reason in message
    assert "\n" not in message


@given(st.dictionaries(TEXTS, VALUES))
def test_an_object_is_read_as_it_was_written(value: JSONObject) -> None:
    assert strict_json.parse(strict_json.text(value).encode(), "f") == value


def test_brackets_and_commas_in_strings_do_not_count() -> None:
    value = {"a": '[{,"\\' * 1000}
    assert strict_json.parse(strict_json.text(value).encode(), "f") == value


def test_the_largest_text_of_small_values_stays_in_bounds() -> None:
    content = b'{"a": [' + b'{"a":0},' * (strict_json.MOST_VALUES // 2 - 10) + b"0]}"
    tracemalloc.start()
    try:
        strict_json.parse(content, "f")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(content) + 200 * 2**20
