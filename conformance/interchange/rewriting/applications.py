"""Layers that only models of `keras.applications` have."""

from __future__ import annotations

from conformance.interchange.rewriting.rule import (
    Piece,
    Replacement,
    Reshaped,
    Rule,
    Site,
    rescaling,
)


def scaled_residual(site: Site) -> Replacement | None:
    """CustomScaleLayer of InceptionResNetV2: x + scale · y."""
    pieces = (rescaling(site.config["scale"]).on(1).labelled("scaled"), Piece("Add").on(0, "scaled"))
    return Replacement(pieces, "class_name", "Rescaling and Add")


def layer_scale(site: Site) -> Replacement | None:
    """LayerScale of ConvNeXt: x · gamma, by channel."""
    gamma = site.weights.get("gamma")
    if gamma is None or site.shape is None or len(site.shape) != 4 or site.shape[-1:] != gamma.shape:
        return None
    kernel = Reshaped(gamma, (1, 1, *gamma.shape, 1))
    config = {"kernel_size": [1, 1], "use_bias": False}
    piece = Piece("DepthwiseConv2D", config, weights={"kernel": kernel})
    return Replacement((piece,), "class_name", "DepthwiseConv2D of one pixel")


RULES = (
    Rule(("layers.CustomScaleLayer",), scaled_residual, ("tfjs", "keras2")),
    Rule(("layers.LayerScale",), layer_scale, ("tfjs", "keras2")),
)
