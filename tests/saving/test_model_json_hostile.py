"""Broken and hostile directories: each is refused in one line, at once and in little memory."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.reference_impl.saving import model_json
from conformance.reference_impl.saving.saved_model import FormatError
from tests.saving.hostile_model_json import HOSTILE, QUANTIZED, Hostile, document, make

MOST_BYTES = 64 * 2**20
"""That reading a file of a few megabytes may take; the manifest's promises are of any size."""


def test_what_the_hostile_ones_are_made_of_is_read(tmp_path: Path) -> None:
    make(tmp_path / "model", document())
    assert list(model_json.read(tmp_path / "model").weights["dense",]) == ["kernel", "bias"]


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_directory_is_refused(hostile: Hostile, tmp_path: Path) -> None:
    hostile.make(tmp_path / "model")
    tracemalloc.start()
    try:
        with pytest.raises(FormatError) as refusal:
            model_json.read(tmp_path / "model")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    message = str(refusal.value)
    file = tmp_path / "model" / "model.json"
    assert message.startswith(f"{file}: {hostile.place}: " if hostile.place else f"{file}: "), message
    assert hostile.reason in message
    assert "\n" not in message
    assert len(message) < len(str(file)) + 600
    assert most < MOST_BYTES


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a JSON value: the keys and indices that lead there."""
    yield place
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from places(item, (*place, key))


def at(value: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        value = value[key]
    return value


def replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = replaced(value[place[0]], place[1:], new)
    return copy


def rich() -> dict[str, Any]:
    """A model of much that can be changed, and 62 bytes of weights."""
    model = document()
    weights = model["weightsManifest"][0]["weights"]
    weights[0]["quantization"] = dict(QUANTIZED)
    weights += [
        {"name": f"times/{direction}_rnn/RNNCell_{cell}/{name}", "shape": shape, "dtype": "float32"}
        for direction in ("forward", "backward")
        for cell in (0, 1)
        for name, shape in (("kernel", [1, 1]), ("recurrent_kernel", [1, 1]), ("bias", [1]))
    ]
    cell = {"class_name": "SimpleRNNCell", "config": {"name": "cell", "units": 1}}
    rnn = {"class_name": "RNN", "config": {"name": "rnn", "cell": [cell, cell]}}
    directions = {"class_name": "Bidirectional", "config": {"name": "directions", "layer": rnn}}
    times = {"class_name": "TimeDistributed", "config": {"name": "times", "layer": directions}}
    model["modelTopology"]["config"]["layers"].append(times)
    return model | {
        "trainingConfig": {"optimizer_config": {"class_name": "Adam", "config": {}}, "loss": "mse"}
    }


def test_what_is_changed_is_read_unchanged(tmp_path: Path) -> None:
    make(tmp_path / "model", rich(), a=bytes(60), b=bytes(2))
    assert {path: len(own) for path, own in model_json.read(tmp_path / "model").weights.items()} == {
        ("dense",): 2,
        ("times",): 12,
    }


PLACES = list(places(rich()))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    # What has a meaning somewhere.
    | st.sampled_from([value for place in PLACES if isinstance(value := at(rich(), place), str)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=VALUES, content=st.binary(min_size=62, max_size=62))
def test_whatever_else_stands_somewhere_the_model_is_read_or_refused(
    place: tuple[Any, ...], value: Any, content: bytes, tmp_path: Path
) -> None:
    said = ""
    with tempfile.TemporaryDirectory(dir=tmp_path) as directory:
        make(Path(directory) / "model", replaced(rich(), place, value), a=content[:6], b=content[6:])
        try:
            model = model_json.read(Path(directory) / "model")
            for own in model.weights.values():
                for array in own.values():
                    assert sum(map(len, array.pieces())) < MOST_BYTES
        except FormatError as refusal:
            said = str(refusal)
    assert "\n" not in said
