"""Activation functions that a target lacks or has otherwise, made of those that it has.

As an argument of another layer the function becomes a layer of its own first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.interchange.rewriting.rule import (
    NEGATED,
    Piece,
    Replacement,
    Rule,
    Site,
    activation,
    itself,
    rectified,
    rescaling,
)
from conformance.reference_impl import activations
from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.layers import Layer
from conformance.reference_impl.layers.cell import Cell
from conformance.reference_impl.layers.recurrent import Recurrent

ROOT = math.sqrt(2 / math.pi)

HARD_SIGMOID = (rescaling(1.0, 3.0), rectified(6.0), rescaling(1 / 6))

RECIPES: Mapping[str, tuple[tuple[Piece, ...], str]] = {
    "hard_sigmoid": (HARD_SIGMOID, "relu6(x + 3)/6, the reciprocal as a float64"),
    "hard_silu": (
        (*HARD_SIGMOID[:-1], HARD_SIGMOID[-1].labelled("gate"), Piece("Multiply").on(0, "gate")),
        "x · relu6(x + 3)/6, the reciprocal as a float64",
    ),
    "leaky_relu": ((Piece("LeakyReLU", {"negative_slope": 0.2}),), "the layer LeakyReLU with the slope 0.2"),
    "celu": ((activation("elu"),), "elu, which it is while alpha is 1"),
    "log_sigmoid": ((NEGATED, activation("softplus"), NEGATED), "−softplus(−x)"),
    "tanh_shrink": (
        (activation("tanh"), NEGATED.labelled("less"), Piece("Add").on(0, "less")),
        "x + (−tanh x)",
    ),
    "hard_tanh": (
        (
            NEGATED,
            rectified(1.0),
            NEGATED.labelled("below"),
            rectified(1.0).on(0).labelled("above"),
            Piece("Add").on("above", "below"),
        ),
        "min(relu(x), 1) − min(relu(−x), 1)",
    ),
    "soft_shrink": (
        (
            rescaling(-1.0, -0.5),
            rectified(),
            NEGATED.labelled("below"),
            rescaling(1.0, -0.5).on(0),
            rectified().labelled("above"),
            Piece("Add").on("above", "below"),
        ),
        "relu(x − ½) − relu(−x − ½)",
    ),
    "hard_shrink": (
        (
            NEGATED,
            Piece("ThresholdedReLU", {"theta": 0.5}),
            NEGATED.labelled("below"),
            Piece("ThresholdedReLU", {"theta": 0.5}).on(0).labelled("above"),
            Piece("Add").on("above", "below"),
        ),
        "x·[x > ½] − (−x)·[−x > ½]",
    ),
    "gelu_new": (
        (
            Piece("Multiply").on(0, 0),
            rescaling(0.044715 * ROOT, ROOT).labelled("slope"),
            Piece("Multiply").on(0, "slope"),
            activation("tanh"),
            rescaling(0.5, 0.5).labelled("gate"),
            Piece("Multiply").on(0, "gate"),
        ),
        "x · (½ + ½·tanh(x · (√(2/π) + 0.044715·√(2/π)·x²))), the factors as float64",
    ),
    "sparse_sigmoid": ((rescaling(0.5, 0.5), rectified(1.0)), "min(relu(x/2 + ½), 1)"),
}
"""By the name of an activation function with its default arguments: the pieces, and what they compute. Where
nothing is rounded that the function does not round itself, the result is the same bit for bit."""

DIFFERENT = {"tfjs": "tfjs-hard-sigmoid-of-keras-2", "keras2": "keras2-hard-sigmoid"}
"""The deviation about hard_sigmoid, which alone is known and another function."""


def about_hard_sigmoid(site: Site) -> str:
    """The deviation, of the one of the two programs that is not Keras 3."""
    return DIFFERENT[site.source if site.target == "keras3" else site.target]


def recipe(name: str, site: Site, why: str = "activation") -> Replacement | None:
    """The pieces for an activation function by one of its names."""
    try:
        own = activations.get(name).name
    except activations.UnknownActivation:
        return None
    if own not in RECIPES:
        return None
    pieces, how = RECIPES[own]
    return Replacement(pieces, about_hard_sigmoid(site) if own == "hard_sigmoid" else why, how)


def _as_layer(site: Site) -> Replacement | None:
    """The layer that stands for an activation function."""
    match site.config.get("activation"):
        case {"class_name": class_name, "config": config}:
            piece = Piece(class_name, {key: value for key, value in config.items() if key != "name"})
            return Replacement((piece,), "activation", f"the layer {class_name} by itself")
    return None


def function(site: Site) -> Replacement | None:
    """The layer Activation."""
    return _as_layer(site) or recipe(str(site.config.get("activation")), site)


def older_function(site: Site) -> Replacement | None:
    """The layer Activation with the older hard_sigmoid."""
    if site.config.get("activation") != "hard_sigmoid":
        return None
    pieces = (rescaling(0.2, 0.5), rectified(1.0))
    return Replacement(pieces, about_hard_sigmoid(site), "min(relu(0.2·x + 0.5), 1)")


def of_another_layer(site: Site) -> Replacement | None:
    """An activation that a layer applies to its output."""
    if behind := _as_layer(site):
        return replace(behind, pieces=(itself(site, activation="linear"), *behind.pieces))
    name = str(site.config.get("activation"))
    found = recipe(name, site)
    if found is None:
        return None
    pieces = (itself(site, activation="linear"), activation(name))
    return Replacement(pieces, found.why, "the layer without it, and a layer for it")


def of_a_layer_inside(site: Site) -> Replacement | None:
    """An activation that the layer in TimeDistributed applies."""
    inner = site.config["layer"]
    name = str(inner["config"].get("activation"))
    found = recipe(name, site, "layer")
    if found is None:
        return None
    plain = {**inner, "config": {**inner["config"], "activation": "linear"}}
    return Replacement(
        (itself(site, layer=plain), activation(name)), found.why, "the layer without it, and a layer for it"
    )


def rectifier(site: Site) -> Replacement | None:
    """ReLU with a threshold or a slope."""
    config = site.layer.config
    most, slope, threshold = config["max_value"], config["negative_slope"], config["threshold"]
    if not slope and not threshold:
        return None
    why = "tfjs-relu-reads-only-max-value"
    if most is None and not threshold:
        return Replacement((Piece("LeakyReLU", {"negative_slope": slope}),), why, "LeakyReLU")
    above = [Piece("ThresholdedReLU", {"theta": threshold}).on(0)] if threshold else []
    if most is not None or not threshold:
        above.append(rectified(most).on(*(() if above else (0,))))
    if not slope:
        return Replacement(tuple(above), why, "ThresholdedReLU, and ReLU for the maximum")
    above[-1] = above[-1].labelled("above")
    below = (rescaling(-1.0, threshold).on(0), rectified(), rescaling(-slope).labelled("below"))
    pieces = (*above, *below, Piece("Add").on("above", "below"))
    return Replacement(pieces, why, "what is above the threshold, less slope · relu(threshold − x)")


def exponential_unit(site: Site) -> Replacement | None:
    """ELU with an alpha."""
    alpha = site.layer.config["alpha"]
    if alpha == 1:
        return None
    pieces = (
        activation("elu"),
        NEGATED,
        rectified(),
        rescaling(-alpha).labelled("below"),
        rectified().on(0).labelled("above"),
        Piece("Add").on("above", "below"),
    )
    return Replacement(pieces, "tfjs-elu-alpha", "relu(x) − alpha · relu(−elu(x))")


def nothing(site: Site) -> Replacement | None:
    return Replacement((activation("linear"),), "class_name", "the activation function linear")


def operation(site: Site) -> Replacement | None:
    """An activation function that stands as an operation in the graph."""
    given: dict[str, Any] = {k: v for k, v in site.config.items() if k != "name"}
    name = snake_case(site.class_name)
    parameters = activations.ACTIVATIONS[name].arguments
    given = {key: value for key, value in given.items() if key in parameters}
    set_otherwise = {key for key, value in given.items() if value != parameters[key].default}
    match name:
        case "leaky_relu":
            piece = Piece("LeakyReLU", {"negative_slope": given.get("negative_slope", 0.2)})
        case "elu":
            piece = Piece("ELU", {"alpha": given.get("alpha", 1.0)})
        case "gelu" if given.get("approximate"):
            piece = activation("gelu_new")
        case _ if not set_otherwise:
            piece = activation(name)
        case _:
            return None
    return Replacement((piece,), "class_name", "a layer")


ACTIVATED = tuple(
    f"layers.{name}"
    for name, cls in Layer.registered.items()
    if "activation" in cls.arguments and name != "Activation" and not issubclass(cls, Recurrent | Cell)
)

OPERATIONS = tuple(
    f"ops.{''.join(word.capitalize() for word in name.split('_'))}" for name in activations.ACTIVATIONS
)

RULES = (
    Rule(("layers.Activation",), function, ("tfjs", "keras2")),
    Rule(("layers.Activation",), older_function, ("keras3",)),
    Rule(ACTIVATED, of_another_layer, ("tfjs", "keras2")),
    Rule(("layers.TimeDistributed",), of_a_layer_inside, ("tfjs", "keras2")),
    Rule(("layers.ReLU",), rectifier),
    Rule(("layers.ELU",), exponential_unit),
    Rule(("layers.Identity",), nothing),
    Rule(OPERATIONS, operation, ("tfjs", "keras2")),
)
