"""Faults of what is computed: gate orders, layouts, epsilons, edges, gradients, precision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.reference_impl.layers.layer import Result
from conformance.reference_impl.primitives import (
    add,
    concatenate,
    divide,
    exp,
    flip,
    greater_equal,
    maximum,
    minimum,
    multiply,
    reshape,
    sqrt,
    square,
    subtract,
    take_slice,
    total,
    transpose,
)
from conformance.reference_impl.tape import Tensor
from conformance.runners.protocol import WireError
from conformance.verdicts import Verdict

from .fault import LAYERS, Fault, rule

CONVOLUTION = f"{LAYERS}.convolution"
BATCH_NORMALIZATION = f"{LAYERS}.batch_normalization"
LSTM = f"{LAYERS}.lstm:LSTM"
BLOCK = f"{LAYERS}.cell:DenseCell.block"
CONV_LSTM = f"{LAYERS}.conv_lstm2d_cell:ConvLSTM2DCell"
CASES = "conformance.cases"


# Dense


def kernel_transposed(original: Any, x: Tensor, kernel: Tensor, *bias: Any) -> Tensor:
    is_square = kernel.shape[0] == kernel.shape[1]
    return original(x, transpose(kernel, axes=(1, 0)) if is_square else kernel, *bias)


def tf32_products(original: Any, self: Any, x: Any, kernel: Any, *bias: Any) -> Any:
    """Operands are rounded to the 10 bits of TF32's mantissa, sums are float32."""
    return original(self, ten_bits(x), ten_bits(kernel), *bias)


def ten_bits(x: Any) -> Any:
    if x.dtype != np.float32:
        return x
    bits = np.ascontiguousarray(x).view(np.uint32)
    even = (bits >> np.uint32(13)) & np.uint32(1)
    rounded = ((bits + np.uint32(0xFFF) + even) & np.uint32(0xFFFFE000)).view(np.float32)
    return np.where(np.isfinite(x), rounded, x)


def float16_storage(case: Case, observable: str, answer: Any) -> Any:
    if not observable.startswith("output/") or answer.dtype != np.float32:
        return answer
    with np.errstate(over="ignore"):
        return answer.astype(np.float16).astype(np.float32)


# Conv2D


def kernel_flipped(original: Any, x: Tensor, kernel: Tensor, *bias: Any, **params: Any) -> Tensor:
    return original(x, flip(flip(kernel, axis=0), axis=1), *bias, **params)


def groups_ignored(
    original: Any, x: Tensor, kernel: Tensor, *bias: Any, groups: int, **params: Any
) -> Tensor:
    """Every group of filters sees the first group of channels."""
    first = take_slice(x, key=(slice(None),) * 3 + (slice(0, kernel.shape[-2]),))
    return original(concatenate(*[first] * groups, axis=-1), kernel, *bias, groups=groups, **params)


def bias_along_width(original: Any, self: Any, inputs: Any, weights: Any, context: Any) -> Result:
    """The bias is added along the last axis also where channels come second, if its size allows."""
    bias = weights.get("bias")
    result = original(self, inputs, weights, context)
    width = result.outputs[0].shape[-1]
    if self.data_format == "channels_last" or bias is None or bias.shape[0] != width:
        return result
    bare = {name: weight for name, weight in weights.items() if name != "bias"}
    return Result((add(original(self, inputs, bare, context).outputs[0], bias),))


def read_as_channels_last(original: Any, x: Tensor, *, axes: tuple[int, ...]) -> Tensor:
    """The first step of channels first: the memory is read as if channels came last."""
    return (
        reshape(x, shape=tuple(x.shape[i] for i in axes)) if axes == (0, 2, 3, 1) else original(x, axes=axes)
    )


# BatchNormalization


def epsilon_1e_5(original: Any, self: Any, *args: Any) -> Any:
    """1e-5 stands for the default epsilon."""
    return original(type(self).from_config(self.config | {"epsilon": 1e-5}), *args)


def epsilon_outside(original: Any, self: Any, x: Any, average: Any, variance: Any, *args: Any) -> Any:
    """1/(√σ² + ε) for 1/√(σ² + ε)."""
    moved = subtract(square(add(sqrt(variance), self.epsilon)), self.epsilon)
    return original(self, x, average, moved, *args)


def unbiased_variance(original: Any, x: Tensor, axis: int, mask: Any) -> tuple[Tensor, Tensor]:
    average, variance = original(x, axis, mask)
    count = x.size // x.shape[axis]
    return average, multiply(variance, count / (count - 1) if count > 1 else 1.0)


