"""Each fault has a verdict and a message of its own, for the case at fault alone; all others keep theirs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import numpy as np
import psutil
import pytest

from conformance.runners.node import find_node
from conformance.runners.process import Runner
from conformance.runners.protocol import (
    ConcreteCase,
    Observation,
    Observed,
    WireError,
    WireJSON,
    WireTensor,
    to_wire,
)
from conformance.runners.provision import PACKAGE, ensure_package
from conformance.runners.question import Broken, Limits
from conformance.runners.registry import BackendSpec
from conformance.runners.unavailable import BackendUnavailable
from conformance.runners.validation import validate_observation
from conformance.verdicts import Verdict

from .conversation import IMPATIENT, LIMITS, ask_all, case, is_right, pid_of, spec, started

pytestmark = pytest.mark.anyio

CRASHED, TIMED_OUT, PROTOCOL_ERROR = Verdict.CRASHED, Verdict.TIMED_OUT, Verdict.PROTOCOL_ERROR


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def tensor_of(number: int) -> WireTensor:
    """What the scripted adapter answers to the case of that number."""
    return to_wire(np.array([number, number], np.float32))


FAULTS = [
    ("hang", TIMED_OUT, "gave no answer within 0.4 s$"),
    ("late", TIMED_OUT, "gave no answer within 0.4 s$"),
    ("half_a_line", TIMED_OUT, "gave no answer within 0.4 s, only the beginning of a line"),
    ("flood_errors", TIMED_OUT, "gave no answer within 0.4 s$"),
    ("close_output", CRASHED, "closed its standard output"),
    ("segfault", CRASHED, "was ended by SIGSEGV"),
    ("killed", CRASHED, "was killed by SIGKILL, as the system does when memory runs out"),
    (
        "abort",
        CRASHED,
        "was ended by SIGABRT: FATAL ERROR: JavaScript heap out of memory",
    ),
    ("out_of_memory", CRASHED, "exited with code 1: MemoryError"),
    ("leave", CRASHED, "exited with code 3: out of ideas"),
    ("leave_in_a_line", CRASHED, "exited with code 0 in the middle of a line"),
    ("heir", CRASHED, "was ended by SIGSEGV"),
    ("garbage", PROTOCOL_ERROR, "wrote no message of the protocol: 'Loading weights... done'"),
    ("flood_output", PROTOCOL_ERROR, "wrote no message of the protocol: 'progress: 99 %'"),
    ("bytes_of_another_encoding", PROTOCOL_ERROR, "wrote no message of the protocol: .*utf-8"),
    ("nan", PROTOCOL_ERROR, "wrote no message of the protocol: .*JSON is malformed"),
    ("long_line", PROTOCOL_ERROR, "wrote a line of more than 67,108,864 bytes"),
    ("started_again", PROTOCOL_ERROR, "answered `started` a second time"),
    ("wrong_id", PROTOCOL_ERROR, r"answered 10\d\d instead of \d+$"),
    ("answer_the_next", PROTOCOL_ERROR, r"answered \d+ (before|instead of) \d+$"),
    ("answer_before", PROTOCOL_ERROR, r"answered \d+ (a second time|instead of \d+)$"),
    ("repeat", PROTOCOL_ERROR, "gave the answer to the case before it once more"),
    ("surplus", PROTOCOL_ERROR, r"the answer lacks \[\] of what was asked, and has \['dtype'\] that was not"),
    ("short_tensor", PROTOCOL_ERROR, r"4 bytes where float32 of shape \(2,\) has 8"),
    ("unknown_dtype", PROTOCOL_ERROR, "the dtype 'float31' is none of float32"),
    ("negative_shape", PROTOCOL_ERROR, r"the shape \(-1,\) has a negative dimension"),
    ("odd_error", PROTOCOL_ERROR, "the error kind 'bad-luck' is none of invalid-argument"),
]


@pytest.mark.parametrize(("do", "verdict", "message"), FAULTS, ids=[do for do, *_ in FAULTS])
async def test_only_the_case_at_fault_is_broken(do: str, verdict: Verdict, message: str) -> None:
    cases = [case(), case(do, 2), case(number=3), case(number=4)]
    async with started(limits=IMPATIENT if verdict == TIMED_OUT else LIMITS) as runner:
        answers = await ask_all(runner, cases)
        again = await runner.observe(cases[0])
    fault = answers.pop(1)["output/0"]
    assert isinstance(fault, Broken)
    assert fault.verdict == verdict
    assert re.match(message, fault.message), fault.message
    del cases[1]
    assert all(map(is_right, [*cases, cases[0]], [*answers, again]))


@pytest.mark.parametrize("do", ["hang", "segfault", "garbage"])
async def test_a_fault_over_one_observable_hides_no_other(do: str) -> None:
    observables = "output/0", "gradient/input/0", "dtype"
    cases = [case(do, at="gradient/input/0", observables=observables), case(number=2)]
    async with started(limits=IMPATIENT if do == "hang" else LIMITS) as runner:
        answers = await ask_all(runner, cases)
    fault = answers[0]["gradient/input/0"]
    assert isinstance(fault, Broken)
    assert list(answers[0]) == list(observables)
    assert {type(answers[0][name]) for name in ("output/0", "dtype")} == {WireTensor}
    assert is_right(cases[1], answers[1])


async def test_an_invalid_answer_hides_no_other_and_leaves_the_child_alive() -> None:
    valid, invalid = to_wire(np.ones(2, np.float32)), WireTensor("float32", (2,), "")
    asked = case(observables=("output/0", "gradient/input/0"))
    found = validate_observation(asked, Observation(1, {"output/0": valid, "gradient/input/0": invalid}))
    assert list(found) == ["gradient/input/0"]
    async with started() as runner:
        pid = await pid_of(runner)
        await runner.observe(case("short_tensor"))
        assert await pid_of(runner) == pid


@pytest.mark.parametrize("do", ["flood_errors", "chatter", "long_line"])
async def test_much_output_takes_no_memory(do: str) -> None:
    async with started(limits=Limits(start_s=20, case_s=0.5, line_bytes=1_000_000)) as runner:
        before = psutil.Process().memory_info().rss
        await runner.observe(case(do))
        assert psutil.Process().memory_info().rss - before < 32e6


async def test_much_standard_error_does_not_block() -> None:
    async with started() as runner:
        assert is_right(case(), await runner.observe(case("chatter")))


async def test_an_answer_given_twice_is_nobody_elses() -> None:
    cases = [case(), case("twice", 2), case(number=3), case(number=4)]
    async with started() as runner:
        answers = await ask_all(runner, cases)
    assert all(map(is_right, cases, answers))


async def test_of_an_adapter_that_is_one_answer_behind_no_wrong_answer_is_taken() -> None:
    cases = [case(number=n, observables=("output/0", "dtype")[: 1 + n % 2]) for n in range(1, 9)]
    async with started("behind") as runner:
        answers = await ask_all(runner, cases)
    right = [
        value == tensor_of(asked.seed)
        for asked, answer in zip(cases, answers, strict=True)
        for value in answer.values()
        if not isinstance(value, Broken)
    ]
    assert right
    assert all(right)
    faults = [value for answer in answers for value in answer.values() if isinstance(value, Broken)]
    assert {fault.verdict for fault in faults} == {PROTOCOL_ERROR}
    assert "gave the answer to the case before it once more" in {fault.message for fault in faults}


async def test_answers_that_are_alike_by_chance_count() -> None:
    cases = [case("one"), case("one", 2), case("one", 3, observables=("output/0", "dtype"))]
    async with started() as runner:
        answers = await ask_all(runner, cases)
    assert [set(answer.values()) for answer in answers] == [{tensor_of(1)}] * 3


@pytest.mark.parametrize(
    ("observables", "units", "doubtful"),
    [
        ({"output/0": tensor_of(1)}, (1, 1), True),
        ({"output/0": WireError("internal", "call", "no"), "config": WireJSON({"units": 1})}, (1, 2), True),
        ({"config": WireJSON({"units": 1})}, (1, 1), False),
        ({"output/0": to_wire(np.array([0.5], np.float32))}, (1, 2), False),
        ({"output/0": tensor_of(0), "dtype": WireJSON(["float32"])}, (1, 2), False),
        ({"config": WireError("internal", "config", "no")}, (1, 2), False),
    ],
)
async def test_only_an_answer_that_tells_its_case_is_doubted(
    observables: dict[str, Observed], units: tuple[int, int], doubtful: bool
) -> None:
    given = {name: msgspec.to_builtins(value) for name, value in observables.items()}
    cases = [
        msgspec.structs.replace(
            case("give", number=n, observables=tuple(given)),
            config={"do": "give", "what": given, "units": units[n - 1]},
        )
        for n in (1, 2)
    ]
    async with started() as runner:
        pid = await pid_of(runner)
        assert await ask_all(runner, cases) == [observables, observables]
        assert (await pid_of(runner) != pid) == doubtful


FAILED_STARTS = [
    ("refuse", "it exited with code 1: ModuleNotFoundError: No module named 'keras'"),
    ("segfault", "it was ended by SIGSEGV"),
    ("hang", "it did not answer within 0.4 s"),
    ("garbage", "it wrote no message of the protocol: 'Loading weights"),
    ("newer", "it speaks protocol 2, and this suite 1"),
    ("newest", "it speaks protocol 3, and this suite 1"),
]


@pytest.mark.parametrize(("how", "message"), FAILED_STARTS, ids=[how for how, _ in FAILED_STARTS])
async def test_a_failed_start_says_why_and_what_to_do(how: str, message: str) -> None:
    async with Runner(spec(how), limits=Limits(start_s=0.4 if how == "hang" else 20)) as runner:
        with pytest.raises(BackendUnavailable) as caught:
            await runner.start()
    assert caught.value.problem.startswith(message)
    assert caught.value.remedy == "read the manual"
    assert caught.value.stderr == ("Python 3" if how == "refuse" else "")


@pytest.mark.parametrize(
    ("program", "message"), [("/no/such/program", "No such file"), (__file__, "Permission denied")]
)
async def test_a_program_that_cannot_be_run_is_named(program: str, message: str) -> None:
    async with Runner(BackendSpec("mine", "a test's", lambda progress: [program])) as runner:
        with pytest.raises(BackendUnavailable) as caught:
            await runner.start()
    problem = f"it cannot be run: {program!r}: {message}"
    assert caught.value.problem.startswith(problem)


@pytest.mark.parametrize(
    ("how", "verdict", "message"),
    [
        ("once", CRASHED, "exited with code 1: not a second time"),
        ("turncoat", PROTOCOL_ERROR, "came back as another backend: settings.device was 'gpu' and is 'cpu'"),
    ],
)
async def test_a_backend_that_does_not_come_back_breaks_what_is_left(
    how: str, verdict: Verdict, message: str, tmp_path: Path
) -> None:
    cases = [case(), case("segfault", 2), case(number=3)]
    async with started(how, str(tmp_path / "marker")) as runner:
        first, *rest = await ask_all(runner, cases)
        rest.append(await runner.observe(case()))
    assert is_right(cases[0], first)
    problem = f"once it had failed, scripted could not be started again: it {message}"
    assert rest == [{"output/0": Broken(verdict, problem)}] * 3


async def test_a_start_that_fails_once_is_tried_again(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with started("stumble", str(marker)) as runner:
        answers = await ask_all(runner, [case("segfault"), case(number=2)])
    assert is_right(case(number=2), answers[1])


SWITCHING = """
const tf = require({modules} + "/@tensorflow/tfjs");
class Switching extends tf.layers.Layer {{
  static className = "Switching";
  call(inputs) {{
    tf.setBackend("cpu");
    return inputs;
  }}
}}
tf.serialization.registerClass(Switching);
module.exports = tf;
"""
"""TensorFlow.js with a layer that leaves for another backend, as one may that loses its device."""


@pytest.mark.node
async def test_tensorflow_js_that_switches_to_another_backend_gives_no_answer(tmp_path: Path) -> None:
    modules = ensure_package() / "node_modules"
    scope = tmp_path / "node_modules" / "@tensorflow"
    (scope / "tfjs").mkdir(parents=True)
    (scope / "tfjs" / "index.js").write_text(SWITCHING.format(modules=json.dumps(str(modules))))
    (scope / "tfjs-backend-wasm").symlink_to(modules / "@tensorflow" / "tfjs-backend-wasm")
    command = [str(find_node().path), str(PACKAGE / "adapter.mjs"), "--modules", str(tmp_path)]
    inputs = (to_wire(np.ones((1, 2, 1), np.float32)),)
    flatten = ConcreteCase("layers.Flatten", {}, inputs, {}, (), (), (), ("output/0",), 0)
    switching = msgspec.structs.replace(flatten, subject="layers.Switching")
    async with Runner(BackendSpec("tfjs-wasm", "a test's", lambda progress: command)) as runner:
        await runner.start()
        before, fault, after = await ask_all(runner, [flatten, switching, flatten])
    message = "exited with code 1: fatal: Error: TensorFlow.js runs on cpu, not on wasm"
    assert fault == {"output/0": Broken(CRASHED, message)}
    assert before == after
    assert isinstance(before["output/0"], WireTensor)
