"""Broken and hostile directories: each is refused in one line, at once and in little memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from conformance.reference_impl.saving import model_json
from conformance.reference_impl.saving.saved_model import FormatError
from tests.saving.hostile_model_json import HOSTILE, Hostile, document, make

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
    assert len(message) < 600
    assert most < MOST_BYTES
