"""What `assert_conforms` does: a class or command of the user's becomes a backend, is asked, and the answers
become the reason why the test fails, if it does."""

from __future__ import annotations

import os
import shlex
import sys
import sysconfig
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.engine import Plan
from conformance.pytest_plugin.asking import Asking
from conformance.pytest_plugin.failures import Again, case_names, describe_deviations, describe_findings
from conformance.reporting.ledger import Totals, sum_cells, total
from conformance.runners import registry
from conformance.runners.registry import BackendSpec
from conformance.selection import check_dialects, find_cases, find_properties, of_subjects


@dataclass(frozen=True)
class Own:
    """A backend that a test brings, and how it is to be asked."""

    spec: BackendSpec
    command: str
    cases: tuple[str, ...]
    dialects: tuple[str, ...]
    seed: int

    @classmethod
    def of(
        cls,
        backend: type | str,
        name: str | None,
        *,
        cases: tuple[str, ...],
        dialects: tuple[str, ...],
        seed: int,
    ) -> Own:
        """The backend of a class or a command line.

        Raises:
            ValueError: the class cannot be imported by its name, or the command is empty.
        """
        if isinstance(backend, str):
            command, environment = backend, {}
        else:
            command, environment = _host(backend), _python_path()
            name = name or backend.__name__
        spec = replace(registry.from_command(command, name), environment=environment)
        return cls(spec, command, cases, dialects, seed)

    @property
    def again(self) -> Again:
        settings = [word for module in self.dialects for word in ("--dialect", module)]
        if self.seed:
            settings += ["--seed", str(self.seed)]
        return Again(
            {self.spec.name: ("--backend-command", f"{self.spec.name}={self.command}")},
            case_names(self.cases),
            tuple(settings),
            self.spec.environment,
        )


def _host(backend: type) -> str:
    """The command line that hosts the class.

    Raises:
        ValueError: it cannot be imported by its name.
    """
    module, qualified = backend.__module__, backend.__qualname__
    if "<locals>" in qualified or module == "__main__":
        raise ValueError(
            f"{module}.{qualified} cannot be imported by its name; the backend runs in a process of its "
            "own, so its class has to stand at the top of a module"
        )
    return shlex.join([sys.executable, "-m", "conformance.runners.plugin_host", f"{module}:{qualified}"])


def _python_path() -> dict[str, str]:
    """Where the class may import from: what this process has on its path, and another Python has not."""
    ours = tuple(dict.fromkeys(str(Path(entry).absolute()) for entry in sys.path))
    installed = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    more = [entry for entry in ours if Path(entry).is_dir() and not _within(entry, installed)]
    return {"PYTHONPATH": os.pathsep.join(more)} if more else {}


def _within(entry: str, directories: set[str]) -> bool:
    return any(Path(entry).is_relative_to(directory) for directory in directories)


def examine(
    own: Own, corpus: str, subjects: tuple[str, ...], properties: tuple[str, ...], profile: str | None
) -> tuple[str, Totals]:
    """Ask the backend and judge its answers.

    Returns:
        Why it does not conform, or the empty string; and the numbers of checks.
    """
    check_dialects(own.dialects)
    plan = Plan(
        cases=of_subjects(find_cases(corpus, own.cases), subjects),
        backends=(own.spec,),
        properties=find_properties(properties, profile),
        seed=own.seed,
        dialects=own.dialects,
        witnesses=not own.cases,
    )
    with Asking(plan) as asking:
        asking.until_over()
    checks = [check for judged in asking.judged.values() for check in judged.checks]
    totals = total(sum_cells(checks))
    if asking.unavailable is not None:
        return str(asking.unavailable), totals
    cases = {id_: judged.case for id_, judged in asking.judged.items()}
    problems = [
        *describe_findings(checks, cases, own.again, cell=True),
        *describe_deviations(asking.records, cases, own.again),
    ]
    if not problems and not totals.conforms + totals.deviates:
        problems = ["nothing that it was asked conforms"]
    if problems:
        problems.insert(0, f"{own.spec.name} does not conform: {totals}")
    return "\n\n".join(problems), totals
