"""Layers, and arguments, that do something in training alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.interchange.rewriting.rule import Piece, Replacement, Rule, Site, activation, itself
from conformance.reference_impl.layers import Dense, Embedding, Layer
from conformance.reference_impl.layers.convolution import WindowedProduct
from conformance.reference_impl.layers.nested import names_layer


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


def told_otherwise(
    changed: Callable[[str, Any], Any], why: str, how: str
) -> Callable[[Site], Replacement | None]:
    """A layer, and those in it, with other values of some arguments: a function of name and value."""

    def apply(site: Site) -> Replacement | None:
        config = _changed(site.config, changed)
        return None if config == site.config else Replacement((itself(site, **config),), why, how)

    return apply


def _changed(config: Mapping[str, Any], changed: Callable[[str, Any], Any]) -> dict[str, Any]:
    def inside(value: Any) -> Any:
        if isinstance(value, list):
            return [inside(item) for item in value]
        if names_layer(value):
            return {**value, "config": _changed(value["config"], changed)}
        return value

    return {name: inside(changed(name, value)) for name, value in config.items()}


def unconstrained(name: str, value: Any) -> Any:
    return None if name.endswith("_constraint") else value


def without_penalty(name: str, value: Any) -> Any:
    return None if name == "activity_regularizer" else value


def truncated(name: str, value: Any) -> Any:
    """An initializer that TensorFlow.js has; of a saved model, it is not asked."""
    match value:
        case {"config": {"distribution": "untruncated_normal"}} if name.endswith("_initializer"):
            return {**value, "config": {**value["config"], "distribution": "truncated_normal"}}
    return value


LAYERS = tuple(f"layers.{name}" for name in Layer.registered)

AUGMENTATION = ("Brightness", "Contrast", "Flip", "Rotation", "Translation", "Zoom")

RULES = (
    Rule(("layers.SpatialDropout2D", "layers.SpatialDropout3D"), dropping_channels),
    Rule(
        (*(f"layers.Random{name}" for name in AUGMENTATION), "layers.ActivityRegularization"),
        nothing,
        whatever_training=True,
    ),
    Rule(
        LAYERS,
        told_otherwise(
            unconstrained,
            "tfjs-constraints-act-on-assignment",
            "the same layer without constraints, in training too",
        ),
        whatever_training=True,
        in_place=True,
    ),
    Rule(
        tuple(
            f"layers.{name}"
            for name, cls in Layer.registered.items()
            if issubclass(cls, Dense | Embedding | WindowedProduct)
        ),
        told_otherwise(
            without_penalty,
            "tfjs-no-activity-regularizer",
            "the same layer without the penalty, in training too",
        ),
        whatever_training=True,
        in_place=True,
    ),
    Rule(
        LAYERS,
        told_otherwise(truncated, "tfjs-no-untruncated-normal", "an initializer of a truncated distribution"),
        whatever_training=True,
        in_place=True,
    ),
)
