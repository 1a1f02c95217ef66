"""The pytest plugin. `pytest --pyargs conformance --conformance-backend tfjs-cpu` runs the suite, an item for
each subject, property and backend; the fixture `assert_conforms` puts a backend of one's own to the test.

pytest loads this module in every run of an environment that has the suite, so it imports nothing that takes
time, and does nothing unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conformance.reporting.ledger import Totals

PREFIX = "--conformance-"

ITEM = "conformance::"
"""How the ids of the items begin."""

OPTIONS: dict[str, dict[str, Any]] = {
    "backend": {"action": "append", "metavar": "NAME", "help": "Ask this backend; repeatable."},
    "backend-command": {
        "action": "append",
        "metavar": "[NAME=]COMMAND",
        "help": "Ask the backend that this command line runs; repeatable.",
    },
    "subject": {"action": "append", "metavar": "NAME", "help": "Only these; repeatable, globs."},
    "property": {"action": "append", "metavar": "NAME", "help": "Only these; repeatable, globs."},
    "profile": {"metavar": "NAME", "help": "Only the properties of this profile."},
    "corpus": {"metavar": "NAME", "help": "The cases to ask; default: quick."},
    "case": {
        "action": "append",
        "metavar": "ID|FILE",
        "help": "Ask this case of a corpus, or in this JSON file, in place of the corpus; repeatable.",
    },
    "seed": {"type": int, "metavar": "N", "help": "For what the backends draw at random; default: 0."},
    "node": {"metavar": "PATH", "help": "The Node program that runs TensorFlow.js."},
    "tfjs": {
        "action": "append",
        "metavar": "PATH",
        "help": "Your own build of a package of TensorFlow.js: its directory, or the tarball of `npm pack`; "
        "repeatable.",
    },
    "keras-python": {
        "action": "append",
        "metavar": "[NAME=]PATH",
        "help": "The Python in which Keras runs: all backends of Keras, or the one of this name; repeatable.",
    },
    "dialect": {
        "action": "append",
        "metavar": "MODULE",
        "help": "Judge under the recorded deviations in this Python module too; repeatable.",
    },
    "device": {"choices": ("cpu", "gpu"), "help": "Where the specification computes; default: cpu."},
    "results": {"metavar": "DIR", "help": "Write the results and their page here; default: nowhere."},
}
"""What `conformance run` can be told, by the same names; None is said for what is not given."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "conformance of runtimes of the Keras Layers API")
    for name, option in OPTIONS.items():
        group.addoption(PREFIX + name, **option)


def is_asked_for(config: pytest.Config) -> bool:
    """Whether the command line says `--pyargs conformance`."""
    return bool(config.option.pyargs) and "conformance" in config.args


def take_items(config: pytest.Config) -> None:
    """Let items be named as pytest names them: of `conformance::ITEM` the package becomes the argument, as
    pytest takes no items of a package, and the option `conformance_items`, which goes to workers too, holds
    the rest."""
    if not config.option.pyargs:
        return
    items = [arg.removeprefix(ITEM) for arg in config.args if arg.startswith(ITEM)]
    if items:
        config.option.conformance_items = items
        config.args[:] = dict.fromkeys("conformance" if arg.startswith(ITEM) else arg for arg in config.args)


def pytest_configure(config: pytest.Config) -> None:
    take_items(config)
    if is_asked_for(config):
        from conformance.pytest_plugin.suite import Suite

        config.pluginmanager.register(Suite(config), "conformance-suite")


def pytest_report_header(config: pytest.Config) -> str | None:
    given = [PREFIX + name for name in OPTIONS if config.getoption(PREFIX + name) is not None]
    if given and not is_asked_for(config):
        return f"conformance: {', '.join(given)} without effect; ask for the suite by --pyargs conformance"
    return None


class AssertConforms:
    """Fails the test unless a backend conforms, or deviates exactly as it has recorded."""

    def __call__(
        self,
        backend: type | str,
        *,
        name: str | None = None,
        subjects: Sequence[str] = (),
        properties: Sequence[str] = (),
        profile: str | None = None,
        corpus: str = "quick",
        cases: Sequence[str] = (),
        dialects: Sequence[str] = (),
        seed: int = 0,
    ) -> Totals:
        """Ask the backend, in a process of its own, and judge its answers.

        Args:
            backend: a class as `conformance.runners.plugin.PythonBackend` says, at the top of a module that
                can be imported; or the command line of a program that speaks the protocol.
            name: what reports call it; by default the class's name, or the program's.
            subjects: only these, by name or glob; all of the corpus where none is given.
            properties: likewise.
            profile: only the properties of this one.
            cases: ids, or JSON files of one case, in place of the corpus.
            dialects: modules with its recorded deviations.
            seed: for what it draws at random.

        Returns:
            How many checks conform, deviate, are unsupported, …

        Raises:
            pytest.fail.Exception: a check failed, a recorded deviation no longer holds, the backend does not
                start, or nothing that it was asked conforms.
            ValueError: the class cannot be imported by its name.
            conformance.selection.UnknownName: there is no subject, property, profile, … of a name.
        """
        __tracebackhide__ = True
        from conformance.pytest_plugin.own_backend import Own, examine

        own = Own.of(backend, name, cases=tuple(cases), dialects=tuple(dialects), seed=seed)
        failure, totals = examine(own, corpus, tuple(subjects), tuple(properties), profile)
        if failure:
            pytest.fail(failure)
        return totals


@pytest.fixture(scope="session")
def assert_conforms() -> AssertConforms:
    """Fails a test unless a backend of your own conforms: a Python class, or a command line.

    `assert_conforms(MyBackend, subjects=["Dense", "activations.*"], profile="inference")` asks the class in a
    process of its own, and returns how many checks conform, deviate, are unsupported, …
    """
    return AssertConforms()
