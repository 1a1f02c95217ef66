"""What there is to say of a model before backends: the answer of `conformance check`, and its JSON."""

from __future__ import annotations

from enum import StrEnum

import msgspec

SCHEMA = 1


class Outcome(StrEnum):
    """What a backend makes of a model, from best to worst.

    `same`: every layer, and the model, compute the same within the limits of rounding. `deviates`: the
    outputs are others, as recorded deviations say. `unspecified`: nothing departs, but not everything could
    be judged. `departs`: something is computed otherwise that no recorded deviation explains. `fails`: it
    loads, and does not run. `not-loaded`: it does not load. `not-converted`: there is no file that it could
    load. `unavailable`: the backend could not be started.
    """

    SAME = "same"
    DEVIATES = "deviates"
    UNSPECIFIED = "unspecified"
    DEPARTS = "departs"
    FAILS = "fails"
    NOT_LOADED = "not-loaded"
    NOT_CONVERTED = "not-converted"
    UNAVAILABLE = "unavailable"


class Input(msgspec.Struct, frozen=True):
    """An array that the model was given."""

    name: str
    shape: tuple[int, ...]
    dtype: str


class Objection(msgspec.Struct, frozen=True):
    """Something in a model that the target has no words for, refuses, or computes otherwise, and what to do.

    Attributes:
        layer: its name, after those of the models around it and slashes where a deviation is recorded.
        argument: of the layer, or of a call; `class_name` where the layer itself is not known, `mask` where
            it is that which it is given; empty where it is none of them.
        value: of the argument, shortened; empty where a deviation is recorded.
        reason: in a sentence.
        deviation: the id of the recorded deviation; empty where there are no words.
    """

    layer: str
    argument: str
    value: str
    remedy: str
    reason: str = ""
    deviation: str = ""


class Expected(msgspec.Struct, frozen=True):
    """A recorded deviation in whose scope layers of the model are: known before anything is run.

    Attributes:
        effect: `refused`, `computed otherwise`, ….
        summary: what differs, and what to do.
        layers: their paths, joined by `/`.
    """

    deviation: str
    effect: str
    summary: str
    upstream: str
    layers: tuple[str, ...]


class Departure(msgspec.Struct, frozen=True):
    """An output of a layer, or the mask that it hands on, that is not as the specification has it.

    Attributes:
        layer: its path, joined by `/`.
        class_name: of the layer.
        call: which of its calls it is, from 0.
        verdict: as of a check: `deviates`, `diverges`, ….
        error: the largest absolute difference; None where there is none to be had, as for another shape.
        place: the index of that element.
        limit: how far rounding alone may take it.
        margin: the largest error as a fraction of its limit; `infinite` where that is 0.
        deviations: ids of recorded ones that explain it.
        remedy: what to change.
    """

    layer: str
    class_name: str
    call: int
    observable: str
    verdict: str
    error: float | None
    place: tuple[int, ...] | None
    limit: float | None
    margin: float | str | None
    deviations: tuple[str, ...]
    message: str
    remedy: str


class End(msgspec.Struct, frozen=True):
    """An output of the model, end to end.

    Attributes:
        largest: the largest absolute value that Keras has in it, or else the backend.
        from_keras: the largest absolute difference from Keras; None where that has none, or another shape.
        limit: how far rounding, on both sides, may take that element, to first order; None where the
            specification cannot follow the model.
        from_specification: the largest absolute difference from the specification; None as above.
        agrees: whether it is within the limit; None where there is none.
    """

    output: str
    largest: float
    from_keras: float | None
    limit: float | None
    from_specification: float | None
    agrees: bool | None


class Failure(msgspec.Struct, frozen=True):
    """Why a model does not load or run.

    Attributes:
        at: `convert`, `start`, `load`, `build`, `config`, `call`, or `crashed`, `timed-out`, ….
        layers: that a recorded deviation says this of; empty where none does.
        remedy: what to change; empty where it is not known.
    """

    at: str
    message: str
    layers: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()
    remedy: str = ""


class OnBackend(msgspec.Struct, frozen=True):
    """What one backend makes of the model.

    Attributes:
        expected: from its dialect alone.
        layers: how many were called.
        conforming: those of them of which everything conforms.
        first: the first departure, in the order of calls.
        departures: all of them.
        unjudged: layers about which nothing can be said.
        worst_margin: of what conforms.
        seconds: of each `predict`; the first prepares what others use.
    """

    backend: str
    outcome: Outcome
    versions: dict[str, str] = {}
    expected: tuple[Expected, ...] = ()
    failure: Failure | None = None
    layers: int = 0
    conforming: int = 0
    first: Departure | None = None
    departures: tuple[Departure, ...] = ()
    unjudged: tuple[str, ...] = ()
    worst_margin: float | None = None
    ends: tuple[End, ...] = ()
    seconds: tuple[float, ...] = ()


class OfKeras(msgspec.Struct, frozen=True):
    """What Keras, on the file as it was given, makes of the model."""

    backend: str
    versions: dict[str, str] = {}
    failure: Failure | None = None
    seconds: tuple[float, ...] = ()


class Rewritten(msgspec.Struct, frozen=True):
    """A layer that conversion has written as others, which compute the same."""

    layer: str
    what: str
    how: str
    why: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The answer.

    Attributes:
        objections: why it is not converted; then no backend was asked.
        rewrites: what conversion has changed.
        preflight_s: seconds that it took to ask the dialects.
    """

    schema: int = SCHEMA
    model: str
    format: str
    made_by: str
    name: str
    layers: int
    parameters: int
    inputs: tuple[Input, ...]
    keras: OfKeras | None
    objections: tuple[Objection, ...] = ()
    rewrites: tuple[Rewritten, ...] = ()
    backends: tuple[OnBackend, ...]
    preflight_s: float

    @property
    def exit_code(self) -> int:
        """0: all backends compute the same; 3: one, or Keras, could not be started; 1: anything else."""
        outcomes = {backend.outcome for backend in self.backends}
        unavailable = self.keras is not None and self.keras.failure and self.keras.failure.at == "start"
        if unavailable or Outcome.UNAVAILABLE in outcomes:
            return 3
        return 0 if outcomes == {Outcome.SAME} else 1


def encode(checked: Checked) -> str:
    """As JSON, with the exit code; numbers that JSON does not have are strings."""
    content = msgspec.to_builtins(checked) | {"exit_code": checked.exit_code}
    return msgspec.json.encode(_finite(content)).decode()


def _finite(value: object) -> object:
    match value:
        case float() if value != value:
            return "nan"
        case float() if value in (float("inf"), float("-inf")):
            return "infinite" if value > 0 else "-infinite"
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
    return value
