"""A run that is disturbed, and what has become of its checks beside those of an undisturbed one."""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import msgspec
import psutil

from conformance.cases.case import Case
from conformance.cases.relations import asked_beside
from conformance.engine import Made, Plan, run
from conformance.events import Judged, Unavailable
from conformance.runners.protocol import encode
from conformance.runners.provision import Progress
from conformance.runners.registry import BackendSpec
from conformance.verdicts import BROKEN, Check, Verdict
from proofs.faults.saboteur import KINDS, fingerprint

SABOTEUR = Path(__file__).with_name("saboteur.py")

MARK = "CONFORMANCE_PROOF"
"""The variable by which everything is found that a run has started."""

LONGEST_PAUSE_S = 0.02
"""How long after an answer a signal may come: some cases take as long."""

ANSWERED = frozenset(Verdict) - {Verdict.UNSUPPORTED, Verdict.NOT_RUN}

Log = list[dict[str, Any]]
"""What a saboteur has noted: `launched`, the first case `asked`, `answered`, `fault` and `stumbled`, each
with its time."""

Key = tuple[str, str, str, str]
"""Case, backend, property and observable of a check."""


@dataclass(frozen=True)
class Recovery:
    """Seconds from a fault being noticed to the next answer, where a new child was needed and had been waited
    for."""

    restarts: int
    median_s: float
    max_s: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Recovery:
        return cls(len(seconds), statistics.median(seconds), max(seconds))


@dataclass(frozen=True)
class Outcome:
    """What the faults have done.

    Attributes:
        faults: how many of each kind were committed.
        hit: how many cases of a backend were hit.
        checks: how many both runs made.
        broken: how many checks of hit cases are broken.
        departures: what must not be: a check of a case that was not hit and that is another one, or one of
            a hit case that is neither the same nor broken.
        left_behind: processes that outlived the run.
        recovery: by backend.
    """

    faults: dict[str, int]
    hit: int
    checks: int
    broken: int
    departures: tuple[str, ...]
    left_behind: int
    recovery: dict[str, Recovery]


def sabotaged(spec: BackendSpec, folder: Path) -> BackendSpec:
    """The backend with the saboteur of a folder in between."""

    def command(progress: Progress) -> list[str]:
        return [sys.executable, "-S", str(SABOTEUR), str(folder), *spec.command(progress)]

    return replace(spec, command=command)


