"""Global pooling that keeps dimensions, or has more of them than the target pools over."""

from __future__ import annotations

import math

from conformance.interchange.rewriting.rule import Replacement, Rule, Site, itself, reshaped


def dropping_space(site: Site) -> Replacement | None:
    """`keepdims`: the pooling without it, and a Reshape."""
    layer = site.layer
    if not layer.config["keepdims"] or site.shape is None:
        return None
    (shape,) = layer.output_shapes([site.shape])
    if None in shape[1:]:
        return None
    pieces = (itself(site, keepdims=False), reshaped(shape[1:]))
    return Replacement(pieces, "tfjs-global-pooling-drops-space", "pooling without keepdims, and Reshape")


def in_two_dimensions(site: Site) -> Replacement | None:
    """Pooling over three dimensions of which two are made one."""
    if site.shape is None or len(site.shape) != 5 or site.layer.config["keepdims"]:
        return None
    last = site.layer.config["data_format"] == "channels_last"
    space = site.shape[1:4] if last else site.shape[2:]
    channels = site.shape[-1] if last else site.shape[1]
    if None in space[1:] or channels is None:
        return None
    flat = (space[0], math.prod(n for n in space[1:] if n is not None))
    sample = (*flat, channels) if last else (channels, *flat)
    pooling = itself(site, site.class_name.replace("3D", "2D"))
    return Replacement((reshaped(sample), pooling), "class_name", "Reshape, and pooling in two dimensions")


POOLINGS = ("layers.GlobalAveragePooling", "layers.GlobalMaxPooling")

RULES = (
    Rule(tuple(f"{name}{rank}D" for name in POOLINGS for rank in (1, 2, 3)), dropping_space),
    Rule(tuple(f"{name}3D" for name in POOLINGS), in_two_dimensions),
)
