"""Hosts a Python backend class: `python -m conformance.runners.plugin_host module:Class`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint
from operator import attrgetter
from types import ModuleType

from msgspec import ValidationError, convert, to_builtins

from conformance.runners.plugin import PythonBackend, PythonCase, to_observed
from conformance.runners.protocol import ConcreteCase, Identity, Observed, Start
from conformance.runners.serve import serve

SPECIFICATION = "conformance.reference_impl"


class SpecificationRefused(MetaPathFinder):
    """Refuses to import the specification: a backend that asked it would be judged by itself."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None, which lets the next finder look.

        Raises:
            ImportError: the module belongs to the specification.
        """
        if name == SPECIFICATION or name.startswith(f"{SPECIFICATION}."):
            raise ImportError(f"{name}: a backend cannot import the specification that it is judged by")
        return None


class BadPlugin(SystemExit):
    """What the class has to be, and is not; the message is the last line on standard error."""


class PluginHost:
    """Makes the backend when it is started, and answers for it."""

    def __init__(self, reference: str) -> None:
        """A host of the class that `module:Class` names."""
        self._reference = reference
        self._backend: PythonBackend

    def start(self, start: Start) -> Identity:
        """Import the class, make the backend, and say who it is.

        Raises:
            BadPlugin: there is no such class, or it is no `PythonBackend`. What its own code raises goes on.
        """
        self._backend = self._found(start.backend)()
        lacking = [
            method for method in ("identity", "observe") if not callable(getattr(self._backend, method, None))
        ]
        if lacking:
            raise BadPlugin(
                f"{self._reference} lacks {' and '.join(lacking)}: a backend is a class with the methods of "
                "conformance.runners.plugin.PythonBackend"
            )
        identity = self._backend.identity()
        if not isinstance(identity, Identity):
            raise BadPlugin(
                f"{self._reference}: identity() has to return a conformance.runners.protocol.Identity, not a "
                f"{type(identity).__name__}"
            )
        try:
            convert(to_builtins(identity), Identity)
        except ValidationError as error:
            raise BadPlugin(f"{self._reference}: what identity() returns is no Identity: {error}") from error
        return identity

    def _found(self, backend: str) -> type[PythonBackend]:
        point = EntryPoint(backend, self._reference, "conformance.backends")
        if point.pattern.match(self._reference) is None or ":" not in self._reference:
            raise BadPlugin(f"{self._reference!r} names no class: write module:Class")
        module = import_module(point.module)
        name = point.attr
        try:
            found = attrgetter(name)(module)
        except AttributeError:
            classes = [n for n, value in vars(module).items() if isinstance(value, type)]
            near = get_close_matches(name, classes, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise BadPlugin(
                f"{self._reference}: module {module.__file__} has no class {name!r}{hint}"
            ) from None
        return found  # type: ignore[no-any-return]  # whether it is one shows when it is made

    def observe(self, case: ConcreteCase) -> dict[str, Observed]:
        """The backend's answers as messages.

        Raises:
            BadPlugin: it returns no mapping.
        """
        answers = self._backend.observe(PythonCase.of(case))
        if not isinstance(answers, Mapping):
            raise BadPlugin(
                f"{self._reference}: observe() has to return a mapping from each of the case's observables "
                f"to its answer, not a {type(answers).__name__}"
            )
        return {name: to_observed(name, answer) for name, answer in answers.items()}


def main(arguments: Sequence[str]) -> None:
    """Serve the class until the suite says stop.

    Raises:
        SystemExit: anything but one argument was given.
    """
    if len(arguments) != 1:
        raise SystemExit("usage: python -m conformance.runners.plugin_host module:Class")
    sys.meta_path.insert(0, SpecificationRefused())
    host = PluginHost(arguments[0])
    serve(host.start, host.observe)


if __name__ == "__main__":
    main(sys.argv[1:])
