"""Writes a corpus from the drafts; a release's corpus is never written again."""

import argparse
import gzip
from collections.abc import Callable, Iterable
from pathlib import Path

from conformance.cases import corpus
from conformance.cases.case import Case, encode
from conformance.cases.drafts import quick
from conformance.cases.drafts.standard import standard


def write(name: str, cases: Iterable[Case]) -> None:
    """Write the cases that a corpus has beyond the smaller ones: the same cases as the same bytes."""
    target = Path(corpus.__file__).with_name(corpus.FILES[name])
    lines = [encode(case) + b"\n" for case in cases]
    content = b"".join(lines)
    aside = target.with_suffix(".tmp")
    aside.write_bytes(gzip.compress(content, mtime=0) if target.suffix == ".gz" else content)
    aside.replace(target)
    print(f"{len(lines)} cases in {target.name}")


DRAFTS: dict[str, Callable[[], Iterable[Case]]] = {
    "quick": quick,
    "standard": lambda: standard(quick()),
}
"""What drafts the cases of each corpus."""

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", default="quick", choices=DRAFTS)
    name = parser.parse_args().corpus
    write(name, DRAFTS[name]())
