"""Layers that prepare data, as TensorFlow.js has them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import (
    GRADIENTS,
    Deviation,
    Metadata,
    Raises,
    Scope,
    Unpredictable,
    Value,
    everywhere,
    subject,
)
from conformance.dialects.scopes import all_of, any_of, asks, channels_first, rank, sets, without
from conformance.dialects.tensorflow_js.record import (
    CORE,
    CPU,
    LAYERS,
    NUMERIC,
    WASM,
    deviation,
    issue,
    pull,
    searched,
)
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers import CategoryEncoding, Resizing
from conformance.reference_impl.layers.interpolation import exactly, positions_from_corner
from conformance.reference_impl.layers.interpolation import resized as resized_images
from conformance.reference_impl.layers.layer import Shape
from conformance.reference_impl.layers.resizing_of_images import ImageLayer, cropped
from conformance.reference_impl.primitives import (
    concatenate,
    divide,
    multiply,
    reshape,
    take,
    transpose,
    where,
)
from conformance.reference_impl.primitives.primitive import Composite
from conformance.reference_impl.tape import Tensor, constant, detached, variable, vjp
from conformance.verdicts import Verdict

CATEGORY_ENCODING = subject("layers.CategoryEncoding")


def counted(original: Any, layer: CategoryEncoding, indicators: Array) -> Array:
    """The sum, whatever the output mode."""
    counts: Array = indicators.sum(axis=-2)
    return counts


def ends_with_one(original: Any, shape: Shape) -> bool:
    """Also a sample of a single integer."""
    return shape[-1] == 1


def encodes_several_in_rows(case: Case, data: Data) -> bool:
    """one_hot is given rows of several integers, which makes a new axis."""
    shape = data.inputs[0].shape
    return case.config.get("output_mode") == "one_hot" and len(shape) > 1 and shape[-1] != 1


def encodes_one(case: Case, data: Data) -> bool:
    """one_hot is given a single integer, and no batch."""
    return case.config.get("output_mode") == "one_hot" and data.inputs[0].shape == (1,)


def tells_presence(case: Case, data: Data) -> bool:
    return case.config.get("output_mode", "multi_hot") in ("multi_hot", "binary")


def from_corner(original: Any, old: int, new: int, like: Tensor) -> Tensor:
    return positions_from_corner(old, new, like)


def corner_to_corner(original: Any, old: int, new: int, like: Tensor) -> Tensor:
    """i·(old − 1)/(new − 1), so that the last pixel is the last"""
    if new == 1:
        return positions_from_corner(old, new, like)
    steps = Tensor(xp.arange(new, dtype=like.dtype))
    at = multiply(steps, divide(constant(float(old - 1), like), float(new - 1)))
    return exactly(at, xp.arange(new) * (old - 1), new - 1)


def pixels_from_corner(original: Any, old: int, new: int) -> list[int]:
    """The pixel before"""
    return [i * old // new for i in range(new)]


def pixels_corner_to_corner(original: Any, old: int, new: int) -> list[int]:
    """The nearest pixel, of two the second"""
    return [math.floor(i * (old - 1) / (new - 1) + 0.5) if new > 1 else 0 for i in range(new)]


def uncut(original: Any, layer: Resizing, x: Tensor, axes: tuple[int, int]) -> Tensor:
    return x


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


def channels_last(original: Any, layer: ImageLayer, rank: int) -> tuple[int, int]:
    return rank - 3, rank - 2


def shape_of_one_image(case: Case, expected: list[list[int | None]]) -> list[list[int | None]]:
    """The last dimension is the third of the input, and there is no batch."""
    return [[case.config["height"], case.config["width"], case.inputs[0].shape[2]]]


def unknown_shape_of_one_image(case: Case, expected: list[list[int | None]]) -> list[list[int | None]]:
    return [[case.config["height"], case.config["width"], None]]


def size_of_images(case: Case, data: Data) -> tuple[int, int]:
    """Height and width, as the kernels are given them."""
    first = case.subject == "layers.UpSampling2D" and channels_first(case, data)
    height, width = data.inputs[0].shape[-2:] if first else data.inputs[0].shape[-3:-1]
    return height, width


def oblong(case: Case, data: Data) -> bool:
    """The images are not square."""
    height, width = size_of_images(case, data)
    return height != width


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
    """Of images that are to keep their width, the rows at positions in float32, rounded down."""
    old, new = x.shape[axes[0]], size[0]
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


def interpolates(how: str) -> Scope:
    """The case's interpolation is this one, given or by default."""

    def scope(case: Case, data: Data) -> bool:
        default = "nearest" if case.subject == "layers.UpSampling2D" else "bilinear"
        return bool(case.config.get("interpolation", default) == how)

    return scope


