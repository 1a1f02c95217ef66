"""The corpus: frozen cases in the package, one canonical JSON line each."""

from __future__ import annotations

from functools import cache
from importlib import resources

from conformance.cases.case import Case, decode

NAMES = ("quick",)
"""The sizes of the corpus, each a part of the next."""


@cache
def load(name: str) -> tuple[Case, ...]:
    """The cases of a corpus, in its order.

    Raises:
        FileNotFoundError: there is no corpus of that name.
    """
    lines = resources.files(__package__).joinpath(f"{name}.jsonl").read_bytes().splitlines()
    return tuple(decode(line) for line in lines)


@cache
def ids() -> frozenset[str]:
    """The ids of the cases of all corpora: those that can be asked for by their ids."""
    return frozenset(case.id for case in load(NAMES[-1]))
