"""Every entry of an arithmetic that is looser than the published table has been measured, and its witness
shows it on the backend itself."""

import ast
import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from benchmarks.ulps.__main__ import REPORT
from benchmarks.ulps.functions import EXACT, errors
from conformance.cases.case import Case, Literal
from conformance.engine import Made
from conformance.reference_impl.arithmetic import IEEE_FLOAT32, Arithmetic, declared
from conformance.runners import registry
from conformance.runners.node import find_node
from conformance.runners.process import Runner
from conformance.runners.protocol import WireTensor, from_wire

MEASURED = json.loads(REPORT.read_text())["backends"]
"""By backend its measurements, each of some functions on one platform."""
RUNNERS = Path(registry.__file__).parent

KERAS = ("keras-tensorflow", "keras-tensorflow-onednn")
TENSORFLOW_JS = ("tfjs-cpu", "tfjs-wasm")

EXACT_TO_THE_LAST_DIGIT: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "sqrt": mpmath.sqrt,
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "erf": mpmath.erf,
    "divide": lambda x: 3 / x,
    "elu": lambda x: x if x > 0 else mpmath.expm1(x),
    "selu": lambda x: (
        mpmath.mpf("1.0507009873554804934193349852946")
        * (x if x > 0 else mpmath.mpf("1.6732632423543772848170429916717") * mpmath.expm1(x))
    ),
}

ACTIVATIONS = {"exp": "exponential", "tanh": "tanh", "sigmoid": "sigmoid", "softplus": "softplus"}
"""Activations that are nothing but one of the measured functions."""

VECTOR = 16
"""Elements of the tensor in which a witness is asked: it fills vectors of 4, 8 and 16."""


def declared_by_keras() -> Arithmetic:
    """The literal in the source: importing the module imports TensorFlow."""
    source = ast.parse((RUNNERS / "keras_adapter" / "identity.py").read_text())
    tables = {
        node.target.id: node.value
        for node in source.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value
    }
    return declared(ast.literal_eval(tables["ARITHMETIC"]))


def declared_by_tensorflow_js(backend: str) -> Arithmetic:
    module = (RUNNERS / "tfjs" / "arithmetic.mjs").as_uri()
    script = f"import({module!r}).then((m) => console.log(JSON.stringify(m.ARITHMETIC)))"
    answer = subprocess.run([find_node().path, "-e", script], capture_output=True, check=True, timeout=30)
    return declared(json.loads(answer.stdout)[backend.removeprefix("tfjs-")])


def arithmetic_of(backend: str) -> Arithmetic:
    return declared_by_keras() if backend in KERAS else declared_by_tensorflow_js(backend)


def looser(arithmetic: Arithmetic) -> dict[str, float]:
    """The entries looser than the published ones, or than an ULP where there is none."""
    return {name: entry for name, entry in arithmetic.ulps.items() if entry > published(name)}


def published(function: str) -> float:
    return IEEE_FLOAT32.ulps.get(function, 1.0)


def within(part: Mapping[str, Any], arithmetic: Arithmetic, function: str) -> bool:
    """Whether errors are as small as the arithmetic promises, in ULPs or absolutely."""
    in_ulps: bool = part["ulps"]["largest"] <= arithmetic.ulps[function]
    absolutely: bool = part["absolute"]["largest"] <= arithmetic.absolute.get(function, 0.0)
    return in_ulps or absolutely


BACKENDS = [*KERAS, *(pytest.param(name, marks=pytest.mark.node) for name in TENSORFLOW_JS)]


def measured(backend: str, function: str) -> list[dict[str, Any]]:
    """What was measured of a function, on each platform."""
    return [m["functions"][function] for m in MEASURED[backend] if function in m["functions"]]


def largest_ulps(measurement: Mapping[str, Any]) -> float:
    return max(float(part["ulps"]["largest"]) for part in (measurement, measurement["tails"]))


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_looser_entry_is_measured_over_all_inputs_and_has_a_witness(backend: str) -> None:
    for name in looser(arithmetic_of(backend)):
        full = [m for m in measured(backend, name) if m["coverage"] == "full"]
        assert {m["inputs"] for m in full} == {2**32}, name
        assert all(int(m["ulps"]["witness"], 16) < 2**32 for m in full), name


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_function_errs_by_more_than_is_declared(backend: str) -> None:
    arithmetic = arithmetic_of(backend)
    for name in EXACT:
        for found in measured(backend, name):
            if name in arithmetic.ulps:
                assert within(found, arithmetic, name), name
                assert within(found["tails"], arithmetic, name), name
            assert found["misplaced"]["inputs"] == 0, name
            assert found["tails"]["misplaced"]["inputs"] == 0, name


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_entry_is_looser_than_the_measurements_show(backend: str) -> None:
    for name, entry in looser(arithmetic_of(backend)).items():
        assert entry - 0.1 <= max(map(largest_ulps, measured(backend, name))), name


