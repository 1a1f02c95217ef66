"""The primitives: array operations, each with its value, its vjp and its rounding-error bound."""

from conformance.reference_impl.primitives.contraction import (
    affine,
    dot_last,
    largest,
    largest_number,
    log_softmax,
    log_sum_exp,
    mean,
    softmax,
)
from conformance.reference_impl.primitives.convolution import (
    correlate,
    kernel_correlate,
    transposed_correlate,
)
from conformance.reference_impl.primitives.elementwise import (
    add,
    cos,
    divide,
    erf,
    exp,
    expm1,
    exponentiate,
    log,
    log1p,
    multiply,
    negative,
    power,
    rsqrt,
    sigmoid,
    sigmoid_gradient,
    softplus,
    sqrt,
    square,
    subtract,
    tanh,
    tanh_gradient,
)
from conformance.reference_impl.primitives.movement import (
    add_n,
    broadcast_to,
    concatenate,
    cumulative_sum,
    flip,
    overlap_add,
    pad,
    put_slices,
    reshape,
    scatter_add,
    take,
    take_along_axis,
    take_slice,
    total,
    transpose,
    unbroadcast,
    windows,
)
from conformance.reference_impl.primitives.pooling import at_largest, largest_in_windows
from conformance.reference_impl.primitives.resampling import resample, sinc, triangle
from conformance.reference_impl.primitives.selection import (
    absolute,
    floor,
    greater,
    greater_equal,
    maximum,
    minimum,
    relu,
    relu6,
    sign,
    where,
)

__all__ = [
    "absolute", "add", "add_n", "affine", "at_largest", "broadcast_to", "concatenate", "correlate", "cos",
    "cumulative_sum", "divide", "dot_last", "erf", "exp", "expm1", "exponentiate", "flip", "floor",
    "greater", "greater_equal", "kernel_correlate", "largest", "largest_in_windows", "largest_number",
    "log", "log1p", "log_softmax", "log_sum_exp", "maximum", "mean", "minimum", "multiply", "negative",
    "overlap_add", "pad", "power", "put_slices", "relu", "relu6", "resample", "reshape", "rsqrt",
    "scatter_add", "sigmoid",
    "sigmoid_gradient", "sign", "sinc", "softmax", "softplus", "sqrt", "square", "subtract", "take",
    "take_along_axis", "take_slice", "tanh", "tanh_gradient", "total", "transpose", "transposed_correlate",
    "triangle", "unbroadcast", "where", "windows",
]  # fmt: skip
