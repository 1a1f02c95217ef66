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
from proofs.teeth import asking
from tests import answers
from tests.wrong_backends import correct, reference_backend, zoo

SUITE = Path(conformance.__file__).parent
ZOO = Path(zoo.__file__).parent

JUDGING = ("cases", "reference_impl", "checks.py", "evidence.py", "judging.py", "laws.py", "verdicts.py")
"""Of the suite, what makes questions and judges answers; the corpus goes by its cases."""


class Binding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """SHA-256 of the ids of the cases, of the code that asks and judges, and of the zoo."""

    corpus: str
    code: str
    zoo: str


@cache
def present() -> Binding:
    """What a proof made now is bound to."""
    ids = "".join(f"{id_}\n" for id_ in sorted(case.id for case in corpus.load(asking.CORPUS)))
    code = [path for part in JUDGING for path in _files(SUITE / part)] + [Path(asking.__file__)]
    backends = [*_files(ZOO), Path(answers.__file__)]
    return Binding(hashlib.sha256(ids.encode()).hexdigest(), _digest(code), _digest(backends))


@cache
def binding_of(backend: str) -> str:
    """What the answers of one backend of the zoo are bound to: of the families only those that its own one
    takes something from."""
    family = next((f for f in zoo.FAMILIES if backend in {fault.name for fault in f.FAULTS}), correct)
    files = (Path(str(module.__file__)) for module in _with_imported(family))
    now = present()
    return hashlib.sha256(f"{now.corpus} {now.code} {_digest(files)}".encode()).hexdigest()


def _with_imported(module: ModuleType) -> set[ModuleType]:
    """The module, that of the reference backend, and those of the tests that something in them comes from."""
    found, waiting = set[ModuleType](), [module, reference_backend]
    while waiting:
        one = waiting.pop()
        found.add(one)
        names = {getattr(value, "__module__", None) for value in vars(one).values()}
        inside = {sys.modules[n] for n in names if isinstance(n, str) and n.startswith("tests.")}
        waiting += inside - found
    return found


def _files(path: Path) -> Iterable[Path]:
    """The source of a module or a package, tests and data of it apart."""
    if path.is_file():
        return (path,)
    return (file for file in path.rglob("*.py") if not file.name.startswith("test_"))


def _digest(files: Iterable[Path]) -> str:
    """Of the names and the contents of files, wherever they are."""
    lines = sorted(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n" for path in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
