"""Models that Keras itself has saved, for the programs of the guides' statements.

`python -m tests.guide.models [PYTHON]` writes them into the package; PYTHON has Keras 2.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from conformance.cases.guide.saved import FOLDER, KERAS_2_H5, KERAS_3, KERAS_3_H5

PROGRAM = Path(__file__).with_name("adapters") / "models.py"


def write(folder: Path, python: str, *names: str) -> None:
    """Let the Keras of a Python save models under these names."""
    subprocess.run(
        [python, PROGRAM, folder, *names], env=os.environ | {"KERAS_BACKEND": "tensorflow"}, check=True
    )


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    write(FOLDER, sys.executable, KERAS_3["file"], KERAS_3_H5["file"])
    for python in sys.argv[1:]:
        write(FOLDER, python, KERAS_2_H5["file"])
