"""The standard corpus: what the quick one lacks, recombined, and nothing that the specification refuses."""

from __future__ import annotations

import gzip
import itertools
from collections import Counter
from importlib import resources
from typing import Any

import msgspec
import pytest

from conformance.cases import corpus
from conformance.cases.answer import Answers
from conformance.cases.case import Case, Recipe, decode, encode
from conformance.cases.data import make
from conformance.cases.drafts import random
from conformance.cases.drafts.standard import BEYOND, LARGEST, REGIMES, computes, standard
from conformance.cases.expected import Refusal
from conformance.cases.guide import ROWS
from conformance.cases.regimes import expand

QUICK = corpus.load("quick")
STANDARD = corpus.load("standard")
MORE = STANDARD[len(QUICK) :]
SMALL = ("layers.Flatten", "layers.Dot", "layers.GRUCell", "layers.Conv1D", "activations.softmax")
"""Subjects that are drafted again here."""

LAWS = {case.id for case in random.more()}
"""Cases that are large, so that a wrong law shows, and have no output to be told."""


def test_quick_is_the_beginning_of_standard() -> None:
    assert STANDARD[: len(QUICK)] == QUICK
    assert len(MORE) > len(QUICK)


def test_no_case_stands_twice() -> None:
    assert max(Counter(case.id for case in STANDARD).values()) == 1


def test_the_file_is_small_and_canonical() -> None:
    content = resources.files("conformance.cases.corpus").joinpath(corpus.FILES["standard"][0]).read_bytes()
    assert len(content) < 2**21
    for line in gzip.decompress(content).splitlines():
        assert encode(decode(line)) == line


def test_a_corpus_that_there_is_not_is_refused() -> None:
    with pytest.raises(FileNotFoundError, match="huge"):
        corpus.load("huge")


NOT_YET = {
    "layers.InputLayer": "computes nothing, and quick asks all that it says",
    "optimizers.SGD": "one update is soon asked, and quick asks all that it refuses, as of no other",
}
"""Subjects that only the quick corpus has, and why."""


def test_every_subject_of_quick_is_asked_more() -> None:
    kinds = {"layers", "activations", *BEYOND}
    drafted = {case.subject for case in QUICK if case.subject.partition(".")[0] in kinds}
    statements = {f"guide.{row}" for row in ROWS}
    assert {case.subject for case in MORE} == drafted - NOT_YET.keys() | statements


def test_every_regime_is_asked_of_layers_and_of_functions() -> None:
    for kind in ("layers.", "activations."):
        used = {
            source.regime
            for case in MORE
            if case.subject.startswith(kind)
            for source in case.inputs
            if isinstance(source, Recipe)
        }
        assert set(REGIMES) <= used


@pytest.mark.parametrize("subject", SMALL)
def test_the_specification_refuses_no_case(subject: str) -> None:
    for case in MORE:
        if case.subject == subject and case.id not in LAWS:
            answer = Answers(case, make(case), None)["output/0"]
            assert not isinstance(answer, Refusal), (case, answer)


def test_cases_are_of_a_bounded_size() -> None:
    layers = (case for case in MORE if case.subject.startswith("layers.") and case.id not in LAWS)
    assert max(sum(expand(x).size for x in case.inputs) for case in layers) <= LARGEST


def values(case: Case) -> dict[str, str]:
    """Each argument that the case sets, and its value."""
    return {name: msgspec.json.encode(value, order="sorted").decode() for name, value in case.config.items()}


def test_every_two_values_of_two_arguments_stand_together() -> None:
    """Those of Dense, but for a constraint and a rank: an adapted kernel cannot have one."""
    pairs: set[Any] = set()
    seen: set[tuple[str, str]] = set()
    quick = [case for case in QUICK if case.subject == "layers.Dense"]
    usable = [case for case in quick if "output/0" in case.observables and computes(case)]
    for case in (*usable, *standard(quick)):
        given = sorted(values(case).items())
        seen.update(given)
        pairs.update(itertools.combinations(given, 2))
    missing = [
        (one, other)
        for one, other in itertools.combinations(sorted(seen), 2)
        if one[0] != other[0] and (one, other) not in pairs
    ]
    assert {(one[0], other[0]) for one, other in missing} == {("kernel_constraint", "lora_rank")}


@pytest.mark.parametrize("subject", SMALL)
def test_drafts_are_always_the_same(subject: str) -> None:
    quick = [case for case in QUICK if case.subject == subject]
    drafted = list(standard(quick))
    assert drafted
    assert list(standard(quick)) == drafted
    assert not {case.id for case in quick} & {case.id for case in drafted}
