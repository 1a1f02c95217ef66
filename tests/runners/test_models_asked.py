"""A runner asks about saved models between cases: they are told in pieces, and each fault has its verdict."""

from __future__ import annotations

import re

import pytest

from conformance.runners.inspection import Inspection
from conformance.runners.process import Runner
from conformance.runners.protocol import ConcreteModel, WireError
from conformance.runners.question import Broken, Limits
from conformance.verdicts import Verdict

from .conversation import LIMITS, case, is_right, spec, started

pytestmark = pytest.mark.anyio

CRASHED, TIMED_OUT, PROTOCOL_ERROR = Verdict.CRASHED, Verdict.TIMED_OUT, Verdict.PROTOCOL_ERROR


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def model(do: str) -> ConcreteModel:
    """A model that the scripted adapter answers by its function of that name."""
    return ConcreteModel(do, (), layers=True, weights=True, repeats=1)


async def test_who_says_nothing_of_models_offers_none() -> None:
    async with Runner(spec("well"), limits=LIMITS) as runner:
        assert (await runner.start()).models == ()


async def arrays_of(runner: Runner) -> list[list[float]]:
    inspection = await runner.inspect(model("in_pieces"))
    assert isinstance(inspection, Inspection)
    return [inspection.arrays[n].tolist() for n in inspection.told.results]


async def test_pieces_become_arrays_whatever_comes_between_them() -> None:
    async with started() as runner:
        assert await arrays_of(runner) == [[5, 6], [1, 2], []]


async def test_what_ended_it_is_told_as_an_error() -> None:
    async with started() as runner:
        inspection = await runner.inspect(model("refused_model"))
    assert isinstance(inspection, Inspection)
    assert inspection.told.error == WireError("type", "load", "no")


FAULTS = [
    ("too_few_bytes", PROTOCOL_ERROR, r"array 0 has 4 bytes where float32 of shape \[2\] has 8"),
    ("number_of_no_array", PROTOCOL_ERROR, "there is no array 3: 0 are told of"),
    ("piece_of_no_array", PROTOCOL_ERROR, "there is no array 2: 1 are told of"),
    ("no_base64", PROTOCOL_ERROR, "the data of array 0 is not base64"),
    ("endless_pieces", PROTOCOL_ERROR, "more than 1,000,000 bytes"),
    ("odd_model_error", PROTOCOL_ERROR, "the error kind 'luck' is none of"),
    ("as_a_case", PROTOCOL_ERROR, "a model, as if it were a case"),
    ("model_of_another", PROTOCOL_ERROR, "answered [0-9]+ instead of"),
    ("dies_between", CRASHED, "was ended by SIGSEGV"),
    ("hang", TIMED_OUT, "gave no answer within 0.4 s"),
]


@pytest.mark.parametrize(("do", "verdict", "message"), FAULTS, ids=[fault[0] for fault in FAULTS])
async def test_a_fault_breaks_the_model_and_not_what_is_asked_after_it(
    do: str, verdict: Verdict, message: str
) -> None:
    limits = Limits(start_s=20, case_s=20, model_s=0.4, model_bytes=1_000_000)
    async with started(limits=limits) as runner:
        answer = await runner.inspect(model(do))
        assert isinstance(answer, Broken)
        assert answer.verdict is verdict
        assert re.search(message, answer.message)
        asked = case(number=3)
        assert is_right(asked, await runner.observe(asked))
        assert await arrays_of(runner) == [[5, 6], [1, 2], []]


async def test_a_case_that_is_answered_as_a_model_is_broken() -> None:
    async with started() as runner:
        answer = await runner.observe(case("as_a_model"))
    broken = answer["output/0"]
    assert isinstance(broken, Broken)
    assert (broken.verdict, broken.message.partition(", a")[2]) == (
        PROTOCOL_ERROR,
        " case, as if it were a model",
    )
