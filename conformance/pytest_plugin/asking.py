"""A run of the engine beside the session: it asks and judges in a thread of its own, and whoever needs a
judgement waits for it."""

from __future__ import annotations

from collections.abc import Callable
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
    """The events of a plan as far as they have been waited for; a context manager, which ends the backends.

    Attributes:
        events: all but the preparations.
        judged: by the id of the case.
        records: of the backends' deviations, at the end.
        unavailable: the backend that could not be started.
        over: the engine has nothing more to say.
    """

    def __init__(self, plan: Plan, tell: Callable[[str], None] = lambda line: None) -> None:
        """Start the engine.

        Args:
            tell: called, while somebody waits, with a line about each step of a long first start.
        """
        self._tell = tell
        self._news: SimpleQueue[Event | None] = SimpleQueue()
        self.events: list[Event] = []
        self.judged: dict[str, Judged] = {}
        self.records: list[DeviationRecord] = []
        self.started = False
        self.unavailable: Unavailable | None = None
        self.over = False
        self._cases = {case.id for case in plan.cases}
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

    def is_done(self) -> bool:
        """Whether every case has been judged, or none can be; waits for the engine's end then."""
        if self.unavailable is not None or self._cases <= self.judged.keys():
            self.until_over()
        return self.over

    def _take(self, event: Event) -> None:
        match event:
            case Preparing(backend=backend, message=message):
                self._tell(f"{backend}: {message}")
                return
            case Started():
                self.started = True
            case Unavailable():
                self.unavailable = event
            case Judged(case=case):
                self.judged[case.id] = event
            case DeviationRecord():
                self.records.append(event)
        self.events.append(event)
