"""Drafts about constraints, regularizers and initializers: every argument, on weights of every rank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from conformance.cases.case import Case, Literal, Recipe, Source
from conformance.cases.drafts.draft import keyed, recipe
from conformance.reference_impl.identified import CLASSES
from conformance.reference_impl.identifiers import SCALINGS, snake_case

KERNEL, CONVOLUTION = (4, 5), (2, 3, 4, 5)

COLUMNS = Literal((2, 4), (3.0, 0.0, 0.0, 0.75, 4.0, 0.0, -0.5, -1.0))
"""Columns of the norms 5, 0, 0.5 and 1.25."""


def sizes(*shape: int) -> Literal:
    """The shape of a weight, as initializers are given it."""
    return Literal((len(shape),), shape, "int32")


SAID = ("config", "reconstructed/config", "reconstructed/output/0")

FINITE = ("wide_exponents", "cancelling", "signed_zeros")
REGIMES = (*FINITE, "subnormals", "one_nan", "one_infinity")
"""Of weights, beyond those that aim at something. Of lines that have no length nothing is promised."""

Settings = tuple[tuple[dict[str, Any], Source], ...]
"""Arguments, and a weight."""

CONSTRAINTS: Mapping[str, Settings] = {
    "MaxNorm": (
        ({}, recipe("normal", *KERNEL)),
        ({"max_value": 5.0}, COLUMNS),
        ({"max_value": 0.5, "axis": 1}, recipe("normal", *KERNEL)),
        ({"max_value": 1, "axis": [0, 1, 2]}, recipe("normal", *CONVOLUTION)),
        ({"max_value": 0.0}, recipe("normal", *KERNEL)),
        ({"axis": -1}, recipe("wide_exponents", *KERNEL)),
        ({}, recipe("one_infinity", *KERNEL)),
    ),
    "MinMaxNorm": (
        ({}, recipe("normal", *KERNEL)),
        ({"min_value": 0.5, "max_value": 1.25}, COLUMNS),
        ({"min_value": 0.5, "max_value": 0.75, "rate": 0.25}, COLUMNS),
        ({"min_value": 1.0, "max_value": 2.0, "rate": 0.0}, recipe("normal", *KERNEL)),
        ({"min_value": 3.0, "max_value": 4.0, "axis": 1}, recipe("normal", *KERNEL)),
        ({"max_value": 0.5, "rate": 0.5, "axis": [0, 1, 2]}, recipe("normal", *CONVOLUTION)),
        ({"min_value": 1.0, "axis": -1}, recipe("tiny", *KERNEL)),
    ),
    "NonNeg": (
        ({}, recipe("signed_zeros", *KERNEL)),
        ({}, recipe("normal", *CONVOLUTION)),
        ({}, recipe("one_nan", *KERNEL)),
        ({}, recipe("one_infinity", 7)),
    ),
    "UnitNorm": (
        ({}, recipe("normal", *KERNEL)),
        ({}, COLUMNS),
        ({"axis": 1}, recipe("normal", *KERNEL)),
        ({"axis": [0, 1, 2]}, recipe("normal", *CONVOLUTION)),
        ({"axis": -1}, recipe("tiny", *KERNEL)),
        ({}, recipe("normal", 7)),
    ),
}
"""By class."""

REGULARIZERS: Mapping[str, Settings] = {
    "L1": (
        ({}, recipe("normal", *KERNEL)),
        ({"l1": 0.5}, recipe("signed_zeros", *KERNEL)),
    ),
    "L2": (
        ({}, recipe("normal", *KERNEL)),
        ({"l2": 0.5}, recipe("wide_exponents", *CONVOLUTION)),
    ),
    "L1L2": (
        ({}, recipe("normal", *KERNEL)),
        ({"l1": 0.125, "l2": 0.25}, recipe("normal", *KERNEL)),
        ({"l1": 0.5}, recipe("normal", *CONVOLUTION)),
        ({"l2": 0.5}, recipe("one_infinity", 7)),
        ({"l1": None, "l2": 0.5}, recipe("normal", *KERNEL)),
    ),
    "OrthogonalRegularizer": (
        ({}, recipe("normal", *KERNEL)),
        ({"factor": 0.5, "mode": "columns"}, recipe("normal", *KERNEL)),
        ({"factor": 0.5}, COLUMNS),
        ({"factor": 0.0}, recipe("normal", *KERNEL)),
    ),
}
"""By class."""

WINDOW = [0.25, -0.5, 0.75, 1.0, 0.5, 0.375, 0.125]

REFUSED: tuple[tuple[str, dict[str, Any], Source], ...] = (
    ("constraints.MaxNorm", {"axis": 7}, recipe("normal", *KERNEL)),
    ("constraints.UnitNorm", {"axes": 0}, recipe("normal", *KERNEL)),
    ("regularizers.L1", {"l1": -0.5}, recipe("normal", *KERNEL)),
    ("regularizers.L2", {"l2": "large"}, recipe("normal", *KERNEL)),
    ("regularizers.L1L2", {"l3": 0.5}, recipe("normal", *KERNEL)),
    ("regularizers.OrthogonalRegularizer", {"mode": "diagonals"}, recipe("normal", *KERNEL)),
    ("regularizers.OrthogonalRegularizer", {}, recipe("normal", *CONVOLUTION)),
    ("initializers.Identity", {}, sizes(2, 3, 4)),
    ("initializers.Orthogonal", {}, sizes(5)),
    ("initializers.VarianceScaling", {"scale": -1.0}, sizes(4, 5)),
    ("initializers.VarianceScaling", {"mode": "fan_both"}, sizes(4, 5)),
    ("initializers.VarianceScaling", {"distribution": "poisson"}, sizes(4, 5)),
    ("initializers.STFT", {"window": None, "side": "left"}, sizes(16, 1, 9)),
    ("initializers.STFT", {"window": WINDOW}, sizes(16, 1, 9)),
)
"""What has to be refused: class, arguments and weight, or the sizes of one."""

FIXED: Mapping[str, Settings] = {
    "Zeros": (({}, sizes(4, 5)), ({}, sizes(7))),
    "Ones": (({}, sizes(4, 5)), ({}, sizes(2, 1, 3))),
    "Constant": (
        ({}, sizes(4, 5)),
        ({"value": 0.1}, sizes(2, 3, 4)),
        ({"value": -3}, sizes(7)),
    ),
    "Identity": (({}, sizes(4, 4)), ({"gain": 0.5}, sizes(5, 5)), ({"gain": -2.0}, sizes(3, 5))),
    "STFT": (
        ({"window": None}, sizes(16, 1, 9)),
        ({"window": None, "side": "imag"}, sizes(6, 1, 3)),
        ({"window": WINDOW}, sizes(7, 1, 5)),
        ({"window": WINDOW, "side": "imag", "scaling": "spectrum", "periodic": True}, sizes(7, 1, 5)),
        ({"window": WINDOW, "scaling": None}, sizes(7, 1, 3)),
    ),
}
"""Initializers that are not random, by class, with the sizes of a weight. Not asked are windows by name, for
which Keras needs SciPy."""

AXES = {"input_axes": [0], "output_axes": [2]}
"""The fans of a weight of three dimensions without its middle one."""

DRAWN: Mapping[str, Settings] = {
    "RandomNormal": (
        ({}, sizes(50, 100)),
        ({"mean": 1.0, "stddev": 0.25, "seed": 3}, sizes(5000)),
    ),
    "TruncatedNormal": (
        ({}, sizes(100, 200)),
        ({"mean": -0.5, "stddev": 2.0, "seed": 3}, sizes(20000)),
    ),
    "RandomUniform": (
        ({}, sizes(50, 60)),
        ({"minval": 0.0, "maxval": 0.25, "seed": 3}, sizes(3000)),
        ({"minval": 0.25, "maxval": 0.75}, sizes(10, 20, 15)),
    ),
    "VarianceScaling": (
        ({}, sizes(50, 400)),
        ({"scale": 2.0, "mode": "fan_out", "distribution": "uniform"}, sizes(3, 4, 5, 60)),
        ({"mode": "fan_avg", "distribution": "untruncated_normal"}, sizes(10, 20, 30)),
        ({"mode": "fan_in", "distribution": "uniform"}, sizes(2, 3, 4, 5, 30)),
        ({"mode": "fan_out", "distribution": "uniform"}, sizes(3000)),
        ({"distribution": "uniform", **AXES}, sizes(10, 20, 15)),
        ({"distribution": "normal", "seed": 3}, sizes(3, 3, 20, 120)),
        ({"scale": 0.5, "distribution": "truncated_normal"}, sizes(50, 400)),
    ),
    "GlorotUniform": (({}, sizes(30, 120)), (AXES, sizes(10, 20, 15))),
    "GlorotNormal": (({}, sizes(40, 500)), (AXES, sizes(40, 25, 20))),
    "HeUniform": (({}, sizes(3, 10, 120)), (AXES, sizes(10, 20, 15))),
    "HeNormal": (({}, sizes(40, 500)), (AXES, sizes(40, 25, 20))),
    "LecunUniform": (({}, sizes(30, 120)), (AXES, sizes(10, 20, 15))),
    "LecunNormal": (({}, sizes(40, 500)), (AXES, sizes(40, 25, 20))),
    "Orthogonal": (
        ({}, sizes(12, 5)),
        ({"gain": 0.5}, sizes(4, 9)),
        ({"gain": -2.0, "seed": 3}, sizes(3, 3, 2, 7)),
        ({}, sizes(6, 6)),
    ),
}
"""Random ones: so many numbers that a wrong law shows, of the least those whose law is uniform. The fans that
count differ."""


def drafts() -> Iterator[Case]:
    for name, settings in CONSTRAINTS.items():
        yield from about(f"constraints.{name}", settings)
    for name, settings in REGULARIZERS.items():
        for case in about(f"regularizers.{name}", settings):
            cotangent = keyed(recipe("cotangent"), case.subject, case.config, "cotangent/0")
            yield msgspec.structs.replace(
                case, cotangents=(cotangent,), observables=(*case.observables, "gradient/input/0")
            )
    for name, settings in FIXED.items():
        yield from about(f"initializers.{name}", settings)
    for name, settings in DRAWN.items():
        for case in about(f"initializers.{name}", settings):
            told = (o for o in case.observables if o not in ("output/0", "reconstructed/output/0"))
            yield msgspec.structs.replace(case, observables=("drawn", *told))
        if name not in SCALINGS:
            yield seeded(name)
    for subject, config, given in REFUSED:
        yield msgspec.structs.replace(draft_value(subject, config, given), observables=("refusal",))
    for family, classes in CLASSES.items():
        for name, made in classes.items():
            aliases = next(entry.aliases for entry in made.table if entry.class_name == name)
            if name == "STFT":
                continue  # by its name it has a window by name
            for spelling in (snake_case(name), *aliases):
                yield named(f"{family}.{name}", spelling)


def more() -> Iterator[Case]:
    """Those that are asked less often: classes by their own names, the seeds of each, regimes of weights."""
    for family, classes in CLASSES.items():
        for name in classes:
            if name != "STFT":
                yield named(f"{family}.{name}", name)
    yield from map(seeded, SCALINGS)
    for family, by_class in (("constraints", CONSTRAINTS), ("regularizers", REGULARIZERS)):
        for name, settings in by_class.items():
            for config, weight in settings:
                for regime in REGIMES if name != "OrthogonalRegularizer" else FINITE:
                    if isinstance(weight, Recipe) and weight.regime == "normal":
                        yield draft_value(f"{family}.{name}", config, recipe(regime, *weight.shape))


def named(subject: str, identifier: str) -> Case:
    """A case about a name."""
    return Case(subject, {"identifier": identifier}, observables=("identifier",))


def seeded(name: str) -> Case:
    """A case about the seed of an initializer."""
    case = draft_value(f"initializers.{name}", {"seed": 7}, sizes(4, 6))
    return msgspec.structs.replace(case, observables=("seeds",))


def about(subject: str, settings: Settings, *more: str) -> Iterator[Case]:
    """The value in each setting, and in the first what is said of the class."""
    for index, (config, weight) in enumerate(settings):
        once = ("dtype", "signature") if index == 0 else ()
        said = SAID if index == 0 or config else ()
        yield draft_value(subject, config, weight, more=(*more, *once, *said))


def draft_value(subject: str, config: Mapping[str, Any], *inputs: Source, more: Sequence[str] = ()) -> Case:
    """A case about the value of a constraint, a regularizer or an initializer."""
    return Case(
        subject,
        dict(config),
        inputs=tuple(keyed(x, subject, config, f"input/{i}") for i, x in enumerate(inputs)),
        observables=("output/0", *more),
    )
