"""Constraints, regularizers and initializers of TensorFlow.js that are made, named or compute otherwise."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from conformance.cases.case import Case, Source
from conformance.cases.data import Data
from conformance.cases.drafts.draft import keyed, recipe
from conformance.cases.drafts.values import draft_value, sizes
from conformance.dialects.deviation import (
    CONFIGURATIONS,
    Accepts,
    Metadata,
    Raises,
    Value,
    subject,
)
from conformance.dialects.refused import unknown_arguments, wrong_in
from conformance.dialects.scopes import all_of, asks, omits, sets
from conformance.dialects.tensorflow_js.configuration import lacking
from conformance.dialects.tensorflow_js.losses import absolute
from conformance.dialects.tensorflow_js.record import FIRST, LAYERS, deviation, issue, pull, searched
from conformance.reference_impl.identified import CLASSES
from conformance.reference_impl.identifiers import SCALINGS
from conformance.reference_impl.initializers import Drawn, Shape
from conformance.reference_impl.tape import Tensor

SOURCE = f"{LAYERS}/initializers.js"
PENALTIES = f"{LAYERS}/regularizers.js"

NAMED_SCALINGS = tuple(f"initializers.{name}" for name in SCALINGS)
EVERY_SCALING = ("initializers.VarianceScaling", *NAMED_SCALINGS)

ALL = tuple(f"{family}.{name}" for family, classes in CLASSES.items() for name in classes)
"""All of the specification."""

UNREGISTERED = ("zero", "one", "normal", "uniform", "IdentityInitializer", "OrthogonalInitializer")
"""The other names that Keras has for initializers."""

AXES = ("input_axes", "output_axes")

ARGUMENTS_SEARCHED = searched("GlorotUniform getConfig VarianceScaling inputAxes outputAxes unknown argument")


def by_another_name(case: Case, data: Data) -> bool:
    """An identifier is one that is not registered."""
    return case.config.get("identifier") in UNREGISTERED


def names_a_part(case: Case, data: Data) -> bool:
    """L1 or L2 is to be resolved."""
    return "identifier" in case.config


def is_not_square(case: Case, data: Data) -> bool:
    """The weight is no square matrix, but a matrix."""
    return bool(data.inputs) and len(data.inputs[0]) == len(set(data.inputs[0].tolist())) == 2


def truncates(case: Case, data: Data) -> bool:
    """A normal distribution is scaled, by the name that it has there."""
    scaling = SCALINGS.get(case.subject.partition(".")[2])
    if scaling is not None:
        return bool(scaling["distribution"] == "truncated_normal")
    return bool(case.config.get("distribution", "normal") == "normal")


def truncates_by_name(case: Case, data: Data) -> bool:
    """The truncated normal distribution is asked for by its newer name."""
    return case.config.get("distribution") == "truncated_normal"


def untruncated(case: Case, data: Data) -> bool:
    """A normal distribution is asked for that is not truncated."""
    return case.config.get("distribution") == "untruncated_normal"


def of_one_axis(case: Case, data: Data) -> bool:
    """The weight has one axis."""
    return bool(data.inputs) and len(data.inputs[0]) == 1


def begins_at_zero(case: Case, data: Data) -> bool:
    """An end of the range is 0."""
    return 0 in (case.config.get("minval"), case.config.get("maxval"))


def has_a_zero(case: Case, data: Data) -> bool:
    """An element of the weight is 0."""
    return bool(data.inputs) and bool((data.inputs[0] == 0).any())


def with_variance_scaling(case: Case, config: Any) -> Any:
    """The configuration of the VarianceScaling that it is."""
    scaling = SCALINGS[case.subject.partition(".")[2]]
    distribution = {"truncated_normal": "normal"}.get(scaling["distribution"], scaling["distribution"])
    return {
        "seed": config["seed"],
        "scale": scaling["scale"],
        "mode": scaling["mode"],
        "distribution": distribution,
    }


def with_both_factors(case: Case, config: Any) -> Any:
    """The configuration of the L1L2 that it is."""
    return {"l1": 0, "l2": 0} | config


def or_default(case: Case, config: Any) -> Any:
    """The configuration with the default in the place of 0."""
    return config | {"minval": config["minval"] or -0.05, "maxval": config["maxval"] or 0.05}


def between_or_default(original: Any, minval: float, maxval: float) -> Drawn:
    drawn: Drawn = original(minval or -0.05, maxval or 0.05)
    return drawn


def uncorrected(original: Any, stddev: float) -> float:
    return stddev


def always_uniform(original: Any, variance: float, distribution: str) -> Drawn:
    drawn: Drawn = original(variance, "uniform")
    return drawn


def without_axes(original: Any, shape: Shape, *axes: Any) -> tuple[float, float]:
    fans: tuple[float, float] = original(shape, None, None)
    return fans


def root_of_size(original: Any, shape: Shape, *axes: Any) -> tuple[float, float]:
    """Of whatever is neither a matrix nor a kernel."""
    root = math.sqrt(math.prod(shape))
    return root, root


def slope_at_zero(original: Any, x: Tensor) -> Tensor:
    magnitude: Tensor = absolute(x)
    return magnitude


def to_resolve(name: str, identifier: str) -> Case:
    return Case(name, {"identifier": identifier}, observables=("identifier",))


def asked(subject: str, config: dict[str, Any], given: Source, *observables: str) -> Case:
    """A case that asks these observables alone."""
    case = draft_value(subject, config, given)
    if any(name.startswith("gradient/") for name in observables):
        cotangent = keyed(recipe("cotangent"), subject, config, "cotangent/0")
        case = msgspec.structs.replace(case, cotangents=(cotangent,))
    return msgspec.structs.replace(case, observables=observables)


KERNEL = recipe("normal", 4, 5)
MATRIX = sizes(50, 400)

DEVIATIONS = (
    deviation(
        "tfjs-truncated-normal-uncorrected",
        "glorotNormal, heNormal, leCunNormal and varianceScaling do not make up for the truncation of their "
        "normal numbers: the standard deviation of weights is 0.88 of what it should be.",
        kind="bug",
        source=f"{SOURCE}:244 (VarianceScaling.apply: truncatedNormal of the standard deviation as it is)",
        upstream=issue(8594),
        remedy="Scale by 1/0.88² = 1.29, or use a uniform initializer.",
        since="keras 2.2.0 (2018)",
        scope=all_of(subject(*EVERY_SCALING), truncates),
        effect=Value({"initializers.of_truncated": uncorrected}, ("drawn",)),
        witnesses=(
            asked("initializers.HeNormal", {}, sizes(40, 500), "drawn"),
            asked("initializers.VarianceScaling", {}, MATRIX, "drawn"),
        ),
    ),
    deviation(
        "tfjs-truncated-normal-is-uniform",
        "varianceScaling takes the distribution truncatedNormal, and draws uniform numbers.",
        kind="bug",
        source=f"{SOURCE}:238 (VarianceScaling.apply: what is not normal is uniform)",
        upstream=pull(510, "tfjs-layers"),
        remedy="Say normal.",
        since=FIRST,
        scope=all_of(subject("initializers.VarianceScaling"), truncates_by_name),
        effect=Value({"initializers.of_variance": always_uniform}, ("drawn",)),
        witnesses=(
            asked(
                "initializers.VarianceScaling",
                {"scale": 0.5, "distribution": "truncated_normal"},
                MATRIX,
                "drawn",
            ),
        ),
    ),
    deviation(
        "tfjs-variance-scaling-no-untruncated-normal",
        "varianceScaling has no distribution untruncatedNormal.",
        kind="intentional",
        source=f"{SOURCE}:221 (VarianceScaling: checkDistribution)",
        upstream=searched("VarianceScaling untruncated_normal is not a valid Distribution"),
        remedy="Use normal, which is truncated.",
        since="keras 2.6.0 (2021)",
        scope=all_of(subject("initializers.VarianceScaling"), untruncated),
        effect=Raises("invalid-argument", "construction", ("*",), "is not a valid Distribution"),
        witnesses=(
            asked(
                "initializers.VarianceScaling",
                {"mode": "fan_avg", "distribution": "untruncated_normal"},
                sizes(10, 20, 30),
                "drawn",
                "config",
            ),
        ),
    ),
    deviation(
        "tfjs-fans-of-one-axis",
        "The fans of a weight with one axis are the root of its size, where Keras's are the size.",
        kind="intentional",
        source=f"{SOURCE}:201 (computeFans)",
        upstream=searched("computeFans initializer bias shape 1D fanIn sqrt"),
        remedy="Scale accordingly.",
        since=FIRST,
        scope=all_of(subject(*EVERY_SCALING), of_one_axis),
        effect=Value({"initializers.fans": root_of_size}, ("drawn",)),
        witnesses=(
            asked(
                "initializers.VarianceScaling",
                {"mode": "fan_out", "distribution": "uniform"},
                sizes(3000),
                "drawn",
            ),
        ),
    ),
    deviation(
        "tfjs-fans-of-axes-ignored",
        "Which axes are those of inputs and outputs cannot be said: inputAxes and outputAxes are ignored.",
        kind="intentional",
        source=f"{SOURCE}:218 (VarianceScaling)",
        upstream=ARGUMENTS_SEARCHED,
        remedy="Scale accordingly.",
        since="keras 3.15.0 (2026)",
        scope=all_of(subject(*EVERY_SCALING), sets(*AXES)),
        effect=Value({"initializers.fans": without_axes}, ("drawn",)),
        witnesses=(
            asked(
                "initializers.VarianceScaling",
                {"distribution": "uniform", "input_axes": [0], "output_axes": [2]},
                sizes(10, 20, 15),
                "drawn",
            ),
        ),
    ),
    deviation(
        "tfjs-variance-scaling-without-axes",
        "varianceScaling and its kin have no arguments inputAxes and outputAxes.",
        kind="intentional",
        source=f"{SOURCE}:218 (VarianceScaling)",
        upstream=ARGUMENTS_SEARCHED,
        remedy="Scale accordingly.",
        since="keras 3.15.0 (2026)",
        scope=subject(*EVERY_SCALING),
        effect=Metadata(("signature",), lacking(*AXES)),
        witnesses=(asked("initializers.VarianceScaling", {}, MATRIX, "signature"),),
    ),
    deviation(
        "tfjs-variance-scaling-tells-no-axes",
        "Nor does its configuration tell them.",
        kind="intentional",
        source=f"{SOURCE}:251 (VarianceScaling.getConfig)",
        upstream=ARGUMENTS_SEARCHED,
        remedy="Nothing need be done: they count for nothing.",
        since="keras 3.15.0 (2026)",
        scope=subject("initializers.VarianceScaling"),
        effect=Metadata(CONFIGURATIONS, lacking(*AXES)),
        witnesses=(asked("initializers.VarianceScaling", {}, MATRIX, "config", "reconstructed/config"),),
    ),
    deviation(
        "tfjs-named-scaling-is-variance-scaling",
        "glorotUniform, heNormal and their kin tell the configuration of the varianceScaling that they are.",
        kind="intentional",
        source=f"{SOURCE}:251 (VarianceScaling.getConfig), GlorotUniform.getClassName",
        upstream=ARGUMENTS_SEARCHED,
        remedy="Nothing need be done: it is the same initializer.",
        since=FIRST,
        scope=subject(*NAMED_SCALINGS),
        effect=Metadata(CONFIGURATIONS, with_variance_scaling),
        witnesses=(
            asked("initializers.GlorotUniform", {}, sizes(30, 120), "config", "reconstructed/config"),
            asked("initializers.HeNormal", {}, sizes(40, 500), "config", "reconstructed/config"),
        ),
    ),
    deviation(
        "tfjs-random-uniform-not-from-zero",
        "randomUniform takes a minval or maxval of 0 for none: it draws from −0.05, or up to 0.05.",
        kind="bug",
        source=f"{SOURCE}:84 (RandomUniform: args.minval || this.DEFAULT_MINVAL)",
        upstream=searched("randomUniform initializer minval 0 ignored default -0.05"),
        remedy="Give a number next to 0, as 1e-30.",
        since=FIRST,
        scope=all_of(subject("initializers.RandomUniform"), begins_at_zero),
        effect=Value({"initializers.between": between_or_default}, ("drawn",)),
        witnesses=(
            asked("initializers.RandomUniform", {"minval": 0.0, "maxval": 0.25}, sizes(3000), "drawn"),
        ),
    ),
    deviation(
        "tfjs-random-uniform-told-not-from-zero",
        "And so it says in its configuration.",
        kind="bug",
        source=f"{SOURCE}:84 (RandomUniform: args.minval || this.DEFAULT_MINVAL)",
        upstream=searched("randomUniform initializer minval 0 ignored default -0.05"),
        remedy="Give a number next to 0, as 1e-30.",
        since=FIRST,
        scope=all_of(subject("initializers.RandomUniform"), begins_at_zero),
        effect=Metadata(CONFIGURATIONS, or_default),
        witnesses=(
            asked("initializers.RandomUniform", {"minval": 0.0, "maxval": 0.25}, sizes(3000), "config"),
        ),
    ),
    deviation(
        "tfjs-constant-needs-value",
        "constant has no default value, not even by its name alone.",
        kind="intentional",
        source=f"{SOURCE}:61 (Constant)",
        upstream=searched("constant initializer config must have value set"),
        remedy="Give the value, or use zeros.",
        since="tfjs-layers 0.7.1 (2018)",
        scope=all_of(subject("initializers.Constant"), omits("value")),
        effect=Raises("invalid-argument", "construction", ("*",), "config must have value set"),
        witnesses=(
            asked("initializers.Constant", {}, sizes(4, 5), "output/0", "config", "signature"),
            to_resolve("initializers.Constant", "constant"),
        ),
    ),
    deviation(
        "tfjs-identity-of-squares",
        "identity makes square matrices alone.",
        kind="intentional",
        source=f"{SOURCE}:154 (Identity.apply)",
        upstream=searched("identity initializer can only be used for 2D square matrices"),
        remedy="Set the weight after building.",
        since=FIRST,
        scope=all_of(subject("initializers.Identity"), is_not_square),
        effect=Raises(
            "invalid-argument",
            "call",
            ("output/*", "dtype", "reconstructed/output/*"),
            "can only be used for 2D square matrices",
        ),
        witnesses=(asked("initializers.Identity", {"gain": -2.0}, sizes(3, 5), "output/0"),),
    ),
    deviation(
        "tfjs-initializers-by-one-name",
        "Initializers have one name, and its snake case: not zero, one, normal, uniform, nor "
        "IdentityInitializer and OrthogonalInitializer.",
        kind="intentional",
        source=f"{SOURCE}:454 (INITIALIZER_IDENTIFIER_REGISTRY_SYMBOL_MAP)",
        upstream=searched("Unknown initializer normal uniform identifier"),
        remedy="Write zeros, ones, randomNormal, randomUniform, identity or orthogonal.",
        since="tfjs-layers 0.0.6 (2018)",
        scope=all_of(subject(*(name for name in ALL if name.startswith("initializers."))), by_another_name),
        effect=Raises("invalid-argument", "construction", ("identifier",), "Unknown initializer"),
        witnesses=(
            to_resolve("initializers.Zeros", "zero"),
            to_resolve("initializers.Orthogonal", "OrthogonalInitializer"),
        ),
    ),
    deviation(
        "tfjs-l1-and-l2-unnamed",
        "The regularizers l1 and l2 have no names: they are functions, tf.regularizers.l1 and l2.",
        kind="intentional",
        source=f"{PENALTIES}:73 (REGULARIZER_IDENTIFIER_REGISTRY_SYMBOL_MAP)",
        upstream=pull(507, "tfjs-layers"),
        remedy="Give {className: 'L1L2', config: {l1, l2}}, or the function.",
        since=FIRST,
        scope=all_of(subject("regularizers.L1", "regularizers.L2"), names_a_part),
        effect=Raises("invalid-argument", "construction", ("identifier",), "Unknown regularizer"),
        witnesses=(to_resolve("regularizers.L1", "l1"), to_resolve("regularizers.L2", "L2")),
    ),
    deviation(
        "tfjs-l1-and-l2-are-l1-l2",
        "l1 and l2 tell the configuration of the L1L2 that they are.",
        kind="intentional",
        source=f"{PENALTIES}:64 (l1, l2)",
        upstream=pull(507, "tfjs-layers"),
        remedy="Nothing need be done: it is the same penalty.",
        since=FIRST,
        scope=subject("regularizers.L1", "regularizers.L2"),
        effect=Metadata(CONFIGURATIONS, with_both_factors),
        witnesses=(
            asked("regularizers.L1", {}, KERNEL, "config"),
            asked("regularizers.L2", {}, KERNEL, "config", "reconstructed/config"),
        ),
    ),
    deviation(
        "tfjs-l1-l2-penalty-by-default",
        "A factor of l1l2 that is not given, or null, is 0.01, where Keras's is 0.",
        kind="intentional",
        source=f"{PENALTIES}:30 (L1L2)",
        upstream=pull(21, "tfjs-layers"),
        remedy="Give both factors.",
        since=FIRST,
        scope=subject("regularizers.L1L2"),
        effect=Value({f"default:regularizers.L1L2.{factor}": 0.01 for factor in ("l1", "l2")}),
        witnesses=(
            asked("regularizers.L1L2", {"l1": 0.5}, KERNEL, "output/0", "gradient/input/0", "config"),
            asked("regularizers.L1L2", {}, KERNEL, "output/0", "signature"),
        ),
    ),
    deviation(
        "tfjs-l1-slope-at-zero",
        "Where a weight is 0, the l1 penalty has the derivative of weights below 0: they are pushed away.",
        kind="bug",
        source="@tensorflow/tfjs-core@4.22.0 dist/gradients/Abs_grad.js: step(x, -1)",
        upstream=searched("abs gradient zero step l1 regularizer"),
        remedy="Use l2, where weights are exactly 0.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(subject("regularizers.L1", "regularizers.L1L2"), has_a_zero),
        effect=Value({"regularizers.magnitude": slope_at_zero}, ("gradient/*",)),
        witnesses=(asked("regularizers.L1", {"l1": 0.5}, recipe("signed_zeros", 4, 5), "gradient/input/0"),),
    ),
    deviation(
        "tfjs-values-unknown-arguments",
        "A misspelt argument of a constraint, regularizer or initializer goes unnoticed.",
        kind="bug",
        source=f"{LAYERS}/constraints.js, regularizers.js, initializers.js (every constructor)",
        upstream=issue(5798),
        remedy="Check the spelling.",
        since=FIRST,
        scope=all_of(subject(*ALL), unknown_arguments),
        effect=Accepts(),
        witnesses=(asked("constraints.UnitNorm", {"axes": 0}, KERNEL, "refusal"),),
    ),
    deviation(
        "tfjs-penalties-unchecked",
        "A penalty may have a factor below 0, or one that is no number.",
        kind="bug",
        source=f"{PENALTIES}:30 (L1L2)",
        upstream=searched("regularizers l1 l2 negative factor not a number validation"),
        remedy="Check the number yourself.",
        since=FIRST,
        scope=all_of(
            subject("regularizers.L1", "regularizers.L2", "regularizers.L1L2"),
            asks("refusal"),
            wrong_in("l1", "l2"),
        ),
        effect=Accepts(),
        witnesses=(asked("regularizers.L1", {"l1": -0.5}, KERNEL, "refusal"),),
    ),
)
