"""Ends what this process has started when it is killed itself and can end nothing any more.

A child that waits for its next request sees the end of its standard input, and ends. One that hangs does not:
so a small process of its own, which needs the standard library alone, waits for the end of a pipe from this
one, and then kills the process groups that it has been told of.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
from contextlib import suppress
from functools import cache


class Janitor:
    """The watching process. It goes when this one does."""

    def __init__(self) -> None:
        command = [sys.executable, "-S", "-E", __file__]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True, bufsize=0
        )
        assert process.stdin is not None
        self._pipe = process.stdin
        atexit.register(process.communicate)

    def watch(self, group: int) -> None:
        """Kill the process group if this process ends before it is forgotten."""
        self._pipe.write(f"+{group}\n".encode())

    def forget(self, group: int) -> None:
        """The group has ended: its number may soon be another's."""
        self._pipe.write(f"-{group}\n".encode())


@cache
def janitor() -> Janitor:
    """The one of this process."""
    return Janitor()


def main() -> None:
    watched: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        watched = watched | {group} if line.startswith("+") else watched - {group}
    for group in watched:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
