"""Initializers, constraints and regularizers: what Keras computes, within bounds or by its law."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance import evidence
from conformance.reference_impl import constraints, identifiers, initializers, regularizers
from conformance.reference_impl.arithmetic import IEEE_FLOAT32, declared
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.identifiers import CONSTRAINTS, INITIALIZERS, REGULARIZERS, Named
from conformance.reference_impl.initializers import Drawn, Orthogonal, fans, initial, law
from conformance.reference_impl.random import Distribution, Normal, TruncatedNormal, Uniform
from conformance.reference_impl.tape import Tensor, error_bounds, variable, vjp

PROGRAM = Path(__file__).parent / "adapters" / "weights.py"
TENSORFLOW = declared({"base": "ieee-float32", "subnormals": "either", "ulps": {"rsqrt": 3.4}})
LIKE = Tensor(np.zeros(()))


def described(class_name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": config}


LONG = (60, 8, 50)
SAMPLES = [0.25, 1.0, 0.5, 0.125]

EXACT: dict[str, tuple[Any, tuple[int, ...]]] = {
    "zeros": ("zeros", (2, 3)),
    "ones": ("one", (4,)),
    "constant": (described("Constant", value=0.1), (2, 2, 2)),
    "a scalar": (described("Constant", value=0.0), ()),
    "identity": (described("Identity", gain=0.75), (3, 5)),
    "identity of rows": ("IdentityInitializer", (4, 2)),
    "stft": (described("STFT", window=None), (4, 1, 5)),
    "stft of imaginary parts": (described("STFT", side="imag", window=None, scaling=None), (6, 1, 4)),
    "stft by density": (described("STFT", window=SAMPLES), (4, 1, 3)),
    "stft by spectrum": (described("STFT", window=SAMPLES, scaling="spectrum", side="imag"), (4, 1, 3)),
    "stft not scaled": (described("STFT", window=SAMPLES, scaling=None), (4, 1, 3)),
}
"""Initializers that are not random, with a shape. Keras has windows by name where SciPy is installed."""

RANDOM: dict[str, tuple[Any, tuple[int, ...]]] = {
    "normal": (described("RandomNormal", mean=0.5, stddev=2.0), LONG),
    "normal with a seed": (described("RandomNormal", seed=7), LONG),
    "uniform": (described("RandomUniform", minval=-1.0, maxval=3.0), LONG),
    "truncated": (described("TruncatedNormal", mean=-0.5, stddev=0.25), LONG),
    "untruncated scaling": (
        described("VarianceScaling", scale=3.0, mode="fan_out", distribution="untruncated_normal"),
        LONG,
    ),
    "scaling by named axes": (
        described("VarianceScaling", distribution="uniform", input_axes=[1], output_axes=[0]),
        LONG,
    ),
    "lines": ("he_uniform", (24000,)),
    **{name: (name, LONG) for name in identifiers.SCALINGS},
}

ORTHOGONAL: dict[str, tuple[Any, tuple[int, ...]]] = {
    "tall": (described("Orthogonal", gain=0.5), (3, 5, 7)),
    "wide": ("orthogonal", (4, 9)),
    "square": ("OrthogonalInitializer", (6, 6)),
}

W = np.random.default_rng(5).standard_normal((4, 3, 2)).astype(np.float32)
MATRIX = W.reshape(4, 6)

ON_WEIGHTS: dict[str, tuple[Any, Array]] = {
    "max": ("MaxNorm", W),
    "max of rows": (described("MaxNorm", max_value=0.5, axis=-1), W),
    "max of both": (described("MaxNorm", max_value=1.5, axis=[0, 1]), W),
    "unit": ("unit_norm", W),
    "unit of zeros": (described("UnitNorm", axis=1), W * 0),
    "not negative": ("non_neg", W),
    "between": (described("MinMaxNorm", min_value=1.0, max_value=1.5, axis=1), W),
    "slowly between": (described("MinMaxNorm", min_value=0.5, max_value=0.75, rate=0.25, axis=0), W),
}

PENALTIES: dict[str, tuple[Any, Array]] = {
    "l1": ("l1", W),
    "l2": (described("L2", l2=0.5), W),
    "both": (described("L1L2", l1=0.25, l2=0.75), W),
    "neither": ("L1L2", W),
    "None": (described("L1", l1=None), W),
    "rows": ("OrthogonalRegularizer", MATRIX),
    "columns": (described("OrthogonalRegularizer", factor=0.5, mode="columns"), MATRIX),
}

BAD = (
    ("initializers", "glorot"),
    ("initializers", described("VarianceScaling", scale=0.0)),
    ("initializers", described("VarianceScaling", mode="fan")),
    ("initializers", described("VarianceScaling", distribution="gamma")),
    ("initializers", described("STFT", window=None, side="left")),
    ("initializers", described("STFT", window=None, scaling="power")),
    ("regularizers", "l3"),
    ("regularizers", described("L1", l1=-0.5)),
    ("regularizers", described("L2", l2=math.inf)),
    ("regularizers", described("L1L2", l2="much")),
    ("regularizers", described("OrthogonalRegularizer", factor=-1.0)),
    ("regularizers", described("OrthogonalRegularizer", mode="both")),
    ("constraints", "max"),
)
TABLES = {"initializers": INITIALIZERS, "constraints": CONSTRAINTS, "regularizers": REGULARIZERS}


# Against live Keras


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Array]:
    """What Keras computed, by module and name."""
    directory = tmp_path_factory.mktemp("weights")
    asked, archive = directory / "questions.json", directory / "answers.npz"
    by_weight = {"constraints": ON_WEIGHTS, "regularizers": PENALTIES}
    questions = {
        "initializers": EXACT | RANDOM | ORTHOGONAL,
        "bad": BAD,
        **{m: {n: (d, w.tolist()) for n, (d, w) in asked.items()} for m, asked in by_weight.items()},
    }
    asked.write_text(json.dumps(questions))
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(asked), str(archive)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(archive) as arrays:
        return {key: arrays[key] for key in arrays.files}


def assert_within_its_bound(ours: Tensor, theirs: Array) -> None:
    assert ours.shape == theirs.shape
    error = np.zeros(ours.shape) if ours.error is None else ours.error
    assert np.isfinite(error).all()
    assert (np.abs(ours.value - theirs) <= error).all()


@pytest.mark.keras
@pytest.mark.parametrize("name", EXACT)
def test_initial_values_are_those_of_keras(name: str, answers: Mapping[str, Array]) -> None:
    description, shape = EXACT[name]
    assert law(description, shape) is None
    with error_bounds(TENSORFLOW):
        assert_within_its_bound(initial(description, shape, LIKE), answers[f"initializers/{name}"])


def assert_follows(stated: Drawn, drawn: Array) -> None:
    numbers = (drawn.astype(np.float64) - stated.shift) / stated.scale
    found = evidence.against([stated.distribution], [numbers], {(0,): np.ones(drawn.shape, bool)})
    assert max(e.nats for e in found) <= evidence.limit(len(found)), found


@pytest.mark.keras
@pytest.mark.parametrize("name", RANDOM)
def test_what_keras_draws_follows_the_law(name: str, answers: Mapping[str, Array]) -> None:
    stated = law(*RANDOM[name])
    assert isinstance(stated, Drawn)
    assert_follows(stated, answers[f"initializers/{name}"])


def gram_limit(rows: int, columns: int) -> float:
    """How far the products of columns that Householder's reflections made orthonormal may be from 0 and 1.

    Q is n reflections x − τ·v·(vᵀx) of m elements. v and τ take m + 5 roundings each, applying them m + 3; v
    counts twice: 4m + 18 relative to τ·|v|·|v|ᵀ·|x|, whose norm is at most 2·‖x‖, and one for the difference.
    """
    each = 2 * float(IEEE_FLOAT32.gamma(np.array(4.0 * rows + 18))) + IEEE_FLOAT32.unit_roundoff
    error = columns * each
    return 2 * error + error**2


@pytest.mark.keras
@pytest.mark.parametrize("name", ORTHOGONAL)
def test_orthogonal_matrices_of_keras_are(name: str, answers: Mapping[str, Array]) -> None:
    description, shape = ORTHOGONAL[name]
    stated = law(description, shape)
    assert isinstance(stated, Orthogonal)
    assert_orthogonal(answers[f"initializers/{name}"] / stated.gain, shape, gram_limit)


def assert_orthogonal(x: Array, shape: tuple[int, ...], limit: Callable[[int, int], float]) -> None:
    rows, columns = math.prod(shape[:-1]), shape[-1]
    matrix = x.astype(np.float64).reshape(rows, columns)
    gram = matrix.T @ matrix if rows >= columns else matrix @ matrix.T
    assert np.abs(gram - np.eye(len(gram))).max() <= limit(max(rows, columns), min(rows, columns))


@pytest.mark.keras
@pytest.mark.parametrize("name", ON_WEIGHTS)
def test_constrained_weights_are_those_of_keras(name: str, answers: Mapping[str, Array]) -> None:
    description, w = ON_WEIGHTS[name]
    with error_bounds(TENSORFLOW):
        ours = constraints.get(description)(variable(w.astype(np.float64)))
    assert_within_its_bound(ours, answers[f"constraints/{name}"])


@pytest.mark.keras
@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_are_those_of_keras(name: str, answers: Mapping[str, Array]) -> None:
    description, w = PENALTIES[name]
    with error_bounds(TENSORFLOW):
        ours = regularizers.get(description)(variable(w.astype(np.float64)))
    assert_within_its_bound(ours, answers[f"regularizers/{name}"])


BASES = {"initializers": "Initializer", "constraints": "Constraint", "regularizers": "Regularizer"}


@pytest.mark.keras
@pytest.mark.parametrize("module", TABLES)
def test_every_class_of_keras_is_here_with_its_arguments(module: str, answers: Mapping[str, Array]) -> None:
    theirs = json.loads(str(answers["signatures"]))[module]
    del theirs[BASES[module]]
    ours = {entry.class_name: dict(entry.arguments) for entry in TABLES[module]}
    assert ours == theirs


@pytest.mark.keras
def test_what_is_refused_keras_refuses_too(answers: Mapping[str, Array]) -> None:
    assert json.loads(str(answers["refused"])) == ["ValueError"] * len(BAD)


# On its own


@pytest.mark.parametrize(("module", "bad"), BAD)
def test_bad_description_is_refused(module: str, bad: Any) -> None:
    with pytest.raises(ValueError, match=r"unknown identifier|expected .* got"):
        identifiers.canonical(bad, TABLES[module])


@pytest.mark.parametrize("module", [initializers.law, constraints.get, regularizers.get])
def test_nothing_is_none_of_them(module: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="None is no"):
        module(*((None, (2,)) if module is initializers.law else (None,)))


@pytest.mark.parametrize(
    ("description", "shape"),
    [("identity", (3,)), ("orthogonal", (3,)), (described("STFT", window=None), (3, 2)),
     (described("STFT", window=[0.5]), (4, 1, 3))],
)  # fmt: skip
def test_shapes_that_an_initializer_does_not_make_are_refused(
    description: Any, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"takes shapes of|samples"):
        initial(description, shape, LIKE)


def test_axes_outside_and_what_is_no_matrix_are_refused() -> None:
    with pytest.raises(ValueError, match="axes from -3 to 2"):
        constraints.get(described("MaxNorm", axis=3))(variable(W))
    with pytest.raises(ValueError, match="takes matrices"):
        regularizers.get("OrthogonalRegularizer")(variable(W))


@pytest.mark.parametrize(("description", "shape"), RANDOM.values())
def test_samples_follow_their_law_and_settle_by_seed(description: Any, shape: tuple[int, ...]) -> None:
    stated = law(description, shape)
    assert isinstance(stated, Drawn)
    first = initial(description, shape, LIKE, key=3).value
    assert_follows(stated, first)
    np.testing.assert_array_equal(first, initial(description, shape, LIKE, key=3).value)
    seeded = identifiers.canonical(description, INITIALIZERS)["config"]["seed"] is not None  # type: ignore[index]  # none is None
    assert (initial(description, shape, LIKE, key=4).value == first).all() == seeded


@pytest.mark.parametrize(("description", "shape"), ORTHOGONAL.values())
def test_samples_of_orthogonal_matrices_are(description: Any, shape: tuple[int, ...]) -> None:
    stated = law(description, shape)
    assert isinstance(stated, Orthogonal)
    x = initial(description, shape, LIKE, key=3).value / stated.gain
    assert_orthogonal(x, shape, lambda rows, columns: 1e-12)


WRONG: tuple[tuple[Distribution, Distribution, float, float], ...] = (
    (TruncatedNormal(), Normal(), 1.0, 0.0),
    (Uniform(), Uniform(), 1.05, 0.0),
    (Uniform(), Uniform(), 1.0, 0.02),
    (Normal(), TruncatedNormal(), 1.0, 0.0),
    (TruncatedNormal(), TruncatedNormal(), 0.88, 0.0),
)
"""A stated law, and another that is drawn from, scaled and shifted."""


@pytest.mark.parametrize(("stated", "drawn", "scale", "shift"), WRONG)
def test_another_law_shows(stated: Distribution, drawn: Distribution, scale: float, shift: float) -> None:
    numbers = drawn.sample(9, LONG) * scale + shift
    with pytest.raises(AssertionError):
        assert_follows(Drawn(stated, 1.0, 0.0), numbers)


def test_numbers_that_depend_on_their_neighbours_show() -> None:
    numbers = np.repeat(Uniform().sample(9, (60, 200)), 2, axis=1)
    with pytest.raises(AssertionError):
        assert_follows(Drawn(Uniform(), 1.0, 0.0), numbers)


@pytest.mark.parametrize(("name", "window"), [("hann", np.hanning), ("hamming", np.hamming),
                                              ("blackman", np.blackman), ("boxcar", np.ones)])  # fmt: skip
def test_windows_have_their_names(name: str, window: Callable[[int], Array]) -> None:
    whole = initializers.window_of(name, 9, False, LIKE).value
    np.testing.assert_allclose(whole, window(9), atol=1e-15)
    np.testing.assert_allclose(initializers.window_of(name, 8, True, LIKE).value, whole[:-1], atol=1e-15)


def test_bands_of_a_transform_are_those_of_fourier() -> None:
    real, imaginary = (
        initial(described("STFT", side=side, window=None), (8, 1, 5), LIKE).value[:, 0]
        for side in ("real", "imag")
    )
    signal = np.random.default_rng(2).standard_normal(8)
    np.testing.assert_allclose(signal @ real + 1j * (signal @ imaginary), np.fft.rfft(signal), atol=1e-13)


def test_fans_of_kernels() -> None:
    assert fans((), None, None) == (1, 1)
    assert fans((3, 4), None, None) == (3, 4)
    assert fans((5, 2, 3, 4), None, None) == (30, 40)


def test_penalties_have_gradients() -> None:
    x = variable(MATRIX.astype(np.float64))
    for name in ("both", "rows", "columns"):
        penalty = regularizers.get(PENALTIES[name][0])
        (gradient,) = vjp([penalty(x)], [Tensor(np.ones(()))], [x])
        step = np.zeros(MATRIX.shape)
        step[1, 2] = 1e-6
        ahead, behind = (penalty(variable(x.value + s * step)).value for s in (1, -1))
        assert gradient.value[1, 2] == pytest.approx((ahead - behind) / 2e-6, rel=1e-6)


@pytest.mark.parametrize("entry", [e for table in TABLES.values() for e in table], ids=lambda e: e.class_name)
def test_every_class_is_computed(entry: Named) -> None:
    name = entry.class_name
    computed = {*initializers.LAWS, *initializers.VALUES, *identifiers.SCALINGS, *constraints.CONSTRAINTS}
    assert name in computed | {*regularizers.REGULARIZERS, "L1", "L2"}
