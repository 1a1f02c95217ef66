"""A child process in which Keras answers questions about losses and metrics."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).parent / "adapters" / "training.py"


class Refused(Exception):
    """Keras raised an error; `kind` is its class."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


class LiveKeras:
    """Asks one question after another; see `adapters/training.py`."""

    def __init__(self) -> None:
        self.child = subprocess.Popen(
            [sys.executable, str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, what: str, *arguments: Any) -> Any:
        """The answer; raises Refused where Keras raises an error."""
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        pickle.dump((what, *arguments), self.child.stdin)
        self.child.stdin.flush()
        answer = pickle.load(self.child.stdout)
        match answer:
            case ("refused", kind, message):
                raise Refused(kind, message)
        return answer

    def close(self) -> None:
        """End the child, which ends at the end of its input."""
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.close()
        self.child.wait()
        self.child.stdout.close()
