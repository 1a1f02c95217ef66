"""Layers, and arguments, that do something in training alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.interchange.rewriting.rule import Piece, Replacement, Rule, Site, activation, itself
from conformance.reference_impl.layers import Dense, Embedding, Layer
from conformance.reference_impl.layers.convolution import WindowedProduct


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


def without(ending: str, why: str, how: str) -> Callable[[Site], Replacement | None]:
    """A layer, and those in it, without the arguments of which the name ends so."""

    def apply(site: Site) -> Replacement | None:
        config = _without(site.config, ending)
        return None if config == site.config else Replacement((itself(site, **config),), why, how)

    return apply


def _without(config: Mapping[str, Any], ending: str) -> dict[str, Any]:
    """None in place of the arguments, at any depth."""
    changed = dict[str, Any]()
    for name, value in config.items():
        if name.endswith(ending):
            changed[name] = None
        elif isinstance(value, list):
            changed[name] = [_without_inside(item, ending) for item in value]
        else:
            changed[name] = _without_inside(value, ending)
    return changed


def _without_inside(value: Any, ending: str) -> Any:
    if isinstance(value, Mapping) and isinstance(value.get("config"), Mapping):
        return {**value, "config": _without(value["config"], ending)}
    return value


AUGMENTATION = ("Brightness", "Contrast", "Flip", "Rotation", "Translation", "Zoom")

RULES = (
    Rule(("layers.SpatialDropout2D", "layers.SpatialDropout3D"), dropping_channels),
    Rule(
        (*(f"layers.Random{name}" for name in AUGMENTATION), "layers.ActivityRegularization"),
        nothing,
        whatever_training=True,
    ),
    Rule(
        tuple(f"layers.{name}" for name in Layer.registered),
        without(
            "_constraint",
            "tfjs-constraints-act-on-assignment",
            "the same layer without constraints, which training in TensorFlow.js does not heed then either",
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
        without(
            "activity_regularizer",
            "tfjs-no-activity-regularizer",
            "the same layer without the penalty, which training in TensorFlow.js has not then either",
        ),
        whatever_training=True,
        in_place=True,
    ),
)
