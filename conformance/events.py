"""What the engine tells whoever runs it: backends that start or do not, judged cases, and at the end the
recorded deviations (`reporting.results.DeviationRecord`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.cases.case import Case
from conformance.reporting.results import DeviationRecord
from conformance.runners.protocol import Identity
from conformance.verdicts import Check


@dataclass(frozen=True)
class Preparing:
    """A step on the way to a backend's start that takes its time; `message` is one line."""

    backend: str
    message: str


@dataclass(frozen=True)
class Started:
    """A backend is ready.

    Attributes:
        dialect_digest: of the dialect that it is judged under.
        dialect_nearest: `Dialect.nearest`.
        dialect: `Dialect.module`.
        given, environment: `BackendSpec.given` and `environment`, by which it can be started again.
    """

    backend: str
    identity: Identity
    dialect_digest: str
    dialect_nearest: Mapping[str, str] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    dialect: str = ""


@dataclass(frozen=True)
class Unavailable:
    """A backend that was asked for could not be started; `message` says why, in a line or more."""

    backend: str
    message: str

    def __str__(self) -> str:
        return f"{self.backend} could not be started: {self.message}"


@dataclass(frozen=True)
class Judged:
    """A case has been answered, and its checks made: of every backend, or of one."""

    case: Case
    checks: tuple[Check, ...]


Event = Preparing | Started | Unavailable | Judged | DeviationRecord
