"""What normalizations of Keras 3.15 on TensorFlow 2.21 do otherwise."""

from __future__ import annotations

from functools import partial
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import OUTPUTS, Metadata, Raises, Scope, Value, subject
from conformance.dialects.keras_record import CALL, KERAS, in_keras, searched
from conformance.dialects.normalization import orders_weights_otherwise, weights_in_order
from conformance.dialects.scopes import all_of, asks, sets
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.layers.spanned_axes import axes_of
from conformance.reference_impl.tape import Tensor


def statistics_as_built(
    original: Any, layer: Any, x: Tensor, weights: dict[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """0 and 1, whatever the weights have been set to."""
    shape = weights["mean"].shape
    return Tensor(xp.zeros(shape, x.dtype)), Tensor(xp.ones(shape, x.dtype))


def has_statistics_as_weights(case: Case, data: Data) -> bool:
    return case.config.get("mean") is None


def normalizes_nothing_but_a_bias(case: Case, data: Data) -> bool:
    """The input has no element, and one dimension above 1, which the mean has too: where `ops.add` looks for
    channels."""
    shape, axis = data.inputs[0].shape, case.config.get("axis", -1)
    kept = axes_of([] if axis is None else axis, len(shape))
    long = [i for i, n in enumerate(shape) if n > 1]
    channels = (1, len(shape) - 1) if len(shape) > 1 else ()
    return 0 in shape and len(long) == 1 and long[0] in kept and long[0] in channels


STATISTICS = {"": "normal", "variance": "positive", "count": "indices:9"}


def in_place(original: Any, scale: Tensor, axes: tuple[int, ...], shape: tuple[int, ...]) -> Tensor:
    """As it is, so that it multiplies along the last axes."""
    return scale


def scales(made_of_last: str) -> Scope:
    """The axes of an RMSNormalization are not the last ones, and this becomes of those where they are
    multiplied by its weight: they are `kept`, or `widened` from one element, or `unfit`."""

    def scope(case: Case, data: Data) -> bool:
        if case.subject != "layers.RMSNormalization":
            return False
        shape = case.inputs[0].shape
        axes = axes_of(case.config.get("axis", -1), len(shape))
        last = shape[len(shape) - len(axes) :]
        pairs = list(zip((shape[axis] for axis in axes), last, strict=True))
        if axes == tuple(range(len(shape) - len(axes), len(shape))):
            return False
        if any(1 not in (n, m) and n != m for n, m in pairs):
            return made_of_last == "unfit"
        return made_of_last == ("widened" if any(n > m for n, m in pairs) else "kept")

    return scope


def without_rms_scaling(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    arguments = expected["arguments"]
    return {"arguments": {name: value for name, value in arguments.items() if name != "rms_scaling"}}


BOTH_SIGNS = tuple(
    draft_layer(f"layers.{name}", {"axis": [1, -1]}, [recipe("normal", 2, 3, 4)])
    for name in ("LayerNormalization", "RMSNormalization")
)
SORTS_AXES = orders_weights_otherwise(sorted, "layers.LayerNormalization", "layers.RMSNormalization")
WIDENED = draft_layer("layers.RMSNormalization", {"axis": 1}, [recipe("normal", 2, 3, 1)])

along_inner_axes = partial(
    in_keras,
    kind="bug",
    source="keras 3.15.1, keras/src/ops/nn.py:3054, _rms_normalization",
    upstream=searched("keras RMSNormalization axis not last scale broadcast wrong result"),
    remedy="Permute around the layer, so that they are the last ones.",
    since="keras 3.11.0 (2025)",
)
along_axes_of_both_signs = partial(
    in_keras,
    kind="bug",
    source="keras 3.15.1, keras/src/layers/normalization/layer_normalization.py, rms_normalization.py, "
    "build: sorted(self.axis)",
    upstream=f"{KERAS}/pull/23329",
    remedy="Give all axes the same sign.",
    stands="Keras sorts axes lest their order count, and where all have one sign it does not; TensorFlow.js "
    "has the dimensions in the order in which the axes are given, whatever their signs.",
    scope=SORTS_AXES,
    witnesses=BOTH_SIGNS,
)

DEVIATIONS = (
    in_keras(
        id="keras-normalization-keeps-statistics",
        summary="Normalization goes on with the mean and the variance that it was built with, 0 and 1, when "
        "its weights are set.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/preprocessing/normalization.py:399, "
        "Normalization.finalize_state",
        upstream=f"{KERAS}/issues/20147",
        remedy="Call finalize_state after set_weights.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.Normalization"), has_statistics_as_weights),
        effect=Value({"layers.Normalization.statistics": statistics_as_built}),
        witnesses=(
            draft_layer("layers.Normalization", {}, [recipe("normal", 3, 4)], weights=STATISTICS),
            draft_layer(
                "layers.Normalization",
                {"axis": [1, 2], "invert": True},
                [recipe("normal", 2, 3, 4)],
                weights=STATISTICS,
            ),
        ),
    ),
    in_keras(
        id="keras-normalization-refuses-empty-batch",
        summary="Normalization with invert refuses an empty batch of vectors, which ops.add takes for a "
        "bias.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/preprocessing/normalization.py:428, "
        "Normalization.call; keras/src/backend/tensorflow/numpy.py:111-129, add",
        upstream=searched("keras Biases must be 1D empty batch ops.add"),
        remedy="Do not call the model with an empty batch.",
        since="keras 3.7.0 (2024)",
        scope=all_of(subject("layers.Normalization"), sets("invert"), normalizes_nothing_but_a_bias),
        effect=Raises(
            "invalid-argument",
            "call",
            CALL,
            "Biases must be 1D",
        ),
        witnesses=(
            draft_layer(
                "layers.Normalization", {"invert": True}, [recipe("normal", 0, 4)], weights=STATISTICS
            ),
        ),
    ),
    along_inner_axes(
        id="keras-rms-normalization-inner-axis",
        summary="RMSNormalization along axes that are not the last ones multiplies by its weight along the "
        "last ones all the same.",
        scope=scales("kept"),
        effect=Value({"layers.RMSNormalization.spread": in_place}),
        witnesses=(draft_layer("layers.RMSNormalization", {"axis": 1}, [recipe("normal", 2, 4, 4)]),),
    ),
    along_inner_axes(
        id="keras-rms-normalization-inner-axis-widens",
        summary="RMSNormalization along axes that are not the last ones makes as many elements of a last "
        "axis of one as its weight has.",
        scope=scales("widened"),
        effect=Value(
            {"layers.RMSNormalization.spread": in_place},
            OUTPUTS,
        ),
        witnesses=(WIDENED,),
    ),
    along_inner_axes(
        id="keras-rms-normalization-inner-axis-gradient",
        summary="An output of another shape than the inferred one takes no cotangent of that shape. Only "
        "training meets it.",
        scope=scales("widened"),
        effect=Raises("invalid-argument", "gradient", ("*gradient/*",), "a cotangent of shape"),
        witnesses=(WIDENED,),
    ),
    along_inner_axes(
        id="keras-rms-normalization-inner-axis-refused",
        summary="RMSNormalization along axes that are not the last ones cannot be called, where its weight "
        "does not fit the last ones.",
        scope=scales("unfit"),
        effect=Raises(
            "invalid-argument",
            "call",
            CALL,
            "Incompatible shapes",
        ),
        witnesses=(draft_layer("layers.RMSNormalization", {"axis": 1}, [recipe("normal", 2, 3, 4)]),),
    ),
    along_axes_of_both_signs(
        id="keras-normalization-sorts-axes-of-both-signs",
        summary="Of axes of both signs, as [1, -1], the negative ones come first: the weights have the "
        "dimensions in that order.",
        since="keras 3.14.0 (2026)",
        effect=Metadata(("weights",), weights_in_order(sorted)),
    ),
    along_axes_of_both_signs(
        id="keras-normalization-refuses-weights-of-sorted-axes",
        summary="Weights in the order of the input's dimensions do not fit where axes of both signs are "
        "given.",
        since="keras 3.14.0 (2026)",
        effect=Raises("invalid-argument", "build", CALL, "The shape of the target variable"),
    ),
    in_keras(
        id="keras-layer-normalization-hides-rms-scaling",
        summary="LayerNormalization takes rms_scaling, and its configuration tells it, but its signature "
        "does not show it.",
        kind="intentional",
        source="keras 3.15.1, keras/src/layers/normalization/layer_normalization.py:119, __init__",
        upstream=searched("keras LayerNormalization rms_scaling signature kwargs not in __init__ arguments"),
        remedy="Nothing need be done: the argument is taken.",
        since="keras 3.11.0 (2025)",
        scope=all_of(subject("layers.LayerNormalization"), asks("signature")),
        effect=Metadata(("signature",), without_rms_scaling),
        witnesses=(
            draft_layer("layers.LayerNormalization", {}, [recipe("normal", 3, 6)], training=True, once=True),
        ),
    ),
)
