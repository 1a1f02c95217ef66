"""The suite in a pytest session: the hooks that collect it, ask the backends, and tell what came of it.

Each backend is asked by one run of the engine, which the first of its items starts, about what its selected
items need. So in a process each case is asked of a backend once, and a deselected one never. Where results
are wanted, each such run keeps a journal of its own in the directory (`reporting.parts`), as things happen.

With pytest-xdist all items of a backend go to one worker (`pytest_xdist_make_scheduler`), and the same holds
of the session, but for what a worker that died had asked. Under `--dist each` each worker asks everything. At
the end the controller makes one journal of all, and the results.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conformance.cases.properties import PROPERTIES
from conformance.engine import Plan
from conformance.events import Event
from conformance.pytest_plugin import ITEM, PREFIX
from conformance.pytest_plugin.asking import Asking
from conformance.pytest_plugin.items import BACKEND, BackendItem, CellItem, Collection, DeviationsItem
from conformance.pytest_plugin.request import Request
from conformance.reference_impl.arrays import DeviceUnavailable, use_device
from conformance.reporting import parts
from conformance.reporting.journal import JournalWriter
from conformance.reporting.ledger import Totals
from conformance.reporting.recording import enter, finish
from conformance.reporting.results import Suite as SuiteRecord
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
        self._worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        self._selected: set[str] = set()
        self._complete: set[str] = set()
        self._outcome = ""
        config.add_cleanup(self._stack.close)
        try:
            device = config.getoption(f"{PREFIX}device")
            self._stack.enter_context(use_device(device or "cpu"))
            self.request = Request.of(config)
            self._results = self._directory()
        except (UnknownName, BadBuild, BadCase, BadPython, DeviceUnavailable) as error:
            raise pytest.UsageError(str(error)) from error
        except OSError as error:
            raise pytest.UsageError(f"{PREFIX}results: {error}") from error

    def _directory(self) -> Path | None:
        """Where results go, if anywhere; without the parts of an earlier session."""
        if (given := self._config.getoption(f"{PREFIX}results")) is None:
            return None
        directory = Path(given).absolute()
        if self._worker is None and not self._config.option.collectonly:
            directory.mkdir(parents=True, exist_ok=True)
            parts.remove(directory)
        return directory

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        if path != PACKAGE:
            return None
        # Wherever the package lies, its items are `conformance::…`.
        collection: Collection = Collection.from_parent(parent, path=path, nodeid="conformance", suite=self)
        return collection

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave the items that the command line names, where it names some.

        Raises:
            pytest.UsageError: there is none of a name.
        """
        if not (named := getattr(self._config.option, "conformance_items", None)):
            return
        ours = {item.name: item for item in items if isinstance(item, BackendItem)}
        if unknown := [name for name in named if name not in ours]:
            raise pytest.UsageError(
                f"these options make no item {ITEM}{unknown[0]}; --collect-only -q lists what they make"
            )
        others = [item for name, item in ours.items() if name not in named]
        items[:] = [item for item in items if item not in others]
        self._config.hook.pytest_deselected(items=others)

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        self._deselected |= any(isinstance(item, BackendItem) for item in items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            if isinstance(item, BackendItem):
                self._items[item.backend].append(item)

    def asking(self, backend: str) -> Asking:
        """The run of the engine that asks the backend, started if it is not."""
        if backend not in self._asked:
            items = self._items[backend]
            asking = Asking(
                needed(self.request.plan, backend, items),
                tell=self._tell,
                keep=self._keeper(),
                needed=(id_ for item in items if isinstance(item, CellItem) for id_ in item.cases),
            )
            self._asked[backend] = self._stack.enter_context(asking)
        return self._asked[backend]

    def _keeper(self) -> Callable[[Event], None]:
        """Writes the events of one run of the engine down, where results are wanted."""
        if self._results is None:
            return lambda event: None
        process = self._worker["workerid"] if self._worker else "session"
        folder = parts.place(self._results, f"{process}-{len(self._asked)}")
        journal = self._stack.enter_context(JournalWriter(folder))
        # What was left out is not for `run --resume` to ask: there are no arguments.
        journal.begin(self._record(), {})
        return partial(enter, journal)

    def _record(self) -> SuiteRecord:
        """What the results say of the suite: the items that were left too, where some were deselected."""
        selection = dict(self.request.suite.selection)
        if self._deselected:
            selection["item"] = sorted(item.name for items in self._items.values() for item in items)
        return msgspec.structs.replace(self.request.suite, selection=selection)

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
        """All items of a backend to one worker, and all other items as `--dist` says."""
        from xdist import scheduler

        ways = {
            "load": scheduler.LoadGroupScheduling,
            "loadgroup": scheduler.LoadGroupScheduling,
            "worksteal": scheduler.LoadGroupScheduling,  # whoever is idle gets the next one too
            "loadscope": scheduler.LoadScopeScheduling,
            "loadfile": scheduler.LoadFileScheduling,
        }
        if (way := ways.get(config.getoption("dist"))) is None:
            return None
        backends = [spec.name for spec in self.request.plan.backends]

        class ByBackend(way):  # type: ignore[misc,valid-type]  # it has no types
            def _split_scope(self, nodeid: str) -> str:
                ends = [name for name in backends if nodeid.endswith(f"-{name}")]
                if nodeid.startswith("conformance::") and ends:
                    return max(ends, key=len)
                scope: str = super()._split_scope(nodeid)
                return scope

        return ByBackend(config, log)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear from a worker of pytest-xdist how far it came; one that died says nothing."""
        selected, complete = getattr(node, "workeroutput", {}).get("conformance", ((), ()))
        self._selected.update(selected)
        self._complete.update(complete)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """End the backends, and make the results where they are wanted: when no worker writes any more."""
        if self._results is not None:
            self._selected.update(self._items)
            self._complete.update(name for name, asking in self._asked.items() if asking.is_complete())
        self._stack.close()
        if self._worker is not None:
            self._config.workeroutput["conformance"] = (list(self._selected), list(self._complete))  # type: ignore[attr-defined]
        elif self._results is not None:
            try:
                self._finish(self._results)
            except OSError as error:
                self._outcome = f"No results: {error}"
                session.exitstatus = session.exitstatus or pytest.ExitCode.INTERNAL_ERROR

    def _finish(self, directory: Path) -> None:
        """Make results of the parts, if there are any."""
        if not parts.merge(directory):
            return
        parts.remove(directory)
        # Where no worker has lived to its end, none has said what was selected.
        whole = bool(self._selected) and self._selected <= self._complete
        finish(directory, "complete" if whole else "interrupted")
        self._outcome = f"Report: {Path(self._config.getoption(f'{PREFIX}results')) / PAGE}"

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
        if self._outcome:
            terminalreporter.line(self._outcome)


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
