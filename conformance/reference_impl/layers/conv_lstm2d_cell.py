"""ConvLSTM2DCell: one step of ConvLSTM2D."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.cell import columns
from conformance.reference_impl.layers.conv2d import Conv2D
from conformance.reference_impl.layers.convolution import WindowedProduct, convolved
from conformance.reference_impl.layers.layer import Context, Shape, Weight
from conformance.reference_impl.layers.lstm_cell import LSTMCell
from conformance.reference_impl.primitives import concatenate, reshape
from conformance.reference_impl.tape import Tensor


class ConvLSTM2DCell(LSTMCell):
    """`LSTMCell` whose products are convolutions (Shi et al. 2015), with gates in the order i, f, c, o.

        z = x ∗ kernel + bias + h ∗ recurrent_kernel
        c' = σ(z_f)·c + σ(z_i)·g(z_c)        h' = σ(z_o)·g(c')

    The input is convolved with the strides, padding and dilation rate that the cell is given; the state
    with strides of 1 and padding "same", so that it keeps its size. Input (batch, height, width, channels),
    and the states h and c (batch, height', width', filters), or channels second where `data_format` is
    "channels_first"; output h', and the states h' and c'. Source: `ConvLSTMCell` of Keras, which exports
    it inside ConvLSTM2D only, and `tf.layers.convLstm2dCell`.

    >>> from conformance.reference_impl.layers import ConvLSTM2DCell
    >>> ConvLSTM2DCell(8, 3, padding="same", strides=2).output_shapes([(None, 7, 5, 3)])[0]
    (None, 4, 3, 8)
    """

    exact_rank = 4
    drops_of_each_block = True

    implementation = None

    filters = field(fields.positive_integer, doc="channels of the output and of each state")
    kernel_size = WindowedProduct.kernel_size
    strides = WindowedProduct.strides
    padding = WindowedProduct.padding
    data_format = WindowedProduct.data_format
    dilation_rate = WindowedProduct.dilation_rate
    activation = LSTMCell.activation
    recurrent_activation = LSTMCell.recurrent_activation
    use_bias = LSTMCell.use_bias
    kernel_initializer = LSTMCell.kernel_initializer
    recurrent_initializer = LSTMCell.recurrent_initializer
    bias_initializer = LSTMCell.bias_initializer
    unit_forget_bias = LSTMCell.unit_forget_bias

    units: Any = None

    def check(self) -> None:
        given = ("kernel_size", "strides", "padding", "data_format", "dilation_rate")
        self.of_input = Conv2D(self.filters, **{name: self.config[name] for name in given})
        self.config |= {name: self.of_input.config[name] for name in given}
        self.of_state = Conv2D(self.filters, self.kernel_size, padding="same", data_format=self.data_format)

    @property
    def channel_axis(self) -> int:
        """Of one step, or of the steps of all times: counted from the end."""
        return -1 if self.data_format == "channels_last" else -3

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        self.of_input.check_inputs(shapes)

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return self.of_input.output_shapes(shapes) * (1 + self.states)

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        width = self.blocks * self.filters
        channels = self.of_input.channels(shapes)
        bias = (Weight("bias", (width,), self.bias_initializer),) if self.use_bias else ()
        return (
            Weight("kernel", (*self.kernel_size, channels, width), self.kernel_initializer),
            Weight("recurrent_kernel", (*self.kernel_size, self.filters, width), self.recurrent_initializer),
            *bias,
        )

    def project(self, x: Tensor, weights: Mapping[str, Tensor], context: Context) -> Tensor:
        kept = self.kept_inputs(x, context)
        return self.product(self.of_input, kept, weights["kernel"], weights.get("bias"))

    def recurrent(self, h: Tensor, weights: Mapping[str, Tensor], context: Context) -> Tensor:
        return self.product(self.of_state, self.kept_state(h, context), weights["recurrent_kernel"])

    def product(
        self, convolution: Conv2D, kept: Sequence[Tensor], kernel: Tensor, bias: Tensor | None = None
    ) -> Tensor:
        """All gates' convolutions, side by side along the channels, of one x for all or one for each."""
        if len(kept) == 1:
            return at_all_times(convolution, kept[0], kernel, bias)
        gates = (
            at_all_times(
                convolution,
                x,
                columns(kernel, self.filters, gate),
                None if bias is None else columns(bias, self.filters, gate),
            )
            for gate, x in enumerate(kept)
        )
        return concatenate(*gates, axis=self.channel_axis)

    def block(self, z: Tensor, first: int, last: int | None = None) -> Tensor:
        return columns(z, self.filters, first, last, axis=self.channel_axis)


def at_all_times(convolution: Conv2D, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """(batch, …, *step) → the convolution of every step, (batch, …, *step')."""
    times, step = x.shape[:-3], x.shape[-3:]
    z = convolved(convolution, reshape(x, shape=(math.prod(times), *step)), (kernel,), bias)
    return reshape(z, shape=(*times, *z.shape[1:]))