def detached_statistics(original: Any, *args: Any) -> tuple[Tensor, ...]:
    return tuple(Tensor(t.value) for t in original(*args))


# Recurrent layers


def gates_ifoc(original: Any, self: Any, z: Tensor, index: int) -> Tensor:
    return original(self, z, {2: 3, 3: 2}.get(index, index))


def first_two_gates_swapped(original: Any, self: Any, z: Tensor, index: int, *last: int) -> Tensor:
    return original(self, z, index if last else {0: 1, 1: 0}.get(index, index), *last)


def update_inverted(original: Any, z: Tensor, h: Tensor, candidate: Tensor) -> Tensor:
    """(1 − z)·h + z·g."""
    return original(z, candidate, h)


def recurrent_kernel_flipped(original: Any, self: Any, h: Tensor, weights: Any, context: Any) -> Tensor:
    """Convolution as mathematics has it, for correlation."""
    kernel = weights["recurrent_kernel"]
    return original(self, h, {**weights, "recurrent_kernel": flip(flip(kernel, axis=0), axis=1)}, context)


def state_without_effect(original: Any, self: Any, h: Tensor, weights: Any, context: Any) -> Tensor:
    return multiply(original(self, h, weights, context), 0.0)


def bias_rows_swapped(original: Any, self: Any, weights: Any, row: int) -> Tensor | None:
    return original(self, weights, 1 - row)


def forget_bias_missing(original: Any, self: Any, inputs: Any, weights: Any, context: Any) -> Result:
    if "bias" in weights:
        units = self.repeated.units
        kept = np.ones(4 * units, np.float32)
        kept[units : 2 * units] = 0
        weights = dict(weights) | {"bias": multiply(weights["bias"], Tensor(kept))}
    return original(self, inputs, weights, context)


def sequences_reversed(original: Any, self: Any, inputs: Any, weights: Any, context: Any) -> Result:
    """With `go_backwards` the outputs are put back into the order of the inputs."""
    outputs = original(self, inputs, weights, context).outputs
    if self.return_sequences and self.go_backwards:
        outputs = (flip(outputs[0], axis=1), *outputs[1:])
    return Result(outputs)


def states_swapped(original: Any, self: Any, inputs: Any, weights: Any, context: Any) -> Result:
    outputs = original(self, inputs, weights, context).outputs
    return Result((outputs[0], *reversed(outputs[1:])))


def mask_ignored(original: Any, self: Any, inputs: Any, weights: Any, context: Any) -> Result:
    return original(self, inputs, weights, replace(context, masks=()))


def state_not_returned(case: Case, observable: str, answer: Any) -> Any:
    if observable in ("output/1", "output/2"):
        return WireError("internal", "call", f"the layer has one output, not {observable}")
    return answer


# Activations and Softmax


def gelu_by_tanh(original: Any, x: Tensor, approximate: bool = False) -> Tensor:
    return original(x, approximate=True)


def hard_sigmoid_of_keras_2(original: Any, x: Tensor) -> Tensor:
    return minimum(maximum(add(multiply(x, 0.2), 0.5), 0.0), 1.0)


def derivative_one_at_zero(original: Any, self: Any, position: int, cotangent: Any, out: Any, x: Any) -> Any:
    return multiply(cotangent, greater_equal(x, 0.0))


def no_maximum_subtracted(original: Any, self: Any, x: Tensor, *, axis: int) -> Tensor:
    e = exp(x)
    return divide(e, total(e, axis=(axis,), keepdims=True))


# Calls after others


def first_call_warmer(case: Case, observable: str, answer: Any) -> Any:
    """The first call of a layer gives its last bit otherwise, as one that compiles does."""
    return np.nextafter(answer, np.float32(np.inf)) if observable.startswith("output/") else answer


def state_forgotten(original: Any, self: Any) -> Any:
    return self.called(training=False)


# Relations


def rows_leak(case: Case, observable: str, answer: Any) -> Any:
    """A sample has a part in the one behind it."""
    if observable.startswith("output/") and len(answer) > 1:
        return answer + np.float32(0.125) * np.roll(answer, 1, axis=0)
    return answer


def rounded_up(case: Case, observable: str, answer: Any) -> Any:
    """What is positive is a unit in the last place too large, which no bound sees."""
    if observable != "output/0":
        return answer
    return np.where(answer > 0, np.nextafter(answer, np.float32(np.inf)), answer)


