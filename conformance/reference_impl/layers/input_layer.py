"""InputLayer: where a model's input begins, which has a shape and a dtype and computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import Serialized, field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.tape import Tensor


class InputLayer(Layer):
    """What a model is given, unchanged.

    Its shape is told with the batch (`batch_shape`), or without it (`shape`) and apart from it
    (`batch_size`, unknown by default). It is no part of a computation: weights, training and casting do not
    concern it. Source: `keras.layers.InputLayer`.

    >>> InputLayer(shape=[None, 3], batch_size=2).get_config()["batch_shape"]
    [2, None, 3]
    """

    activity_regularizer = None
    trainable = True
    autocast = False
    input_shape = None
    input_dim = None

    shape = field(
        fields.optional(fields.unknown_sizes), None, "shape of a sample", serialized=Serialized.NEVER
    )
    batch_size = field(
        fields.optional(fields.non_negative_integer), None, "of the batch", serialized=Serialized.NEVER
    )
    dtype = field(fields.dtype, None, "dtype of the input")
    sparse = field(fields.flag, None, "whether it is a sparse tensor")
    ragged = field(fields.flag, None, "whether its samples may be of several sizes")
    batch_shape = field(fields.optional(fields.unknown_sizes), None, "shape of the input, with the batch")
    input_tensor = field(fields.nothing, None, "a symbolic tensor, which JSON cannot hold", Serialized.NEVER)
    optional = field(fields.boolean, False, "whether None may be given")
    name = field(fields.optional(fields.text), None, "a name, made up where none is given")

    def check(self) -> None:
        if (self.shape is None) == (self.batch_shape is None):
            raise ValueError("InputLayer needs argument `shape` or argument `batch_shape`, and not both")
        if self.batch_shape is None:
            self.config["batch_shape"] = (self.batch_size, *self.shape)
        elif self.batch_size is not None:
            raise ValueError("InputLayer has its batch size in `batch_shape`: leave out `batch_size`")

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        (given,) = shapes
        if len(given) != len(self.batch_shape) or any(
            known not in (None, size) for known, size in zip(self.batch_shape, given, strict=True)
        ):
            raise ValueError(f"InputLayer is of shape {self.batch_shape}; the input's shape is {given}")

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        return Result((inputs[0],))
