"""Judges cases in worker processes, some at a time: the specification is what takes longest in a run."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import anyio
import anyio.to_process
import msgspec

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.properties import PROPERTIES
from conformance.cases.properties.property import Property
from conformance.checks import Bench, check
from conformance.interchange.exchange import Exchanged
from conformance.interchange.exchanged import check_exchange
from conformance.reference_impl.arrays import xp
from conformance.runners.protocol import Identity
from conformance.runners.question import Answer
from conformance.verdicts import Check


def default_workers() -> int:
    """As many as there are cores beside the one of this process, and no more than are ever kept busy; none
    where the specification computes on a device, which belongs to this process."""
    if not xp.on_host:
        return 0
    return min(max((os.cpu_count() or 1) - 1, 1), 4)


@dataclass(frozen=True)
class Hearing:
    """A case, its data, and by backend what it answered; None where it was asked nothing. `in_full` where all
    properties judge, whichever are named."""

    case: Case
    data: Data
    answers: Mapping[str, Answer | None]
    in_full: bool = False

    def checks(self, benches: Mapping[str, Bench], properties: Sequence[Property]) -> tuple[Check, ...]:
        """Of every backend that was asked."""
        return check(self.case, self.data, [benches[name] for name in self.answers], self.answers, properties)


@dataclass(frozen=True)
class ModelHearing:
    """A case about a model, its data, and what became of the model before the backends named."""

    case: Case
    data: Data
    exchanged: Exchanged
    backends: tuple[str, ...]
    in_full: bool = False

    def checks(self, benches: Mapping[str, Bench], properties: Sequence[Property]) -> tuple[Check, ...]:
        named = [benches[name] for name in self.backends]
        return check_exchange(self.case, self.data, named, self.exchanged, properties)


@dataclass(frozen=True)
class Docket:
    """What a worker process needs to judge. Patches and scopes are functions, which do not travel: it finds
    the dialects by the names of their modules, once for all hearings.

    Attributes:
        identities: of the backends, encoded.
        dialects: modules named by the user.
        properties: by name.
    """

    identities: tuple[bytes, ...]
    dialects: tuple[str, ...]
    properties: tuple[str, ...]


LIVES = 3
"""When so many workers have died, no more are started, and the engine's own process judges. Where a script
that is no module to import calls the engine, none ever starts: each would run the script anew."""


class Judges:
    """Judges hearings for some backends, under some properties.

    Args:
        workers: how many processes judge side by side; with 0 this one does.
    """

    def __init__(
        self, benches: Sequence[Bench], dialects: tuple[str, ...], properties: tuple[str, ...], workers: int
    ) -> None:
        self.benches = {bench.name: bench for bench in benches}
        self.lives = LIVES if workers else 0
        self.limiter = anyio.CapacityLimiter(max(workers, 1))
        identities = tuple(msgspec.json.encode(bench.identity) for bench in benches)
        self.docket = Docket(identities, dialects, properties)

    async def judge(self, hearings: Sequence[Hearing | ModelHearing]) -> list[tuple[Check, ...]]:
        """The checks of each hearing."""
        if self.lives > 0:
            # A worker that was killed, as for its memory, is replaced at the next hearings.
            try:
                return await anyio.to_process.run_sync(
                    judge_in_worker, self.docket, hearings, cancellable=True, limiter=self.limiter
                )
            except anyio.BrokenWorkerProcess:
                self.lives -= 1
        return judge(self.benches, self.docket.properties, hearings)


async def start_workers(count: int) -> None:
    """Have so many processes import the specification, which takes longer than a backend may."""
    limiter = anyio.CapacityLimiter(max(count, 1))

    async def start() -> None:
        # One that cannot be started is missed when it is to judge, and not before.
        with suppress(anyio.BrokenWorkerProcess):
            await anyio.to_process.run_sync(_stay, cancellable=True, limiter=limiter)

    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(start)


def _stay() -> None:
    """Ctrl-C goes to the whole process group: this process is ended by the one that asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def judge(
    benches: Mapping[str, Bench], properties: tuple[str, ...], hearings: Sequence[Hearing | ModelHearing]
) -> list[tuple[Check, ...]]:
    """The checks of each hearing, by the properties named."""
    judging = [PROPERTIES[name] for name in properties]
    everything = list(PROPERTIES.values())
    return [hearing.checks(benches, everything if hearing.in_full else judging) for hearing in hearings]


def judge_in_worker(docket: Docket, hearings: Sequence[Hearing | ModelHearing]) -> list[tuple[Check, ...]]:
    """The same, in a worker process."""
    return judge(_benches(docket), docket.properties, hearings)


@lru_cache(maxsize=1)
def _benches(docket: Docket) -> dict[str, Bench]:
    _stay()
    identities = [msgspec.json.decode(identity, type=Identity) for identity in docket.identities]
    benches = {identity.name: Bench.of(identity, docket.dialects) for identity in identities}
    # What was imported stays: the collector need not look at it again and again.
    gc.freeze()
    return benches
