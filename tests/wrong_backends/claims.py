"""Faults of what is claimed: subjects and gradients that are not there, arithmetics that are not kept,
arguments that are taken and silently replaced by what there is."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.reference_impl.layers.layer import Result
from conformance.reference_impl.tape import Tensor
from conformance.runners.protocol import WireError
from conformance.verdicts import Verdict

from .computed import CASES
from .fault import LAYERS, Fault
from .reference_backend import Said

NEWER = {"celu", "gelu", "mish", "selu", "silu"}
"""Activation functions that an older runtime has not."""


def failing(prefix: str, kind: str, at: str) -> Said:
    """What is said to be supported is not there when it is asked for."""

    def said(case: Case, observable: str, answer: Any) -> Any:
        return WireError(kind, at, "not supported") if observable.startswith(prefix) else answer

    return said


def zeros(prefix: str) -> Said:
    """A stub: the right shape and dtype, and nothing in it."""

    def said(case: Case, observable: str, answer: Any) -> Any:
        if observable.startswith(prefix) and isinstance(answer, np.ndarray):
            return np.zeros_like(answer)
        return answer

    return said


def newer_as_linear(original: Any, self: Any, x: Tensor, identifier: str | None = None) -> Tensor:
    return x if (identifier or self.activation) in NEWER else original(self, x, identifier)


def passed_through(original: Any, self: Any, inputs: Any, weights: Any, context: Any) -> Result:
    """A layer that is not implemented passes its input on where the shapes allow it."""
    result = original(self, inputs, weights, context)
    return Result((inputs[0],)) if result.outputs[0].shape == inputs[0].shape else result


def float32_for_all(case: Case, observable: str, answer: Any) -> Any:
    """Another dtype falls back to the default one."""
    return ["float32"] * len(answer) if observable == "dtype" else answer


def epsilon_in_float16(case: Case, observable: str, answer: Any) -> Any:
    if observable != "config":
        return answer
    return answer | {"epsilon": float(np.float16(answer["epsilon"]))}


def inner_layer_lost(case: Case, observable: str, answer: Any) -> Any:
    """Of the layer inside it tells the class alone."""
    if observable != "config":
        return answer
    return answer | {"layer": {"class_name": answer["layer"]["class_name"], "config": {}}}


def kernel_reversed(case: Case, observable: str, answer: Any) -> Any:
    """Kernels are told as (filters, channels, width, height)."""
    return [w | {"shape": w["shape"][::-1]} for w in answer] if observable == "weights" else answer


def recurrent_kernel_first(case: Case, observable: str, answer: Any) -> Any:
    return [*answer[1::-1], *answer[2:]] if observable == "weights" else answer


def one_weight_less(case: Case, observable: str, answer: Any) -> Any:
    """The bias is left out, as one that is fused into the kernel."""
    return [w for w in answer if w["name"] != "bias"] if observable == "weights" else answer


FAULTS = (
    Fault(
        "gradients_claimed", "gradients", "layers.Conv3D",
        said=failing("gradient/", "missing-kernel", "gradient"), verdict=Verdict.RAISES,
    ),
    Fault(
        "training_claimed", "training-forward", "layers.BatchNormalization",
        said=failing("training/output/", "not-implemented", "call"), verdict=Verdict.RAISES,
    ),
    Fault(
        "unknown_dimensions_claimed", "shape", "layers.Conv2D",
        said=failing("shape/unknown", "internal", "shape"), verdict=Verdict.RAISES,
    ),
    Fault(
        "updates_claimed", "optimizer-steps", "optimizers.Nadam",
        said=failing("update/", "not-implemented", "call"), verdict=Verdict.RAISES,
    ),
    Fault("outputs_of_zeros", "forward", "layers.Multiply", said=zeros("output/")),
    Fault("gradients_of_zeros", "gradients", "layers.LSTM", said=zeros("gradient/")),
    Fault("metrics_of_zeros", "metrics", "metrics.MeanAbsoluteError", said=zeros("result/")),
    Fault("float64_claimed", "forward", "layers.Dense", arithmetic={"base": "ieee-float64"}),
    Fault(
        "newer_activations_fall_back_to_linear", "forward", "layers.Dense",
        {f"{LAYERS}.layer:Layer.activate": newer_as_linear},
    ),
    Fault(
        "layer_passes_its_input", "forward", "layers.LayerNormalization",
        {f"{LAYERS}.layer_normalization:LayerNormalization.call": passed_through},
    ),
    Fault(
        "alpha_falls_back_to_default", "forward", "activations.elu",
        {"activations.elu": lambda original, x, *alpha, **named: original(x)},
    ),
    Fault(
        "slope_falls_back_to_default", "forward", "layers.LeakyReLU",
        {"layers.LeakyReLU.slope": lambda original, layer: 0.3},
    ),
    Fault(
        "gradient_in_training_of_inference", "gradients", "layers.BatchNormalization",
        {f"{CASES}.question:Question.called": lambda original, self, training: original(self, False)},
    ),
    Fault("dtype_falls_back_to_float32", "dtype", "layers.*", said=float32_for_all),
    Fault("config_epsilon_in_float16", "config", "layers.BatchNormalization", said=epsilon_in_float16),
    Fault("config_of_inner_layer_lost", "config", "layers.TimeDistributed", said=inner_layer_lost),
    Fault("weights_kernel_reversed", "weights", "layers.Conv2D", said=kernel_reversed),
    Fault("weights_recurrent_kernel_first", "weights", "layers.LSTM", said=recurrent_kernel_first),
    Fault("weights_without_bias", "weights", "layers.SeparableConv2D", said=one_weight_less),
)  # fmt: skip
