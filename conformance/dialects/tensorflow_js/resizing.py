"""Resizing, as TensorFlow.js has it: where pixels come to lie, what it does not read, and the shapes and
dtypes of its images."""

from __future__ import annotations

import math
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import Deviation, Metadata, Raises, Scope, Value, subject
from conformance.dialects.scopes import all_of, any_of, channels_first, rank, sets, without
from conformance.dialects.tensorflow_js.center_crop import center_crop, from_corner
from conformance.dialects.tensorflow_js.record import (
    CORE,
    CPU,
    LAYERS,
    WASM,
    deviation,
    issue,
    pull,
    searched,
)
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.layers import Resizing
from conformance.reference_impl.layers.interpolation import exactly, positions_from_corner
from conformance.reference_impl.layers.resizing_of_images import ImageLayer
from conformance.reference_impl.primitives import divide, multiply
from conformance.reference_impl.tape import Tensor, constant

RESIZING = subject("layers.Resizing")
CROPS = sets("crop_to_aspect_ratio")
RESIZING_JS = f"{LAYERS}/layers/preprocessing/image_resizing.js"


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


def channels_last(original: Any, layer: ImageLayer, rank: int) -> tuple[int, int]:
    return rank - 3, rank - 2


def shape_of_one_image(case: Case, expected: list[list[int | None]]) -> list[list[int | None]]:
    """The last dimension is the third of the input, and there is no batch."""
    return [[case.config["height"], case.config["width"], case.inputs[0].shape[2]]]


def unknown_shape_of_one_image(case: Case, expected: list[list[int | None]]) -> list[list[int | None]]:
    return [[case.config["height"], case.config["width"], None]]


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


def resized(shape: tuple[int, ...], height: int, width: int, **config: Any) -> Case:
    """A case about Resizing."""
    made = {"height": height, "width": width} | config
    return draft_layer("layers.Resizing", made, [recipe("normal", *shape)])


def resized_integers(interpolation: str) -> Case:
    config = {"height": 12, "width": 9, "interpolation": interpolation}
    return draft_layer("layers.Resizing", config, [recipe("indices:256", 2, 4, 3, 3, dtype="int32")])


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


WHOLE = resized_integers("bilinear")
BATCH = resized((2, 4, 4, 3), 8, 16, interpolation="bilinear")
CHANNELS_FIRST = resized((2, 3, 8, 8), 4, 2, interpolation="bilinear", data_format="channels_first")

DEVIATIONS = (
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
)

ON_WASM = (floats_of_integers("wasm-", "nearest", f"{WASM}/kernels/ResizeNearestNeighbor.js:41"),)
"""What the WebAssembly backend does, beside `DEVIATIONS`."""
