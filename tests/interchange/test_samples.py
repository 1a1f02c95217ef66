"""Inputs are drawn as the layers want them, or read from the user's file, or refused with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.interchange import samples
from conformance.interchange.samples import BadInputs
from conformance.reference_impl.saving.saved_model import FormatError
from tests.interchange.described import layer, sequential, two_inputs


def test_the_same_seed_draws_the_same() -> None:
    model = sequential([4], layer("Dense", "d", units=2))
    (x,), (y,), (z,) = (samples.drawn(model, 3, seed) for seed in (1, 1, 2))
    assert x.shape == (3, 4)
    assert x.dtype == np.float32
    assert np.array_equal(x, y)
    assert not np.array_equal(x, z)


def test_integers_are_drawn_for_an_embedding_below_its_rows_and_end_early_for_a_mask() -> None:
    embedding = layer("Embedding", "e", input_dim=5, output_dim=2, mask_zero=True)
    (x,) = samples.drawn(sequential([9], embedding), 40, 0)
    assert x.dtype == np.float32  # as the model declares it
    assert set(np.unique(x)) == {0, 1, 2, 3, 4}
    assert not x[::2, -3:].any()
    assert x[1::2, -3:].any()


def test_an_embedding_within_a_model_inside_wants_its_integers_too() -> None:
    inner = {
        "class_name": "Sequential",
        "config": {
            "name": "tower",
            "layers": [
                layer("InputLayer", "y", batch_shape=[None, 4]),
                layer("Embedding", "e", input_dim=3, output_dim=2),
            ],
        },
    }
    (x,) = samples.drawn(sequential([4], inner, dtype="int32"), 50, 0)
    assert set(np.unique(x)) == {0, 1, 2}


def test_steps_that_a_masking_layer_leaves_out_are_among_those_drawn() -> None:
    (x,) = samples.drawn(sequential([6, 2], layer("Masking", "m", mask_value=-1.0)), 2, 0)
    assert (x[0, -2:] == -1).all()
    assert not (x[1] == -1).any()


def test_open_dimensions_are_as_small_as_the_model_takes() -> None:
    pools = [layer("MaxPooling1D", f"p{i}", pool_size=4) for i in range(2)]
    (x,) = samples.drawn(sequential([None, 3], *pools), 2, 0)
    assert x.shape == (2, 16, 3)


def test_a_model_that_no_inputs_fit_says_so() -> None:
    model = sequential([None], layer("Conv2D", "c", filters=1, kernel_size=1))
    with pytest.raises(BadInputs, match=r"no inputs could be drawn: layer c: .*--inputs"):
        samples.drawn(model, 1, 0)


@pytest.mark.parametrize(
    ("size", "layers"), [(10**12, []), (4, [layer("RepeatVector", "many", n=10**12), layer("Flatten", "f")])]
)
def test_arrays_that_memory_does_not_hold_are_refused_before_they_are_made(
    size: int, layers: list[dict[str, Any]]
) -> None:
    with pytest.raises(BadInputs, match=r"layer (x|many) gives an array .* bytes are allowed"):
        samples.drawn(sequential([size], *layers), 1, 0)


A, B = np.ones((2, 2), np.float32), np.zeros((2, 3))


@pytest.mark.parametrize("arrays", [{"b": B, "a": A}, {"a": A, "b": B, "more": A}, {"first": A, "second": B}])
def test_a_file_is_read_by_names_or_in_its_order(tmp_path: Path, arrays: dict[str, Any]) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    a, b = samples.read(tmp_path / "x.npz", two_inputs())
    assert np.array_equal(a, A)
    assert b.shape == (2, 3)
    assert b.dtype == np.float32


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"a": A}, "the model has the inputs a, b; the file holds a"),
        ({}, "the file holds none"),
        ({"a": A, "b": A}, "input's shape"),
        ({"a": A, "b": np.array(["x"])}, "numbers are wanted"),
        ({"a": A, "b": np.array([None], object)}, "is no .npz file of arrays"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, arrays: dict[str, Any], reason: str) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(FormatError, match=r"x\.npz: ") as refused:
        samples.read(tmp_path / "x.npz", two_inputs())
    assert reason in str(refused.value)


def test_values_that_integers_cannot_hold_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.array([[0.5]]))
    model = sequential([1], layer("Embedding", "e", input_dim=3, output_dim=2), dtype="int32")
    with pytest.raises(FormatError, match="x: has values that the input's int32 cannot hold"):
        samples.read(tmp_path / "x.npz", model)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken"])
def test_a_broken_file_is_refused_in_a_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(FormatError) as refused:
        samples.read(tmp_path / "x.npz", two_inputs())
    assert str(refused.value).startswith(f"{tmp_path / 'x.npz'}: ")
    assert "\n" not in str(refused.value)
