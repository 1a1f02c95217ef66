"""Models that aim at what gets lost between programs: names, arguments, masks, states, shared layers, models
in models, and weights whose order or gates are easily confused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.cases.case import Case
from conformance.cases.drafts.models.sketch import Sketch, described, draft_sequential, sequential
from conformance.reference_impl.models import Reference

SIGMOID: dict[str, Any] = {"recurrent_activation": "sigmoid"}
"""Named, since programs differ in the default."""


def dense() -> Case:
    """Arguments that a file may leave out, and names with signs in them."""
    return draft_sequential(
        "stack",
        (4,),
        described("Dense", "first", {"units": 5, "activation": "relu", "use_bias": False}),
        described("BatchNormalization", "norm-1", {"epsilon": 0.25, "momentum": 0.5, "scale": False}),
        described("Dropout", "drop", {"rate": 0.25}),
        described("Dense", "last.one", {"units": 3, "activation": "softmax"}),
    )


def image() -> Case:
    return draft_sequential(
        "image",
        (6, 5, 2),
        described(
            "Conv2D", "conv", {"filters": 3, "kernel_size": [3, 2], "padding": "same", "strides": [2, 1]}
        ),
        described("BatchNormalization", "norm", {"epsilon": 0.125}),
        described("DepthwiseConv2D", "depthwise", {"kernel_size": 2, "depth_multiplier": 2}),
        described("MaxPooling2D", "pool", {"pool_size": [1, 2], "padding": "same"}),
        described("Flatten", "flat", {}),
        described("Dense", "top", {"units": 2, "activation": "tanh"}),
    )


def diamond() -> Case:
    """Two inputs, a shared layer, paths that part and meet again, outputs in another order than their
    layers."""
    sketch = Sketch("diamond")
    left, right = sketch.input("left", 4), sketch.input("right", 4)
    x = sketch.layer("Dense", "shared", left, units=3, activation="tanh")
    y = sketch.again("shared", right)
    minus, times = sketch.layer("Subtract", "minus", x, y), sketch.layer("Multiply", "times", y, x)
    joined = sketch.layer("Concatenate", "join", times, minus, axis=-1)
    top = sketch.layer("Dense", "a_top", joined, units=2)
    return sketch.case(sketch.layer("Activation", "squashed", minus, activation="sigmoid"), top)


def nested(low: str = "low", name: str = "nested") -> Case:
    """A tower inside a head inside the model; the tower is called twice."""
    tower = sequential(
        "tower",
        (4,),
        described("Dense", low, {"units": 4, "activation": "relu"}),
        described("BatchNormalization", "norm", {"epsilon": 0.5}),
    )
    head = Sketch("head")
    a, b = head.input("a", 4), head.input("b", 4)
    together = head.layer("Add", "sum", head.add(tower, a), head.again("tower", b))
    inner = head.described(head.layer("Dense", "high", together, units=3, use_bias=False))
    sketch = Sketch(name)
    left, right = sketch.input("left", 4), sketch.input("right", 4)
    return sketch.case(sketch.layer("Dense", "top", sketch.add(inner, right, left), units=2))


def namesakes() -> Case:
    """Layers of one name, in models that stand in each other."""
    return nested(low="high", name="namesakes")


def text() -> Case:
    """Masks from an embedding, through a layer without weights, to where they end."""
    sketch = Sketch("text")
    words = sketch.input("words", 6, regime="indices:7", dtype="int32")
    x = sketch.layer("Embedding", "embedding", words, input_dim=7, output_dim=4, mask_zero=True)
    x = sketch.layer("LSTM", "first", x, units=3, return_sequences=True, **SIGMOID)
    x = sketch.layer("Dropout", "dropout", x, rate=0.5)
    x = sketch.layer("LSTM", "second", x, units=2, unit_forget_bias=False, **SIGMOID)
    return sketch.case(sketch.layer("Dense", "top", x, units=1))


def wrapped() -> Case:
    """Layers inside others, whose weights have the names of both."""
    lstm = described("LSTM", "lstm", {"units": 2, "return_sequences": True, **SIGMOID})
    return draft_sequential(
        "wrapped",
        (5, 3),
        described("Bidirectional", "both", {"layer": lstm, "merge_mode": "concat"}),
        described("TimeDistributed", "each", {"layer": described("Dense", "inner", {"units": 3})}),
        described("GRU", "gru", {"units": 4, "reset_after": False, **SIGMOID}),
    )


def states() -> Case:
    """A recurrent layer that starts from the states in which another one ended."""
    sketch = Sketch("states")
    x = sketch.input("x", 4, 3)
    encoder = sketch.layer("LSTM", "encoder", x, units=3, return_state=True, **SIGMOID)
    given = [Reference("encoder", 0, i) for i in (1, 2)]
    decoder = sketch.add(described("LSTM", "decoder", {"units": 3, **SIGMOID}), x, initial_state=given)
    return sketch.case(sketch.layer("Add", "sum", encoder, decoder))


def resetting() -> Case:
    """The form of GRU that keeps two biases."""
    return draft_sequential(
        "resetting",
        (4, 3),
        described("GRU", "gru", {"units": 3, "reset_after": True, "return_sequences": True, **SIGMOID}),
        described("SimpleRNN", "rnn", {"units": 2, "go_backwards": True, "activation": "relu"}),
    )


def masked() -> Case:
    """Steps of zeros, of both signs, are left out."""
    return draft_sequential(
        "masked",
        (6, 1),
        described("Masking", "mask", {"mask_value": 0.0}),
        described("LSTM", "lstm", {"units": 3, "return_sequences": True, **SIGMOID}),
        described("SimpleRNN", "rnn", {"units": 2}),
        regime="signed_zeros",
    )


def cells() -> Case:
    stack = [
        described("LSTMCell", "upper", {"units": 3, **SIGMOID}),
        described("SimpleRNNCell", "lower", {"units": 2}),
    ]
    cell = described("StackedRNNCells", "stack", {"cells": stack})
    return draft_sequential("cells", (4, 3), described("RNN", "rnn", {"cell": cell}))


def decoder() -> Case:
    """Layers whose kernels have the two last axes in the other order, or two kernels."""
    return draft_sequential(
        "decoder",
        (4, 3, 2),
        described("Conv2DTranspose", "up", {"filters": 3, "kernel_size": 2, "strides": 2}),
        described("PReLU", "slopes", {"shared_axes": [1, 2]}),
        described("SeparableConv2D", "separable", {"filters": 4, "kernel_size": [2, 3]}),
        described("LayerNormalization", "norm", {"epsilon": 0.25}),
        described("UpSampling2D", "larger", {"size": [1, 2]}),
        described("GlobalAveragePooling2D", "average", {}),
    )


def shapes() -> Case:
    """Layers without weights, whose arguments are lists."""
    sketch = Sketch("shapes")
    x = sketch.input("x", 4, 6)
    turned = sketch.layer("Permute", "turned", x, dims=[2, 1])
    parts = sketch.layer("Reshape", "parts", turned, target_shape=[3, 8])
    padded = sketch.layer("ZeroPadding1D", "padded", parts, padding=[1, 2], data_format="channels_last")
    cut = sketch.layer("Cropping1D", "cut", padded, cropping=[2, 1])
    leaky = sketch.layer("LeakyReLU", "leaky", cut, negative_slope=0.25)
    return sketch.case(sketch.layer("Dot", "dot", leaky, parts, axes=[1, 1], normalize=False))


QUICK = (dense, nested, text, wrapped)
MORE = (image, diamond, namesakes, states, resetting, masked, cells, decoder, shapes)


def drafts() -> Iterator[Case]:
    return (draft() for draft in QUICK)


def more() -> Iterator[Case]:
    return (draft() for draft in MORE)