def interpolates_otherwise(case: Case, data: Data) -> bool:
    """Neither by the nearest pixel nor between two."""
    return case.config.get("interpolation", "nearest") not in ("nearest", "bilinear")


def given_integers(case: Case, data: Data) -> bool:
    return bool(data.inputs[0].dtype.kind == "i")


def as_they_are(original: Any, x: Tensor, dtype: Any) -> Tensor:
    return x


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


def center_crop(height: int, width: int, *shape: int, **config: Any) -> Case:
    made = {"height": height, "width": width} | config
    return draft_layer("layers.CenterCrop", made, [recipe("normal", *shape)])


def one_hot(*shape: int) -> Case:
    config = {"num_tokens": 4, "output_mode": "one_hot"}
    return draft_layer("layers.CategoryEncoding", config, [recipe("indices:4", *shape, dtype="int32")])


def resized(shape: tuple[int, ...], height: int, width: int, **config: Any) -> Case:
    """A case about Resizing."""
    made = {"height": height, "width": width} | config
    return draft_layer("layers.Resizing", made, [recipe("normal", *shape)])


def resized_integers(interpolation: str) -> Case:
    config = {"height": 12, "width": 9, "interpolation": interpolation}
    return draft_layer("layers.Resizing", config, [recipe("indices:256", 2, 4, 3, 3, dtype="int32")])


def up_sampled(shape: tuple[int, ...], size: Sequence[int] = (2, 2), **config: Any) -> Case:
    """A case about UpSampling2D."""
    return draft_layer("layers.UpSampling2D", {"size": list(size)} | config, [recipe("normal", *shape)])


def repeats_one_pixel(case: Case, data: Data) -> bool:
    """Corners are put on corners along a dimension of one pixel that becomes several."""
    new = case.config["height"], case.config["width"]
    return any(n == 1 < m for n, m in zip(size_of_images(case, data), new, strict=True))


def without_gradient(original: Any, x: Tensor, axes: tuple[int, int], *how: Any) -> Tensor:
    images: Tensor = original(detached(x), axes, *how)
    return images


def given_no_token(case: Case, data: Data) -> bool:
    """An index is none of the tokens."""
    return any(bool(((x < 0) | (x >= case.config["num_tokens"])).any()) for x in data.inputs)


RESIZING = subject("layers.Resizing")
RESAMPLING = subject("layers.RandomWidth", "layers.Resizing", "layers.UpSampling2D")
CENTER_CROP = subject("layers.CenterCrop")
CROPS = sets("crop_to_aspect_ratio")
ONE_ROW = resized((1, 1, 3, 2), 4, 4, interpolation="nearest")
REPEATS_ROW = all_of(RESIZING, interpolates("nearest"), without(CROPS), repeats_one_pixel)
CENTER_CROP_JS = f"{LAYERS}/layers/preprocessing/center_crop.js"
RESIZING_JS = f"{LAYERS}/layers/preprocessing/image_resizing.js"


def floats_of_integers(where: str, interpolation: str, source: str) -> Deviation:
    """The entry about the dtype of integers that are resized."""
    return deviation(
        f"tfjs-{where}resizing-of-integers-by-{interpolation}-is-float32",
        f"A Resizing of integers, by interpolation {interpolation}, gives float32.",
        kind="intentional",
        source=source,
        upstream=searched("resizeNearestNeighbor int32 image returns float32 dtype"),
        remedy="Cast what it gives.",
        since="tfjs-layers 4.0.0 (2022)",
        scope=all_of(RESIZING, interpolates(interpolation), given_integers),
        effect=Metadata(("dtype",), lambda case, expected: ["float32"]),
        witnesses=(resized_integers(interpolation),),
    )


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


