"""Every entry of an arithmetic that is looser than the published table has been measured, and its witness
shows it on the backend itself."""

import ast
import importlib.util
import json
import subprocess
from pathlib import Path

import mpmath
import numpy as np
import pytest

from conformance.cases.case import Case, Literal
from conformance.engine import Made
from conformance.reference_impl.arithmetic import IEEE_FLOAT32, declared
from conformance.runners import keras_adapter, registry
from conformance.runners.node import find_node
from conformance.runners.process import Runner
from conformance.runners.protocol import from_wire

MEASURED = json.loads((Path(__file__).parent.parent / "reports" / "ulps.json").read_text())["backends"]
RUNNERS = Path(registry.__file__).parent

KERAS = ("keras-tensorflow", "keras-tensorflow-onednn")
TENSORFLOW_JS = ("tfjs-cpu", "tfjs-wasm")

VECTORS = 16
"""Elements in the tensor that a witness is asked in: it fills vectors of 4, 8 and 16."""

SELU_SCALE, SELU_ALPHA = mpmath.mpf(1.0507009873554804934193349852946), mpmath.mpf(1.6732632423543772)

EXACT = {
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
    "selu": lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * mpmath.expm1(x)),
}
ACTIVATIONS = {"exp": "exponential", "tanh": "tanh", "sigmoid": "sigmoid", "softplus": "softplus"}
"""Activations that are nothing but one of the measured functions."""


def declared_by_keras():
    """The literal in the source: importing the module imports TensorFlow."""
    source = ast.parse((Path(keras_adapter.__file__).parent / "identity.py").read_text())
    (literal,) = [
        node.value
        for node in source.body
        if isinstance(node, ast.AnnAssign) and node.target.id == "ARITHMETIC"
    ]
    return declared(ast.literal_eval(literal))


def declared_by_tensorflow_js(backend):
    module = (RUNNERS / "tfjs" / "arithmetic.mjs").as_uri()
    script = f"import({module!r}).then((m) => console.log(JSON.stringify(m.ARITHMETIC)))"
    answer = subprocess.run([find_node().path, "-e", script], capture_output=True, check=True, timeout=30)
    return declared(json.loads(answer.stdout)[backend.removeprefix("tfjs-")])


BACKENDS = [pytest.param(name, id=name) for name in KERAS] + [
    pytest.param(name, id=name, marks=pytest.mark.node) for name in TENSORFLOW_JS
]


def arithmetic_of(backend):
    return declared_by_keras() if backend in KERAS else declared_by_tensorflow_js(backend)


def looser(table, published, least):
    return {name: entry for name, entry in table.items() if entry > published.get(name, least)}


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_looser_entry_is_measured_and_has_a_witness(backend):
    functions = MEASURED[backend]["functions"]
    arithmetic = arithmetic_of(backend)
    for name, entry in looser(arithmetic.ulps, IEEE_FLOAT32.ulps, 0.5).items():
        assert functions[name]["coverage"] in ("full", "sample"), name
        assert int(functions[name]["ulps"]["witness"], 16) < 2**32
        assert max(functions[name]["ulps"]["largest"], functions[name]["tails"]["ulps"]["largest"]) <= entry


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_function_errs_by_more_than_is_declared(backend):
    arithmetic = arithmetic_of(backend)
    for name, measured in MEASURED[backend]["functions"].items():
        if name not in arithmetic.ulps:
            continue
        for part in (measured, measured["tails"]):
            absolute = arithmetic.absolute.get(name, 0.0)
            assert (
                part["ulps"]["largest"] <= arithmetic.ulps[name] or part["absolute"]["largest"] <= absolute
            ), name
            assert part["misplaced"]["inputs"] == 0, name


def error_in_ulps(function, x, y):
    with mpmath.workprec(200):
        exact = EXACT[function](mpmath.mpf(float(x)))
        _, exponent = mpmath.frexp(exact)
        return float(abs(mpmath.mpf(float(y)) - exact) / mpmath.mpf(2) ** (exponent - 24))


def benchmarked_functions():
    path = Path(__file__).parent.parent / "benchmarks" / "ulps" / "functions.py"
    spec = importlib.util.spec_from_file_location("ulp_functions", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("function", EXACT)
def test_the_functions_measured_against_are_exact_enough(function):
    magnitudes = np.geomspace(2e-38, 80, 400)
    x = np.concatenate([magnitudes] if function in ("log", "sqrt", "rsqrt") else [magnitudes, -magnitudes])
    if function == "log1p":
        x = x[x > -1]
    values = benchmarked_functions().EXACT[function](x)
    with mpmath.workprec(400):
        errors = [
            abs(mpmath.mpf(y) / EXACT[function](mpmath.mpf(a)) - 1) for a, y in zip(x, values, strict=True)
        ]
    assert max(errors) < 1e-14


@pytest.mark.parametrize(
    ("function", "x", "ulps_off"),
    [("exp", 1.0, 3.0), ("tanh", 1e-30, 2.0), ("log", 1e30, 1.0), ("erf", -0.5, 4.0)],
)
def test_errors_are_counted_in_ulps(function, x, ulps_off):
    functions = benchmarked_functions()
    bits = np.full(5, x, np.float32).view(np.uint32)
    exact = functions.EXACT[function](bits.view(np.float32).astype(float))
    results = exact.astype(np.float32)
    results[3] = exact[3] + ulps_off * np.spacing(results[3])
    found = functions.errors(function, bits, results)
    assert found.ulps == pytest.approx(ulps_off, abs=0.51)
    assert found.inputs == 5
    assert found.misplaced == 0


def test_results_that_should_be_finite_are_found():
    functions = benchmarked_functions()
    x = np.array([1.0, 2.0, 100.0, np.nan], np.float32)
    results = np.array([np.e, np.inf, np.inf, np.nan], np.float32)
    found = functions.errors("exp", x.view(np.uint32), results)
    assert (found.misplaced, found.misplaced_at) == (1, x.view(np.uint32)[1])


@pytest.mark.anyio
@pytest.mark.parametrize(
    "backend",
    [pytest.param(name, id=name, marks=pytest.mark.keras) for name in KERAS]
    + [pytest.param(name, id=name, marks=pytest.mark.node) for name in TENSORFLOW_JS],
)
async def test_the_witnesses_show_it_on_the_backend_itself(backend):
    loose = looser(arithmetic_of(backend).ulps, IEEE_FLOAT32.ulps, 0.5)
    made = Made(seed=0)
    async with Runner(registry.find(backend)) as runner:
        identity = await runner.start()
        assert declared(identity.arithmetic) == arithmetic_of(backend)
        for function in loose.keys() & ACTIVATIONS.keys():
            subject = f"activations.{ACTIVATIONS[function]}"
            if subject not in identity.capabilities:
                continue
            record = MEASURED[backend]["functions"][function]
            x = np.uint32(int(record["ulps"]["witness"], 16)).view(np.float32)
            literal = Literal((VECTORS,), (float(x),) * VECTORS)
            case = Case(subject, inputs=(literal,), observables=("output/0",))
            answer = await runner.observe(made.concrete(case, case.observables))
            (y,) = set(from_wire(answer.observables["output/0"]).tolist())
            error = error_in_ulps(function, x, y)
            assert error == pytest.approx(record["ulps"]["largest"], rel=1e-5)
            assert IEEE_FLOAT32.ulps.get(function, 0.5) < error <= loose[function]


@pytest.fixture
def anyio_backend():
    return "asyncio"
