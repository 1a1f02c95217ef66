"""Writes a corpus from the drafts; a release's corpus is never written again."""

import argparse
import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path

from conformance.cases import corpus
from conformance.cases.case import Case, encode
from conformance.cases.drafts import apart, longer, quick
from conformance.cases.drafts.standard import UNEXPLAINED, standard


def write(name: str, cases: Iterable[Case]) -> None:
    """Write the cases that a corpus has beyond the smaller ones: the same cases as the same bytes."""
    target = Path(corpus.__file__).with_name(corpus.FILES[name][0])
    lines = [encode(case) + b"\n" for case in cases]
    content = b"".join(lines)
    aside = target.with_suffix(".tmp")
    aside.write_bytes(gzip.compress(content, mtime=0) if target.suffix == ".gz" else content)
    aside.replace(target)
    print(f"{len(lines)} cases in {target.name}")


def standard_with_kept(subjects: Sequence[str]) -> Iterable[Case]:
    """The standard corpus's cases, drafted anew about these subjects, and about the others as they are."""
    drafted = quick()
    known = {case.id for case in (*drafted, *longer())}.union(*UNEXPLAINED.values())
    kept = (case for case in corpus.load("standard") if case.id not in known and case.subject not in subjects)
    order = {subject: i for i, subject in enumerate(dict.fromkeys(case.subject for case in drafted))}
    return sorted([*kept, *standard(drafted, subjects)], key=lambda case: order[case.subject])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", default="quick", choices=corpus.NAMES)
    parser.add_argument(
        "subjects",
        nargs="*",
        help="write anew the cases of the standard corpus about these, and keep the others",
    )
    given = parser.parse_args()
    if given.corpus == "quick":
        write("quick", quick())
    else:
        cases = standard_with_kept(given.subjects) if given.subjects else standard(quick())
        write("standard", apart((*cases, *longer())))
