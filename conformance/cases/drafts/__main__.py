"""Writes the corpus from the drafts; a release's corpus is never written again."""

from pathlib import Path

from conformance.cases import corpus
from conformance.cases.case import encode
from conformance.cases.drafts import quick

if __name__ == "__main__":
    target = Path(corpus.__file__).with_name("quick.jsonl")
    aside = target.with_suffix(".tmp")
    aside.write_bytes(b"".join(encode(case) + b"\n" for case in quick()))
    aside.replace(target)
    print(f"{len(quick())} cases in {target.name}")
