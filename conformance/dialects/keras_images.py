"""What layers of Keras 3.15 on TensorFlow 2.21 that interpolate images do otherwise, on a CPU."""

from __future__ import annotations

import math
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import GRADIENTS, OUTPUTS, Raises, Value, subject
from conformance.dialects.interpolation import not_finite_as
from conformance.dialects.keras_record import CALL, in_keras, in_tensorflow, searched
from conformance.dialects.scopes import all_of, any_of, given_special_values
from conformance.reference_impl import layers
from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers.interpolation import (
    WINDOWS,
    per_pixel,
    positions,
)
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


Taps = tuple[Array, Array]
"""By new pixel, the old ones that are read, −1 for none, and their weights: (new, taps) each."""


def taps_of_cubic(old: int, new: int) -> Taps:
    """By the cubic without antialias: the four around the position. Those beyond the first and the last are
    that one, without weight."""
    at = positions(old, new, in_float32()).value
    first, beside = xp.floor(at)[:, None], xp.arange(-1, 3, dtype=xp.float32)
    distance = xp.abs(xp.rint((at[:, None] - first) * STEPS) / STEPS - beside)
    inside = xp.clip(first + beside, 0, old - 1)
    heights = xp.where(first + beside == inside, heights_of("bicubic", distance), 0.0)
    return inside.astype("int64"), over_sum(heights)


def taps_of_window(old: int, new: int, interpolation: str, antialias: bool) -> Taps:
    """By other windows: for each new pixel as many as the widest window may have."""
    step = per_pixel(old, new, in_float32()).value
    wide = xp.maximum(step, xp.float32(1.0)) if antialias else xp.float32(1.0)
    radius = xp.float32(WINDOWS[interpolation].radius) * wide
    middles = ((xp.arange(new, dtype=xp.float32) + xp.float32(0.5)) * step)[:, None]
    first = xp.clip(xp.ceil(middles - radius - xp.float32(0.5)), 0, old - 1)
    last = xp.clip(xp.floor(middles + radius - xp.float32(0.5)), 0, old - 1)
    pixel = first + xp.arange(2 * math.ceil(radius) + 1, dtype=xp.float32)
    distance = xp.abs((pixel + xp.float32(0.5) - middles) * (xp.float32(1.0) / wide))
    heights = xp.where(pixel <= last, heights_of(interpolation, distance), 0.0)
    return xp.where(pixel < old, pixel, -1).astype("int64"), over_sum(heights)


def heights_of(interpolation: str, distance: Array) -> Array:
    """In float32. At whole distances those of lanczos are tiny rather than 0, at its radius too."""
    window = WINDOWS[interpolation]
    if not interpolation.startswith("lanczos"):
        inside: Array = xp.where(distance < window.radius, window.height(Tensor(distance)).value, 0.0)
        return inside
    pi, radius = xp.float32(math.pi), xp.float32(window.radius)
    x = xp.maximum(distance, xp.float32(1e-3))
    height = radius * xp.sin(pi * x) * xp.sin(pi * x / radius) / (pi * pi * x * x)
    of_lanczos: Array = xp.where(distance <= 1e-3, 1.0, xp.where(distance > radius, 0.0, height))
    return of_lanczos


def in_float32() -> Tensor:
    """Something of the format in which positions are computed."""
    return Tensor(xp.zeros((), xp.float32))


def over_sum(heights: Array) -> Array:
    weights: Array = (heights * (1 / heights.sum(axis=1, keepdims=True))).astype(xp.float32)
    return weights


def summed(x: Array, axis: int, taps: Taps) -> Array:
    """Σ weight·pixel along an axis in float32, one tap after the other, also those of no weight."""
    sums: Array = xp.float32(0.0)
    along = [-1 if i == axis else 1 for i in range(x.ndim)]
    for pixel, weight in zip(taps[0].T, taps[1].T, strict=True):
        term = xp.take(x, xp.maximum(pixel, 0), axis=axis) * weight.reshape(along)
        sums = xp.where((pixel >= 0).reshape(along), sums + term, sums)
    return sums


def adding_every_tap(
    original: Any, x: Tensor, axes: tuple[int, int], size: tuple[int, int], interpolation: str, *how: Any
) -> Tensor:
    """The sums along the columns, and of those along the rows, where they leave the numbers."""
    antialias, seen = bool(how and how[0]), xp.asarray(x.value, xp.float32)
    for axis, new in zip(axes, size, strict=True):
        old = seen.shape[axis]
        if interpolation == "bicubic" and not antialias:
            taps = taps_of_cubic(old, new)
        else:
            taps = taps_of_window(old, new, interpolation, antialias)
        seen = summed(seen, axis, taps)
    return not_finite_as(seen, original(x, axes, size, interpolation, *how))


def by_windows(case: Case, data: Data) -> bool:
    """More pixels than two are weighed in each direction; bilinear is what Resizing does by default."""
    how = case.config.get("interpolation", "bilinear")
    return how in WINDOWS and (how != "bilinear" or bool(case.config.get("antialias")))


def given_large_numbers(case: Case, data: Data) -> bool:
    """A weighted sum of pixels may overflow."""
    x = data.inputs[0]
    return bool(x.size and x.dtype.kind == "f" and abs(x).max() > IEEE_FLOAT32.largest / 4)


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
    """The interpolation is area."""
    return bool(case.config.get("interpolation") == "area")


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
        since="tensorflow 0.5.0 (2015)",
        scope=all_of(subject("layers.Resizing"), averages_areas),
        effect=Raises(
            "missing-kernel",
            "gradient",
            GRADIENTS,
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
        stands="Nothing is wrong with such images, which Keras takes where fill_value is an integer; "
        "TensorFlow.js refuses a kind of interpolation, whatever the images are.",
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
        since="tensorflow 0.5.0 (2015)",
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
    in_tensorflow(
        id="keras-windows-read-idle-pixels",
        summary="Interpolation bicubic, lanczos3 and lanczos5, and bilinear with antialias, reads pixels "
        "without weight, at the edges and where new pixels lie on old ones, and multiplies them by 0: where "
        "one of them is NaN or infinite, or the sum of a column overflows, the result is NaN.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/image/resize_bicubic_op.cc, GetWeightsAndIndices; "
        "scale_and_translate_op.cc, ComputeSpansCore and GatherColumns",
        upstream=searched(
            "tensorflow resize bilinear bicubic NaN infinity zero weight neighboring pixels "
            "scale_and_translate"
        ),
        remedy="Check for NaN and infinities before the layer.",
        since="tensorflow 0.5.0 (2015)",
        scope=all_of(INTERPOLATING, by_windows, any_of(given_special_values, given_large_numbers)),
        effect=Value(
            {"layers.resized": adding_every_tap},
            OUTPUTS,
        ),
        witnesses=(
            draft_layer(
                "layers.UpSampling2D", {"interpolation": "bicubic"}, [recipe("one_infinity", 2, 7, 6, 3)]
            ),
            draft_layer(
                "layers.UpSampling2D",
                {"interpolation": "lanczos3", "size": [3, 2]},
                [recipe("one_nan", 2, 7, 9, 3)],
            ),
            resized({"interpolation": "bilinear", "antialias": True}, 2, 9, 11, 3, regime="one_nan"),
        ),
    ),
)
