"""Losses of Keras 3.15 that differ: what their configuration forgets, and what labels mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import recipe
from conformance.cases.drafts.losses import draft_loss
from conformance.dialects.deviation import CONFIGURATIONS, Metadata, Raises, Unpredictable, Value, subject
from conformance.dialects.keras_record import KERAS, in_keras, searched
from conformance.dialects.scopes import all_of, given_empty_batch
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.losses.loss import LossFunction
from conformance.reference_impl.primitives import divide, multiply, power, reshape, subtract, total
from conformance.reference_impl.tape import Tensor
from conformance.verdicts import Verdict

FORGOTTEN = {"CosineSimilarity": "axis", "Huber": "delta", "SparseCategoricalCrossentropy": "axis"}
"""By class, the argument that its configuration does not tell."""

SERIALIZED = f"{KERAS}/pull/23286"
"""The change that makes Huber, CosineSimilarity and SparseCategoricalCrossentropy tell theirs."""


def forgetful(case: Case, config: Any) -> Any:
    """The configuration without the argument that the class forgets."""
    forgotten = FORGOTTEN[case.subject.partition(".")[2]]
    return {name: value for name, value in config.items() if name != forgotten}


def without_arguments(original: LossFunction, y_true: Tensor, y_pred: Tensor, *_: Any, **__: Any) -> Tensor:
    """The function with its arguments at their defaults."""
    return original(y_true, y_pred)


def of_pairs(original: LossFunction, y_true: Tensor, y_pred: Tensor, q: float) -> Tensor:
    """Labels (batch, 1), one-hot as (batch, 1, classes), are broadcast against the predictions: there is a
    loss for each pair of a label and a prediction."""
    if y_true.ndim < y_pred.ndim:
        return original(y_true, y_pred, q)
    rows, classes = y_pred.shape
    one_hot = y_true.value.reshape(-1, 1) == xp.arange(classes)
    chosen = Tensor(one_hot.astype(y_pred.dtype).reshape(rows, 1, classes))
    p = total(multiply(reshape(y_pred, shape=(1, rows, classes)), chosen), axis=(2,))
    return divide(subtract(1.0, power(p, exponent=q)), q)


def in_columns(case: Case, data: Data) -> bool:
    """Labels have an axis of size one in the place of the classes."""
    return len(data.inputs) > 1 and data.inputs[0].ndim == data.inputs[1].ndim


def unnamed(case: Case, data: Data) -> bool:
    """A name is to be resolved."""
    return "identifier" in case.config


def numbers(name: str, **config: Any) -> Case:
    """A loss of normal numbers that is asked for its configuration."""
    shape = (2, 3, 5)
    more = ("config", "reconstructed/config", "reconstructed/output/0")
    return draft_loss(name, config, recipe("normal", *shape), recipe("normal", *shape), more=more)


def unlikely_or_not_finite(case: Case, data: Data) -> bool:
    """A logit is infinite or NaN, or logits may make a path of labels less likely than e⁻⁷⁰⁰."""
    if len(data.inputs) < 2 or not data.inputs[1].size:
        return False
    logits = data.inputs[1]
    return not np.isfinite(logits).all() or float(np.ptp(logits.astype(np.float64))) * logits.shape[1] > 700


DEVIATIONS = (
    in_keras(
        id="keras-ctc-of-unlikely-labels",
        summary="CTC takes e⁻⁷⁰⁷ for the probability of what cannot be: labels less likely than that seem as "
        "likely, and after an infinity or NaN other samples get no gradient either.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/python/ops/ctc_ops.py:577, log_0 of the states at the beginning "
        "and the end",
        upstream=searched("tensorflow ctc_loss saturates large loss log_0 707 infinite logits"),
        remedy="Keep logits within some hundreds of each other.",
        since="keras 3.0.2 (2023)",
        scope=all_of(subject("losses.CTC"), unlikely_or_not_finite),
        effect=Unpredictable(
            Verdict.DIVERGES, ("output/*", "gradient/*", "reconstructed/output/*"), "expected"
        ),
        witnesses=(
            draft_loss(
                "CTC", {}, recipe("padded_labels:4", 3, 3, dtype="int32"), recipe("one_infinity", 3, 7, 4)
            ),
        ),
    ),
    in_keras(
        id="keras-loss-config-forgets",
        summary="CosineSimilarity and SparseCategoricalCrossentropy do not tell `axis` in their "
        "configuration, nor Huber `delta`: a model saved with them is loaded with the defaults.",
        kind="bug",
        source="keras 3.15.1, keras/src/losses/losses.py, get_config of CosineSimilarity, Huber, "
        "SparseCategoricalCrossentropy",
        upstream=SERIALIZED,
        remedy="Compile again after loading, with the arguments.",
        since="keras 3.0.0 (2023)",
        scope=subject(*(f"losses.{name}" for name in FORGOTTEN)),
        effect=Metadata(CONFIGURATIONS, forgetful),
        witnesses=(numbers("Huber", delta=2.0), numbers("CosineSimilarity", axis=1)),
    ),
    in_keras(
        id="keras-loss-reconstructed-with-defaults",
        summary="CosineSimilarity and Huber made from their own configuration compute with the default of "
        "what it does not tell.",
        kind="bug",
        source="keras 3.15.1, keras/src/losses/losses.py, get_config of CosineSimilarity, Huber",
        upstream=SERIALIZED,
        remedy="Make the loss anew with the arguments.",
        since="keras 3.0.0 (2023)",
        scope=subject("losses.CosineSimilarity", "losses.Huber"),
        effect=Value(
            {"losses.huber": without_arguments, "losses.cosine_similarity": without_arguments},
            ("reconstructed/output/*",),
        ),
        witnesses=(numbers("Huber", delta=2.0), numbers("CosineSimilarity", axis=1)),
    ),
    in_keras(
        id="keras-generalized-cross-entropy-unnamed",
        summary="`keras.losses.get` knows CategoricalGeneralizedCrossEntropy by no name.",
        kind="bug",
        source="keras 3.15.1, keras/src/losses/__init__.py, ALL_OBJECTS",
        upstream=searched("keras CategoricalGeneralizedCrossEntropy loss identifier get ALL_OBJECTS"),
        remedy="Give an instance of the class.",
        since="keras 3.10.0 (2025)",
        scope=all_of(subject("losses.CategoricalGeneralizedCrossEntropy"), unnamed),
        effect=Raises(
            "invalid-argument", "construction", ("identifier",), "Could not interpret loss identifier"
        ),
        witnesses=(
            Case(
                "losses.CategoricalGeneralizedCrossEntropy",
                {"identifier": "CategoricalGeneralizedCrossEntropy"},
                observables=("identifier",),
            ),
        ),
    ),
    in_keras(
        id="keras-generalized-cross-entropy-of-pairs",
        summary="CategoricalGeneralizedCrossEntropy takes labels (batch, 1), which it documents, for labels "
        "of each pair of samples.",
        kind="bug",
        source="keras 3.15.1, keras/src/losses/losses.py, categorical_generalized_cross_entropy",
        upstream=searched("keras CategoricalGeneralizedCrossEntropy y_true shape batch 1"),
        remedy="Give labels (batch,).",
        since="keras 3.10.0 (2025)",
        scope=all_of(subject("losses.CategoricalGeneralizedCrossEntropy"), in_columns),
        effect=Value({"losses.categorical_generalized_cross_entropy": of_pairs}),
        witnesses=(
            draft_loss(
                "CategoricalGeneralizedCrossEntropy",
                {},
                recipe("indices:5", 4, 1, dtype="int32"),
                recipe("probabilities", 4, 5),
            ),
        ),
    ),
    in_keras(
        id="keras-categorical-hinge-of-nothing",
        summary="CategoricalHinge refuses an empty batch, of which other losses are empty.",
        kind="bug",
        source="keras 3.15.1, keras/src/backend/tensorflow/numpy.py, max",
        upstream=searched("keras CategoricalHinge empty batch tf.reduce_max axis error numpy max zero size"),
        remedy="Do not compute the loss of an empty batch.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("losses.CategoricalHinge"), given_empty_batch),
        effect=Raises(
            "invalid-argument",
            "call",
            ("output/*", "gradient/*", "dtype", "reconstructed/output/*"),
            "Cannot compute the max of an empty tensor",
        ),
        witnesses=(draft_loss("CategoricalHinge", {}, recipe("one_hot", 0, 5), recipe("normal", 0, 5)),),
        stands="Keras's other losses of an empty batch are empty, and the largest is sought among classes, "
        "of which there are some. What TensorFlow.js computes there is a mean of nothing.",
    ),
)
