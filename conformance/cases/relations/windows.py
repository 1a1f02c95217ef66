"""Relations between convolutions and poolings of other ranks, steps and spacings."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.relations.relation import (
    Derivation,
    Relation,
    arrays,
    as_they_are,
    asking,
    class_of,
    is_layer,
    layer_of,
    weights,
    without,
)
from conformance.reference_impl.arrays import Array

CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D")
DEPTHWISE = ("DepthwiseConv1D", "DepthwiseConv2D")
TRANSPOSED = ("Conv1DTranspose",)
POOLINGS = tuple(f"{kind}Pooling{rank}D" for kind in ("Max", "Average") for rank in (1, 2, 3))

FLAT = ("Conv1D", "DepthwiseConv1D", "SeparableConv1D", "Conv1DTranspose", "MaxPooling1D", "AveragePooling1D")
"""Layers of one dimension of which there is one of two."""

ALONG_BOTH = ("DepthwiseConv1D", "SeparableConv1D")
"""Those whose steps have to be the same along both dimensions, at least in TensorFlow."""

PER_DIMENSION = ("kernel_size", "pool_size", "strides", "dilation_rate", "output_padding")


def channels_are_last(case: Case) -> bool:
    return case.config.get("data_format") != "channels_first"


def of_height_one(case: Case) -> Derivation | None:
    if not is_layer(case, *FLAT) or case.config.get("padding") == "causal":
        return None
    config, both = layer_of(case).config, is_layer(case, *ALONG_BOTH)
    along = {name: config[name][0] for name in PER_DIMENSION if config.get(name) is not None}
    if both and along["dilation_rate"] > 1:
        return None
    sizes = {name: [n if both and name == "strides" else 1, n] for name, n in along.items()}
    axis = 1 if channels_are_last(case) else 2
    flat = asking(
        case,
        subject=case.subject.replace("1D", "2D"),
        config=case.config | sizes,
        inputs=[np.expand_dims(x, axis) for x in arrays(case.inputs)],
        weights={name: w[None] if w.ndim > 1 else w for name, w in weights(case).items()},
    )
    return Derivation((flat,), lambda answers: [np.squeeze(y, axis) for y in as_they_are(answers)])


def dense_as_convolution(case: Case) -> Derivation | None:
    shared = {"units", "activation", "use_bias"}
    if not is_layer(case, "Dense") or len(case.inputs[0].shape) != 3 or not case.config.keys() <= shared:
        return None
    config = without(case.config, "units") | {"filters": case.config["units"], "kernel_size": 1}
    kernels = {name: w[None] if name == "kernel" else w for name, w in weights(case).items()}
    return Derivation((asking(case, subject="layers.Conv1D", config=config, weights=kernels),), as_they_are)


def every_step(case: Case) -> Derivation | None:
    """Where nothing is padded: how much is, depends on the strides."""
    if not is_layer(case, *CONVOLUTIONS, *POOLINGS) or not channels_are_last(case):
        return None
    strides = layer_of(case).config["strides"]
    if max(strides) == 1 or case.config.get("padding", "valid") != "valid":
        return None
    dense = asking(case, config=case.config | {"strides": [1] * len(strides)})
    key = (slice(None), *(slice(None, None, step) for step in strides))
    return Derivation((dense,), lambda answers: [y[key] for y in as_they_are(answers)])


def zeros_between(case: Case) -> Derivation | None:
    if not is_layer(case, *CONVOLUTIONS, *DEPTHWISE):
        return None
    layer = layer_of(case)
    size, rates = layer.config["kernel_size"], layer.config["dilation_rate"]
    if max(rates) == 1:
        return None
    given = weights(case)
    (name,) = [name for name, w in given.items() if w.ndim > 1]
    wide = [(n - 1) * rate + 1 for n, rate in zip(size, rates, strict=True)]
    spread = np.zeros((*wide, *given[name].shape[len(size) :]), given[name].dtype)
    spread[tuple(slice(None, None, rate) for rate in rates)] = given[name]
    config = without(case.config, "dilation_rate") | {"kernel_size": wide}
    return Derivation((asking(case, config=config, weights=given | {name: spread}),), as_they_are)


def padded_before(case: Case) -> Derivation | None:
    if not is_layer(case, "Conv1D") or case.config.get("padding") != "causal" or not channels_are_last(case):
        return None
    config = layer_of(case).config
    before = (config["kernel_size"][0] - 1) * config["dilation_rate"][0]
    padded = [np.pad(x, ((0, 0), (before, 0), (0, 0))) for x in arrays(case.inputs)]
    valid = asking(case, config=case.config | {"padding": "valid"}, inputs=padded)
    return Derivation((valid,), as_they_are)


def each_group(case: Case) -> Derivation | None:
    groups = case.config.get("groups", 1)
    if not is_layer(case, *CONVOLUTIONS) or groups == 1:
        return None
    axis = -1 if channels_are_last(case) else 1
    config = without(case.config, "groups") | {"filters": case.config["filters"] // groups}
    (x,), given = arrays(case.inputs), weights(case)

    def part(w: Array, group: int, axis: int = -1) -> Array:
        return np.split(w, groups, axis)[group]

    parts = [
        asking(
            case,
            config=config,
            inputs=[part(x, group, axis)],
            weights={name: part(w, group) for name, w in given.items()},
        )
        for group in range(groups)
    ]
    return Derivation(
        tuple(parts), lambda answers: [np.concatenate(ys, axis) for ys in zip(*answers, strict=True)]
    )


def each_channel(case: Case) -> Derivation | None:
    if not is_layer(case, *DEPTHWISE) or max(layer_of(case).config["dilation_rate"]) > 1:
        return None
    axis = -1 if channels_are_last(case) else 1
    (x,), given = arrays(case.inputs), weights(case)
    name = next(name for name, w in given.items() if w.ndim > 1)
    depth = given[name].shape[-1]
    config = without(case.config, "depth_multiplier") | {"filters": depth}
    channels = [
        asking(
            case,
            subject=f"layers.{class_of(case).removeprefix('Depthwise')}",
            config=config,
            inputs=[np.take(x, [c], axis)],
            weights={
                "kernel" if key == name else key: w[..., c : c + 1, :]
                if key == name
                else w[c * depth :][:depth]
                for key, w in given.items()
            },
        )
        for c in range(x.shape[axis])
    ]
    return Derivation(
        tuple(channels), lambda answers: [np.concatenate(ys, axis) for ys in zip(*answers, strict=True)]
    )


RELATIONS = (
    Relation("of-height-one", "In one dimension is in two, of which one is of size one.", of_height_one),
    Relation("dense-as-convolution", "Dense is a convolution with windows of one.", dense_as_convolution),
    Relation("every-step", "With strides is every so-many-th of all windows.", every_step),
    Relation("zeros-between", "Dilated is with zeros in the kernel.", zeros_between),
    Relation("padded-before", "Causal is with zeros before the sequence.", padded_before),
    Relation("each-group", "In groups is group by group.", each_group),
    Relation("each-channel", "Depthwise is a convolution channel by channel.", each_channel),
)
