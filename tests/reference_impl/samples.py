"""One record per primitive, in the manner of PyTorch's OpInfo, that feeds every generic test."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import mpmath
import numpy as np

from conformance.reference_impl import primitives
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.primitives import dot_last, mean, unbroadcast
from conformance.reference_impl.primitives.primitive import Primitive
from conformance.reference_impl.tape import Tensor

from .references import (
    Place,
    affine_reference,
    affine_terms,
    along_last,
    correlate_products,
    dot_reference,
    dot_terms,
    exact_log_softmax,
    exact_log_sum_exp,
    exact_softmax,
    kernel_products,
    mean_reference,
    moved,
    multiprecise,
    overlap_sources,
    padded_terms,
    places,
    product_terms,
    python,
    rational,
    resample_reference,
    resample_terms,
    running_sources,
    scatter_sources,
    slice_moves,
    sum_sources,
    summed,
    summed_products,
    transposed_products,
    unbroadcast_sources,
    windows_moves,
)  # fmt: skip

LINEAR, ANALYTIC, SMOOTH, KINKED, DISCRETE = "linear", "analytic", "smooth", "kinked", "discrete"
"""How the derivative is checked: by the adjoint identity, by complex step, by differences (away from
kinks), or by being zero."""


@dataclass(frozen=True)
class Sample:
    """A primitive, operands that suit it, and independent implementations of it.

    Attributes:
        name: of the primitive's class, or of the composite function.
        call: on tensors.
        shapes: of the floating operands.
        derivative: one of the kinds above.
        reference: the exact result rounded to float64, from an implementation that shares nothing with ours.
        terms: (rounding, *float32 operands, **params) → the rounded terms, stacked along a new first axis,
            whose sum in any order is the result; None for what is no sum.
        float32: implementations on float32 arrays, other than that of the primitive itself.
        low, high: the interval that differentiable operands are drawn from.
        domain: the smallest operand for which the result is a number.
        finite: the operands that are always finite, as weights are that the layer itself computes.
        exact: data movement and selections, whose result is never rounded.
        scale: the magnitude of operands at which the result is about to overflow.
        batch: the axis along which the first operand, and others like it, may be of any length.
    """

    name: str
    call: Any
    shapes: tuple[tuple[int, ...], ...]
    derivative: str
    reference: Callable[..., Array]
    params: dict[str, Any] = field(default_factory=dict)
    terms: Callable[..., Array] | None = None
    float32: tuple[Callable[..., Array], ...] = ()
    low: float = -2.0
    high: float = 2.0
    domain: float = -math.inf
    finite: tuple[int, ...] = ()
    exact: bool = False
    scale: float = 3e38
    batch: int | None = 0

    def __str__(self) -> str:
        return self.name

    def operands(self, rng: np.random.Generator) -> list[Array]:
        """Random float64 operands, representable in float32, at which the derivative is checked."""
        return [
            rng.uniform(self.low, self.high, shape).astype(np.float32).astype(np.float64)
            for shape in self.shapes
        ]


def softmax_by_reciprocal(x: Array, *, axis: int) -> Array:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(e * (np.float32(1) / np.add.accumulate(e, axis=axis)[..., -1:]))


def mean_by_division(x: Array, *, axis: Place) -> Array:
    return np.asarray(x.sum(axis=axis) / np.float32(math.prod(x.shape[i] for i in axis)))


def fused_affine(x: Array, kernel: Array, bias: Array | None = None) -> Array:
    """Begins with the bias, and rounds once for a product and its sum."""
    total = np.asarray(0 if bias is None else bias, np.float32)
    for k in range(x.shape[-1]):
        total = (x[..., k, None].astype(float) * kernel[..., k, None, :] + total).astype(np.float32)
    return total


def columns_first(x: Array, rows: Array, columns: Array) -> Array:
    return np.asarray(rows @ (x @ columns.T))


def routed_to_largest(c: Tensor, x: Tensor, **params: Any) -> Tensor:
    """`at_largest`, whose second operand is the largest of the third."""
    return primitives.at_largest(c, primitives.largest_in_windows(x, **params), x, **params)


def largest_places(c: Array, x: Array, *, size: Place, strides: Place) -> Array:
    out = np.zeros(x.shape)
    for b, i, channel in np.ndindex(c.shape):
        window = x[b, i * strides[0] : i * strides[0] + size[0], channel]
        out[b, i * strides[0] + int(np.argmax(window)), channel] += c[b, i, channel]
    return out


ONE, TWO = ((6, 5),), ((6, 5), (6, 5))
PERMUTATION = np.argsort(np.random.default_rng(3).random((3, 4, 5)), axis=1)
INDICES = np.array([[0, 3, 3], [6, 0, 1]])
WINDOWS_1D = {"size": (3,), "strides": (2,), "dilation": (1,)}
WINDOWS_2D = {"size": (2, 3), "strides": (2, 1), "dilation": (3, 2)}


def function(name: str, reference: Callable[..., Any], **changes: Any) -> Sample:
    """A function of one argument that is analytic, unless `changes` say otherwise."""
    sample = Sample(name, Primitive.every[name], ONE, ANALYTIC, multiprecise(reference))
    return replace(sample, **changes)


def movement(name: str, shapes: Any, sources: Any, **params: Any) -> Sample:
    call = Primitive.every[name]
    return Sample(name, call, shapes, LINEAR, moved(sources), params, exact=True, batch=None)


def gathering(name: str, shapes: Any, sources: Any, **params: Any) -> Sample:
    call = Primitive.every[name]
    return Sample(name, call, shapes, LINEAR, summed(sources), params, terms=padded_terms(sources))


def convolution(name: str, shapes: Any, products: Any, **params: Any) -> Sample:
    """The product of three arrays with two of them as its operands: linear in each."""
    return Sample(
        name, Primitive.every[name], shapes, SMOOTH, summed_products(products), params,
        terms=product_terms(products), scale=1e19, batch=None if name == "KernelCorrelate" else 0,
    )  # fmt: skip


def selection(name: str, shapes: Any, reference: Callable[..., float], derivative: str = KINKED) -> Sample:
    return Sample(name, Primitive.every[name], shapes, derivative, python(reference), exact=True)


def binary(name: str, reference: Callable[..., Any], **changes: Any) -> Sample:
    return replace(Sample(name, Primitive.every[name], TWO, ANALYTIC, rational(reference)), **changes)


def slices(*bounds: Any) -> tuple[Any, ...]:
    return tuple(b if isinstance(b, int) else slice(*b) for b in bounds)


KEY = slices((1, None), -1, (None, None, 2))

SAMPLES = (
    # arithmetic
    binary("Add", lambda x, y: x + y),
    binary("Subtract", lambda x, y: x - y),
    binary("Multiply", lambda x, y: x * y, scale=1.7e19),
    binary("Divide", lambda x, y: x / y, low=0.5),
    replace(binary("Multiply", lambda x, y: x * y, scale=1.7e19), shapes=((6, 5), (5,))),
    function("Square", lambda x: x * x, scale=1.8e19),
    # functions
    function("Sqrt", mpmath.sqrt, low=0.1, domain=0.0),
    function("Rsqrt", lambda x: 1 / mpmath.sqrt(x), low=0.1, domain=0.0),
    function("Exp", mpmath.exp, scale=88.7),
    function("Expm1", mpmath.expm1, scale=88.7),
    function("Log", mpmath.log, low=0.1, domain=0.0),
    function("Log1p", mpmath.log1p, low=-0.9, domain=-1.0),
    function("Power", lambda x, exponent: x**exponent, low=0.1, domain=0.0, params={"exponent": 2.5}),
    function("Power", lambda x, exponent: x**exponent, params={"exponent": 3.0}, scale=7e12),
    Sample(
        "Exponentiate", primitives.exponentiate, TWO, ANALYTIC, multiprecise(mpmath.power),
        low=0.1, domain=0.0,
    ),
    function("Cos", mpmath.cos),
    function("Tanh", mpmath.tanh),
    function(
        "Sigmoid", lambda x: 1 / (1 + mpmath.exp(-x)),
        derivative=SMOOTH, float32=(lambda x: 1 / (1 + np.exp(-x)),),
    ),
    function(
        "Softplus", lambda x: mpmath.log1p(mpmath.exp(x)),
        derivative=SMOOTH, float32=(lambda x: np.where(x > 17, x, np.log1p(np.exp(np.minimum(x, 17)))),),
    ),
    function("Erf", mpmath.erf, derivative=SMOOTH),
    binary("TanhGradient", lambda c, t: c * (1 - t * t), low=-1.0, high=1.0, scale=6e12),
    binary("SigmoidGradient", lambda c, s: c * s * (1 - s), low=0.0, high=1.0, scale=6e12),
    function("Sinc", mpmath.sinc),
    Sample("Triangle", primitives.triangle, ONE, KINKED, python(lambda x: max(1.0 - abs(x), 0.0))),
    # selections
    selection("Negative", ONE, lambda x: -x, LINEAR),
    selection("Absolute", ONE, abs),
    selection("Maximum", TWO, max),
    selection("Minimum", TWO, min),
    selection("Relu", ONE, lambda x: x if x > 0 else 0.0),
    replace(selection("Relu6", ONE, lambda x: min(max(x, 0.0), 6.0)), low=-3.0, high=9.0),
    selection("Sign", ONE, lambda x: float(x > 0) - float(x < 0), DISCRETE),
    selection("Floor", ONE, math.floor, DISCRETE),
    selection("Greater", TWO, lambda x, y: float(x > y), DISCRETE),
    selection("GreaterEqual", TWO, lambda x, y: float(x >= y), DISCRETE),
    selection("Where", (*TWO, (6, 5)), lambda c, x, y: x if c else y),
    Sample(
        "LargestInWindows", primitives.largest_in_windows, ((2, 5, 4, 3),), KINKED,
        lambda x, size, strides: np.array(
            [[[x[b, 2 * i : 2 * i + 3, j : j + 2].max((0, 1)) for j in range(3)] for i in range(2)]
             for b in range(len(x))]
        ),
        {"size": (3, 2), "strides": (2, 1)}, exact=True,
    ),
    Sample(
        "AtLargest", routed_to_largest, ((2, 3, 3), (2, 7, 3)), KINKED, largest_places,
        {"size": (3,), "strides": (2,)}, batch=None,
    ),
    Sample(
        "Largest", primitives.largest, ((4, 7, 3),), KINKED,
        lambda x, axis: np.array([[[max(x[i, :, k])  for k in range(3)]] for i in range(len(x))]),
        {"axis": 1}, exact=True,
    ),
    Sample(
        "LargestNumber", primitives.largest_number, ((4, 7, 3),), KINKED,
        lambda x, axis: np.fmax.reduce(x, axis=axis, keepdims=True), {"axis": 1}, exact=True,
    ),
    # movement
    movement(
        "Reshape", ((4, 3, 2),),
        lambda x, shape: ((p, 0, o) for p, o in zip(places(shape), places(x.shape), strict=True)),
        shape=(6, 4),
    ),
    movement(
        "Transpose", ((4, 3, 2),),
        lambda x, axes: ((tuple(o[a] for a in axes), 0, o) for o in places(x.shape)), axes=(2, 0, 1),
    ),
    movement(
        "BroadcastTo", ((3, 1),), lambda x, shape: ((p, 0, (p[1], 0)) for p in places(shape)), shape=(2, 3, 5)
    ),
    movement(
        "Concatenate", ((2, 3, 2), (2, 1, 2), (2, 4, 2)),
        lambda *arrays, axis: (
            ((o[0], o[1] + sum(a.shape[1] for a in arrays[:n]), o[2]), n, o)
            for n, x in enumerate(arrays)
            for o in places(x.shape)
        ),
        axis=1,
    ),
    movement("TakeSlice", ((4, 3, 5),), lambda x, key: slice_moves(x, key, False), key=KEY),
    movement(
        "PutSlices", ((3, 3),), lambda x, shape, keys: slice_moves(np.empty(shape), keys[0], True),
        shape=(4, 3, 5), keys=(KEY,),
    ),
    movement(
        "TakeSlice", ((4, 6),), lambda x, key: slice_moves(x, key, False),
        key=slices((None, None, -1), (4, 0, -2)),
    ),
    replace(
        movement("Pad", ((2, 3),), lambda x, widths: iter(()), widths=((1, 0), (2, 3))),
        reference=lambda x, widths: np.pad(x, widths),
    ),
    movement(
        "Flip", ((4, 3),), lambda x, axis: (((o[0], 2 - o[1]), 0, o) for o in places(x.shape)), axis=-1
    ),
    movement(
        "Take", ((7, 2),),
        lambda x, indices: ((p, 0, (int(indices[p[:2]]), p[2])) for p in places((2, 3, 2))),
        indices=INDICES,
    ),
    movement(
        "TakeAlongAxis", ((3, 4, 5),),
        lambda x, indices, axis: ((p, 0, (p[0], int(indices[p]), p[2])) for p in places(x.shape)),
        indices=PERMUTATION, axis=1,
    ),
    movement("Windows", ((2, 7, 3),), windows_moves, **WINDOWS_1D),
    movement("Windows", ((2, 9, 8, 3),), windows_moves, **WINDOWS_2D),
    # sums
    gathering("Sum", ((4, 6, 3),), sum_sources, axis=(1,)),
    gathering("Sum", ((4, 6, 3),), sum_sources, axis=(1, 2), keepdims=True),
    Sample(
        "AddN", primitives.add_n, ((6, 5),) * 4, LINEAR, rational(lambda *x: sum(x)),
        terms=lambda rounding, *arrays: np.stack(arrays), scale=1e38,
    ),
    gathering("CumulativeSum", ((4, 6, 3),), running_sources, axis=1),
    replace(gathering("ScatterAdd", ((2, 3, 4),), scatter_sources, indices=INDICES, rows=7), batch=2),
    gathering("OverlapAdd", ((2, 3, 3, 3),), overlap_sources, spatial=(7,), **WINDOWS_1D),
    gathering("OverlapAdd", ((1, 3, 4, 2, 3, 2),), overlap_sources, spatial=(9, 8), **WINDOWS_2D),
    Sample(
        "unbroadcast", lambda x, *, shape: unbroadcast(x, shape), ((2, 6, 3, 5),), LINEAR,
        summed(unbroadcast_sources), {"shape": (6, 1, 5)},
        terms=padded_terms(unbroadcast_sources), batch=None,
    ),
    # contractions
    Sample(
        "Affine", primitives.affine, ((4, 6), (6, 5), (1, 5)), ANALYTIC, affine_reference,
        terms=affine_terms, float32=(fused_affine,), scale=1e19,
    ),
    Sample(
        "Affine", primitives.affine, ((3, 4, 6), (6, 5)), ANALYTIC, affine_reference,
        terms=affine_terms, float32=(fused_affine,), scale=1e19,
    ),
    Sample(
        "dot_last", dot_last, ((2, 3, 6), (6, 5), (5,)), ANALYTIC, dot_reference, terms=dot_terms, scale=1e19
    ),
    Sample(
        "Resample", primitives.resample, ((2, 4, 3), (5, 4), (2, 3)), ANALYTIC, resample_reference,
        terms=resample_terms, float32=(columns_first,), finite=(1, 2), scale=6e12,
    ),
    movement(
        "PutSlices", ((2, 5), (2,), (1, 5)),
        lambda *arrays, shape, keys: (
            (place, n, origin)
            for n, key in enumerate(keys)
            for place, _, origin in slice_moves(np.empty(shape), key, True)
        ),
        shape=(4, 5), keys=(slices((None, 2)), slices(2, (None, None, 3)), slices((3, None))),
    ),
    # convolutions
    convolution(
        "Correlate", ((2, 6, 5, 4), (2, 3, 2, 6), (6,)), correlate_products,
        padding=((0, 1), (2, 1)), strides=(2, 1), dilation=(1, 2), groups=2,
    ),
    convolution(
        "Correlate", ((2, 7, 3), (3, 1, 6)), correlate_products,
        padding=((0, 0),), strides=(2,), dilation=(1,), groups=3,
    ),
    convolution(
        "TransposedCorrelate", ((2, 3, 2, 6), (3, 2, 2, 6), (4,)), transposed_products,
        spatial=(8, 4), strides=(2, 1), dilation=(1, 2), groups=2,
    ),
    convolution(
        "TransposedCorrelate", ((2, 3, 6), (3, 1, 6)), transposed_products,
        spatial=(8,), strides=(2,), dilation=(1,), groups=3,
    ),
    convolution(
        "KernelCorrelate", ((2, 6, 5, 4), (2, 3, 1, 6)), kernel_products,
        size=(2, 3), strides=(2, 1), dilation=(1, 2), groups=2,
    ),
    convolution(
        "KernelCorrelate", ((2, 7, 3), (2, 3, 6)), kernel_products,
        size=(3,), strides=(2,), dilation=(1,), groups=3,
    ),
    # composites
    Sample(
        "Softmax", primitives.softmax, ((4, 7),), SMOOTH, along_last(exact_softmax), {"axis": -1},
        float32=(softmax_by_reciprocal,),
    ),
    Sample(
        "LogSoftmax", primitives.log_softmax, ((4, 7),), SMOOTH, along_last(exact_log_softmax), {"axis": -1}
    ),
    Sample(
        "LogSumExp", primitives.log_sum_exp, ((4, 7),), SMOOTH, along_last(exact_log_sum_exp), {"axis": -1}
    ),
    Sample(
        "mean", mean, ((4, 6, 3),), LINEAR, mean_reference, {"axis": (1, 2)}, float32=(mean_by_division,)
    ),
)  # fmt: skip

COMPOSITE_FUNCTIONS = {"mean", "dot_last", "unbroadcast"}
"""Compositions that have no class of their own."""


def defined_primitives() -> set[str]:
    """The primitives of the package `primitives` (activations add theirs, which are tested with them)."""
    inside = primitives.__name__
    return {name for name, p in Primitive.every.items() if type(p).__module__.startswith(inside)}
