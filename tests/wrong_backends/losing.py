"""Faults of losses: arguments that are taken and ignored, reductions, weights, masks, floors and signs."""

from __future__ import annotations

from typing import Any

from conformance.reference_impl.losses.reduction import AVERAGES
from conformance.reference_impl.primitives import add, exp, log, mean, multiply, negative, subtract
from conformance.reference_impl.tape import Tensor

from .computed import CASES
from .fault import Fault
from .reference_backend import Replacements

LOSSES = "conformance.reference_impl.losses"


def taking(**values: Any) -> Any:
    """A loss function for which arguments have these values, whatever it is told."""
    return lambda original, *labelled, **options: original(*labelled, **options | values)


def summed(original: Any, values: Tensor, reduction: str | None, *others: Any) -> Tensor:
    return original(values, "sum" if reduction in AVERAGES else reduction, *others)


def unweighted(original: Any, values: Tensor, reduction: Any, weight: Any = None, mask: Any = None) -> Tensor:
    return original(values, reduction, None, mask)


def mean_by_weights(original: Any, values: Tensor, reduction: str | None, *others: Any) -> Tensor:
    """Averages are over the weights, not over the losses."""
    return original(values, "mean_with_sample_weight" if reduction in AVERAGES else reduction, *others)


def masked_in_the_mean(original: Any, sample_weight: Any, mask: Any, *, averaged: bool) -> Any:
    """Losses that do not count are 0, and are counted."""
    return original(sample_weight, mask, averaged=False)


def by_definition(original: Any, y_true: Tensor, y_pred: Tensor) -> Tensor:
    """ln((eˣ + e⁻ˣ)/2), which cancels and overflows."""
    e = subtract(y_pred, y_true)
    return mean(log(multiply(add(exp(e), exp(negative(e))), 0.5)), axis=(e.ndim - 1,))


def not_divided(original: Any, outputs: Any, cotangents: Any, sources: Any) -> Any:
    """The gradient is that of the sum of the losses."""
    return [multiply(g, float(len(g.value))) for g in original(outputs, cotangents, sources)]


def loss_fault(name: str, subject: str, replaced: Replacements, property_: str = "forward") -> Fault:
    return Fault(name, property_, f"losses.{subject}", replaced)


FAULTS = (
    loss_fault(
        "logits_taken_for_probabilities", "BinaryCrossentropy",
        {"losses.binary_crossentropy": taking(from_logits=False)},
    ),
    loss_fault(
        "smoothing_ignored", "CategoricalCrossentropy",
        {"losses.categorical_crossentropy": taking(label_smoothing=0.0)},
    ),
    loss_fault("delta_ignored", "Huber", {"losses.huber": taking(delta=1.0)}),
    loss_fault(
        "focus_ignored", "BinaryFocalCrossentropy", {"losses.binary_focal_crossentropy": taking(gamma=0.0)}
    ),
    loss_fault(
        "ignored_class_in_the_mean", "SparseCategoricalCrossentropy",
        {
            f"{LOSSES}.crossentropy:SparseCategoricalCrossentropy.output_mask": (
                lambda original, loss, y_true, values: None
            )
        },
    ),
    loss_fault("sum_for_mean", "MeanSquaredError", {"losses.reduced": summed}),
    loss_fault("loss_unweighted", "MeanAbsoluteError", {"losses.reduced": unweighted}),
    loss_fault("mean_by_weights", "MeanAbsolutePercentageError", {"losses.reduced": mean_by_weights}),
    loss_fault("masked_in_the_mean", "MeanSquaredError", {f"{LOSSES}.reduction:masked": masked_in_the_mean}),
    loss_fault(
        "probabilities_not_clipped", "BinaryCrossentropy",
        {f"{LOSSES}.crossentropy:clipped": lambda original, p, *high: p},
    ),
    loss_fault(
        "divergence_reversed", "KLDivergence",
        {"losses.kl_divergence": lambda original, y_true, y_pred: original(y_pred, y_true)},
    ),
    loss_fault(
        "similarity_positive", "CosineSimilarity",
        {"losses.cosine_similarity": lambda original, *args, **options: negative(original(*args, **options))},
    ),
    loss_fault("labels_of_zero_stay", "Hinge", {"losses.signed": lambda original, y_true: y_true}),
    loss_fault("log_cosh_by_definition", "LogCosh", {"losses.log_cosh": by_definition}),
    loss_fault(
        "gradient_of_the_sum", "MeanSquaredError", {f"{CASES}.parts:vjp": not_divided}, "gradients"
    ),
)  # fmt: skip