def schedule(faults: int, answers: int, draw: random.Random) -> list[tuple[int, str, float]]:
    """Faults of all kinds in turn, in a random order, at random places among the answers."""
    kinds = [list(KINDS)[index % len(KINDS)] for index in range(faults)]
    draw.shuffle(kinds)
    # Not at the very end: faults that fall together strike one answer after the other.
    places = sorted(draw.sample(range(2, answers * 9 // 10), faults))
    pauses = [draw.uniform(0, LONGEST_PAUSE_S) for _ in kinds]
    return list(zip(places, kinds, pauses, strict=True))


async def checks_of(plan: Plan) -> tuple[dict[Key, Check], dict[str, Case]]:
    """The checks of a run, and its cases by their ids.

    Raises:
        RuntimeError: a backend could not be started.
    """
    checks: dict[Key, Check] = {}
    cases: dict[str, Case] = {}
    async with aclosing(run(plan)) as events:
        async for event in events:
            if isinstance(event, Unavailable):
                raise RuntimeError(f"{event.backend}: {event.message}")
            if isinstance(event, Judged):
                cases[event.case.id] = event.case
                checks |= {(c.case, c.backend, c.property, c.observable): c for c in event.checks}
    return checks, cases


def prove(plan: Plan, faults: int, seed: int, folder: Path) -> Outcome:
    """Run the plan undisturbed, and again with that many faults, shared among the backends.

    Raises:
        RuntimeError: a backend could not be started.
    """
    draw = random.Random(seed)
    expected, cases = anyio.run(checks_of, plan)
    specs = []
    for index, spec in enumerate(plan.backends):
        asked = {c.case for c in expected.values() if c.backend == spec.name and c.verdict in ANSWERED}
        share = faults // len(plan.backends) + (index < faults % len(plan.backends))
        own = folder / spec.name
        own.mkdir()
        (own / "schedule.json").write_text(json.dumps(schedule(share, len(asked), draw)))
        specs.append(sabotaged(spec, own))
    os.environ[MARK] = mark = uuid.uuid4().hex
    try:
        found, _ = anyio.run(checks_of, replace(plan, backends=tuple(specs)))
    finally:
        del os.environ[MARK]
    logs = {spec.name: read_log(folder / spec.name) for spec in plan.backends}
    hit = hit_by(logs, cases.values(), plan.seed)
    return Outcome(
        faults=dict(Counter(e["kind"] for log in logs.values() for e in log if e["event"] == "fault")),
        hit=len(hit),
        checks=len(expected),
        broken=sum(check.verdict in BROKEN for check in found.values()),
        departures=tuple(departures(expected, found, hit)),
        left_behind=left_behind(mark),
        recovery={name: Recovery.of(recoveries(log, plan.limits.case_s)) for name, log in logs.items()},
    )


def read_log(folder: Path) -> Log:
    """The events that a saboteur has noted."""
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def hit_by(logs: Mapping[str, Log], cases: Iterable[Case], seed: int) -> set[tuple[str, str]]:
    """The cases, each with the backend, over which a fault was committed."""
    made = Made(seed)
    by_print: dict[str, set[str]] = {}
    for case in cases:
        for each in (case, *asked_beside(case).values()):
            told = json.loads(encode(made.concrete(each, ())))
            made.forget(each)
            by_print.setdefault(fingerprint(told), set()).add(case.id)
    return {
        (case, backend)
        for backend, log in logs.items()
        for event in log
        if event["event"] == "fault"
        for case in by_print[event["case"]]
    }


def departures(
    expected: Mapping[Key, Check], found: Mapping[Key, Check], hit: set[tuple[str, str]]
) -> Iterator[str]:
    """The checks that faults have changed and must not have."""
    disturbed = {case for case, _ in hit}

    def judgement(check: Check | None) -> Check | None:
        """What must not change: all but what the backend said, where layers are numbered and garbage shown,
        and, where a peer may be broken, who agrees."""
        peers = () if check is None or check.case in disturbed else check.agrees_with
        return check and msgspec.structs.replace(check, message="", agrees_with=peers)

    for key in expected.keys() | found.keys():
        before, after = judgement(expected.get(key)), judgement(found.get(key))
        broken = after is not None and after.verdict in BROKEN and key[:2] in hit
        if before != after and not broken:
            yield f"{' '.join(key)}: {before} became {after}"


def recoveries(log: Log, case_s: float) -> list[float]:
    """Seconds from each fault that took a new child to the next answer, the wait for a hung one apart. The
    next answer is also one on which another fault is committed: every kind waits for one."""
    seconds = []
    since: float | None = None
    hit, launched = "", 0.0

    def back(at: float) -> None:
        if since is not None and launched:
            gap = at - since
            seconds.append(gap - case_s if gap >= case_s else gap)

    for event in log:
        match event["event"]:
            case "fault":
                back(event["time"])
                since, hit, launched = event["time"], event["case"], 0.0
            case "stumbled":  # a fault of its own
                since = event["time"]
            case "launched":
                launched = event["time"]
            case "asked" if since is not None and event["case"] != hit:
                # The case that was hit is settled, and nothing else may have been waiting.
                since = launched
            case "answered":
                back(event["time"])
                since = None
    return seconds


def left_behind(mark: str) -> int:
    """How many processes that the run has started, itself or through others, still live."""

    def lives(process: psutil.Process) -> bool:
        try:
            return bool(process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return False

    return sum(map(lives, psutil.process_iter()))
