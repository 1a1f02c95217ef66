"""Faults of sequences: masks, directions, states, and what is left of a call before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.reference_impl.layers.layer import Result
from conformance.reference_impl.primitives import multiply
from conformance.reference_impl.tape import Tensor

from .computed import CASES
from .fault import LAYERS, Fault


def zeros_where_masked(original: Any, kept: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """A masked step forgets the state."""
    return original(kept, new, multiply(old, 0.0))


def always_forwards(original: Any, self: Any, *args: Any) -> Result:
    return original(type(self).from_config(self.config | {"go_backwards": False}), *args)


def any_feature(original: Any, self: Any, inputs: Any, masks: Any) -> Any:
    """A step is left out where one of its features is the mask value."""
    return (np.all(inputs[0] != self.mask_value, axis=-1),)


def act_in_inference(original: Any, self: Any, inputs: Any, weights: Any, context: Any) -> Result:
    return original(self, inputs, weights, replace(context, training=True))


class Late:
    """Gives the answer to the question before, where that had the same shape."""

    def __init__(self) -> None:
        self.last: dict[tuple[str, tuple[int, ...]], Any] = {}

    def __call__(self, case: Case, observable: str, answer: Any) -> Any:
        if not observable.startswith("output/") or not isinstance(answer, np.ndarray):
            return answer
        key = observable, answer.shape
        before, self.last[key] = self.last.get(key, answer), answer
        return before


def rows_reversed(case: Case, observable: str, answer: Any) -> Any:
    """The samples of a batch get each other's answers."""
    return answer[::-1] if observable.startswith("output/") and np.ndim(answer) else answer


def in_reverse_where_alike(original: Any, outputs: Any, cotangents: Any, sources: Any) -> Any:
    """Gradients by tensors of one shape are given for each other."""
    gradients = original(outputs, cotangents, sources)
    return gradients[::-1] if len({g.shape for g in gradients}) == 1 else gradients


FAULTS = (
    Fault(
        "state_zero_where_masked", "forward", "layers.GRU",
        {"layers.Recurrent.new_where_kept": zeros_where_masked},
    ),
    Fault(
        "output_kept_where_masked", "forward", "layers.Bidirectional",
        {"layers.Recurrent.masked_output": lambda original, layer, output, states: output},
    ),
    Fault(
        "direction_ignored", "forward", "layers.SimpleRNN",
        {f"{LAYERS}.recurrent:Recurrent.call": always_forwards},
    ),
    Fault(
        "backward_sequence_not_turned", "forward", "layers.Bidirectional",
        {f"{LAYERS}.bidirectional:flip": lambda original, z, *, axis: z},
    ),
    Fault(
        "first_step_everywhere", "forward", "layers.TimeDistributed",
        {f"{LAYERS}.time_distributed:at_time": lambda original, x, t: original(x, 0)},
    ),
    Fault(
        "masks_any_feature", "masks", "layers.Masking",
        {f"{LAYERS}.masking:Masking.output_masks": any_feature},
    ),
    Fault(
        "masked_values_stay", "forward", "layers.Masking",
        {f"{LAYERS}.masking:where": lambda original, kept, x, zero: x},
    ),
    Fault(
        "masked_steps_averaged", "forward", "layers.GlobalAveragePooling1D",
        {"layers.GlobalAveragePooling1D.heeded_mask": lambda original, context: None},
    ),
    Fault(
        "noise_in_inference", "forward", "layers.GaussianNoise",
        {f"{LAYERS}.noise:Noise.call": act_in_inference},
    ),
    Fault(
        "moving_statistics_stale", "training-forward", "layers.BatchNormalization",
        {"layers.BatchNormalization.moved": lambda original, old, new, momentum: old},
    ),
    Fault(
        "inference_for_training", "training-forward", "layers.BatchNormalization",
        {f"{CASES}.question:Question.called": lambda original, self, training: original(self, False)},
    ),
    Fault("answer_of_the_case_before", "forward", "layers.Dense", said=Late()),
    Fault("samples_swapped", "forward", "layers.Embedding", said=rows_reversed),
    Fault(
        "gradients_swapped", "gradients", "layers.Subtract",
        {f"{CASES}.parts:vjp": in_reverse_where_alike},
    ),
)  # fmt: skip
