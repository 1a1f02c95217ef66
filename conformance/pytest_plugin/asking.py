"""A run of the engine beside the session: it asks and judges in a thread of its own, and whoever needs a
judgement waits for it. What it is told to keep is kept at once, whether anybody waits or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack, aclosing
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from anyio.from_thread import start_blocking_portal

from conformance import engine
from conformance.engine import Plan
from conformance.events import Event, Judged, Preparing, Started, Unavailable
from conformance.reporting.results import DeviationRecord

WAKE_S = 0.5
"""How long a wait may last at once: a Ctrl-C that comes just before it is only noticed after it."""


class Asking:
    """What a plan has come to, as far as it has been waited for; a context manager, which ends the backends.

    Attributes:
        judged: by the id of the case, until all that need it have released it.
        records: of the backends' deviations, at the end.
        unavailable: the backend that could not be started.
        over: the engine has nothing more to say.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        tell: Callable[[str], None] = lambda line: None,
        keep: Callable[[Event], None] = lambda event: None,
        needed: Iterable[str] = (),
    ) -> None:
        """Start the engine.

        Args:
            tell: called, while somebody waits, with a line about each step of a long first start.
            keep: called with each event as it happens, in the engine's thread.
            needed: the ids of cases, each as often as it will be released.
        """
        self._tell = tell
        self._keep = keep
        self._needed = Counter(needed)
        self._news: SimpleQueue[Event | None] = SimpleQueue()
        self.judged: dict[str, Judged] = {}
        self.records: list[DeviationRecord] = []
        self.started = False
        self.unavailable: Unavailable | None = None
        self.over = False
        self._expected = {case.id for case in plan.cases}
        self._stack = ExitStack()
        portal = self._stack.enter_context(start_blocking_portal())
        self._engine = portal.start_task_soon(self._run, plan)
        self._stack.callback(self._engine.cancel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    async def _run(self, plan: Plan) -> None:
        try:
            async with aclosing(engine.run(plan)) as events:
                async for event in events:
                    self._keep(event)
                    self._news.put(event)
        finally:
            self._news.put(None)

    def until(self, met: Callable[[], bool]) -> None:
        """Wait until the condition is met, or the engine has come to its end.

        Raises:
            Exception: what the engine raised.
        """
        while not (met() or self.over):
            try:
                event = self._news.get(timeout=WAKE_S)
            except Empty:
                continue
            if event is None:
                self.over = True
            else:
                self._take(event)
        if self.over:
            self._engine.result()

    def until_started(self) -> None:
        """Wait until the backend has started, or could not be."""
        self.until(lambda: self.started or self.unavailable is not None)

    def until_over(self) -> None:
        """Wait until everything is judged."""
        self.until(lambda: False)

    def release(self, cases: Collection[str]) -> None:
        """One of those who need these cases needs them no more."""
        self._needed.subtract(cases)
        for id_ in cases:
            if self._needed[id_] == 0:
                self.judged.pop(id_, None)

    def is_complete(self) -> bool:
        """Whether every case has been judged, or none can be; waits for the engine's end then."""
        if self.unavailable is None and self._expected:
            return False
        self.until_over()
        return True

    def _take(self, event: Event) -> None:
        match event:
            case Preparing(backend=backend, message=message):
                self._tell(f"{backend}: {message}")
            case Started():
                self.started = True
            case Unavailable():
                self.unavailable = event
            case Judged(case=case):
                self._expected.discard(case.id)
                self.judged[case.id] = event
            case DeviationRecord():
                self.records.append(event)
