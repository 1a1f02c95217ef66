"""The judgement of one observable: what was seen against what is expected."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance import evidence
from conformance.cases.expected import Expected, Image, Law, Refusal, Structure, Value
from conformance.laws import recover
from conformance.reference_impl.arithmetic import NAMED, Arithmetic
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.primitives.contraction import STATISTICS_FROM
from conformance.reference_impl.tape import Provenance, Statistics
from conformance.runners.protocol import DELIBERATE, Observed, WireError, WireJSON, WireTensor, from_wire
from conformance.verdicts import Rung, Verdict

UNSPECIFIED_SHARE = 0.05
"""More of a case than this without a promise is itself a finding."""


@dataclass(frozen=True)
class Judgement:
    """A verdict, how near the answer came to its limit, and what a person has to know.

    Attributes:
        differs: the paths at which two nested structures differ, as `axis` or `seed/config`.
        by_bias_alone: whether an array diverges only by the sum of its errors, each of which is within its
            limit, and their squares too: which tells something where roundings are independent.
    """

    verdict: Verdict
    required_rung: Rung | None = None
    rung: Rung | None = None
    margin: float | str | None = None
    message: str = ""
    differs: tuple[str, ...] = ()
    by_bias_alone: bool = False

    @property
    def passed(self) -> bool:
        return self.verdict in (Verdict.CONFORMS, Verdict.UNSPECIFIED)


SAME_STRUCTURE = Judgement(Verdict.CONFORMS, Rung.STRUCTURE, Rung.STRUCTURE)
"""Equal structures, or an error where one is due."""


def judge(expected: Expected, observed: Observed, arithmetic: Arithmetic) -> Judgement:
    """Whether the answer is what the specification (or a dialect of it) says."""
    match expected, observed:
        case Refusal(), WireError():
            return judge_refusal(expected, observed)
        case Refusal(), _:
            return Judgement(
                Verdict.ACCEPTS,
                message=f"a value where there should be an error at {expected.at}: {expected.message}",
            )
        case _, WireError():
            return Judgement(Verdict.RAISES, message=f"{observed.kind} at {observed.at}: {observed.message}")
        case Structure(), WireJSON():
            return judge_structure(expected.value, observed.value)
        case Value(), WireTensor():
            return judge_array(expected, from_wire(observed), arithmetic)
        case Law(), WireTensor():
            return judge_draws(expected, from_wire(observed))
        case Image(), WireTensor():
            return judge_image(expected, from_wire(observed), arithmetic)
    told = json_or_array(observed), json_or_array(expected)
    return Judgement(Verdict.DIVERGES, message=f"{told[0]}, expected {told[1]}")


def judge_refusal(expected: Refusal, observed: WireError) -> Judgement:
    """An error where one is due: it has to be one that the backend raises for its user to read, unless it is
    due only because the backend has failed so before.

    When is left to the backend. A bad argument may be refused by the constructor or by the first call, which
    are often one expression, and no documentation says by which: of the bad configurations in the corpus
    Keras 3.15 refuses 404 in the constructor and 43 in the call, TensorFlow.js 4.22 146 and 38.
    """
    if observed.kind == expected.kind or (expected.kind is None and observed.kind in DELIBERATE):
        return SAME_STRUCTURE
    message = f"{observed.kind} at {observed.at}: {observed.message}{SHOULD_BE}{expected.message}"
    return Judgement(Verdict.DIVERGES, Rung.STRUCTURE, Rung.NONE, message=message)


SHOULD_BE = "; there should be an error that says what is wrong: "


def told_failure(message: str) -> str:
    """The backend's own words in what `judge_refusal` says of an error; nothing, where it says none.

    >>> told_failure("internal at call: tuple index out of range" + SHOULD_BE + "axis 7")
    'tuple index out of range'
    """
    failure, due, _ = message.partition(SHOULD_BE)
    return failure.partition(": ")[2] if due else ""


def json_or_array(answer: Expected | Observed) -> str:
    """What somebody gave, where one gave an array and another did not, as of a mask."""
    match answer:
        case Structure(value) | WireJSON(value):
            return json.dumps(value)
    return "an array"


def judge_structure(expected: Any, observed: Any) -> Judgement:
    if equal(expected, observed):
        return SAME_STRUCTURE
    return Judgement(
        Verdict.DIVERGES,
        Rung.STRUCTURE,
        Rung.NONE,
        message=difference(expected, observed),
        differs=differing(expected, observed),
    )


def equal(expected: Any, observed: Any) -> bool:
    """Whether two structures are equal; 2 equals 2.0, but a truth value is no number."""
    return bool(expected == observed) and alike(expected, observed)


def alike(expected: Any, observed: Any) -> bool:
    """Whether structures that Python takes for equal have truth values in the same places."""
    if expected is observed:
        return True
    if isinstance(expected, str):
        return True
    if isinstance(expected, dict):
        return all(alike(value, observed[key]) for key, value in expected.items())
    if isinstance(expected, list):
        return all(map(alike, expected, observed))
    return isinstance(expected, bool) is isinstance(observed, bool)


def difference(expected: Any, observed: Any) -> str:
    """Where two structures differ, in a line."""
    if isinstance(expected, dict) and isinstance(observed, dict):
        parts = []
        missing = expected.keys() - observed.keys()
        extra = observed.keys() - expected.keys()
        if missing:
            parts.append(f"without {', '.join(sorted(missing))}")
        if extra:
            parts.append(f"with {', '.join(sorted(extra))}")
        parts += [
            f"{key}: {difference(expected[key], observed[key])}"
            for key in sorted(expected.keys() & observed.keys())
            if not equal(expected[key], observed[key])
        ]
        return "; ".join(parts)
    return f"{observed!r}, expected {expected!r}"


def differing(expected: Any, observed: Any) -> tuple[str, ...]:
    """The paths at which two mappings of mappings differ; none where one of them is no mapping.

    >>> differing({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"c": 2, "d": 4}})
    ('a', 'b/d')
    """
    if not isinstance(expected, dict) or not isinstance(observed, dict):
        return ()
    paths = []
    for key in sorted(expected.keys() | observed.keys()):
        both = key in expected and key in observed
        if not both or not equal(expected[key], observed[key]):
            inner = differing(expected[key], observed[key]) if both else ()
            paths += [f"{key}/{path}" for path in inner] or [key]
    return tuple(paths)


def judge_array(expected: Value, observed: Array, arithmetic: Arithmetic) -> Judgement:
    """Element by element: the error against the limit, written so that NaN fails."""
    tensor = expected.tensor
    value = xp.to_host(tensor.value)
    if value.shape != observed.shape:
        return Judgement(
            Verdict.DIVERGES, message=f"shape {list(observed.shape)}, expected {list(value.shape)}"
        )
    if value.dtype.kind != "f":
        return exactly(value, observed, tensor.error)
    limit = np.zeros(value.shape) if tensor.error is None else xp.to_host(tensor.error)
    seen = observed.astype(np.float64)
    required = required_rung(tensor.provenance, limit)
    with np.errstate(all="ignore"):
        departure = seen - value
        error = np.abs(departure)
        if np.count_nonzero(np.isfinite(departure)) < value.size:
            same = (seen == value) | (np.isnan(seen) & np.isnan(value))
            error = np.where(same, 0.0, error)
        if required is Rung.EXACT and tensor.provenance is Provenance.MOVED:
            other_zero = (np.signbit(seen) != np.signbit(value)) & ~np.isnan(value)
            error = np.where(other_zero, np.inf, error)
        # Where nothing is promised, NaN is as good as a number.
        within = (error <= limit) | np.isposinf(limit)
        margin = largest_margin(error, limit)
        nearest = value.astype(arithmetic.format).astype(np.float64)
        exact = np.count_nonzero((error == 0) | (seen == nearest)) == value.size
        unspecified = value.size - int(np.count_nonzero(np.isfinite(limit)))
    if np.count_nonzero(within) < value.size:
        return Judgement(
            Verdict.DIVERGES, required, Rung.NONE, margin, describe_worst(value, seen, limit, within)
        )
    reached = Rung.EXACT if exact else Rung.ULP if required is Rung.ULP else Rung.BOUND
    judgement = Judgement(Verdict.CONFORMS, required, reached, margin)
    judgement = specified_enough(judgement, unspecified, value.size)
    if judgement.verdict is Verdict.UNSPECIFIED:
        return judgement
    if tensor.dot is None:
        return judgement
    return statistical(judgement, tensor.dot, value, departure, np.isfinite(limit), arithmetic)


def judge_draws(expected: Law, observed: Array) -> Judgement:
    """Every element one that some draw gives, within the bounds, and what was drawn as the law has it."""
    shape = next(iter(expected.outcomes.values())).shape
    if shape != observed.shape:
        return Judgement(Verdict.DIVERGES, message=f"shape {list(observed.shape)}, expected {list(shape)}")
    found = recover(expected, observed.astype(np.float64))
    rung = Rung.STATISTICAL
    wrong = int(np.count_nonzero(found.wrong))
    if wrong:
        place = tuple(int(i) for i in np.argwhere(found.wrong)[0])
        message = (
            f"{list(place)} is {observed[place]:.9g}, which nothing gives that is drawn as it should be, and "
            f"shared by all that should share it; {wrong} of {observed.size} elements are so"
        )
        return Judgement(Verdict.DIVERGES, rung, Rung.NONE, "infinite", message)
    against = evidence.against([d.distribution for d in expected.draws], found.draws, found.told)
    worst = max(against, key=lambda e: e.nats, default=evidence.Evidence(0.0, ""))
    limit = evidence.limit(len(against) or 1)
    margin = worst.nats / limit if math.isfinite(worst.nats) else "infinite"
    if not worst.nats <= limit:
        message = f"{worst.statement}: {worst.nats:.3g} nats, {limit:.3g} allowed"
        return Judgement(Verdict.DIVERGES, rung, Rung.NONE, margin, message)
    judgement = Judgement(Verdict.CONFORMS, rung, rung, margin)
    unsettled, size = int(np.count_nonzero(found.overlapping)), found.overlapping.size
    if not all(known.any() for which, known in found.told.items() if len(which) == 1):
        unsettled = size
    return specified_enough(judgement, unsettled, size)


def judge_image(expected: Image, observed: Array, arithmetic: Arithmetic) -> Judgement:
    """What is made of the answer, as any array."""
    if expected.shape != observed.shape:
        return Judgement(
            Verdict.DIVERGES, message=f"shape {list(observed.shape)}, expected {list(expected.shape)}"
        )
    return judge_array(Value(expected.tensor), expected.of(observed.astype(np.float64)), arithmetic)


def required_rung(provenance: Provenance, limit: Array) -> Rung:
    if not np.count_nonzero(limit):
        return Rung.EXACT
    return Rung.ULP if provenance is Provenance.ROUNDED else Rung.BOUND


def exactly(value: Array, observed: Array, unsettled: Array | None) -> Judgement:
    """Integers and truth values; where an error is infinite, the arithmetic settles nothing."""
    settled = np.ones(value.shape, bool) if unsettled is None else np.isfinite(xp.to_host(unsettled))
    wrong = int(np.count_nonzero((value != observed) & settled))
    if wrong:
        return Judgement(
            Verdict.DIVERGES, Rung.EXACT, Rung.NONE, "infinite", f"{wrong} of {value.size} elements differ"
        )
    unspecified = value.size - int(np.count_nonzero(settled))
    return specified_enough(Judgement(Verdict.CONFORMS, Rung.EXACT, Rung.EXACT, 0.0), unspecified, value.size)


def specified_enough(judgement: Judgement, unspecified: int, size: int) -> Judgement:
    """The judgement, unless the arithmetic promises too little for one."""
    if unspecified > UNSPECIFIED_SHARE * size:
        message = f"{unspecified} of {size} elements are not promised by the arithmetic"
        return replace(judgement, verdict=Verdict.UNSPECIFIED, message=message)
    return judgement


def largest_margin(error: Array, limit: Array) -> float | str:
    """The largest error as a fraction of its limit; NaN, or an error where the limit is 0, is infinite."""
    # 0/0 is no error, ∞/∞ nothing promised: both are NaN, which `fmax` passes over.
    ratio = np.where(np.isnan(error), np.inf, error) / limit
    worst = float(np.fmax.reduce(ratio, axis=None, initial=0.0))
    return worst if math.isfinite(worst) else "infinite"


def describe_worst(value: Array, seen: Array, limit: Array, within: Array) -> str:
    """The worst element, and how many are wrong."""
    with np.errstate(all="ignore"):
        error = np.nan_to_num(np.abs(seen - value), nan=np.inf, posinf=np.inf)
        excess = np.where(within, -1.0, error / np.maximum(limit, 1e-300))
    place = np.unravel_index(int(np.argmax(excess)), value.shape)
    where = ", ".join(str(int(i)) for i in place)
    wrong = int(np.count_nonzero(~within))
    return (
        f"[{where}] is {seen[place]:.9g}, expected {value[place]:.9g} ± {limit[place]:.3g}; "
        f"{wrong} of {value.size} elements are outside"
    )


def statistical(
    judgement: Judgement,
    dot: Statistics,
    value: Array,
    error: Array,
    promised: Array,
    arithmetic: Arithmetic,
) -> Judgement:
    """The rung where worst-case bounds go blind: mean square and bias of the errors of a dot product.

    With n products in an element and |x|·|w| their magnitude, e = error / (u·|x|·|w|) sums n roundings
    of variance at most 1/3; so Σe² ≤ 0.4·Σn and |Σe| ≤ 2·√(Σn) (TOSA 1.0, section 1.8.2). The last rounding
    may be the same in all elements, as where one bias is added to numbers of one size: |Σe| may be larger by
    u·|element| for each. An element of which nothing is promised, as it may overflow, or that underflow may
    change by more than roundings do, is none of these sums. Of products that repeat, as where all pixels are
    of one colour, there are fewer: m that are the same err together, and |Σe| may be √m times as large.

    Args:
        value: the elements expected.
        promised: where there is a limit.
    """
    terms, magnitude = map(xp.to_host, dot.sizes())
    terms = np.broadcast_to(terms, magnitude.shape)
    if not np.isfinite(magnitude).all():
        return judgement
    scale = arithmetic.unit_roundoff * magnitude
    rounded = promised & (scale > 2 * terms * arithmetic.underflow)
    products = float(terms[rounded].sum())
    if not products:
        return judgement
    relative = error[rounded] / scale[rounded]
    mean_square = float((relative**2).sum()) / (0.4 * products)
    # Directed rounding, declared by a larger unit roundoff, is biased by design.
    directed = arithmetic.unit_roundoff > NAMED[arithmetic.name].unit_roundoff
    last = float((np.abs(value[rounded]) / magnitude[rounded]).sum())
    total = 0.0 if directed else abs(float(relative.sum()))
    if max(mean_square, total / (2 * math.sqrt(products) + last)) <= 1:
        return judgement
    repeats = dot.repeats()
    bias = total / (2 * math.sqrt(products * repeats) + last)
    if max(mean_square, bias) <= 1 or products < STATISTICS_FROM * repeats:
        return judgement
    return replace(
        judgement,
        verdict=Verdict.DIVERGES,
        required_rung=Rung.STATISTICAL,
        message=f"the errors' mean square is {mean_square:.3g} and their bias {bias:.3g} times the limit",
        by_bias_alone=mean_square <= 1,
    )