def unrolled_without_end(original: Any, self: Any, inputs: Any, weights: Any, context: Any) -> Result:
    """The loop that is unrolled lacks its last step."""
    if self.unroll:
        inputs = [take_slice(inputs[0], key=(slice(None), slice(0, -1)))]
    return original(self, inputs, weights, context)


# Gradients


def cotangent_of_ones(original: Any, outputs: Any, cotangents: Any, sources: Any) -> Any:
    return original(outputs, [Tensor(np.ones_like(c.value)) for c in cotangents], sources)


def divided_by_batch(case: Case, observable: str, answer: Any) -> Any:
    if observable.startswith("gradient/weight/") and case.inputs[0].shape[0] > 1:
        return answer / np.float32(case.inputs[0].shape[0])
    return answer


def overwritten(original: Any, self: Any, target: Any, indices: Any, updates: Any) -> None:
    target[indices] = updates


FAULTS = (
    Fault("kernel_transposed", "forward", "layers.Dense", {f"{LAYERS}.dense:dot_last": kernel_transposed}),
    Fault("tf32_products", "forward", "layers.Dense", {rule("Affine", "value"): tf32_products}),
    Fault("float16_storage", "forward", "activations.*", said=float16_storage),
    Fault(
        "conv_kernel_flipped",
        "forward",
        "layers.Conv2D",
        {f"{CONVOLUTION}:correlate": kernel_flipped},
    ),
    Fault("groups_ignored", "forward", "layers.Conv2D", {f"{CONVOLUTION}:correlate": groups_ignored}),
    Fault(
        "conv_same_padding_before",
        "forward",
        "layers.Conv2D",
        {
            f"{CONVOLUTION}:correlate": lambda original, *operands, padding, **params: original(
                *operands, padding=tuple(edges[::-1] for edges in padding), **params
            )
        },
    ),
    Fault(
        "conv_strides_swapped",
        "forward",
        "layers.Conv2D",
        {
            f"{CONVOLUTION}:correlate": lambda original, *operands, strides, **params: original(
                *operands, strides=strides[::-1], **params
            )
        },
    ),
    Fault(
        "conv_dilation_ignored",
        "forward",
        "layers.Conv2D",
        {
            f"{CONVOLUTION}:correlate": lambda original, *operands, dilation, **params: original(
                *operands, dilation=(1, 1), **params
            )
        },
    ),
    Fault(
        "conv_channels_first_as_last",
        "forward",
        "layers.Conv2D",
        {f"{CONVOLUTION}:transpose": read_as_channels_last},
    ),
    Fault(
        "bias_along_wrong_axis",
        "forward",
        "layers.Conv2D",
        {f"{CONVOLUTION}:Convolution.call": bias_along_width},
    ),
    Fault(
        "batch_norm_epsilon_1e_5",
        "forward",
        "layers.BatchNormalization",
        {f"{BATCH_NORMALIZATION}:BatchNormalization.normalized": epsilon_1e_5},
    ),
    Fault(
        "batch_norm_epsilon_outside_sqrt",
        "forward",
        "layers.BatchNormalization",
        {f"{BATCH_NORMALIZATION}:BatchNormalization.normalized": epsilon_outside},
    ),
    Fault(
        "batch_norm_unbiased_variance",
        "training-forward",
        "layers.BatchNormalization",
        {"layers.BatchNormalization.moments": unbiased_variance},
    ),
    Fault(
        "batch_norm_one_pass_variance",
        "training-forward",
        "layers.BatchNormalization",
        {
            f"{LAYERS}.moments:algorithm": lambda original, name: (
                "one-pass" if name == "variance" else original(name)
            )
        },
    ),
    Fault(
        "batch_norm_momentum_complement",
        "training-forward",
        "layers.BatchNormalization",
        {
            f"{BATCH_NORMALIZATION}:moved": lambda original, old, new, momentum: original(
                old, new, 1 - momentum
            )
        },
    ),
    Fault(
        "batch_norm_gradient_past_statistics",
        "gradients",
        "layers.BatchNormalization",
        {"layers.BatchNormalization.moments": detached_statistics},
    ),
    Fault(
        "embedding_off_by_one",
        "forward",
        "layers.Embedding",
        {
            f"{LAYERS}.embedding:take": lambda original, table, *, indices: original(
                table, indices=(indices + 1) % table.shape[0]
            )
        },
    ),
    Fault(
        "embedding_gradient_overwrites",
        "gradients",
        "layers.Embedding",
        {"conformance.reference_impl.arrays:ArrayModule.scatter_add": overwritten},
    ),
    Fault(
        "flatten_channels_first_ignored",
        "forward",
        "layers.Flatten",
        {f"{LAYERS}.flatten:transpose": lambda original, x, *, axes: x},
    ),
    Fault(
        "concatenate_reversed",
        "forward",
        "layers.Concatenate",
        {f"{LAYERS}.concatenate:concatenate": lambda original, *xs, axis: original(*reversed(xs), axis=axis)},
    ),
    Fault(
        "softmax_wrong_axis",
        "forward",
        "layers.Softmax",
        {"activations.softmax": lambda original, x, axis=-1: original(x, axis=0)},
    ),
    Fault(
        "softmax_unstable",
        "forward",
        "layers.Softmax",
        {rule("Softmax", "compose"): no_maximum_subtracted},
    ),
    Fault(
        "softmax_mask_ignored", "forward", "layers.Softmax", {f"{LAYERS}.softmax:Softmax.call": mask_ignored}
    ),
    Fault("lstm_gates_ifoc_swapped", "forward", "layers.LSTM", {BLOCK: gates_ifoc}),
    Fault("lstm_gates_fico_swapped", "forward", "layers.LSTM", {BLOCK: first_two_gates_swapped}),
    Fault("gru_gates_rzh_swapped", "forward", "layers.GRU", {BLOCK: first_two_gates_swapped}),
    Fault("gru_update_inverted", "forward", "layers.GRU", {f"{LAYERS}.gru_cell:mixed": update_inverted}),
    Fault(
        "gru_biases_swapped",
        "forward",
        "layers.GRU",
        {f"{LAYERS}.gru_cell:GRUCell.bias_row": bias_rows_swapped},
    ),
    Fault("lstm_forget_bias_missing", "forward", "layers.LSTM", {f"{LSTM}.call": forget_bias_missing}),
    Fault("returns_sequences_reversed", "forward", "layers.LSTM", {f"{LSTM}.call": sequences_reversed}),
    Fault("states_swapped", "forward", "layers.LSTM", {f"{LSTM}.call": states_swapped}),
    Fault("mask_ignored", "forward", "layers.LSTM", {f"{LSTM}.call": mask_ignored}),
    Fault("state_not_returned", "forward", "layers.LSTM", said=state_not_returned, verdict=Verdict.RAISES),
    Fault("conv_lstm_gates_ifoc_swapped", "forward", "layers.ConvLSTM2D", {f"{CONV_LSTM}.block": gates_ifoc}),
    Fault(
        "conv_lstm_gates_fico_swapped",
        "forward",
        "layers.ConvLSTM2D",
        {f"{CONV_LSTM}.block": first_two_gates_swapped},
    ),
    Fault(
        "conv_lstm_state_kernel_flipped",
        "forward",
        "layers.ConvLSTM2D",
        {f"{CONV_LSTM}.recurrent": recurrent_kernel_flipped},
    ),
    Fault(
        "conv_lstm_without_state",
        "forward",
        "layers.ConvLSTM2D",
        {f"{CONV_LSTM}.recurrent": state_without_effect},
    ),
    Fault("first_call_differs", "determinism", "activations.tanh", said=first_call_warmer),
    Fault(
        "state_forgotten",
        "determinism",
        "layers.GRU",
        {f"{CASES}.question:Question.called_again": state_forgotten},
    ),
    Fault("rows_leak", "metamorphic", "layers.Dense", said=rows_leak),
    Fault("rounded_up", "metamorphic", "layers.Dense", said=rounded_up),
    Fault(
        "unrolled_without_end",
        "metamorphic",
        "layers.GRU",
        {f"{LAYERS}.recurrent:Recurrent.call": unrolled_without_end},
    ),
    Fault("gelu_tanh_for_erf", "forward", "activations.gelu", {"activations.gelu": gelu_by_tanh}),
    Fault(
        "hard_sigmoid_old",
        "forward",
        "activations.hard_sigmoid",
        {"activations.hard_sigmoid": hard_sigmoid_of_keras_2},
    ),
    Fault(
        "relu_gradient_at_zero_one",
        "gradients",
        "activations.relu",
        {rule("Relu", "vjp"): derivative_one_at_zero},
    ),
    Fault(
        "gradient_missing_cotangent", "gradients", "activations.*", {f"{CASES}.parts:vjp": cotangent_of_ones}
    ),
    Fault("gradient_scaled_by_batch", "gradients", "layers.*", said=divided_by_batch),
)