@pytest.mark.anyio
@pytest.mark.parametrize(
    "backend",
    [pytest.param(name, marks=pytest.mark.keras) for name in KERAS]
    + [pytest.param(name, marks=pytest.mark.node) for name in TENSORFLOW_JS],
)
async def test_the_witnesses_show_it_on_the_backend_itself(backend: str) -> None:
    made = Made(seed=0)
    async with Runner(registry.backends()[backend]) as runner:
        identity = await runner.start()
        arithmetic = declared(identity.arithmetic)
        assert arithmetic == arithmetic_of(backend)
        for function in looser(arithmetic).keys() & ACTIVATIONS.keys():
            case, x = witness(backend, function)
            answer = await runner.observe(made.concrete(case, case.observables))
            output = answer["output/0"]
            assert isinstance(output, WireTensor)
            error = max(error_in_ulps(function, x, y) for y in from_wire(output).tolist())
            assert published(function) < error <= arithmetic.ulps[function]


def witness(backend: str, function: str) -> tuple[Case, float]:
    """The case of the input at which a function errs most on any platform, and the input."""
    worst = max(measured(backend, function), key=lambda m: float(m["ulps"]["largest"]))
    x = float(np.uint32(int(worst["ulps"]["witness"], 16)).view(np.float32))
    literal = Literal((VECTOR,), (x,) * VECTOR)
    return Case(f"activations.{ACTIVATIONS[function]}", inputs=(literal,), observables=("output/0",)), x


def error_in_ulps(function: str, x: float, y: float) -> float:
    with mpmath.workprec(200):
        exact = EXACT_TO_THE_LAST_DIGIT[function](mpmath.mpf(x))
        _, exponent = mpmath.frexp(exact)
        return float(abs(mpmath.mpf(y) - exact) / mpmath.mpf(2) ** (exponent - 24))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("function", EXACT)
def test_the_functions_measured_against_are_exact_enough(function: str) -> None:
    magnitudes = np.geomspace(2e-38, 80, 400)
    x = magnitudes if function in ("log", "sqrt", "rsqrt") else np.concatenate([magnitudes, -magnitudes])
    x = x[x > -1] if function == "log1p" else x
    with mpmath.workprec(200):
        exact = [EXACT_TO_THE_LAST_DIGIT[function](mpmath.mpf(a)) for a in x]
        worst = max(abs(mpmath.mpf(y) / e - 1) for y, e in zip(EXACT[function](x), exact, strict=True))
    assert worst < 1e-14


@pytest.mark.parametrize(
    ("function", "x", "off"),
    [("exp", 1.0, 3.0), ("tanh", 1e-30, 2.0), ("log", 1e30, 1.0), ("erf", -0.5, 4.0)],
)
def test_errors_are_counted_in_ulps(function: str, x: float, off: float) -> None:
    bits = np.full(5, x, np.float32).view(np.uint32)
    results = EXACT[function](bits.view(np.float32).astype(float)).astype(np.float32)
    results[3] += off * np.spacing(results[3])
    found = errors(function, bits, results)
    assert found.ulps == pytest.approx(off, abs=0.51)
    assert (found.inputs, found.misplaced) == (5, 0)


def test_results_that_should_be_finite_are_found() -> None:
    x = np.array([1.0, 2.0, 100.0, np.nan], np.float32)
    results = np.array([np.e, np.inf, np.inf, np.nan], np.float32)
    found = errors("exp", x.view(np.uint32), results)
    assert (found.misplaced, found.misplaced_at) == (1, x.view(np.uint32)[1])


def test_flushing_a_subnormal_result_is_no_error() -> None:
    x = np.array([-90.0, -1.0], np.float32)
    found = errors("exp", x.view(np.uint32), np.array([0.0, np.exp(-1.0)], np.float32))
    assert found.ulps <= 0.5
