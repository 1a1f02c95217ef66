"""What answers of the zoo depend on, by digest: the corpus, the code that asks and judges, the backends."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import ModuleType

import msgspec

import conformance
from conformance.cases import corpus
from proofs.teeth.asking import CORPUS
from tests.wrong_backends import correct, zoo

SUITE = Path(conformance.__file__).parent
ZOO = Path(zoo.__file__).parent

JUDGING = ("cases", "reference_impl", "checks.py", "evidence.py", "judging.py", "laws.py", "verdicts.py")
"""Of the suite, what makes questions and judges answers; the corpus in it goes by its cases."""


class Binding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """SHA-256 of the ids of the cases, of the code that asks and judges, and of the zoo."""

    corpus: str
    code: str
    zoo: str


@cache
def present() -> Binding:
    """What a proof made now is bound to."""
    ids = "".join(f"{id_}\n" for id_ in sorted(case.id for case in corpus.load(CORPUS)))
    of_suite = (path for part in JUDGING for path in _files(SUITE / part))
    return Binding(hashlib.sha256(ids.encode()).hexdigest(), _digest(of_suite), _digest(_files(ZOO)))


@cache
def binding_of(backend: str) -> str:
    """What the answers of one backend of the zoo are bound to: not the families that it has nothing of."""
    family = next((f for f in zoo.FAMILIES if backend in {fault.name for fault in f.FAULTS}), correct)
    files = (Path(str(module.__file__)) for module in _with_imported(family))
    now = present()
    return hashlib.sha256(f"{now.corpus} {now.code} {_digest(files)}".encode()).hexdigest()


def _with_imported(module: ModuleType) -> set[ModuleType]:
    """The module, and those of the zoo that something in it comes from."""
    found, waiting = set[ModuleType](), [module]
    while waiting:
        one = waiting.pop()
        found.add(one)
        names = {getattr(value, "__module__", None) for value in vars(one).values()}
        inside = {
            sys.modules[n] for n in names if isinstance(n, str) and n.startswith("tests.wrong_backends")
        }
        waiting += inside - found
    return found


def _files(path: Path) -> Iterable[Path]:
    """The source of a module or a package, tests and data of it apart."""
    if path.is_file():
        return (path,)
    return (file for file in path.rglob("*.py") if not file.name.startswith("test_"))


def _digest(files: Iterable[Path]) -> str:
    """Of the names and the contents of files."""
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()
