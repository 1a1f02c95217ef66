"""Layers of TensorFlow.js that merge several inputs, where they do otherwise than Keras 3's."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import Deviation, Raises, Scope, Value, subject
from conformance.dialects.scopes import all_of, masked, sets
from conformance.dialects.tensorflow_js.record import (
    CORE,
    LAYERS,
    NUMERIC,
    deviation,
    issue,
    searched,
)
from conformance.reference_impl import layers
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.primitives import divide, maximum, sqrt, square, total, where
from conformance.reference_impl.tape import Tensor, detached

EPSILON = 1e-7
"""`tf.backend().epsilon()`, below which no squared norm falls."""


def without_masks(original: Any, context: Any) -> tuple[()]:
    return ()


def divided_by_norm(original: Any, x: Tensor, axis: int) -> Tensor:
    """x / √max(Σx², ε), where Keras divides by max(√Σx², ε)."""
    return divide(x, sqrt(maximum(total(square(x), axis=(axis,), keepdims=True), EPSILON)))


def nan_without_gradient(original: Any, x: Tensor, y: Tensor) -> Tensor:
    """NaN where one is, from which neither has a cotangent."""
    return where(holding_nan(x, y), float("nan"), original(x, y))


def first_where_nan(original: Any, x: Tensor, y: Tensor) -> Tensor:
    """The first where one is NaN: neither x < y nor y < x holds. There is no cotangent from there."""
    return where(holding_nan(x, y), detached(x), original(x, y))


def holding_nan(x: Tensor, y: Tensor) -> Tensor:
    """1 where one of two is NaN."""
    return Tensor((xp.isnan(x.value) | xp.isnan(y.value)).astype(x.dtype))


EXTREMA = subject("layers.Maximum", "layers.Minimum")
EXTREMUM_TARGETS = ("layers.Maximum.largest_of_two", "layers.Minimum.smallest_of_two")
EXTREMUM_OF_NAN = tuple(
    draft_layer(
        f"layers.{name}",
        {},
        [
            Literal((2, 3), (0.0, "-0", "nan", 1.0, "inf", "-inf")),
            Literal((2, 3), ("-0", 0.0, 1.0, "nan", "inf", "nan")),
        ],
    )
    for name in ("Maximum", "Minimum")
)
"""Each of the two with NaN as its first input, and as its second."""


def stretched(position: int) -> Scope:
    """The input of this position, if there is one, is broadcast."""

    def scope(case: Case, data: Data) -> bool:
        if position >= len(data.inputs):
            return False
        shapes = [x.shape for x in data.inputs]
        (merged,) = layers.Maximum().output_shapes(shapes)
        batch, *rest = shapes[position]
        return (batch, *(1,) * (len(merged) - 1 - len(rest)), *rest) != merged

    return scope


def has_rank_4(case: Case, data: Data) -> bool:
    """An input has rank 4 or more."""
    return any(x.ndim > 3 for x in data.inputs)


def one_axis_from_the_end(case: Case, data: Data) -> bool:
    """One of a pair of axes is negative, and the other is not."""
    axes = case.config["axes"]
    return isinstance(axes, list) and (axes[0] < 0) != (axes[1] < 0)


DOT_OF_RANK_4 = draft_layer(
    "layers.Dot", {"axes": [2, 3]}, [recipe("normal", 2, 3, 4, 5), recipe("normal", 2, 3, 2, 4)]
)


def gradient_of_stretched(position: int, witness: Case) -> Deviation:
    """The entry about the gradient by an input that is broadcast."""
    return deviation(
        f"tfjs-extremum-gradient-of-broadcast-input-{position}",
        f"Maximum and Minimum have no gradient by their input {position} where it is broadcast.",
        kind="bug",
        source=f"{CORE}/gradients/Maximum_grad.js:27, Minimum_grad.js:27 (derA and derB do not sum over "
        "the axes of the broadcast)",
        upstream=searched("maximum gradient broadcast does not match the shape of the input"),
        remedy="Bring it to the shape of the others before.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(EXTREMA, stretched(position)),
        effect=Raises(
            "internal",
            "gradient",
            (f"gradient/input/{position}", f"training/gradient/input/{position}"),
            "does not match the shape of the input",
        ),
        witnesses=(witness,),
    )


DEVIATIONS = (
    deviation(
        "tfjs-merging-ignores-masks",
        "Multiply, Maximum and Minimum merge masked elements as any others; Keras lets them give way to "
        "those of the other inputs, and Multiply gives 0 where all are masked.",
        kind="bug",
        source=f"{LAYERS}/layers/merge.js:122 (Merge.call never reads `mask`)",
        upstream=searched("merge layer Add Multiply computeMask mask expandDims rank error"),
        remedy="Multiply by the masks before.",
        since="keras 3.4.0 (2024)",
        scope=all_of(subject("layers.Multiply", "layers.Maximum", "layers.Minimum"), masked),
        effect=Value({"layers.Merge.given_masks": without_masks}),
        witnesses=tuple(
            draft_layer(
                f"layers.{name}",
                {},
                [recipe("normal", 3, 4, 2), recipe("normal", 3, 4, 2)],
                masks=[recipe("mask", 3, 4, dtype="bool"), recipe("mask", 3, 4, dtype="bool")],
            )
            for name in ("Multiply", "Maximum", "Minimum")
        ),
    ),
    gradient_of_stretched(
        0, draft_layer("layers.Maximum", {}, [recipe("normal", 2, 1, 4), recipe("normal", 2, 3, 1)])
    ),
    gradient_of_stretched(
        1, draft_layer("layers.Minimum", {}, [recipe("normal", 2, 3, 4), recipe("normal", 2, 1, 4)])
    ),
    gradient_of_stretched(
        2,
        draft_layer(
            "layers.Maximum",
            {},
            [recipe("normal", 2, 3, 1), recipe("normal", 2, 1, 1), recipe("normal", 2, 1, 5)],
        ),
    ),
    deviation(
        "tfjs-dot-normalizes-short-samples",
        "With normalize a sample whose squared norm is below 1e-7 is not brought to norm 1; Keras does so "
        "down to a norm of 1e-7.",
        kind="bug",
        source=f"{LAYERS}/losses.js:28 (l2Normalize: the epsilon is compared with the square)",
        upstream=searched("layers.dot normalize l2Normalize cosine similarity wrong epsilon"),
        remedy="Scale such samples up before.",
        since="tfjs-layers 0.8.2 (2018)",
        scope=all_of(subject("layers.Dot"), sets("normalize")),
        effect=Value({"layers.Dot.normalized": divided_by_norm}),
        witnesses=(
            draft_layer(
                "layers.Dot", {"axes": 1, "normalize": True}, [recipe("tiny", 3, 6), recipe("tiny", 3, 6)]
            ),
        ),
    ),
    deviation(
        "tfjs-dot-rank",
        "Inputs of rank 4 or more are refused.",
        kind="intentional",
        source=f"{LAYERS}/layers/merge.js:905 (Dot.build)",
        upstream=issue(19),
        remedy="Reshape them to rank 3 around the layer.",
        since="tfjs-layers 0.8.2 (2018)",
        scope=all_of(subject("layers.Dot"), has_rank_4),
        effect=Raises(
            "not-implemented",
            "build",
            (*NUMERIC, "weights", "shape/unknown"),
            "does not support tensors of 4D or higher rank",
        ),
        witnesses=(DOT_OF_RANK_4,),
    ),
    deviation(
        "tfjs-dot-shape-of-rank-4",
        "The shape for inputs of rank 4 or more is not inferred.",
        kind="intentional",
        source=f"{LAYERS}/layers/merge.js:957 (Dot.computeOutputShape)",
        upstream=issue(19),
        remedy="Reshape them to rank 3 around the layer.",
        since="tfjs-layers 0.8.2 (2018)",
        scope=all_of(subject("layers.Dot"), has_rank_4),
        effect=Raises(
            "not-implemented",
            "shape",
            ("shape/concrete", "shape/unknown_batch"),
            "does not support tensors of 4D or higher rank",
        ),
        witnesses=(DOT_OF_RANK_4,),
    ),
    deviation(
        "tfjs-dot-negative-axis-in-pair",
        "A pair of axes of which one alone is negative is refused.",
        kind="bug",
        source=f"{LAYERS}/layers/merge.js:947 (Dot.interpretAxes takes a pair as it is)",
        upstream=searched("layers.dot axes negative axis Dimension incompatibility"),
        remedy="Write both from the same end.",
        since="tfjs-layers 0.8.2 (2018)",
        scope=all_of(subject("layers.Dot"), one_axis_from_the_end),
        effect=Raises(
            "invalid-argument",
            "build",
            (*NUMERIC, "weights", "shape/unknown"),
            "Dimension incompatibility: ",
        ),
        witnesses=(
            draft_layer("layers.Dot", {"axes": [1, -1]}, [recipe("normal", 3, 4), recipe("normal", 3, 4)]),
        ),
    ),
)
