"""The command `python -m tests.saving.hostile_keras_files DIRECTORY`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.saving.hostile_keras_files import make_all

if __name__ == "__main__":
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    print(*make_all(directory).values(), sep="\n")
