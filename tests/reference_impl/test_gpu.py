"""The specification on a CUDA device: the quick corpus on CuPy against NumPy in float64, within the limits
that float64 implies for both."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from conformance.cases import corpus
from conformance.cases.case import Case
from conformance.cases.data import make
from conformance.cases.expected import Refusal, Value
from conformance.reference_impl.arithmetic import IEEE_FLOAT64, declared
from conformance.reference_impl.arrays import Array, DeviceUnavailable, use_device, xp
from tests.answers import answer

pytestmark = pytest.mark.gpu

QUICK = [case for case in corpus.load("quick") if not case.to_be_refused]
SUBJECTS = sorted({case.subject for case in QUICK})

CUDA = declared(
    {"base": "ieee-float64", "ulps": dict.fromkeys(IEEE_FLOAT64.ulps, 16.0) | {"divide": 0.5, "sqrt": 0.5}}
)
"""Both sides' rounding in float64, functions to 16 ULPs, which is what OpenCL asks at the most."""


@pytest.fixture(scope="module", autouse=True)
def device() -> Iterator[None]:
    try:
        with use_device("gpu"):
            yield
    except DeviceUnavailable as unavailable:
        pytest.skip(str(unavailable))


def on(name: str, case: Case) -> dict[str, tuple[Array, Array] | str]:
    """By observable the value and its limit, on the host; or the place of an error."""
    with use_device(name):
        found: dict[str, tuple[Array, Array] | str] = {}
        for observable, expected in answer(case, make(case), CUDA).items():
            match expected:
                case Value(tensor):
                    error = 0.0 if tensor.error is None else xp.to_host(tensor.error)
                    value = xp.to_host(tensor.value)
                    found[observable] = value, np.broadcast_to(error, value.shape)
                case Refusal(at, _):
                    found[observable] = at
        return found


@pytest.mark.parametrize("subject", SUBJECTS)
def test_device_answers_as_the_host(subject: str) -> None:
    for case in QUICK:
        if case.subject != subject:
            continue
        host, device = on("cpu", case), on("gpu", case)
        assert host.keys() == device.keys()
        for observable, there in device.items():
            here = host[observable]
            if isinstance(here, str) or isinstance(there, str):
                assert here == there, (case, observable)
                continue
            (value, limit), (seen, other) = here, there
            assert (value.shape, value.dtype) == (seen.shape, seen.dtype), (case, observable)
            with np.errstate(invalid="ignore"):
                same = (value == seen) | (np.isnan(value) & np.isnan(seen))
                within = same | (np.abs(value - seen) <= limit + other)
            assert within.all(), (case, observable)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_device_gives_the_same_bits_every_time(subject: str) -> None:
    cases = [case for case in QUICK if case.subject == subject][:4]
    for case in cases:
        for first, second in zip(on("gpu", case).values(), on("gpu", case).values(), strict=True):
            if isinstance(first, tuple) and isinstance(second, tuple):
                assert first[0].tobytes() == second[0].tobytes(), case
