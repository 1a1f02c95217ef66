"""What a backend written in Python has to be: a class that says who it is and answers cases.

A package brings one by an entry point of the group `conformance.backends`, whose name is the backend's
and whose value is `module:Class`. The class is made without arguments in a process of its own.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
import numpy as np

from conformance.runners.protocol import (
    DTYPES,
    ConcreteCase,
    Identity,
    Observed,
    WireError,
    WireJSON,
    WireTensor,
    from_wire,
    to_wire,
)

JSON = Any
"""Anything that JSON can hold."""

Answer = np.ndarray[Any, np.dtype[Any]] | JSON | Exception | WireError
"""One observable of a case: an array, JSON, or why there is neither."""


@dataclass(frozen=True)
class PythonCase:
    """A case with NumPy arrays; the fields are those of `protocol.ConcreteCase`. Arrays are read-only."""

    subject: str
    config: dict[str, JSON]
    inputs: tuple[np.ndarray[Any, Any], ...]
    weights: dict[str, np.ndarray[Any, Any]]
    masks: tuple[np.ndarray[Any, Any], ...]
    initial_state: tuple[np.ndarray[Any, Any], ...]
    cotangents: tuple[np.ndarray[Any, Any], ...]
    observables: tuple[str, ...]
    seed: int
    files: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, case: ConcreteCase) -> PythonCase:
        """The case with its tensors decoded."""
        return cls(
            subject=case.subject,
            config=case.config,
            inputs=tuple(map(from_wire, case.inputs)),
            weights={name: from_wire(tensor) for name, tensor in case.weights.items()},
            masks=tuple(map(from_wire, case.masks)),
            initial_state=tuple(map(from_wire, case.initial_state)),
            cotangents=tuple(map(from_wire, case.cotangents)),
            observables=case.observables,
            seed=case.seed,
            files={name: base64.b64decode(data) for name, data in case.files.items()},
        )


class PythonBackend(Protocol):
    """A backend in Python. Printing is allowed; importing the specification is not."""

    def identity(self) -> Identity:
        """Who answers, and what it can be asked."""

    def observe(self, case: PythonCase) -> Mapping[str, Answer]:
        """An answer to each of the case's observables; `observe_each` keeps them apart."""


def observe_each(case: PythonCase, observe: Callable[[str], Answer]) -> dict[str, Answer]:
    """Ask for each observable by itself: one that raises leaves the others their values."""
    answers: dict[str, Answer] = {}
    for name in case.observables:
        try:
            answers[name] = observe(name)
        except Exception as error:
            answers[name] = error
    return answers


@contextmanager
def stage(at: str) -> Iterator[None]:
    """Mark the exceptions of the block as raised at `construction`, `build`, `call`, … (see `WireError`)."""
    try:
        yield
    except Exception as error:
        if not hasattr(error, "at"):
            error.at = at  # type: ignore[attr-defined]  # exceptions take attributes
        raise


KINDS: dict[type[Exception], str] = {
    NotImplementedError: "not-implemented",
    ValueError: "invalid-argument",
    TypeError: "type",
}
"""The error kind of an exception, by its first base class here; any other exception is `internal`."""

STAGES = {
    "gradient": "gradient",
    "training/gradient": "gradient",
    "shape": "shape",
    "config": "config",
    "reconstructed": "reconstruction",
    "loaded": "load",
    "file": "save",
}
"""Where an unmarked exception is taken to come from, by the beginning of the observable; else `call`."""


def to_observed(name: str, answer: Answer) -> Observed:
    """The answer to the observable `name` as a message.

    What neither a tensor nor JSON can hold becomes an `internal` error.
    """
    match answer:
        case WireTensor() | WireJSON() | WireError():
            return answer
        case Exception():
            return _to_error(name, answer)
        case np.ndarray() if answer.dtype.name in DTYPES:
            return to_wire(answer)
        case np.ndarray():
            return _to_error(name, RuntimeError(f"dtype {answer.dtype} is none of {', '.join(DTYPES)}"))
    try:
        msgspec.json.encode(answer)
    except (TypeError, RecursionError) as error:
        return _to_error(name, RuntimeError(f"the answer is no JSON: {error}"))
    return WireJSON(answer)


def _to_error(name: str, error: Exception) -> WireError:
    kind = next((kind for base, kind in KINDS.items() if isinstance(error, base)), "internal")
    at = next((at for beginning, at in STAGES.items() if name.startswith(beginning)), "call")
    lines = str(error).strip().splitlines()
    message = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return WireError(kind, getattr(error, "at", at), message)
