"""Reads inputs that were kept once more, without atheris: `python -m proofs.fuzz.again TARGET FILE …`."""

from __future__ import annotations

import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from proofs.fuzz.oracle import Oracle
from proofs.fuzz.targets import TARGETS


def main() -> None:
    """Say of each file what is wrong with how it is read.

    Raises:
        SystemExit: something is.
    """
    target, files = TARGETS[sys.argv[1]], [Path(file) for file in sys.argv[2:]]
    findings = []
    with tempfile.TemporaryDirectory() as scratch, tempfile.NamedTemporaryFile() as elsewhere:
        oracle = Oracle(Path(scratch).resolve(), Path(elsewhere.name))
        path = oracle.directory / target.file
        for file in files:
            content = file.read_bytes()
            target.put(content, path)
            with suppress(Exception):  # what reading imports is not its doing
                target.read(path)
            finding = oracle.judge(target.read, path, len(content))
            print(f"{file}: {finding.message if finding else 'nothing is wrong'}")
            findings += [finding] if finding else []
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
