"""Losses of embeddings: near for the same label, far for others."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.fields import field
from conformance.reference_impl.losses.loss import Loss, loss_function
from conformance.reference_impl.primitives import (
    add,
    affine,
    greater,
    log_sum_exp,
    maximum,
    multiply,
    reshape,
    softplus,
    subtract,
    transpose,
    where,
)
from conformance.reference_impl.tape import Tensor

NOTHING = -(2.0**100)
"""Stands for the logarithm of zero: its exponential is zero, and it is exact in every format but float16."""


@loss_function()
def circle(
    y_true: Tensor,
    y_pred: Tensor,
    ref_labels: Array | None = None,
    ref_embeddings: Tensor | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
) -> Tensor:
    """softplus(ln Σ e^−γ·(m + d)·(m − d) + ln Σ e^γ·(1 + m − d)·(1 − m − d)) for every embedding, of its
    cosine distances d to those of the same label, and to the others (Sun et al. 2020)"""
    labels = y_true.value.astype(xp.int64).reshape(-1)
    references = y_pred if ref_embeddings is None else ref_embeddings
    of_references = labels if ref_labels is None else xp.asarray(ref_labels).astype(xp.int64).reshape(-1)
    expected = (labels.size, of_references.size)
    if y_pred.ndim != 2 or references.ndim != 2 or (len(y_pred.value), len(references.value)) != expected:
        raise ValueError(
            f"`y_pred` has an embedding for each of the {labels.size} labels of `y_true`, "
            f"({labels.size}, n); got shape {y_pred.shape}"
        )
    same = labels[:, None] == of_references
    positive = same & ~xp.eye(*expected, dtype=bool) if remove_diagonal else same
    distance = maximum(subtract(1.0, affine(y_pred, transpose(references, axes=(1, 0)))), 0.0)
    of_same = _summed(multiply(subtract(margin, distance), -1.0), add(distance, margin), gamma, positive)
    of_others = _summed(
        subtract(1 - margin, distance), subtract(1 + margin, distance), gamma, xp.logical_not(same)
    )
    return softplus(add(of_same, of_others))


def _summed(similarity: Tensor, weight: Tensor, gamma: float, chosen: Array) -> Tensor:
    """ln Σ e^(γ·weight·similarity) over the chosen elements of each line, weights at least 0."""
    indicator = Tensor(chosen.astype(similarity.dtype))
    weight = maximum(multiply(weight, indicator), 0.0)
    exponents = where(indicator, multiply(multiply(weight, gamma), similarity), NOTHING)
    return reshape(log_sum_exp(exponents, axis=1), shape=exponents.shape[:1])


class Circle(Loss, function=circle):
    """Embeddings of length one (batch, n) near those of the same label, and far from others (Sun et al.
    2020); labels (batch,). A loss of 0 does not count in an average. Source: `keras.losses`.

    >>> import numpy as np
    >>> embeddings = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> round(float(Circle(gamma=1.0)(np.array([0, 0, 1]), embeddings).value), 6)
    0.545893
    """

    gamma = field(fields.number, 80.0, "γ, the scale of similarities")
    margin = field(fields.number, 0.4, "m, how near is near enough")
    remove_diagonal = field(fields.boolean, True, "whether an embedding is not compared with itself")

    def output_mask(self, y_true: Tensor, values: Tensor) -> Tensor | None:
        return greater(values, 0.0)
