"""The words in which a judgement is given: verdicts, rungs and checks."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """What a check says, from best to worst."""

    CONFORMS = "conforms"
    DEVIATES = "deviates"
    UNSUPPORTED = "unsupported"
    UNSPECIFIED = "unspecified"
    NOT_RUN = "not-run"
    ACCEPTS = "accepts"
    RAISES = "raises"
    DIVERGES = "diverges"
    PROTOCOL_ERROR = "protocol-error"
    TIMED_OUT = "timed-out"
    CRASHED = "crashed"

    @property
    def severity(self) -> int:
        """The place in the order above; a cell's verdict is that of its most severe check."""
        return list(Verdict).index(self)


FINDINGS = frozenset({Verdict.ACCEPTS, Verdict.RAISES, Verdict.DIVERGES})
BROKEN = frozenset({Verdict.PROTOCOL_ERROR, Verdict.TIMED_OUT, Verdict.CRASHED})


SPECIFICATION = "specification"
"""Who has saved a model, where it is no backend."""


class Rung(StrEnum):
    """How close an answer is, or has to be, from strictest to loosest.

    `structure` is the exact equality of what is no array: a shape, a configuration, a name.
    """

    STRUCTURE = "structure"
    EXACT = "exact"
    ULP = "ulp"
    BOUND = "bound"
    STATISTICAL = "statistical"
    NONE = "none"


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One property's judgement of one observable of one backend's answer to one case.

    Attributes:
        margin: the largest error as a fraction of its limit, over the elements; null where no limit
            applies. An infinite margin (an error where the limit is 0) is the string "infinite".
        deviations: the recorded deviations that were reached and explain the answer.
        agrees_with: the other backends in the run whose answer is the same within both limits.
        message: what a person has to know about a finding, in a line.
        differs: the paths at which two nested structures, such as configurations, differ.
        arguments: of a constructor's signature, the names that the backend told.
        shown: of a statement of the guides, what the backend showed, as JSON.
        peer: of a model that was loaded, who has saved it: a backend or `SPECIFICATION`.
        format: of a model that was saved, in which format.
    """

    case: str
    backend: str
    subject: str
    property: str
    observable: str
    verdict: Verdict
    required_rung: Rung | None = None
    rung: Rung | None = None
    margin: float | str | None = None
    deviations: tuple[str, ...] = ()
    agrees_with: tuple[str, ...] = ()
    message: str = ""
    differs: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    shown: str = ""
    peer: str = ""
    format: str = ""


def key_of(check: Check) -> tuple[str, ...]:
    """What makes two checks of one case the same one: backend, property, observable, peer and format."""
    return check.backend, check.property, check.observable, check.peer, check.format
