"""Drafts about what is to be refused: bad arguments, by the fields that the layers declare, and bad inputs.

Each starts from the first case of a layer, and spoils one thing. Only `refusal` is asked. Of a layer's
arguments of one kind the first takes every value that the kind refuses, those after it one each.

Not asked is what the specification refuses and no runtime looks at, since nothing is promised: a truth value
that is none (`use_bias="yes"`), True for the integer 1, arguments without effect while another is left alone.
Nor what makes TensorFlow.js run for ever (`strides=0` of Conv2DTranspose), ends its process (`strides=2.5` of
Conv2D on WebAssembly), or overwrites its memory, so that later answers are wrong (an AveragePooling1D that is
larger than its input, on WebAssembly).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from conformance.cases.case import JSON, Case, Literal, Source
from conformance.cases.drafts import layers as drafts_of_layers
from conformance.cases.drafts.draft import keyed, recipe
from conformance.cases.drafts.layers.wrappers import inside
from conformance.reference_impl import fields, layers
from conformance.reference_impl.fields import Field
from conformance.reference_impl.layers.convolution import WindowedProduct
from conformance.reference_impl.layers.layer import Layer
from conformance.reference_impl.layers.transposed_convolution import TransposedConvolution

NO_ARGUMENTS: Mapping[str, JSON] = {}

UNKNOWN = {"nmae": "x"}
"""An argument that no layer has: `name`, misspelt."""

NEEDED: Mapping[str, dict[str, JSON]] = {"Cropping2D": {"cropping": 1}}
"""What a layer is made with beside its required arguments, since some backend does not make it without."""

UNASKED = {
    "autocast": "a truth value, which no runtime looks at",
    "bounding_box_format": "acts on boxes, which no case has",
    "fill_value": "acts only with `pad_to_aspect_ratio`",
    "lora_alpha": "acts only with `lora_rank`",
    "noise_shape": "acts in training only",
    "quantization_config": "is read when `quantize` is called, which no case does",
    "renorm_clipping": "acts only with `renorm`",
    "renorm_momentum": "acts only with `renorm`",
    "shared_axes": "0 is the last axis in every runtime, and no documentation speaks of it",
}
"""Arguments whose bad values nobody promises to look at, and why."""

UNCHECKED = fields.boolean
"""A kind that no runtime checks, but for the argument `trainable` of all layers."""

ENDLESS = {("Conv2DTranspose", "strides")}
"""Arguments of layers for which a bad value is not asked, lest TensorFlow.js never return."""

OF_EVERY_LAYER = ("Dense", "LSTM", "MaxPooling2D", "Add", "TimeDistributed")
"""Layers that are asked for the arguments that all have: they are of several bases."""

IDENTIFIERS = (fields.activation, fields.initializer, fields.regularizer, fields.constraint)
"""Kinds of which the first argument of a layer speaks for the others."""

OF_RANK = (
    "kernel_size", "strides", "dilation_rate", "pool_size", "size", "padding", "output_padding", "cropping",
    "data_format",
)  # fmt: skip
"""Arguments that depend on how many spatial dimensions there are."""

OF_ANY_WIDTH = ("Embedding",)
"""Layers with weights that take inputs of another width than they are built for."""

PER_DIMENSION = ("kernel_size", "pool_size", "size")
"""Arguments with a number for each spatial dimension."""

DENSE = inside("Dense", units=2)
GRU = inside("GRU", units=2)
CONV2D = inside("Conv2D", filters=2, kernel_size=2)

GROUPS = ({"filters": 4, "groups": 3}, {"filters": 3, "groups": 3})
"""That do not divide the filters, and that do not divide the channels."""

LOW_RANK = {"lora_rank": 1, "kernel_constraint": "non_neg"}
OUTPUT_PADDING = {"strides": 2, "output_padding": 2}
OUTSIDE = ({"axis": 7}, {"axis": -7})

TOGETHER: Mapping[str, tuple[dict[str, JSON], ...]] = {
    "BatchNormalization": OUTSIDE,
    "Bidirectional": ({"layer": DENSE}, {"layer": GRU, "backward_layer": GRU}),
    "Concatenate": OUTSIDE,
    "Conv1D": GROUPS,
    "Conv1DTranspose": (OUTPUT_PADDING,),
    "Conv2D": (*GROUPS, {"strides": 2, "dilation_rate": 2}, {"padding": "causal"}, LOW_RANK),
    "Conv2DTranspose": (OUTPUT_PADDING, {"padding": "causal"}),
    "Cropping1D": ({"cropping": 9},),
    "Cropping2D": ({"cropping": 9},),
    "Cropping3D": ({"cropping": 9},),
    "Dense": (LOW_RANK,),
    "DepthwiseConv2D": ({"padding": "causal"},),
    "Dot": ({"axes": 0}, {"axes": 7}),
    "Dropout": ({"noise_shape": [0, 1]},),
    "GroupNormalization": ({"axis": 7}, {"groups": 3}),
    "LayerNormalization": OUTSIDE,
    "Normalization": (
        *OUTSIDE,
        {"mean": 1.0, "variance": [1.0, 2.0]},
        {"mean": [[1.0]], "variance": [[1.0]]},
        {"mean": [1.0, 2.0], "variance": [1.0, 2.0]},
    ),
    "Permute": ({"dims": [1]}, {"dims": [3, 1, 2]}),
    "RMSNormalization": OUTSIDE,
    "RNN": ({"cell": DENSE},),
    "Reshape": ({"target_shape": [5]}, {"target_shape": [5, -1]}),
    "Resizing": ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True},),
    "SeparableConv2D": ({"padding": "causal"},),
    "Softmax": OUTSIDE,
    "TimeDistributed": ({"layer": CONV2D},),
    "UnitNormalization": OUTSIDE,
}
"""By layer, arguments that do not go together, or not with the inputs of its first case."""


def normal(*shapes: tuple[int, ...]) -> tuple[Source, ...]:
    return tuple(recipe("normal", *shape) for shape in shapes)


UNEQUAL = normal((2, 3), (2, 4))
OTHER_BATCH = normal((2, 3), (3, 3))
THREE = normal((2, 3), (2, 3), (2, 3))

INPUTS: Mapping[str, tuple[tuple[Source, ...], ...]] = {
    "Add": (UNEQUAL, OTHER_BATCH),
    "Average": (UNEQUAL, OTHER_BATCH),
    "CategoryEncoding": ((Literal((1, 2), (0, 4), "int32"),), (Literal((1, 2), (0, -1), "int32"),)),
    "CenterCrop": (normal((4, 5)),),
    "Concatenate": (OTHER_BATCH, normal((2, 3), (2, 3, 4))),
    "Conv2D": ((recipe("indices:4", 2, 5, 6, 4, dtype="int32"),),),
    "Dot": (THREE, THREE[:1], UNEQUAL, OTHER_BATCH),
    "Embedding": ((Literal((1, 2), (0, 7), "int32"),), (Literal((1, 2), (0, -1), "int32"),)),
    "Maximum": (UNEQUAL, OTHER_BATCH),
    "Minimum": (UNEQUAL, OTHER_BATCH),
    "Multiply": (UNEQUAL, OTHER_BATCH),
    "Resizing": (normal((4, 5)),),
    "Softmax": ((recipe("indices:4", 3, 5, dtype="int32"),),),
    "Subtract": (UNEQUAL, OTHER_BATCH, THREE),
}
"""By layer, inputs that it does not take, beside those of another rank or number."""

MASKS: Mapping[str, tuple[int, ...]] = {
    "Bidirectional": (2, 5),
    "GRU": (2, 5),
    "GlobalAveragePooling1D": (2, 9),
    "LSTM": (2, 5),
    "SimpleRNN": (2, 5),
    "Softmax": (2, 5),
    "TimeDistributed": (2, 5),
}
"""By layer, the shape of a mask that does not fit the input of its first case."""

STATES: Mapping[str, tuple[tuple[Source, ...], ...]] = {
    "GRU": (normal((2, 3), (2, 3)), normal((2, 7)), normal((5, 3))),
    "GRUCell": ((), normal((2, 7))),
    "LSTM": (normal((2, 7), (2, 7)), normal((5, 3), (5, 3))),
    "LSTMCell": ((), normal((2, 7), (2, 7))),
    "SimpleRNN": (normal((2, 3), (2, 3)), normal((2, 7)), normal((5, 3))),
    "SimpleRNNCell": ((), normal((2, 7))),
}
"""By recurrent layer, states of another number, width or batch size than those of its first case."""

FUNCTIONS: Mapping[str, tuple[tuple[dict[str, JSON], tuple[int, ...]], ...]] = {
    "glu": (({"axis": 7}, (2, 4)), ({}, (2, 3))),
    "log_softmax": (({"axis": 7}, (2, 3)),),
    "relu": (({"slope": 0.5}, (2, 3)),),
    "sigmoid": (({"alpha": 1.0}, (2, 3)),),
    "softmax": (({"axis": 7}, (2, 3)),),
    "sparsemax": (({"axis": 7}, (2, 3)),),
    "threshold": (({}, (2, 3)),),
}
"""By activation function, arguments and the shape of an input, of which one is bad."""


def drafts() -> Iterator[Case]:
    for subject in first_cases():
        yield from of_layer(subject.removeprefix("layers."))
    for name, rows in FUNCTIONS.items():
        for config, shape in rows:
            yield asked(Case(f"activations.{name}", config, normal(shape)))


@cache
def first_cases() -> Mapping[str, Case]:
    """By layer that is called, the case that is asked for the signature: its required arguments, and inputs
    that fit."""
    return {
        case.subject: case
        for case in drafts_of_layers.drafts()
        if "signature" in case.observables and case.inputs
    }


def of_layer(name: str) -> Iterator[Case]:
    """What a layer has to refuse."""
    first = first_cases()[f"layers.{name}"]
    for arguments in (UNKNOWN, *bad_arguments(name), *bad_sizes(name), *TOGETHER.get(name, ())):
        yield spoilt(name, arguments)
    if first.config:
        yield spoilt(name, without=next(iter(first.config)))
    for inputs in (*misshapen(name, first.inputs), *INPUTS.get(name, ())):
        yield spoilt(name, inputs=inputs)
    for states in STATES.get(name, ()):
        yield spoilt(name, initial_state=states)
    if name in MASKS:
        yield spoilt(name, masks=(recipe("mask", *MASKS[name], dtype="bool"),))
    if first.weights and name not in OF_ANY_WIDTH:
        yield spoilt(name, observables=("refusal", "refusal/widened"))


def spoilt(
    name: str, arguments: Mapping[str, JSON] = NO_ARGUMENTS, *, without: str = "", **changes: Any
) -> Case:
    """The first case of a layer, to be refused: with some arguments, without another, or with other data."""
    first = first_cases()[f"layers.{name}"]
    config = {**first.config, **NEEDED.get(name, {}), **arguments}
    config.pop(without, None)
    return asked(first, config=config, **changes)


def bad_arguments(name: str) -> Iterator[dict[str, JSON]]:
    """Single arguments of a layer with values that their kinds refuse."""
    before: set[str] = set()
    for argument, field in layers.get(name).arguments.items():
        kind = field.kind
        again = kind.allowed in before
        if is_asked(name, argument) and not (again and kind in IDENTIFIERS):
            before.add(kind.allowed)
            yield from ({argument: value} for value in kind.refused[: 1 if again else None])


def is_asked(name: str, argument: str) -> bool:
    """Whether a layer is asked for bad values of one of its arguments; nobody looks at those not shown."""
    if not layers.get(name).arguments[argument].shown:
        return False
    if argument in UNASKED or (name, argument) in ENDLESS:
        return False
    if isinstance(vars(Layer).get(argument), Field):
        return name in OF_EVERY_LAYER
    kind = layers.get(name).arguments[argument].kind
    return kind is not UNCHECKED and (argument in OF_RANK or not spoken_for(name))


def bad_sizes(name: str) -> Iterator[dict[str, JSON]]:
    """Sizes of windows for more dimensions than there are, and of a window that the input does not hold."""
    layer = layers.get(name)
    if isinstance(getattr(layer, "rank", None), int):
        yield from ({argument: [2, 2, 2, 2]} for argument in PER_DIMENSION if argument in layer.arguments)
    if issubclass(layer, WindowedProduct) and not issubclass(layer, TransposedConvolution):
        yield {"kernel_size": 9}


def spoken_for(name: str) -> bool:
    """Whether another layer is asked for the arguments that both have: the one of two dimensions, or for a
    cell the layer that repeats it."""
    other = re.sub("[13]D", "2D", name).removesuffix("Cell")
    return other != name and other in Layer.registered


def misshapen(name: str, inputs: Sequence[Source]) -> Iterator[tuple[Source, ...]]:
    """Two inputs for a layer that takes one, and an input of too low a rank."""
    if len(inputs) > 1:
        return
    (x,), layer = inputs, layers.get(name)
    yield x, x
    rank = layer.exact_rank or layer.minimum_rank
    if rank > 1:
        yield normal(x.shape[: rank - 1])


def asked(case: Case, **changes: Any) -> Case:
    """The case with what is changed, in which nothing but its refusal is asked, and with keys of its own."""
    bare: dict[str, Any] = {"weights": {}, "cotangents": (), "observables": ("refusal",)}
    changed = msgspec.structs.replace(case, **bare | changes)

    def keys(slot: str, sources: Sequence[Source]) -> tuple[Source, ...]:
        return tuple(keyed(x, changed.subject, changed.config, f"{slot}/{i}") for i, x in enumerate(sources))

    return msgspec.structs.replace(
        changed,
        inputs=keys("input", changed.inputs),
        masks=keys("mask", changed.masks),
        initial_state=keys("state", changed.initial_state),
    )
