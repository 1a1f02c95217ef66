"""Files of Keras's formats that are broken, or lie, or reach for what is outside them.

`HOSTILE` has a maker for each, and what the refusal has to say. They start from sound files of a small model,
as the package writes them; `python -m tests.saving.hostile_keras_files DIRECTORY` makes them all.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from tests.saving.hostile_keras_files import (  # noqa: F401  # each adds its own to `HOSTILE`
    archives,
    configurations,
    legacy_h5,
    weights,
)
from tests.saving.hostile_keras_files.hostile import HOSTILE as HOSTILE


def make_all(directory: Path) -> dict[str, Path]:
    """Every file, by its maker's name, and `elsewhere.h5`, to which some of them point."""
    elsewhere = directory / "elsewhere.h5"
    with h5py.File(elsewhere, "w") as file:
        file["secret"] = np.full((4, 3), 42, "f4")
    made = {name: directory / f"{name}{file.suffix}" for name, file in HOSTILE.items()}
    for name, file in HOSTILE.items():
        file.make(made[name], elsewhere)
    return made