WHOLE = resized_integers("bilinear")
BATCH = resized((2, 4, 4, 3), 8, 16, interpolation="bilinear")
CHANNELS_FIRST = resized((2, 3, 8, 8), 4, 2, interpolation="bilinear", data_format="channels_first")

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
    deviation(
        "tfjs-resizing-aligns-corners",
        "Resizing puts the first and the last pixel of the new image on those of the old one, and knows no "
        "padding and no antialiasing; in Keras the edges of the images fall together. Images are shifted by "
        "up to half a pixel.",
        kind="bug",
        source=f"{RESIZING_JS}:61 (alignCorners is !cropToAspectRatio)",
        upstream=pull(6879),
        remedy="Resize before the model.",
        since="tfjs-layers 4.0.0 (2022)",
        scope=all_of(RESIZING, without(CROPS)),
        effect=Value(
            {
                "layers.positions": corner_to_corner,
                "layers.nearest_pixels": pixels_corner_to_corner,
                "layers.antialiased": lambda original, antialias: False,
                "layers.Resizing.in_proportion": uncut,
            }
        ),
        witnesses=(BATCH, resized((2, 4, 4, 3), 2, 2, interpolation="nearest")),
    ),
    deviation(
        "tfjs-resizing-of-two-kinds",
        "Resizing interpolates by the nearest pixel or bilinearly; bicubic, lanczos3, lanczos5 and area are "
        "refused.",
        kind="intentional",
        source=f"{RESIZING_JS}:33 (Resizing: INTERPOLATION_METHODS)",
        upstream=issue(1668),
        remedy="Resize before the model.",
        since="tfjs-layers 4.0.0 (2022)",
        scope=all_of(RESIZING, interpolates_otherwise),
        effect=Raises("not-implemented", "construction", ("*",), "Invalid interpolation parameter"),
        witnesses=(resized((2, 4, 4, 3), 8, 16, interpolation="bicubic"),),
    ),
    deviation(
        "tfjs-resizing-crops-nothing",
        "With crop_to_aspect_ratio nothing is cut off: the flag only moves the pixels of the new image, "
        "which then begin in the corner of the old one.",
        kind="bug",
        source=f"{RESIZING_JS}:61 (alignCorners is !cropToAspectRatio)",
        upstream=searched(
            "Resizing layer results differ from Python tf.keras.layers.Resizing alignCorners half pixel"
        ),
        remedy="Crop and resize before the model.",
        since="tfjs-layers 4.0.0 (2022)",
        scope=all_of(RESIZING, CROPS),
        effect=Value(
            {
                "layers.positions": from_corner,
                "layers.nearest_pixels": pixels_from_corner,
                "layers.antialiased": lambda original, antialias: False,
                "layers.Resizing.in_proportion": uncut,
            }
        ),
        witnesses=(
            resized((2, 8, 4, 3), 4, 4, interpolation="bilinear", crop_to_aspect_ratio=True),
            resized((2, 8, 4, 3), 4, 4, interpolation="nearest", crop_to_aspect_ratio=True),
        ),
    ),
    deviation(
        "tfjs-images-channels-last-only",
        "data_format is not read: images with the channels first are resized, or cropped, along channels and "
        "height.",
        kind="bug",
        source=f"{RESIZING_JS}:24 (Resizing), center_crop.js:16 (CenterCrop)",
        upstream=searched(
            "Resizing CenterCrop layer dataFormat channelsFirst not supported padToAspectRatio arguments"
        ),
        remedy="Put the channels last, by Permute if need be.",
        since="tfjs-layers 4.0.0 (2022)",
        scope=all_of(subject("layers.CenterCrop", "layers.Resizing"), channels_first),
        effect=Value({"layers.images.spatial": channels_last}),
        witnesses=(CHANNELS_FIRST, center_crop(3, 2, 2, 3, 6, 8, data_format="channels_first")),
    ),
    deviation(
        "tfjs-resizing-shape-of-one-image",
        "The inferred shape is that of one image, without the batch, whose channels are the third dimension "
        "of the input.",
        kind="bug",
        source=f"{RESIZING_JS}:43 (Resizing.computeOutputShape)",
        upstream=searched("Resizing layer computeOutputShape unbatched image 3D input rank"),
        remedy="Build no model on it: resize before the model.",
        since="tfjs-layers 4.0.0 (2022)",
        scope=all_of(RESIZING, any_of(rank(4), channels_first)),
        effect=Metadata(("shape/concrete", "shape/unknown_batch"), shape_of_one_image),
        witnesses=(BATCH,),
    ),
    deviation(
        "tfjs-resizing-unknown-shape-of-one-image",
        "The inferred shape is that of one image, without the batch, also while dimensions are unknown.",
        kind="bug",
        source=f"{RESIZING_JS}:43 (Resizing.computeOutputShape)",
        upstream=searched("Resizing layer computeOutputShape unbatched image 3D input rank"),
        remedy="Build no model on it: resize before the model.",
        since="tfjs-layers 4.0.0 (2022)",
        scope=all_of(RESIZING, any_of(rank(4), channels_first)),
        effect=Metadata(("shape/unknown",), unknown_shape_of_one_image),
        witnesses=(BATCH,),
    ),
    deviation(
        "tfjs-category-encoding-refuses-other-tokens",
        "CategoryEncoding refuses an integer that is none of the tokens, which Keras encodes as nothing.",
        kind="intentional",
        source=f"{LAYERS}/layers/preprocessing/category_encoding.js:70 (CategoryEncoding.call)",
        upstream=searched(
            "CategoryEncoding Input values must be between 0 < values <= numTokens out of range token"
        ),
        remedy="Replace it before.",
        since="tfjs-layers 4.0.0 (2022)",
        scope=all_of(CATEGORY_ENCODING, given_no_token),
        effect=Raises("invalid-argument", "call", NUMERIC, "Input values must be between"),
        witnesses=(
            draft_layer(
                "layers.CategoryEncoding", {"num_tokens": 3}, [recipe("indices:5", 2, 8, dtype="int32")]
            ),
        ),
    ),
    deviation(
        "tfjs-resizing-makes-floats",
        "A bilinear Resizing of integers gives what lies between them; Keras rounds to integers.",
        kind="intentional",
        source=f"{CORE}/ops/image/resize_bilinear.js; {CPU}/kernels/ResizeBilinear.js:84",
        upstream=searched("resizeNearestNeighbor int32 image returns float32 dtype"),
        remedy="Round what it gives.",
        since="tfjs-layers 4.0.0 (2022)",
        scope=all_of(RESIZING, interpolates("bilinear"), given_integers),
        effect=Value({"layers.Resizing.as_given": as_they_are}),
        witnesses=(WHOLE,),
    ),
    floats_of_integers("", "bilinear", f"{CPU}/kernels/ResizeBilinear.js:84"),
    deviation(
        "tfjs-category-encoding-one-hot-of-rows",
        "CategoryEncoding with output mode one_hot refuses rows of several integers, which Keras encodes "
        "along a new axis.",
        kind="intentional",
        source=f"{LAYERS}/layers/preprocessing/preprocessing_utils.js:32 (encodeCategoricalInputs)",
        upstream=searched("categoryEncoding layer multiHot oneHot single sample wrong denseBincount"),
        remedy="Flatten them before, and reshape after.",
        since="tfjs-layers 4.0.0 (2022)",
        scope=all_of(CATEGORY_ENCODING, encodes_several_in_rows),
        effect=Raises("invalid-argument", "call", NUMERIC, "maximum output rank is 2"),
        witnesses=(one_hot(3, 2),),
    ),
    deviation(
        "tfjs-category-encoding-one-hot-of-one",
        "CategoryEncoding with output mode one_hot makes a vector of a single integer, where Keras makes a "
        "matrix of one row.",
        kind="bug",
        source=f"{LAYERS}/layers/preprocessing/preprocessing_utils.js:28 (encodeCategoricalInputs)",
        upstream=searched("categoryEncoding layer multiHot oneHot single sample wrong denseBincount"),
        remedy="Give it as a column.",
        since="tfjs-layers 4.0.0 (2022)",
        scope=all_of(CATEGORY_ENCODING, encodes_one),
        effect=Value({"layers.CategoryEncoding.is_column": ends_with_one}),
        witnesses=(one_hot(1),),
    ),
)

