"""Whether an observation is an answer to the case that was asked, beyond having the form of a message."""

from __future__ import annotations

import math
import string

from conformance.runners.protocol import (
    DTYPES,
    ERROR_KINDS,
    ConcreteCase,
    Observation,
    Observed,
    WireError,
    WireTensor,
)

_BASE64 = string.ascii_letters.encode() + string.digits.encode() + b"+/"


def validate_observation(case: ConcreteCase, observation: Observation) -> dict[str, str]:
    """What is wrong with an observation of the case that has the form of one, by observable.

    Every observable that was asked is answered and nothing else is, or all are wrong; every tensor has a
    known dtype, no negative dimension, and base64 of exactly the bytes that its shape needs.
    """
    answered = observation.observables
    if answered.keys() != set(case.observables):
        missing = [name for name in case.observables if name not in answered]
        surplus = [name for name in answered if name not in case.observables]
        problem = f"the answer lacks {missing} of what was asked, and has {surplus} that was not"
        return dict.fromkeys(case.observables, problem)
    problems = {name: _problem(value) for name, value in answered.items()}
    return {name: problem for name, problem in problems.items() if problem is not None}


def _problem(value: Observed) -> str | None:
    match value:
        case WireTensor():
            return _tensor_problem(value)
        case WireError(kind=kind) if kind not in ERROR_KINDS:
            return f"the error kind {kind!r} is none of {', '.join(ERROR_KINDS)}"
    return None


def _tensor_problem(tensor: WireTensor) -> str | None:
    """What keeps `from_wire` from reading the tensor; a fifth of the time that reading it takes."""
    if tensor.dtype not in DTYPES:
        return f"the dtype {tensor.dtype!r} is none of {', '.join(DTYPES)}"
    if any(size < 0 for size in tensor.shape):
        return f"the shape {tensor.shape} has a negative dimension"
    data = tensor.data.encode()
    padding = data.translate(None, _BASE64)
    if padding not in (b"", b"=", b"==") or not data.endswith(padding) or len(data) % 4:
        return "the data is not base64"
    expected = math.prod(tensor.shape) * int(DTYPES[tensor.dtype][-1])
    if (count := len(data) // 4 * 3 - len(padding)) != expected:
        return f"{count} bytes where {tensor.dtype} of shape {tensor.shape} has {expected}"
    return None
