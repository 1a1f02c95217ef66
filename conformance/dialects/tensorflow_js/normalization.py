"""What LayerNormalization of TensorFlow.js does otherwise, and the averages that BatchNormalization keeps.

What else that does is among the other layers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import CONFIGURATIONS, GRADIENTS, Metadata, Raises, Value, subject
from conformance.dialects.normalization import orders_weights_otherwise, weights_in_order
from conformance.dialects.scopes import all_of, asks, given_empty_batch, last_axis, sets, without
from conformance.dialects.tensorflow_js.record import CORE, LAYERS, NUMERIC, deviation, searched
from conformance.reference_impl.layers import Layer
from conformance.reference_impl.layers.moments import normalized
from conformance.reference_impl.layers.spanned_axes import axes_of
from conformance.reference_impl.primitives import add, multiply, reshape, subtract, where
from conformance.reference_impl.tape import Tensor, constant

LARGEST = np.finfo(np.float32).max
NORMALIZES_EMPTY_BATCH = all_of(subject("layers.BatchNormalization"), given_empty_batch)
LAYER_NORMALIZATION = subject("layers.LayerNormalization")
SCALES_BY_DEVIATION = all_of(LAYER_NORMALIZATION, sets("rms_scaling"))


def has_weights_of_deviation(case: Case, data: Data) -> bool:
    """The weights that scale and center ask for are those that rms_scaling asks for."""
    return case.config.get("scale", True) is True and case.config.get("center", True) is False


def centred_too(
    original: Any, x: Tensor, average: Tensor, variance: Tensor, epsilon: float, gamma: Tensor
) -> Tensor:
    return normalized(x, average, variance, epsilon, gamma, None)


def normalizes_nothing(case: Case, data: Data) -> bool:
    """One of the axes has no elements."""
    shape = data.inputs[0].shape
    return any(shape[a] == 0 for a in axes_of(case.config.get("axis", -1), len(shape)))


def axes_of_built(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    """The axis as a list, none of it negative, in the order that was given."""
    axis = expected["axis"]
    rank = len(case.inputs[0].shape)
    return expected | {"axis": [a % rank for a in (axis if isinstance(axis, list) else [axis])]}


def without_rms_scaling(case: Case, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """γ and β as `scale` and `center` say."""
    (gamma,) = expected
    names = {"gamma": case.config.get("scale", True), "beta": case.config.get("center", True)}
    return [gamma | {"name": name} for name, held in names.items() if held]


def overflows_before_gamma(case: Case, data: Data) -> bool:
    """An element that is brought to the moving averages is more than the largest number, before γ multiplies
    it."""
    weights, (x, *_) = data.weights, data.inputs
    if "moving_mean" not in weights or not last_axis(case.config.get("axis", -1), x.ndim):
        return False
    epsilon = case.config.get("epsilon", 0.001)
    with np.errstate(all="ignore"):
        scale = 1 / np.sqrt(np.float64(weights["moving_variance"]) + epsilon)
        return bool((abs(np.float64(x) - weights["moving_mean"]) * scale > LARGEST).any())


def scaled_last(
    original: Any,
    layer: Layer,
    x: Tensor,
    average: Tensor,
    variance: Tensor,
    gamma: Tensor | None,
    beta: Tensor | None,
    along: tuple[int, ...],
) -> Tensor:
    """γ multiplies what has been brought to zero mean and unit variance, and may be infinite then."""
    y: Tensor = original(layer, x, average, variance, None, None, along)
    y = where(abs(y.value) <= LARGEST, y, constant(np.copysign(np.inf, y.value), y))
    if gamma is not None:
        y = multiply(y, reshape(gamma, shape=along))
    return y if beta is None else add(y, reshape(beta, shape=along))


def moved_by_difference(original: Any, old: Tensor, new: Tensor, momentum: float) -> Tensor:
    return subtract(old, multiply(subtract(old, new), 1.0 - momentum))


ORDERS_AXES = orders_weights_otherwise(list, "layers.LayerNormalization")
DESCENDING = draft_layer("layers.LayerNormalization", {"axis": [2, 1]}, [recipe("normal", 2, 3, 4, 5)])
RMS_SCALING = draft_layer("layers.LayerNormalization", {"rms_scaling": True}, [recipe("normal", 3, 5)])
OVERSHOOTING = draft_layer(
    "layers.BatchNormalization",
    {"momentum": -1.0},
    [recipe("small_variance", 5, 3, 8)],
    weights={"moving_variance": "positive"},
    training=True,
)
BEYOND_ZERO = Case(
    "layers.BatchNormalization",
    {"momentum": 0.5},
    inputs=(Literal((1, 2), (1.0, 1.0)),),
    weights={
        "gamma": Literal((2,), (0.0, 0.0)),
        "beta": Literal((2,), (0.0, 0.0)),
        "moving_mean": Literal((2,), (-0.05, "inf")),
        "moving_variance": Literal((2,), (0.0, 0.0)),
    },
    observables=("training/state/moving_mean",),
)

BEYOND_LARGEST = Case(
    "layers.BatchNormalization",
    inputs=(Literal((1, 2), (0.0, -3e38)),),
    weights={
        "gamma": Literal((2,), (1.0, 1.0)),
        "beta": Literal((2,), (0.0, 0.0)),
        "moving_mean": Literal((2,), (0.0, 0.0)),
        "moving_variance": Literal((2,), (0.0, 0.0)),
    },
    cotangents=(Literal((1, 2), (0.0, 0.0)),),
    observables=("gradient/weight/gamma",),
)
OF_NOTHING = tuple(
    draft_layer(
        "layers.BatchNormalization",
        config,
        [recipe("normal", 0, *shape)],
        training=True,
        weights={"moving_variance": "positive"},
    )
    for config, shape in (({}, (3,)), ({}, (2, 3)), ({"axis": 1}, (2, 3)))
)

DEVIATIONS = (
    deviation(
        "tfjs-layer-normalization-tells-axes-of-its-input",
        "Once it is built, the configuration tells the axes as they are of its input: a list, none of it "
        "negative. A layer made from it is tied to inputs of that rank.",
        kind="bug",
        source=f"{LAYERS}/layers/normalization.js:303 (LayerNormalization.build writes to this.axis)",
        upstream=searched("layerNormalization layer axis rms_scaling gamma beta shape"),
        remedy="Tell the axes yourself, where a layer is made for another rank.",
        since="tfjs-layers 1.2.11 (2019)",
        scope=LAYER_NORMALIZATION,
        effect=Metadata(CONFIGURATIONS, axes_of_built),
        witnesses=(draft_layer("layers.LayerNormalization", {}, [recipe("normal", 2, 3, 5)]),),
    ),
    deviation(
        "tfjs-layer-normalization-weights-in-order-of-axes",
        "The weights have the dimensions of the axes in the order in which they are given; in Keras the "
        "axes are sorted first.",
        kind="bug",
        source=f"{LAYERS}/layers/normalization.js:315 (LayerNormalization.build)",
        upstream=searched("layerNormalization layer axis rms_scaling gamma beta shape"),
        remedy="Name them in ascending order.",
        since="tfjs-layers 1.2.11 (2019)",
        scope=ORDERS_AXES,
        effect=Metadata(("weights",), weights_in_order(list)),
        witnesses=(DESCENDING,),
    ),
    deviation(
        "tfjs-layer-normalization-refuses-weights-of-sorted-axes",
        "Weights from Keras do not fit where the axes are not in ascending order.",
        kind="bug",
        source=f"{LAYERS}/layers/normalization.js:315 (LayerNormalization.build)",
        upstream=searched("layerNormalization layer axis rms_scaling gamma beta shape"),
        remedy="Name them in ascending order.",
        since="tfjs-layers 1.2.11 (2019)",
        scope=ORDERS_AXES,
        effect=Raises("invalid-argument", "build", NUMERIC, "not compatible with provided weight shape"),
        witnesses=(DESCENDING,),
    ),
    deviation(
        "tfjs-layer-normalization-no-rms-scaling",
        "rms_scaling is not known, and the weights do not fit.",
        kind="intentional",
        source=f"{LAYERS}/layers/normalization.js:319 (LayerNormalization.build)",
        upstream=searched("layerNormalization layer axis rms_scaling gamma beta shape"),
        remedy="Use Keras for such a model.",
        since="keras 3.0.0 (2023)",
        scope=all_of(SCALES_BY_DEVIATION, without(has_weights_of_deviation)),
        effect=Raises("invalid-argument", "build", NUMERIC, "the layer's weights are"),
        witnesses=(RMS_SCALING,),
    ),
    deviation(
        "tfjs-layer-normalization-centres-in-spite-of-rms-scaling",
        "rms_scaling is not known: where the weights fit, since center is false, the mean is subtracted all "
        "the same.",
        kind="intentional",
        source=f"{LAYERS}/layers/normalization.js:340 (LayerNormalization.call)",
        upstream=searched("layerNormalization layer axis rms_scaling gamma beta shape"),
        remedy="Use Keras for such a model.",
        since="keras 3.0.0 (2023)",
        scope=all_of(SCALES_BY_DEVIATION, has_weights_of_deviation),
        effect=Value({"layers.LayerNormalization.scaled_by_deviation": centred_too}),
        witnesses=(
            draft_layer(
                "layers.LayerNormalization", {"rms_scaling": True, "center": False}, [recipe("normal", 3, 5)]
            ),
        ),
    ),
    deviation(
        "tfjs-layer-normalization-weights-without-rms-scaling",
        "The layer has the weights that scale and center ask for: rms_scaling is not known.",
        kind="intentional",
        source=f"{LAYERS}/layers/normalization.js:319 (LayerNormalization.build)",
        upstream=searched("layerNormalization layer axis rms_scaling gamma beta shape"),
        remedy="Use Keras for such a model.",
        since="keras 3.0.0 (2023)",
        scope=all_of(SCALES_BY_DEVIATION, without(has_weights_of_deviation)),
        effect=Metadata(("weights",), without_rms_scaling),
        witnesses=(RMS_SCALING,),
    ),
    deviation(
        "tfjs-layer-normalization-along-nothing-has-no-gradient",
        "A LayerNormalization along an axis without elements, as that of an empty batch is, has no gradient "
        "by its input, for the mean is broadcast to none.",
        kind="bug",
        source=f"{CORE}/ops/broadcast_util.js:49 (getReductionAxes sums where the output has more than one)",
        upstream=searched("gradient broadcast empty tensor getReductionAxes must have the same number"),
        remedy="Do not train on an empty batch.",
        since="tfjs-layers 1.2.11 (2019)",
        scope=all_of(LAYER_NORMALIZATION, normalizes_nothing),
        effect=Raises(
            "invalid-argument",
            "gradient",
            ("gradient/input/*", "training/gradient/input/*"),
            "must have the same number of elements",
        ),
        witnesses=(draft_layer("layers.LayerNormalization", {"axis": 0}, [recipe("normal", 0, 4)]),),
    ),
    deviation(
        "tfjs-batch-normalization-of-nothing-has-no-gradient",
        "BatchNormalization of an empty batch has no gradient by its input in training, and along an inner "
        "axis none at all, for the statistics are broadcast to none.",
        kind="bug",
        source=f"{CORE}/ops/broadcast_util.js:49 (getReductionAxes sums where the output has more than one)",
        upstream=searched("gradient broadcast empty tensor getReductionAxes must have the same number"),
        remedy="Do not train on an empty batch.",
        since="tfjs-core 0.5.0 (2018)",
        scope=NORMALIZES_EMPTY_BATCH,
        effect=Raises(
            "invalid-argument",
            "gradient",
            GRADIENTS,
            "must have the same number of elements",
        ),
        witnesses=(OF_NOTHING[0], OF_NOTHING[2]),
    ),
    deviation(
        "tfjs-batch-normalization-gamma-gradient-overflows",
        "The gradient of γ is NaN where (x − μ)/σ is more than the largest number and its cotangent is 0: "
        "Keras multiplies the cotangent by x − μ first.",
        kind="precision",
        source=f"{CORE}/gradients/FusedBatchNorm_grad.js:69 (derScale)",
        upstream=searched("FusedBatchNorm gradient scale NaN overflow derScale"),
        remedy="Clip the input.",
        since="tfjs-core 0.8.0 (2018)",
        scope=all_of(subject("layers.BatchNormalization"), overflows_before_gamma),
        effect=Value(
            {"layers.BatchNormalization.normalized": scaled_last},
            ("gradient/weight/gamma", "training/gradient/weight/gamma"),
        ),
        witnesses=(BEYOND_LARGEST,),
    ),
    deviation(
        "tfjs-batch-normalization-moves-average-by-difference",
        "A moving average is moved by a share of its difference from the new one, which is rounded more "
        "coarsely than the sum that Keras computes where their signs differ, or the momentum is not between "
        "0 and 1. One that is infinite, which stays so in Keras, is NaN when it is moved once more.",
        kind="intentional",
        source=f"{LAYERS}/layers/normalization.js:218 (BatchNormalization.call: doMovingAverage)",
        upstream=searched("BatchNormalization moving average infinity NaN movingVariance"),
        remedy="Nothing need be done, if the momentum is between 0 and 1: it is the last bit. Find where an "
        "infinity comes from.",
        since="tfjs-layers 0.9.1 (2018)",
        scope=all_of(subject("layers.BatchNormalization"), asks("training/*")),
        effect=Value({"layers.BatchNormalization.moved": moved_by_difference}, ("training/state/*",)),
        witnesses=(OVERSHOOTING, BEYOND_ZERO),
    ),
)
