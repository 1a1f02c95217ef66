"""Weights written in fewer bits and read again, and in how little memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from conformance.reference_impl.saving import model_json
from conformance.reference_impl.saving.saved_model import PIECE, FormatError
from tests.saving.small_model_json import dense, ramp, weights, write, written


def test_whole_numbers_are_those_of_the_official_converter(tmp_path: Path) -> None:
    """The example of its documentation."""
    given = np.array([0, -0.1, 1.2], np.float32)
    files = written(dense(kernel=given), tmp_path / "model", quantization={"uint8": []})
    assert list(files["group1-shard1of1.bin"]) == [20, 0, 255]
    (declared,) = json.loads(files["model.json"])["weightsManifest"][0]["weights"]
    assert declared["quantization"] == {
        "dtype": "uint8",
        "min": pytest.approx(-0.10196078817, rel=1e-9),
        "scale": pytest.approx(0.00509803940852, rel=1e-9),
        "original_dtype": "float32",
    }
    found = weights(tmp_path / "model")["kernel"]
    assert found[0] == 0
    assert np.abs(found - given).max() <= 0.00509803940852 / 2 * 1.001


@given(
    array=hnp.arrays("float32", st.integers(1, 30), elements=st.floats(-1000, 1000, width=32)),
    dtype=st.sampled_from(["uint8", "uint16"]),
)
@settings(deadline=None)
def test_what_is_restored_is_within_a_step_and_zero_is_zero(
    array: NDArray[np.float32], dtype: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("model")
    write(dense(kernel=array), directory, quantization={dtype: []})
    found = weights(directory)["kernel"]
    step = (float(array.max()) - float(array.min())) / np.iinfo(dtype).max
    assert np.abs(found.astype(float) - array).max() <= step * (1 + 1e-6) + 1e-4
    if array.min() < array.max():
        assert (found[array == 0] == 0).all()


def test_each_weight_is_stored_as_its_pattern_says(tmp_path: Path) -> None:
    model = dense(kernel=ramp(3), bias=ramp(3), other=ramp(3), count=np.arange(3, dtype=np.int32))
    patterns = {"uint8": ["*/kernel"], "uint16": ["dense/b*"], "float16": []}
    files = written(model, tmp_path / "model", quantization=patterns)
    declared = json.loads(files["model.json"])["weightsManifest"][0]["weights"]
    told = [one.get("quantization", {}).get("dtype") for one in declared]
    assert told == ["uint8", "uint16", "float16", None]
    assert len(files["group1-shard1of1.bin"]) == 3 * (1 + 2 + 2 + 4)
    for name, found in weights(tmp_path / "model").items():
        np.testing.assert_allclose(found, np.arange(3), atol=0.01, err_msg=name)


@pytest.mark.parametrize(
    ("quantization", "reason"),
    [
        ({"uint4": []}, "float16, uint8, uint16, not to uint4"),
        ({"uint8": [], "float16": []}, "uint8 and float16 are both for all"),
        ({"uint8": ["*"], "float16": ["*"]}, "both to uint8 and to float16"),
        ({"uint8": ["conv*"]}, "no weight's name matches 'conv\\*'; there are dense/kernel"),
    ],
)
def test_contradictory_quantization_is_refused(
    quantization: dict[str, list[str]], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=reason):
        write(dense(kernel=ramp(3)), tmp_path / "model", quantization=quantization)


@pytest.mark.parametrize(
    ("value", "dtype", "reason"),
    [
        (np.nan, "uint8", "NaN or infinity"),
        (np.nan, "float16", "NaN or infinity"),
        (np.inf, "uint16", "NaN or infinity"),
        (65520, "float16", "too large for float16"),
        (-1e30, "float16", "too large for float16"),
    ],
)
def test_what_does_not_fit_in_fewer_bits_is_refused(
    value: float, dtype: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(FormatError, match=f"dense/kernel: .*{reason}"):
        write(dense(kernel=np.array([1, value], np.float32)), tmp_path / "model", quantization={dtype: []})


def test_the_largest_float16_is_kept(tmp_path: Path) -> None:
    given = np.array([65519, -65504, 1e-8], np.float32)
    write(dense(kernel=given), tmp_path / "model", quantization={"float16": []})
    np.testing.assert_array_equal(weights(tmp_path / "model")["kernel"], [65504, -65504, 0])


# Memory


@dataclass(frozen=True)
class Endless:
    """Many numbers that take no memory."""

    shape = (16 * 2**20,)
    dtype = "float32"

    def pieces(self) -> Iterator[memoryview]:
        for start in range(0, 64 * 2**20, PIECE):
            yield np.full(PIECE // 4, start / 2**20, np.float32).view(np.uint8).data


@pytest.mark.parametrize("quantization", [None, {"uint8": []}, {"float16": []}])
def test_a_weight_is_never_in_memory_as_a_whole(
    quantization: dict[str, list[str]] | None, tmp_path: Path
) -> None:
    """64 MiB written and read: a handful of pieces, in float64 where numbers are rounded."""
    model = replace(dense(), weights={("dense",): {"kernel": Endless()}})
    tracemalloc.start()
    try:
        write(model, tmp_path / "model", quantization=quantization)
        stored = model_json.read(tmp_path / "model").weights["dense",]["kernel"]
        sizes = [len(content) for content in stored.pieces()]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(sizes) == 64 * 2**20
    assert max(sizes) <= PIECE
    assert most < 12 * PIECE
