"""Layers that do something in training alone."""

from __future__ import annotations

from conformance.interchange.rewriting.rule import Piece, Replacement, Rule, Site, activation


def dropping_channels(site: Site) -> Replacement | None:
    """SpatialDropout: a Dropout that decides once for all places of a channel."""
    config = site.layer.config
    if site.shape is None:
        return None
    places = [1] * (len(site.shape) - 2)
    last = config.get("data_format", "channels_last") != "channels_first"
    noise_shape = [None, *places, None] if last else [None, None, *places]
    told = {"rate": config["rate"], "seed": config["seed"], "noise_shape": noise_shape}
    return Replacement((Piece("Dropout", told),), "class_name", "Dropout with a noise_shape")


def nothing(site: Site) -> Replacement | None:
    how = "the activation function linear; in training nothing is done either"
    return Replacement((activation("linear"),), "class_name", how)


AUGMENTATION = ("Brightness", "Contrast", "Flip", "Rotation", "Translation", "Zoom")

RULES = (
    Rule(("layers.SpatialDropout2D", "layers.SpatialDropout3D"), dropping_channels),
    Rule(
        (*(f"layers.Random{name}" for name in AUGMENTATION), "layers.ActivityRegularization"),
        nothing,
        whatever_training=True,
    ),
)