ON_CPU = (
    one_column_more(),
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
    deviation(
        "tfjs-cpu-category-encoding-counts-one-sample",
        "CategoryEncoding with output mode multi_hot counts, where it is given one sample and no batch.",
        kind="bug",
        source=f"{CPU}/kernels/DenseBincount.js:26 (bincountImpl is not told of binaryOutput)",
        upstream=searched("categoryEncoding layer multiHot oneHot single sample wrong denseBincount"),
        remedy="Give a batch of one.",
        since="tfjs-layers 4.0.0 (2022)",
        scope=all_of(CATEGORY_ENCODING, tells_presence, rank(1)),
        effect=Value({"layers.CategoryEncoding.encoded_samples": counted}),
        witnesses=(
            draft_layer(
                "layers.CategoryEncoding",
                {"num_tokens": 4, "output_mode": "multi_hot"},
                [Literal((5,), (1.0, 1.0, 0.0, 3.0, 1.0), "int32")],
            ),
        ),
    ),
)
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
    floats_of_integers("wasm-", "nearest", f"{WASM}/kernels/ResizeNearestNeighbor.js:41"),
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
        witnesses=(center_crop(3, 2, 2, 5, 2, 3),),
    ),
)
"""What the WebAssembly backend does, beside `DEVIATIONS`."""
