"""What transposed convolutions of every rank share: windows of products, added up where they overlap."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.convolution import WindowedProduct, geometry
from conformance.reference_impl.layers.kernel_and_bias import KernelAndBias
from conformance.reference_impl.layers.layer import Shape, Weight
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import take_slice, transposed_correlate
from conformance.reference_impl.tape import Tensor


def transposed_length(n: int, size: int, stride: int, dilation: int, padding: str, extra: int | None) -> int:
    """The elements that an axis of n grows to; `extra` is its output padding, None for as many as make the
    output n · stride long, or as long as its windows reach."""
    reach = (size - 1) * dilation + 1
    if padding == "same":
        return n * stride if extra is None else (n - 1) * stride + reach % 2 + extra
    return (n - 1) * stride + (max(reach, stride) if extra is None else reach + extra)


class TransposedConvolution(WindowedProduct, KernelAndBias, registered=False):
    """activation(overlap_add(x · kernel) + bias): the adjoint of a convolution from output to input.

    The kernel is (*kernel_size, filters, channels). With padding "same" the edges of the sum are cut, the odd
    element after.
    """

    per_dimension = (*WindowedProduct.per_dimension, "output_padding")

    filters = field(fields.positive_integer, doc="number of output channels")
    kernel_size, strides, padding = (
        WindowedProduct.kernel_size,
        WindowedProduct.strides,
        WindowedProduct.padding,
    )
    output_padding = field(
        fields.optional(fields.non_negative_integers), None, "elements more than the least, at the end"
    )
    data_format, dilation_rate = WindowedProduct.data_format, WindowedProduct.dilation_rate

    def check(self) -> None:
        super().check()
        self.check_strides_or_dilation()
        if any(
            extra >= stride for extra, stride in zip(self.output_padding or (), self.strides, strict=False)
        ):
            raise ValueError(
                f"argument `output_padding`: expected less than strides = {self.strides}, got "
                f"{self.output_padding}"
            )

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        kernel = (*self.kernel_size, self.filters, self.channels(shapes))
        bias = (Weight("bias", (self.filters,), self.bias_initializer),) if self.use_bias else ()
        return (Weight("kernel", kernel, self.kernel_initializer), *bias)

    def output_channels(self, channels: int) -> int:
        return int(self.filters)

    def positions(self, spatial: Sequence[int | None]) -> tuple[int | None, ...]:
        return tuple(
            None if n is None else transposed_length(n, *axis, self.padding, extra)
            for n, axis, extra in zip(spatial, geometry(self), output_padding(self), strict=True)
        )

    def convolve(self, x: Tensor, kernels: Sequence[Tensor], bias: Tensor | None) -> Tensor:
        return overlapped(self, x, kernels[0], bias)


@patchable("layers.output_padding")
def output_padding(layer: TransposedConvolution) -> tuple[int | None, ...]:
    """The output padding of each spatial dimension"""
    return layer.output_padding or (None,) * layer.rank


@patchable("layers.overlapped")
def overlapped(layer: TransposedConvolution, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """x times the kernel, added up where windows overlap, and the bias, cut or filled to the output's length:
    (batch, *positions, channels) · (*size, filters, channels) → (batch, *spatial, filters)."""
    positions = x.shape[1:-1]
    lengths = [n for n in layer.positions(positions) if n is not None]  # in a call none is
    axes = geometry(layer)
    reaches = [(n - 1) * s + (k - 1) * d + 1 for n, (k, s, d) in zip(positions, axes, strict=True)]
    _, strides, dilation = zip(*axes, strict=True)
    z = transposed_correlate(
        x,
        kernel,
        *(() if bias is None else (bias,)),
        spatial=tuple(map(max, lengths, reaches)),
        strides=strides,
        dilation=dilation,
        groups=1,
    )
    cuts = [(max(reach - n, 0) // 2, n) for n, reach in zip(lengths, reaches, strict=True)]
    if all(full == n for full, (_, n) in zip(z.shape[1:-1], cuts, strict=True)):
        return z
    return take_slice(z, key=(slice(None), *(slice(before, before + n) for before, n in cuts)))
