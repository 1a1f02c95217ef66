"""The suite in a pytest session: the hooks that collect it, ask the backends, and tell what came of it.

Each backend is asked by one run of the engine, which the first of its items starts, about what its selected
items need. So in a process each case is asked of a backend once, and a deselected one never.

With pytest-xdist all items of a backend go to one worker (`pytest_xdist_make_scheduler`), and the same holds
of the session, but for what a worker that died had asked. Under `--dist worksteal` or `each`, each worker
that gets an item of a backend starts it, and asks it what all its selected items need.
"""

from __future__ import annotations

import pickle
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from conformance.cases.properties import PROPERTIES
from conformance.engine import Plan
from conformance.pytest_plugin import PREFIX
from conformance.pytest_plugin.asking import Asking
from conformance.pytest_plugin.items import BACKEND, BackendItem, CellItem, Collection, DeviationsItem
from conformance.pytest_plugin.request import Request
from conformance.pytest_plugin.share import Share, write
from conformance.reference_impl.arrays import DeviceUnavailable, use_device
from conformance.reporting.ledger import Totals
from conformance.reporting.store import PAGE
from conformance.runners.builds import BadBuild
from conformance.runners.python import BadPython
from conformance.selection import BadCase, UnknownName

PACKAGE = Path(__file__).parent.parent


class Suite:
    """A session in which the suite runs.

    Attributes:
        request: what the options ask for.
    """

    def __init__(self, config: pytest.Config) -> None:
        """Find what the options name; nothing is started.

        Raises:
            pytest.UsageError: they name something that does not exist.
        """
        self._config = config
        self._items: dict[str, list[BackendItem]] = defaultdict(list)
        self._deselected = False
        self._asked: dict[str, Asking] = {}
        self._stack = ExitStack()
        self._told: set[str] = set()
        self._shares: list[Share] = []
        self._written: Path | None = None
        config.add_cleanup(self._stack.close)
        try:
            device = config.getoption(f"{PREFIX}device")
            self._stack.enter_context(use_device(device or "cpu"))
            self.request = Request.of(config)
        except (UnknownName, BadBuild, BadCase, BadPython, DeviceUnavailable) as error:
            raise pytest.UsageError(str(error)) from error

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        if path != PACKAGE:
            return None
        # Wherever the package lies, its items are `conformance::…`.
        collection: Collection = Collection.from_parent(parent, path=path, nodeid="conformance", suite=self)
        return collection

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        self._deselected |= any(isinstance(item, BackendItem) for item in items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            if isinstance(item, BackendItem):
                self._items[item.backend].append(item)

    def asking(self, backend: str) -> Asking:
        """The run of the engine that asks the backend, started if it is not."""
        if backend not in self._asked:
            plan = needed(self.request.plan, backend, self._items[backend])
            self._asked[backend] = self._stack.enter_context(Asking(plan, self._tell))
        return self._asked[backend]

    def _tell(self, line: str) -> None:
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(line)

    def once(self, message: str) -> str:
        """The message, or its first line where it has been told in full."""
        if message in self._told:
            return f"{message.splitlines()[0]} (the first error says more)"
        self._told.add(message)
        return message

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """All items of a backend to one worker, also where `--dist` says nothing (which is `load`)."""
        if config.getoption("dist") != "load":
            return None
        from xdist.scheduler import LoadScopeScheduling

        backends = [spec.name for spec in self.request.plan.backends]

        class ByBackend(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
            def _split_scope(self, nodeid: str) -> str:
                ends = [name for name in backends if nodeid.endswith(f"-{name}")]
                ours = nodeid.startswith("conformance::") and ends
                return max(ends, key=len) if ours else nodeid

        return ByBackend(config, log)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker of pytest-xdist has judged; one that died brings nothing."""
        if (shares := getattr(node, "workeroutput", {}).get("conformance")) is not None:
            self._shares += pickle.loads(shares)

    def pytest_sessionfinish(self) -> None:
        """End the backends, and write the results where they are wanted."""
        directory = self._config.getoption(f"{PREFIX}results")
        if directory is not None:
            self._shares.append(self._share())
        self._stack.close()
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["conformance"] = pickle.dumps(self._shares)
        elif directory is not None and write(self._shares, Path(directory), self.request.suite):
            self._written = Path(directory)

    def _share(self) -> Share:
        over = {backend for backend, asking in self._asked.items() if asking.is_done()}
        return Share(
            events={backend: tuple(asking.events) for backend, asking in self._asked.items()},
            selected=frozenset(self._items),
            finished=frozenset(over),
            narrowed=tuple(item.name for items in self._items.values() for item in items)
            if self._deselected
            else (),
        )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """How many checks of each backend conform, and what else they do."""
        sums: dict[str, Counter[str]] = {}
        for reports in terminalreporter.stats.values():
            for report in reports:
                properties = dict(getattr(report, "user_properties", ()))
                if getattr(report, "when", None) == "call" and BACKEND in properties:
                    counts = {field.name: properties[field.name] for field in fields(Totals)}
                    sums.setdefault(properties[BACKEND], Counter()).update(counts)
        if sums:
            terminalreporter.section("conformance")
        for spec in self.request.plan.backends:
            if spec.name in sums:
                terminalreporter.line(f"{spec.name}: {Totals(**sums[spec.name])}")
        if self._written is not None:
            terminalreporter.line(f"Report: {self._written / PAGE}")


def needed(plan: Plan, backend: str, items: Iterable[BackendItem]) -> Plan:
    """What the items need to have asked of their backend, and no more. Recorded deviations are decided by all
    properties, on the witnesses and the whole corpus."""
    alone = replace(plan, backends=tuple(spec for spec in plan.backends if spec.name == backend))
    items = tuple(items)
    if any(isinstance(item, DeviationsItem) for item in items):
        return alone
    cells = [item for item in items if isinstance(item, CellItem)]
    cases = {id_ for cell in cells for id_ in cell.cases}
    properties = {cell.property for cell in cells}
    return replace(
        alone,
        cases=tuple(case for case in plan.cases if case.id in cases),
        properties=tuple(name for name in PROPERTIES if name in properties),
        witnesses=False,
    )
