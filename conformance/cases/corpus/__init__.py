"""The corpus: frozen cases in the package, one canonical JSON line each."""

from __future__ import annotations

import gzip
from functools import cache
from importlib import resources

from conformance.cases.case import Case, decode

FOUND = "found.jsonl"
"""The file of the cases that searches have found."""

FILES = {"quick": ("quick.jsonl",), "standard": ("standard.jsonl.gz", FOUND)}
"""By size, the files of a corpus's cases, without those of the ones before, the drafted ones first; what is
large is compressed."""

NAMES = tuple(FILES)
"""The sizes of the corpus, each a part of the next."""


@cache
def load(name: str) -> tuple[Case, ...]:
    """The cases of a corpus, in its order: those of the smaller ones first.

    Raises:
        FileNotFoundError: there is no corpus of that name.
    """
    if name not in FILES:
        raise FileNotFoundError(f"there is no corpus {name!r}; there are {', '.join(NAMES)}")
    smaller = NAMES[: NAMES.index(name)]
    known = {line for other in smaller for line in _lines(other)}
    own = tuple(decode(line) for line in _lines(name) if line not in known)
    return (*load(smaller[-1]), *own) if smaller else own


def _lines(name: str) -> list[bytes]:
    """The cases in a corpus's files, as canonical JSON."""
    lines: list[bytes] = []
    for file in FILES[name]:
        content = resources.files(__package__).joinpath(file).read_bytes()
        lines += (gzip.decompress(content) if file.endswith(".gz") else content).splitlines()
    return lines


@cache
def ids() -> frozenset[str]:
    """The ids of the cases of all corpora: those that can be asked for by their ids."""
    return frozenset(case.id for case in load(NAMES[-1]))
