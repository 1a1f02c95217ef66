"""Hosts a Python backend class: `python -m conformance.runners.plugin_host module:Class`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint
from types import ModuleType

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


class PluginHost:
    """Makes the backend when it is started, and answers for it."""

    def __init__(self, reference: str) -> None:
        """A host of the class that `module:Class` names."""
        self._reference = reference
        self._backend: PythonBackend

    def start(self, start: Start) -> Identity:
        """Import the class, make the backend, and say who it is."""
        backend_class = EntryPoint(start.backend, self._reference, "conformance.backends").load()
        self._backend = backend_class()
        return self._backend.identity()

    def observe(self, case: ConcreteCase) -> dict[str, Observed]:
        """The backend's answers as messages."""
        answers = self._backend.observe(PythonCase.of(case))
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
