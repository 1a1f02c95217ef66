"""Layers of sequences as layers of images that are one pixel wide, and with channels last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.interchange.rewriting.rule import (
    Piece,
    Replacement,
    Reshaped,
    Rule,
    Site,
    itself,
    permuted,
    reshaped,
)
from conformance.reference_impl.saving.saved_model import JSONObject, StoredArray

ALONG_LAST_AXIS = frozenset(("softmax", "log_softmax", "glu", "sparsemax"))
"""Activation functions that are no function of single elements."""


def _windows(config: Mapping[str, Any], strides: int | None = None) -> JSONObject:
    """The geometry of windows that are one pixel wide; None for strides that are those of the height."""
    (size,), (stride,), (rate,) = config["kernel_size"], config["strides"], config["dilation_rate"]
    return {
        "kernel_size": [size, 1],
        "strides": [stride, strides or stride],
        "dilation_rate": [rate, rate],
    }


WIDENED: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], JSONObject]]] = {
    "ZeroPadding1D": ("ZeroPadding2D", lambda c: {"padding": [_pair(c["padding"]), [0, 0]]}),
    "Cropping1D": ("Cropping2D", lambda c: {"cropping": [_pair(c["cropping"]), [0, 0]]}),
    "UpSampling1D": ("UpSampling2D", lambda c: {"size": [c["size"], 1], "interpolation": "nearest"}),
    "DepthwiseConv1D": ("DepthwiseConv2D", _windows),
    "SeparableConv1D": ("SeparableConv2D", _windows),
    "Conv1DTranspose": ("Conv2DTranspose", lambda c: _windows(c, strides=1)),
}
"""By class, the one for images, and the arguments that are other ones there."""


def _pair(value: Any) -> list[int]:
    """Before and after, of a dimension."""
    while len(value) == 1:
        (value,) = value
    return [*value]


def _widened(weight: StoredArray) -> StoredArray:
    """(size, …) → (size, 1, …), for kernels."""
    size, *rest = weight.shape
    return Reshaped(weight, (size, 1, *rest)) if rest else weight


def as_image(site: Site) -> Replacement | None:
    layer, shape = site.layer, site.shape
    if shape is None or shape[-1] is None or layer.config.get("output_padding") is not None:
        return None
    if layer.config.get("padding") == "causal" or layer.config.get("data_format") == "channels_first":
        return None
    _, steps, channels = shape
    ((_, *after),) = layer.output_shapes([shape])
    class_name, changes = WIDENED[site.class_name]
    config = itself(site).config | changes(layer.config) | {"data_format": "channels_last"}
    config.pop("output_padding", None)
    weights = {name: _widened(weight) for name, weight in site.weights.items()}
    pieces = (
        reshaped((steps, 1, channels)),
        Piece(class_name, config, weights=weights),
        reshaped(after),
    )
    return Replacement(pieces, "class_name", f"{class_name} on images one pixel wide")


def channels_last(site: Site) -> Replacement | None:
    """Channels first: Permute around the layer, whose output may have lost its steps."""
    layer, shape = site.layer, site.shape
    if layer.config.get("data_format") != "channels_first" or layer.config.get("keepdims"):
        return None
    if shape is None or layer.config.get("activation") in ALONG_LAST_AXIS:
        return None
    own = itself(site, data_format="channels_last")
    after = (permuted(2, 1),) if len(layer.output_shapes([shape])[0]) == 3 else ()
    why = "tfjs-pooling-1d-channels-last" if "Pooling" in site.class_name else "data_format"
    return Replacement((permuted(2, 1), own, *after), why, "Permute around the layer, with channels last")


def padded_before(site: Site) -> Replacement | None:
    """Causal padding: zeros before the sequence."""
    config = site.layer.config
    if config["padding"] != "causal" or config["data_format"] != "channels_last":
        return None
    (size,), (rate,) = config["kernel_size"], config["dilation_rate"]
    zeros = Piece("ZeroPadding1D", {"padding": [(size - 1) * rate, 0]})
    own = itself(site, padding="valid")
    return Replacement((zeros, own), "tfjs-no-causal-padding", "ZeroPadding1D, and padding valid")


CONVOLUTIONS = ("layers.Conv1D", "layers.DepthwiseConv1D", "layers.SeparableConv1D")

RULES = (
    Rule(
        (
            *CONVOLUTIONS,
            "layers.Conv1DTranspose",
            "layers.AveragePooling1D",
            "layers.MaxPooling1D",
            "layers.GlobalAveragePooling1D",
            "layers.GlobalMaxPooling1D",
            "layers.ZeroPadding1D",
        ),
        channels_last,
    ),
    Rule(CONVOLUTIONS, padded_before),
    Rule(tuple(f"layers.{name}" for name in WIDENED), as_image),
)
