"""The corpus: frozen cases in the package, one canonical JSON line each."""

from __future__ import annotations

import gzip
from functools import cache
from importlib import resources

from conformance.cases.case import Case, decode

FILES = {"quick": "quick.jsonl", "standard": "standard.jsonl.gz"}
"""By size, the file of a corpus's cases, without those of the ones before; a large one is compressed."""

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
    content = resources.files(__package__).joinpath(FILES[name]).read_bytes()
    lines = (gzip.decompress(content) if FILES[name].endswith(".gz") else content).splitlines()
    cases = {case.id: case for case in load(smaller[-1])} if smaller else {}
    for line in lines:
        case = decode(line)
        cases.setdefault(case.id, case)
    return tuple(cases.values())


@cache
def ids() -> frozenset[str]:
    """The ids of the cases of all corpora: those that can be asked for by their ids."""
    return frozenset(case.id for case in load(NAMES[-1]))
