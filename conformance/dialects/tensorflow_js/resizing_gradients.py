"""Gradients through Resizing, and through the other layers of TensorFlow.js that bring images to another
size."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.dialects.deviation import GRADIENTS, Raises, Unpredictable, Value
from conformance.dialects.scopes import all_of, any_of, asks, without
from conformance.dialects.tensorflow_js.center_crop import CENTER_CROP, center_crop, crops
from conformance.dialects.tensorflow_js.images import RESAMPLING, size_of_images, up_sampled
from conformance.dialects.tensorflow_js.record import CPU, WASM, deviation, searched
from conformance.dialects.tensorflow_js.resizing import CROPS, RESIZING, interpolates, resized
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.primitives import concatenate, reshape, take, transpose
from conformance.reference_impl.primitives.primitive import Composite
from conformance.reference_impl.tape import Tensor, detached, variable, vjp
from conformance.verdicts import Verdict


class MisreadCotangent(Composite):
    """A function of a batch whose gradient begins to read the cotangent of each image where that image would
    begin if the images of the output were as large as those of the input; NaN lies beyond the end."""

    def compose(self, x: Tensor, *, function: Callable[[Tensor], Tensor]) -> Tensor:
        return function(x)

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        x: Tensor,
        *,
        function: Callable[[Tensor], Tensor],
    ) -> Tensor:
        size = cotangent.size // cotangent.shape[0]
        first = xp.arange(x.shape[0])[:, None] * (x.size // x.shape[0])
        places = xp.minimum(first + xp.arange(size)[None, :], cotangent.size)
        beyond = Tensor(xp.full((1,), math.nan, dtype=cotangent.dtype))
        flat = concatenate(reshape(cotangent, shape=(cotangent.size,)), beyond, axis=0)
        misread = reshape(take(flat, indices=places), shape=cotangent.shape)
        source = variable(x.value)
        (gradient,) = vjp([function(source)], [misread], [source])
        return gradient


misread_cotangent = MisreadCotangent()


def misreading(original: Any, x: Tensor, axes: tuple[int, int], *how: Any) -> Tensor:
    """With the channels last, as the kernels have them."""
    (channels,) = set(range(1, 4)) - set(axes)
    order = (0, *axes, channels)
    back = tuple(sorted(range(4), key=order.__getitem__))
    last = transpose(x, axes=order)
    return transpose(misread_cotangent(last, function=lambda x: original(x, (1, 2), *how)), axes=back)


def misreading_widened(original: Any, x: Tensor, *how: Any) -> Tensor:
    return misread_cotangent(x, function=lambda x: original(x, *how))


def oblong(case: Case, data: Data) -> bool:
    """The images are not square."""
    height, width = size_of_images(case, data)
    return height != width


def of_a_batch(case: Case, data: Data) -> bool:
    """Several images are brought to another number of pixels."""
    shape, config = data.inputs[0].shape, case.config
    if len(shape) < 4 or shape[0] < 2:
        return False
    if case.subject == "layers.UpSampling2D":
        return bool(config.get("size", 2) != [1, 1])
    if case.subject == "layers.RandomWidth":
        return bool(config["factor"] != [0, 0])
    return bool(math.prod(shape[1:3]) != config["height"] * config["width"])


def repeats_one_pixel(case: Case, data: Data) -> bool:
    """Corners are put on corners along a dimension of one pixel that becomes several."""
    new = case.config["height"], case.config["width"]
    return any(n == 1 < m for n, m in zip(size_of_images(case, data), new, strict=True))


def without_gradient(original: Any, x: Tensor, axes: tuple[int, int], *how: Any) -> Tensor:
    images: Tensor = original(detached(x), axes, *how)
    return images


ONE_ROW = resized((1, 1, 3, 2), 4, 4, interpolation="nearest")
REPEATS_ROW = all_of(RESIZING, interpolates("nearest"), without(CROPS), repeats_one_pixel)

ON_CPU = (
    deviation(
        "tfjs-cpu-gradient-of-oblong-images",
        "No gradient can be taken through a bilinear Resizing, UpSampling2D or RandomWidth, or a stretching "
        "CenterCrop, of oblong images.",
        kind="bug",
        source=f"{CPU}/kernels/ResizeBilinearGrad.js (resizeBilinearGrad: width and height are exchanged)",
        upstream=searched("resizeBilinear gradient non-square image shape mismatch cpu resizeBilinearGrad"),
        remedy="Train on square images, or put the layer before what is trained.",
        since="tfjs-core 0.11.3 (2018)",
        scope=any_of(
            all_of(RESAMPLING, interpolates("bilinear"), oblong), all_of(CENTER_CROP, without(crops), oblong)
        ),
        effect=Raises(
            "internal",
            "gradient",
            GRADIENTS,
            "does not match the shape of the input",
        ),
        witnesses=(
            resized((1, 4, 2, 2), 4, 4),
            center_crop(4, 8, 1, 2, 8, 3),
            up_sampled((1, 4, 2, 2), interpolation="bilinear"),
        ),
    ),
    deviation(
        "tfjs-cpu-resizing-gradient-of-batch",
        "The gradient of a Resizing, UpSampling2D or RandomWidth by the nearest pixel is wrong from the "
        "second image of a batch on.",
        kind="bug",
        source=f"{CPU}/kernels/ResizeNearestNeighborGrad.js:70 (dyROffset begins at the input's batchOffset)",
        upstream=searched("resizeBilinear gradient non-square image shape mismatch cpu resizeBilinearGrad"),
        remedy="Train image by image, or put the layer before what is trained.",
        since="tfjs-core 0.12.0 (2018)",
        scope=all_of(RESAMPLING, interpolates("nearest"), of_a_batch),
        effect=Value(
            {"layers.resized": misreading, "layers.RandomWidth.widened": misreading_widened},
            GRADIENTS,
        ),
        witnesses=(resized((2, 4, 4, 3), 2, 2, interpolation="nearest"), up_sampled((2, 4, 4, 3))),
    ),
    deviation(
        "tfjs-cpu-resizing-gradient-of-one-row-never-ends",
        "The gradient of a Resizing by the nearest pixel is never found where a row or a column becomes "
        "several: the loop has no end. Resize such images before the model.",
        kind="bug",
        source=f"{CPU}/kernels/ResizeNearestNeighborGrad.js:48 (invHeightScale is infinite, and so is the "
        "window that is searched)",
        upstream=searched("resizeNearestNeighbor gradient infinite loop alignCorners hang"),
        remedy="Interpolate bilinearly where a row becomes several in training.",
        since="tfjs-core 0.12.0 (2018)",
        scope=all_of(REPEATS_ROW, asks("*gradient/*")),
        effect=Unpredictable(Verdict.TIMED_OUT, GRADIENTS, "gave no answer within"),
        witnesses=(msgspec.structs.replace(ONE_ROW, observables=("gradient/input/0",)),),
    ),
)
"""What the plain JavaScript backend does."""

ON_WASM = (
    deviation(
        "tfjs-wasm-resizing-gradient-of-one-row-is-zero",
        "The gradient of a Resizing by the nearest pixel is 0 where a row or a column becomes several.",
        kind="bug",
        source=f"{WASM}/kernels/ResizeNearestNeighborGrad.js (src/cc/kernels/ResizeNearestNeighborGrad.cc: "
        "the window that is searched is infinite, and as an integer 0)",
        upstream=searched("resizeNearestNeighbor gradient infinite loop alignCorners hang"),
        remedy="Resize such images before the model.",
        since="tfjs-backend-wasm 4.3.0 (2023)",
        scope=REPEATS_ROW,
        effect=Value({"layers.resized": without_gradient}, GRADIENTS),
        witnesses=(ONE_ROW,),
    ),
)
"""What the WebAssembly backend does."""
