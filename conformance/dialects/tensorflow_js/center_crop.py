"""CenterCrop, as TensorFlow.js has it: which pixels it keeps, what it makes of images that are too small, and
the gradient that it lacks."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import GRADIENTS, Deviation, Raises, Scope, Value, everywhere, subject
from conformance.dialects.scopes import all_of, rank, without
from conformance.dialects.tensorflow_js.record import CORE, LAYERS, WASM, deviation, searched
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers.interpolation import positions_from_corner
from conformance.reference_impl.layers.interpolation import resized as resized_images
from conformance.reference_impl.layers.resizing_of_images import cropped
from conformance.reference_impl.primitives import take, transpose, where
from conformance.reference_impl.tape import Tensor

CENTER_CROP = subject("layers.CenterCrop")
CENTER_CROP_JS = f"{LAYERS}/layers/preprocessing/center_crop.js"


def from_corner(original: Any, old: int, new: int, like: Tensor) -> Tensor:
    return positions_from_corner(old, new, like)


def first_pixels(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[int, int]:
    """The row and the column at which a crop begins, negative where the image is too small. A column that is
    too many is cut off before the image, where Keras cuts it off after."""
    height, width = shape[-3:-1]
    column = (width - size[1]) // 2
    return (height - size[0]) // 2, 1 if width != size[1] and column == 0 else column


def cropped_or_stretched(original: Any, x: Tensor, axes: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """A crop, or where an image is too small all of it, resized from the corner."""
    start = first_pixels(x.shape, size)
    if min(start) >= 0:
        return cropped(x, axes, start, size)
    return resized_images(x, axes, size, "bilinear")


def positions(old: int, new: int, first: int) -> Array:
    """Where the pixels of a crop are along an axis of the image, as the WebAssembly kernel counts it."""
    begin, end, last = xp.float32(first / old), xp.float32((new + first) / old), xp.float32(old - 1)
    if new > 1:
        step = (end - begin) * last / xp.float32(new - 1)
        at: Array = begin * last + xp.arange(new, dtype="float32") * step
    else:
        at = xp.asarray([xp.float32(0.5) * (begin + end) * last])
    return at


def rows_rounded_down(original: Any, x: Tensor, axes: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Of images that are to keep their width, the rows at positions in float32, rounded down. Without what
    else is recorded, as of channels that come first, the axes may be others, and too short."""
    old, new = x.shape[axes[0]], size[0]
    if old < new:
        return cropped_or_stretched(original, x, axes, size)
    at = positions(old, new, (old - new) // 2)
    order = (axes[0], *(i for i in range(x.ndim) if i != axes[0]))
    back = tuple(sorted(range(x.ndim), key=order.__getitem__))
    return transpose(take(transpose(x, axes=order), indices=at.astype("int64")), axes=back)


def last_column_beyond(original: Any, x: Tensor, axes: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """A crop whose last column is taken to lie outside the image, where there is 0."""
    crop = cropped_or_stretched(original, x, axes, size)
    column = xp.arange(size[1]).reshape([size[1] if i == axes[1] else 1 for i in range(x.ndim)])
    return where(column < size[1] - 1, crop, 0.0)


def crops(case: Case, data: Data) -> bool:
    """The images are as large as the crop or larger."""
    size = case.config["height"], case.config["width"]
    return min(first_pixels(data.inputs[0].shape, size)) >= 0


def crops_width_otherwise(case: Case, data: Data) -> bool:
    """The images are as high as the crop or higher, and one column too wide."""
    return crops(case, data) and bool(data.inputs[0].shape[-2] == case.config["width"] + 1)


def loses_last_column(case: Case, data: Data) -> bool:
    """One column too wide, and in float32 the last one lies outside the image."""
    old, new = data.inputs[0].shape[-2], case.config["width"]
    return crops_width_otherwise(case, data) and bool(positions(old, new, 1)[-1] > old - 1)


def crops_rows_only(case: Case, data: Data) -> bool:
    height, width = data.inputs[0].shape[-3:-1]
    return bool(width == case.config["width"] and height > case.config["height"])


def center_crop(height: int, width: int, *shape: int, **config: Any) -> Case:
    made = {"height": height, "width": width} | config
    return draft_layer("layers.CenterCrop", made, [recipe("normal", *shape)])


def one_column_more(elsewhere: Scope = everywhere) -> Deviation:
    """The entry about the column that is cut off, but for where a backend does something else."""
    return deviation(
        "tfjs-center-crop-of-one-column-more",
        "CenterCrop cuts off the first column of an image that is one column too wide; Keras the last one.",
        kind="bug",
        source=f"{CENTER_CROP_JS}:72 (CenterCrop.call: wBuffer becomes 1)",
        upstream=searched("CenterCrop layer smaller image upsize wrong"),
        remedy="Crop by slicing, or before the model.",
        since="tfjs-layers 4.1.0 (2022)",
        scope=all_of(CENTER_CROP, crops_width_otherwise, elsewhere),
        effect=Value({"layers.CenterCrop.centre": cropped_or_stretched}),
        witnesses=(center_crop(3, 2, 1, 5, 3, 2),),
    )


DEVIATIONS = (
    deviation(
        "tfjs-center-crop-stretches-small-images",
        "CenterCrop resizes an image that is too small as a whole, from its corner; Keras first cuts it to "
        "the proportions of the crop, and resizes so that the edges fall together.",
        kind="bug",
        source=f"{CENTER_CROP_JS}:53 (CenterCrop.upsize)",
        upstream=searched("CenterCrop layer smaller image upsize wrong"),
        remedy="Resize before the model.",
        since="tfjs-layers 4.1.0 (2022)",
        scope=all_of(CENTER_CROP, without(crops)),
        effect=Value({"layers.CenterCrop.centre": cropped_or_stretched, "layers.positions": from_corner}),
        witnesses=(center_crop(4, 4, 2, 2, 2, 3),),
    ),
    deviation(
        "tfjs-center-crop-has-no-gradient",
        "No gradient can be taken through a CenterCrop that crops.",
        kind="bug",
        source=f"{CENTER_CROP_JS}:44 (CenterCrop.centerCrop: cropAndResize has no gradient)",
        upstream=searched("Cannot compute gradient: gradient function not found for CropAndResize"),
        remedy="Put it before what is trained.",
        since="tfjs-layers 4.1.0 (2022)",
        scope=all_of(CENTER_CROP, crops, rank(4)),
        effect=Raises(
            "missing-kernel",
            "gradient",
            GRADIENTS,
            "gradient function not found for CropAndResize",
        ),
        witnesses=(center_crop(3, 2, 2, 6, 8, 3),),
    ),
    deviation(
        "tfjs-center-crop-of-one-image-has-no-gradient",
        "No gradient can be taken through a CenterCrop of an image without a batch.",
        kind="bug",
        source=f"{CENTER_CROP_JS}:46 (CenterCrop.centerCrop); {CORE}/gradients/Unpack_grad.js",
        upstream=searched("Cannot compute gradient: gradient function not found for CropAndResize"),
        remedy="Give a batch of one.",
        since="tfjs-layers 4.1.0 (2022)",
        scope=all_of(CENTER_CROP, crops, rank(3)),
        effect=Raises(
            "invalid-argument",
            "gradient",
            GRADIENTS,
            "Argument tensors passed to stack must be",
        ),
        witnesses=(center_crop(3, 2, 6, 8, 3),),
    ),
)

ON_CPU = (one_column_more(),)
"""What the plain JavaScript backend does, beside `DEVIATIONS`."""

ON_WASM = (
    one_column_more(without(loses_last_column)),
    deviation(
        "tfjs-wasm-center-crop-loses-last-column",
        "CenterCrop of images that are one column too wide has zeros for the last column, where its "
        "position, rounded, lies outside the image.",
        kind="bug",
        source=f"{WASM}/kernels/CropAndResize.js (src/cc/kernels/CropAndResize.cc:45 fills in what lies "
        "beyond image_width - 1)",
        upstream=searched("wasm cropAndResize wrong result differs from cpu webgl"),
        remedy="Crop by slicing.",
        since="tfjs-layers 4.1.0 (2022)",
        scope=all_of(CENTER_CROP, loses_last_column),
        effect=Value({"layers.CenterCrop.centre": last_column_beyond}),
        witnesses=(center_crop(1, 8, 2, 7, 9, 3),),
    ),
    deviation(
        "tfjs-wasm-center-crop-rounds-rows-down",
        "CenterCrop of images that are as wide as the crop takes wrong rows: their positions, which are no "
        "whole numbers, are rounded down.",
        kind="bug",
        source=f"{WASM}/kernels/CropAndResize.js (src/cc/kernels/CropAndResize.cc:154 copies rows there)",
        upstream=searched("wasm cropAndResize wrong result differs from cpu webgl"),
        remedy="Crop by slicing.",
        since="tfjs-layers 4.1.0 (2022)",
        scope=all_of(CENTER_CROP, crops_rows_only),
        effect=Value({"layers.CenterCrop.centre": rows_rounded_down}),
        witnesses=(
            center_crop(3, 2, 2, 5, 2, 3),
            center_crop(7, 3, 16, 3, 9, data_format="channels_first"),
        ),
    ),
)
"""What the WebAssembly backend does, beside `DEVIATIONS`."""
