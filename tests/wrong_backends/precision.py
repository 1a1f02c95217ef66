"""Faults of precision: formats that are too narrow, formulas that cancel or overflow, roundings that are not
declared, numbers that are not finite."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.reference_impl.primitives import log, softmax
from conformance.reference_impl.tape import Tensor

from .computed import ten_bits
from .correct import ALGORITHM, ARITHMETIC, chosen, flushed, rounded_to_zero
from .fault import Fault, rule

FIVE_TERMS = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
"""Of an approximation of erf by 1 − (a₁t + … + a₅t⁵)·e^(−x²) for t = 1/(1 + 0.3275911x), which is off by
1.5e-7 (Abramowitz and Stegun 1964, formula 7.1.26)."""


def tf32_windows(original: Any, self: Any, x: Any, kernel: Any, *bias: Any, **params: Any) -> Any:
    """Operands are rounded to the 10 bits of TF32's mantissa, sums are float32."""
    return original(self, ten_bits(x), ten_bits(kernel), *bias, **params)


def in_half(original: Any, self: Any, *operands: Any, **params: Any) -> Any:
    """Computed, and added up, in float16."""
    narrow = [x.astype(np.float16) if x.dtype == np.float32 else x for x in operands]
    result = original(self, *narrow, **params)
    return result.astype(np.float32) if result.dtype == np.float16 else result


def exp_by_power_of_two(original: Any, self: Any, x: Any) -> Any:
    """2^(x·log₂ e), whose exponent is rounded: the more, the larger it is."""
    return np.exp2(x * x.dtype.type(math.log2(math.e)))


def tanh_by_quotient(original: Any, self: Any, x: Any) -> Any:
    """(e²ˣ − 1)/(e²ˣ + 1), which cancels near 0."""
    e = np.exp(2 * x)
    return (e - 1) / (e + 1)


def softplus_by_definition(original: Any, self: Any, x: Any) -> Any:
    """ln(1 + eˣ), which overflows."""
    return np.log(1 + np.exp(x))


def logarithm_of_softmax(original: Any, self: Any, x: Tensor, *, axis: int) -> Tensor:
    """What is unlikely is 0, and its logarithm infinite."""
    return log(softmax(x, axis=axis))


def erf_by_five_terms(original: Any, self: Any, x: Any) -> Any:
    t = 1 / (1 + x.dtype.type(0.3275911) * np.abs(x))
    polynomial = np.polyval([*FIVE_TERMS[::-1], 0.0], t).astype(x.dtype)
    return np.copysign(1 - polynomial * np.exp(-x * x), x)


def nan_lost(original: Any, self: Any, x: Any) -> Any:
    """Of NaN and 0 it takes the number."""
    return np.fmax(x, x.dtype.type(0))


def infinity_lost(case: Case, observable: str, answer: Any) -> Any:
    """What is infinite is the largest finite number."""
    if not observable.startswith("output/") or answer.dtype.kind != "f":
        return answer
    largest = np.finfo(answer.dtype).max
    return np.clip(answer, -largest, largest)


FAULTS = (
    Fault("tf32_convolutions", "forward", "layers.Conv2D", {rule("Correlate", "value"): tf32_windows}),
    Fault("tf32_convolution_1d", "forward", "layers.Conv1D", {rule("Correlate", "value"): tf32_windows}),
    Fault("products_in_float16", "forward", "layers.Dense", {rule("Affine", "value"): in_half}),
    Fault("gates_in_float16", "forward", "layers.LSTM", {rule("Affine", "value"): in_half}),
    Fault("means_in_float16", "forward", "layers.GlobalAveragePooling2D", {rule("Sum", "value"): in_half}),
    Fault(
        "kernel_gradient_in_float16", "gradients", "layers.Conv2D",
        {rule("KernelCorrelate", "value"): in_half},
    ),
    Fault(
        "rounds_to_zero_declared_nearest", "forward", "layers.Multiply",
        dict.fromkeys(ARITHMETIC, rounded_to_zero),
    ),
    Fault(
        "subnormals_flushed_declared_kept", "forward", "activations.*", dict.fromkeys(ARITHMETIC, flushed)
    ),
    Fault(
        "layer_norm_one_pass_variance", "forward", "layers.LayerNormalization",
        {ALGORITHM: chosen("variance", "one-pass")},
    ),
    Fault(
        "batch_norm_folded_declared_centred", "forward", "layers.BatchNormalization",
        {ALGORITHM: chosen("batch_normalization", "folded")},
    ),
    Fault(
        "elu_by_exp_minus_one", "forward", "activations.elu",
        {rule("Expm1", "value"): lambda original, self, x, **params: np.exp(x) - x.dtype.type(1)},
    ),
    Fault(
        "exp_by_power_of_two", "forward", "activations.exponential",
        {rule("Exp", "value"): exp_by_power_of_two},
    ),
    Fault("tanh_cancels", "forward", "activations.tanh", {rule("Tanh", "value"): tanh_by_quotient}),
    Fault(
        "softplus_overflows", "forward", "activations.softplus",
        {rule("Softplus", "value"): softplus_by_definition},
    ),
    Fault(
        "log_softmax_of_softmax", "forward", "activations.log_softmax",
        {rule("LogSoftmax", "compose"): logarithm_of_softmax},
    ),
    Fault("erf_of_five_terms", "forward", "activations.gelu", {rule("Erf", "value"): erf_by_five_terms}),
    Fault("nan_lost", "forward", "activations.relu", {rule("Relu", "value"): nan_lost}),
    Fault("infinity_lost", "forward", "activations.*", said=infinity_lost),
)  # fmt: skip
