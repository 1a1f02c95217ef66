"""Activation functions: all that the runtimes have, values by mpmath, derivatives by differences."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import anyio
import mpmath
import numpy as np
import pytest

from conformance.reference_impl import activations
from conformance.reference_impl.activations import ACTIVATIONS, UnknownActivation
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.tape import variable, vjp
from conformance.runners.process import Runner
from conformance.runners.registry import backends

X = np.array([-7.5, -3.0, -2.9, -1.75, -1.0, -0.6, -0.5, -1e-3, 1e-3, 0.3, 0.5, 0.9, 1.0, 2.5, 3.5, 6.5])
"""Both sides of every kink, and some kinks."""

CANCELLING = ("tanh_shrink", "gelu", "gelu_new")
"""Functions whose formula subtracts nearly equal numbers: their errors are those of the numbers."""

SMOOTH_AT = np.array([-7.5, -2.9, -1.75, -0.7, -0.25, -1e-3, 1e-3, 0.3, 0.7, 2.25, 3.5, 6.5])
"""Away from every kink by more than a step."""


def mp(name: str) -> Any:
    return getattr(mpmath, name)


def relu6(x: Any) -> Any:
    return min(max(x, 0), 6)


def logistic(x: Any) -> Any:
    return 1 / (1 + mp("exp")(-x))


def softplus(x: Any) -> Any:
    return mp("log1p")(mp("exp")(x))


def exponential_unit(x: Any, alpha: Any, scale: Any) -> Any:
    return scale * (x if x > 0 else alpha * mp("expm1")(x))


def piece(x: Any, below: Any, middle: Any, above: Any) -> Any:
    return below if x <= -1 else above if x >= 1 else middle


FORMULAS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda x: x,
    "relu": lambda x: max(x, 0),
    "leaky_relu": lambda x: x if x > 0 else mp("mpf")(0.2) * x,
    "relu6": relu6,
    "elu": lambda x: exponential_unit(x, 1, 1),
    "selu": lambda x: exponential_unit(
        x, mp("mpf")("1.6732632423543772848170429916717"), mp("mpf")("1.0507009873554804934193349852946")
    ),
    "celu": lambda x: exponential_unit(x, 1, 1),
    "softplus": softplus,
    "softsign": lambda x: x / (1 + abs(x)),
    "squareplus": lambda x: (x + mp("sqrt")(x * x + 4)) / 2,
    "soft_shrink": lambda x: x - 0.5 if x > 0.5 else x + 0.5 if x < -0.5 else 0,
    "hard_shrink": lambda x: x if abs(x) > 0.5 else 0,
    "tanh_shrink": lambda x: x - mp("tanh")(x),
    "sparse_plus": lambda x: piece(x, 0, (x + 1) ** 2 / 4, x),
    "silu": lambda x: x * logistic(x),
    "gelu": lambda x: x * mp("ncdf")(x),
    "gelu_new": lambda x: (
        x / 2 * (1 + mp("tanh")(mp("sqrt")(2 / mp("pi")) * (x + mp("mpf")("0.044715") * x**3)))
    ),
    "tanh": lambda x: mp("tanh")(x),
    "sigmoid": logistic,
    "exponential": lambda x: mp("exp")(x),
    "hard_sigmoid": lambda x: relu6(x + 3) / 6,
    "hard_silu": lambda x: x * relu6(x + 3) / 6,
    "hard_tanh": lambda x: min(max(x, -1), 1),
    "log_sigmoid": lambda x: -softplus(-x),
    "sparse_sigmoid": lambda x: piece(x, 0, (x + 1) / 2, 1),
    "mish": lambda x: x * mp("tanh")(softplus(x)),
}
"""Functions of one number, as published, in arbitrary precision."""

OF_A_LINE = ("softmax", "log_softmax", "sparsemax", "glu")
"""Functions of a whole line."""


def value(name: str, x: Array, **arguments: Any) -> Array:
    out: Array = ACTIVATIONS[name].function(variable(x), **arguments).value
    return out


def test_every_function_has_a_formula() -> None:
    assert ACTIVATIONS.keys() == FORMULAS.keys() | set(OF_A_LINE) | {"threshold"}


@pytest.mark.parametrize("name", FORMULAS)
def test_value_is_the_formulas(name: str) -> None:
    with mpmath.workdps(40):
        expected = [float(FORMULAS[name](mp("mpf")(float(x)))) for x in X]
    absolute = 2.0**-52 if name in CANCELLING else 1e-300
    np.testing.assert_allclose(value(name, X), expected, rtol=3e-14, atol=absolute)


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name not in OF_A_LINE])
def test_derivative_is_the_difference(name: str) -> None:
    arguments = {"threshold": 0.5, "default_value": -2.0} if name == "threshold" else {}
    x, step = variable(SMOOTH_AT), 1e-6
    out = ACTIVATIONS[name].function(x, **arguments)
    (gradient,) = vjp([out], [variable(np.ones(x.shape), tracked=False)], [x])
    ahead, behind = (value(name, SMOOTH_AT + s, **arguments) for s in (step, -step))
    np.testing.assert_allclose(gradient.value, (ahead - behind) / (2 * step), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", OF_A_LINE)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_derivative_of_a_line_is_the_difference(name: str, axis: int) -> None:
    rng = np.random.default_rng(0)
    x, direction = (np.asarray(rng.standard_normal((4, 6))) for _ in range(2))
    source = variable(x)
    out = ACTIVATIONS[name].function(source, axis=axis)
    cotangent = np.asarray(rng.standard_normal(out.shape))
    (gradient,) = vjp([out], [variable(cotangent, tracked=False)], [source])
    ahead, behind = (value(name, x + s * direction, axis=axis) for s in (1e-6, -1e-6))
    slope = (cotangent * (ahead - behind)).sum() / 2e-6
    assert slope == pytest.approx((gradient.value * direction).sum(), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_softmax_is_its_formula(axis: int | None) -> None:
    x = np.array([[1.0, -2.0, 700.0], [710.0, 0.5, 705.0]])
    with mpmath.workdps(400):
        e = np.vectorize(lambda v: mp("exp")(mp("mpf")(float(v))), otypes=[object])(x)
        shares = e / e.sum(axis=axis, keepdims=axis is not None)
        logarithms = np.vectorize(lambda v: float(mp("log")(v)))(shares)
        expected = np.vectorize(float)(shares)
    np.testing.assert_allclose(value("softmax", x, axis=axis), expected, rtol=1e-12, atol=1e-320)
    np.testing.assert_allclose(value("log_softmax", x, axis=axis), logarithms, rtol=1e-12, atol=1e-300)


def test_sparsemax_is_the_nearest_point_of_the_simplex() -> None:
    """No point between it and a corner is nearer: x − p has its largest components where p is not zero."""
    x = np.asarray(np.random.default_rng(1).standard_normal((50, 7)))
    p = value("sparsemax", x)
    np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-14)
    assert (p >= 0).all()
    residue = x - p
    support = np.where(p > 0, residue, np.nan)
    np.testing.assert_allclose(np.nanmin(support, -1), residue.max(-1), atol=1e-14)


def test_glu_gates_the_first_half_by_the_second() -> None:
    x = np.asarray(np.random.default_rng(2).standard_normal((3, 4)))
    np.testing.assert_allclose(value("glu", x), x[:, :2] / (1 + np.exp(-x[:, 2:])), rtol=1e-14)
    with pytest.raises(ValueError, match=r"even size along axis 1.*\(2, 3\)"):
        value("glu", x[:2, :3])


@pytest.mark.parametrize(
    ("name", "arguments", "x", "expected"),
    [
        ("relu", {"negative_slope": 0.25}, [-4, 0, 4], [-1, 0, 4]),
        ("relu", {"max_value": 3.0}, [-4, 2, 4], [0, 2, 3]),
        ("relu", {"threshold": 1.0}, [-4, 1, 2], [0, 0, 2]),
        (
            "relu",
            {"negative_slope": 0.5, "max_value": 4.0, "threshold": 1.0},
            [-3, 0, 2, 9],
            [-2, -0.5, 2, 4],
        ),
        ("leaky_relu", {"negative_slope": 0.5}, [-4, 4], [-2, 4]),
        ("elu", {"alpha": 2.0}, [-700, 3], [-2, 3]),
        ("celu", {"alpha": 0.5}, [-700, 3], [-0.5, 3]),
        ("soft_shrink", {"threshold": 2.0}, [-3, 2, 5], [-1, 0, 3]),
        ("hard_shrink", {"threshold": 2.0}, [-3, 2, 5], [-3, 0, 5]),
        ("squareplus", {"b": 0.0}, [-3, 5], [0, 5]),
        ("threshold", {"threshold": 1.0, "default_value": 7.0}, [1, 2], [7, 2]),
    ],
)
def test_argument_changes_the_function(
    name: str, arguments: dict[str, float], x: list[float], expected: list[float]
) -> None:
    np.testing.assert_allclose(value(name, np.asarray(x, float), **arguments), expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "x", "slope"),
    [
        ("relu", 0.0, 0.0),
        ("relu6", 0.0, 0.0),
        ("relu6", 6.0, 0.0),
        ("hard_tanh", 1.0, 1.0),
        ("hard_tanh", -1.0, 1.0),
    ],
)
def test_derivative_at_a_kink_is_the_convention(name: str, x: float, slope: float) -> None:
    source = variable(np.array([x]))
    out = ACTIVATIONS[name].function(source)
    (gradient,) = vjp([out], [variable(np.ones(1), tracked=False)], [source])
    assert gradient.value[0] == slope


def test_names_and_aliases_are_found_and_unknown_ones_refused() -> None:
    for name, entry in ACTIVATIONS.items():
        assert {activations.get(spelling).name for spelling in (name, *entry.aliases)} == {name}
    assert activations.get(None).name == "linear"
    with pytest.raises(UnknownActivation, match="did you mean sigmoid"):
        activations.get("sigmiod")


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "glu", "sparsemax"])
def test_axis_out_of_range_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"axis 2 is out of range for an input of shape \(2, 4\)"):
        value(name, np.ones((2, 4)), axis=2)


@pytest.mark.keras
def test_every_function_of_keras_is_here() -> None:
    pytest.importorskip("importlib.metadata").version("keras")
    program = (
        "import json, keras; from keras.src.activations import ALL_OBJECTS_DICT as table; "
        "public = [n for n, f in vars(keras.activations).items() if n[0] != '_' and callable(f)]; "
        "print(json.dumps([public, {n: f.__name__ for n, f in table.items()}]))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    public, table = json.loads(result.stdout.splitlines()[-1])
    functions = set(public) - {"get", "serialize", "deserialize"}
    assert {activations.get(name).name for name in functions | table.keys()} <= ACTIVATIONS.keys()
    for name, function in table.items():
        assert activations.get(name) is activations.get(function)


@pytest.mark.node
def test_every_function_of_tensorflow_js_is_here() -> None:
    async def capabilities() -> dict[str, list[str]]:
        async with Runner(backends()["tfjs-cpu"]) as runner:
            return (await runner.start()).capabilities

    subjects = anyio.run(capabilities)
    functions = {name.partition(".")[2] for name in subjects if name.startswith("activations.")}
    assert len(functions) >= 15
    assert {activations.get(name).name for name in functions} <= ACTIVATIONS.keys()
