"""Proof that no answer depends on what was asked before it: `python -m proofs.order`.

The corpus is asked of the real backends forwards, backwards and shuffled, and a case of each subject first
of a fresh process. All answers to one observable have to be the same, bit for bit, but for the names that
layers are given by their number.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import msgspec

from conformance.cases import corpus
from conformance.cases.case import Case
from conformance.cases.data import make
from conformance.cases.properties.property import matches
from conformance.cases.relations import asked_beside
from conformance.checks import Bench
from conformance.dialects.deviation import Unpredictable
from conformance.engine import Made, Posed
from conformance.runners import registry
from conformance.runners.process import Runner
from conformance.runners.protocol import Observed, WireError, WireJSON
from conformance.runners.question import Broken
from conformance.runners.registry import BackendSpec

REPORT = Path(__file__).parent.parent / "reports" / "order.json"

BACKENDS = ("keras-tensorflow", "tfjs-cpu", "tfjs-wasm")

Answers = dict[tuple[str, str], bytes]
"""By case and observable the digest of what was answered."""


@dataclass(frozen=True)
class Outcome:
    """What became of one backend's answers.

    Attributes:
        answers: how many observables were asked in every order.
        fresh: how many of them were asked first of a process as well.
        unpredictable: how many were not compared, since a recorded deviation says that they are garbage.
        departures: those that were not always the same: case, observable, order.
    """

    answers: int
    fresh: int
    unpredictable: int
    departures: tuple[str, ...]


async def prove(spec: BackendSpec, cases: Sequence[Case], seed: int) -> Outcome:
    """Ask the backend in every order.

    Raises:
        BackendUnavailable: it could not be started.
    """
    expected, bench = await ask(spec, cases)
    mixed = random.Random(seed).sample(cases, len(cases))
    orders = {"backwards": (await ask(spec, cases[::-1]))[0], "shuffled": (await ask(spec, mixed))[0]}
    first: Answers = {}
    for case in {case.subject: case for case in reversed(cases)}.values():
        first |= (await ask(spec, [case]))[0]
    garbage = {key for case in cases for key in unpredictable(bench, case)}
    return Outcome(
        answers=len(expected),
        fresh=len(first),
        unpredictable=len(garbage & expected.keys()),
        departures=tuple(
            f"{case} {observable} {order}"
            for order, answers in (orders | {"first of a process": first}).items()
            for case, observable in sorted(answers.keys() - garbage)
            if answers[case, observable] != expected[case, observable]
        ),
    )


async def ask(spec: BackendSpec, cases: Iterable[Case]) -> tuple[Answers, Bench]:
    """What a new process of the backend answers to the cases in this order."""
    made = Made(seed=0)
    async with Runner(spec) as runner:
        identity = msgspec.structs.replace(await runner.start(), name=spec.name)
        bench = Bench.of(identity, ())
        posed = {}
        for case in cases:
            posed[case.id] = Posed.to(runner, bench, case, made)
            made.forget(case)
        answers = {case: await question.result() for case, question in posed.items() if question is not None}
    return {(case, name): digest(x) for case, answer in answers.items() for name, x in answer.items()}, bench


def unpredictable(bench: Bench, case: Case) -> Iterable[tuple[str, str]]:
    """What the backend is recorded to answer by chance to the case, and to those asked beside it."""
    for prefix, asked in {"": case, **asked_beside(case)}.items():
        for applied in bench.dialect.in_scope(asked, make(asked)):
            effect = applied.deviation.effect
            if isinstance(effect, Unpredictable):
                for observable in asked.observables:
                    if matches(effect.observables, observable):
                        yield case.id, prefix + observable


def digest(answer: Observed | Broken) -> bytes:
    """Of an answer, without the numbers by which layers are told apart."""
    match answer:
        case WireJSON(value):
            answer = WireJSON(without_names(value))
        case WireError():
            answer = msgspec.structs.replace(answer, message=re.sub(r"\d+", "", answer.message))
    return hashlib.sha256(msgspec.json.encode(answer)).digest()


def without_names(value: Any) -> Any:
    """The structure without the names of layers, which are those of its objects that have other keys too."""
    match value:
        case dict():
            return {key: without_names(item) for key, item in value.items() if key != "name"}
        case list():
            return [without_names(item) for item in value]
    return value


async def prove_all(specs: Sequence[BackendSpec], cases: Sequence[Case], seed: int) -> dict[str, Outcome]:
    """All backends, side by side; says of each what came of it."""
    outcomes: dict[str, Outcome] = {}

    async def one(spec: BackendSpec) -> None:
        outcomes[spec.name] = outcome = await prove(spec, cases, seed)
        print(
            f"{spec.name}: {outcome.answers} answers in three orders, {outcome.fresh} of them first of a "
            f"process too; {outcome.unpredictable} are unpredictable; {len(outcome.departures)} depend on "
            "the order",
            *outcome.departures,
            sep="\n",
            flush=True,
        )

    async with anyio.create_task_group() as group:
        for spec in specs:
            group.start_soon(one, spec)
    return {spec.name: outcomes[spec.name] for spec in specs}


def main() -> None:
    """Run the proof and write its report.

    Raises:
        SystemExit: the proof has failed.
    """
    parser = argparse.ArgumentParser(prog="python -m proofs.order", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the shuffled order; default: %(default)s")
    parser.add_argument("--report", type=Path, default=REPORT, help="default: reports/order.json")
    arguments = parser.parse_args()
    known = registry.backends()
    outcomes = anyio.run(prove_all, [known[name] for name in BACKENDS], corpus.load("quick"), arguments.seed)
    report = {"seed": arguments.seed, "backends": msgspec.to_builtins(outcomes)}
    arguments.report.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    if any(outcome.departures for outcome in outcomes.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
