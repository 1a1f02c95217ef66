"""What a process of the session has asked and judged; the shares of all of them make the results."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console

from conformance.events import Event, Judged
from conformance.reporting.recording import record
from conformance.reporting.results import DeviationRecord, Suite
from conformance.reporting.terminal import Lines


@dataclass(frozen=True)
class Share:
    """Of one process.

    Attributes:
        events: of each backend, by name.
        selected: the backends that selected items are about, here or in another process.
        finished: those that were asked here, to the end.
        narrowed: the items that were left where some were deselected, else nothing.
    """

    events: dict[str, tuple[Event, ...]]
    selected: frozenset[str]
    finished: frozenset[str]
    narrowed: tuple[str, ...]


def write(shares: Sequence[Share], directory: Path, suite: Suite) -> bool:
    """Write what all of them have judged as a results directory, unless it is nothing.

    Raises:
        OSError: the directory cannot be written.
    """
    events = merge(shares)
    if not events:
        return False
    selected = {backend for share in shares for backend in share.selected}
    finished = {backend for share in shares for backend in share.finished}
    selection = dict(suite.selection)
    if any(share.narrowed for share in shares):
        selection["item"] = sorted({name for share in shares for name in share.narrowed})
    suite = msgspec.structs.replace(suite, selection=selection)
    cases = sum(isinstance(event, Judged) for event in events)
    again = replayed(events, whole=selected <= finished)
    # What was left out is not for `run --resume` to ask.
    record(again, directory, suite, Lines(Console(quiet=True), cases), {})
    return True


def merge(shares: Iterable[Share]) -> list[Event]:
    """The events of all shares: each case of a backend once, where two have judged it."""
    merged: dict[Hashable, Event] = {}
    for share in shares:
        for backend, events in share.events.items():
            for event in events:
                match event:
                    case Judged(case=case):
                        merged.setdefault((backend, case.id), event)
                    case DeviationRecord(id=id_, holds=holds):
                        if holds is not None or (backend, "deviation", id_) not in merged:
                            merged[backend, "deviation", id_] = event
                    case _:
                        merged.setdefault((backend, type(event)), event)
    return list(merged.values())


async def replayed(events: Iterable[Event], *, whole: bool) -> AsyncGenerator[Event, None]:
    """The events once more; at the end of what is not the whole stands an interruption."""
    for event in events:
        yield event
    if not whole:
        raise KeyboardInterrupt
