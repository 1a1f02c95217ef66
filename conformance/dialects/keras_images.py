"""What layers of Keras 3.15 on TensorFlow 2.21 that interpolate images do otherwise, on a CPU."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import Raises, Value, subject
from conformance.dialects.keras_record import CALL, in_keras, in_tensorflow, searched
from conformance.dialects.scopes import all_of
from conformance.reference_impl import layers
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.layers.resizing import in_proportion
from conformance.reference_impl.tape import Tensor

INTERPOLATING = subject("layers.Resizing", "layers.UpSampling2D")

STEPS = 1024
"""The positions between two pixels at which the table holds the cubic's heights."""


def at_steps(original: Any, old: int, new: int, like: Tensor, interpolation: str, antialias: bool) -> Tensor:
    """The positions rounded to steps; of one between two steps, within its error, both are possible."""
    at: Tensor = original(old, new, like, interpolation, antialias)
    if interpolation != "bicubic" or antialias:
        return at
    step = at.value * STEPS
    rounded = xp.rint(step)
    error = 0.0 if at.error is None else at.error * STEPS
    uncertain = xp.abs(xp.abs(step - rounded) - 0.5) < error
    return Tensor(rounded / STEPS, xp.where(uncertain, 1.0 / STEPS, 0.0) if uncertain.any() else None)


def sizes(case: Case, data: Data) -> list[tuple[int, int]]:
    """(old, new) height and width of what is interpolated."""
    x, layer = data.inputs[0], layers.get(case.subject.partition(".")[2]).from_config(case.config)
    if isinstance(layer, layers.UpSampling2D):
        old = x.shape[layer.first_axis :][:2]
        return [(n, n * times) for n, times in zip(old, layer.factors, strict=True)]
    assert isinstance(layer, layers.Resizing)
    axes = layer.spatial(x.ndim)
    given = in_proportion(layer, Tensor(x), axes).shape
    return [(given[axis], new) for axis, new in zip(axes, (layer.height, layer.width), strict=True)]


def between_steps(case: Case, data: Data) -> bool:
    """A cubic is asked for at a position that is no multiple of a step."""
    if case.config.get("interpolation") != "bicubic" or case.config.get("antialias"):
        return False
    return any(
        ((2 * i + 1) * old - new) * STEPS % (2 * new) != 0
        for old, new in sizes(case, data)
        for i in range(new)
    )


def averages_areas(case: Case, data: Data) -> bool:
    """Images are brought to another size by interpolation area."""
    return case.config.get("interpolation") == "area" and any(old != new for old, new in sizes(case, data))


def pads_integers(case: Case, data: Data) -> bool:
    """Images of integers are padded by a number that is given as a float, as it is by default."""
    x, config = data.inputs[0], case.config
    if x.dtype.kind != "i" or not isinstance(config.get("fill_value", 0.0), float):
        return False
    layer = layers.Resizing(**config)
    return bool(in_proportion(layer, Tensor(x), layer.spatial(x.ndim)).size > x.size)


def resized(config: dict[str, Any], *shape: int, regime: str = "normal", dtype: str = "float32") -> Case:
    made = {"height": 4, "width": 6} | config
    return draft_layer("layers.Resizing", made, [recipe(regime, *shape, dtype=dtype)])


DEVIATIONS = (
    in_tensorflow(
        id="keras-area-resizing-has-no-gradient",
        summary="No gradient can be taken through a Resizing by interpolation area.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/python/ops/image_grad.py (nothing is registered for ResizeArea)",
        upstream=searched("tensorflow gradient registry has no entry for ResizeArea"),
        remedy="Resize otherwise, or pool.",
        scope=all_of(subject("layers.Resizing"), averages_areas),
        effect=Raises(
            "missing-kernel",
            "gradient",
            ("gradient/*", "training/gradient/*"),
            "gradient registry has no entry for: ResizeArea",
        ),
        witnesses=(resized({"interpolation": "area"}, 2, 5, 7, 3),),
    ),
    in_keras(
        id="keras-resizing-pads-no-integers",
        summary="Resizing with pad_to_aspect_ratio refuses images of integers that it has to pad, unless "
        "fill_value is an integer too; it is 0.0 by default.",
        kind="bug",
        source="keras 3.15.1, keras/src/backend/tensorflow/image.py:255-323, resize (tf.ones of the images' "
        "dtype times fill_value)",
        upstream=searched(
            "keras Resizing pad_to_aspect_ratio integer dtype uint8 fill_value error tensorflow"
        ),
        remedy="Give fill_value as an integer, or cast the images.",
        since="keras 3.3.0 (2024)",
        scope=all_of(subject("layers.Resizing"), pads_integers),
        effect=Raises("type", "call", CALL, "to EagerTensor of dtype int32"),
        witnesses=(resized({"pad_to_aspect_ratio": True}, 2, 8, 4, 3, regime="indices:256", dtype="int32"),),
    ),
    in_tensorflow(
        id="keras-bicubic-in-steps",
        summary="Bicubic interpolation without antialias rounds positions to 1/1024 of a pixel, at which the "
        "cubic is tabulated: results are off by up to 1e-3 of the difference of two pixels, unless the new "
        "size is 2, 4, 8, … times the old one. With antialias nothing is rounded.",
        kind="precision",
        source="tensorflow 2.21, tensorflow/core/kernels/image/resize_bicubic_op.cc, kTableSize",
        upstream=searched("tensorflow image resize bicubic lookup table 1024"),
        remedy="Set antialias where digits count.",
        scope=all_of(INTERPOLATING, between_steps),
        effect=Value({"layers.positions_of_window": at_steps}),
        witnesses=(
            draft_layer(
                "layers.UpSampling2D",
                {"size": [1, 3], "interpolation": "bicubic"},
                [recipe("normal", 2, 4, 4, 3)],
            ),
            draft_layer(
                "layers.Resizing",
                {"height": 3, "width": 5, "interpolation": "bicubic"},
                [recipe("normal", 2, 4, 4, 3)],
            ),
        ),
    ),
)
