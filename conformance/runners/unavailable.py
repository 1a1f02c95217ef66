"""Why a backend could not be started, and what to do about it."""

from __future__ import annotations


class BackendUnavailable(Exception):
    """A backend cannot be started; the message says what failed, what it said, and the remedy, but not which
    backend: whoever tells it does.

    Attributes:
        problem: what failed, in one line.
        remedy: what the user can do, in one line; empty where nothing is known.
        stderr: the last lines that the backend's program wrote to standard error, without the one that is
            the end of `problem`.
    """

    def __init__(self, problem: str, remedy: str = "", stderr: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        self.stderr = stderr
        separator = "\n" if stderr else "; "
        super().__init__(separator.join(part for part in (problem, stderr, remedy) if part))
