"""UpSampling2D and RandomWidth, as TensorFlow.js has them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import GRADIENTS, OUTPUTS, Deviation, Metadata, Raises, Value, subject
from conformance.dialects.interpolation import not_finite_as
from conformance.dialects.scopes import all_of, any_of, channels_first, given_special_values, without
from conformance.dialects.tensorflow_js.center_crop import CENTER_CROP, crops, from_corner
from conformance.dialects.tensorflow_js.record import CPU, LAYERS, WASM, deviation, issue, searched
from conformance.dialects.tensorflow_js.resizing import interpolates, interpolates_otherwise
from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers.interpolation import positions, positions_from_corner
from conformance.reference_impl.tape import Tensor

UP_SAMPLING = subject("layers.UpSampling2D")
RESAMPLING = subject("layers.RandomWidth", "layers.Resizing", "layers.UpSampling2D")
SOURCE = f"{LAYERS}/layers/convolutional.js"
RANDOM_WIDTH = subject("layers.RandomWidth")
RANDOM_WIDTH_JS = f"{LAYERS}/layers/preprocessing/random_width.js"
RANDOM = msgspec.structs.replace(
    draft_layer("layers.RandomWidth", {"factor": 0.25}, [recipe("normal", 2, 5, 8, 3)], gradients=False),
    observables=("shape/concrete", "shape/unknown_batch", "shape/unknown"),
)
WIDENED = draft_layer("layers.RandomWidth", {"factor": [0.5, 0.5]}, [recipe("normal", 2, 5, 8, 3)])
BY_TWO = draft_layer("layers.UpSampling2D", {"size": 2}, [recipe("normal", 2, 4, 4, 3)])


def size_of_images(case: Case, data: Data) -> tuple[int, int]:
    """Height and width, as the kernels are given them."""
    first = case.subject == "layers.UpSampling2D" and channels_first(case, data)
    height, width = data.inputs[0].shape[-2:] if first else data.inputs[0].shape[-3:-1]
    return height, width


def of_one_number(case: Case, data: Data) -> bool:
    """The size is one number for height and width."""
    return isinstance(case.config.get("size"), int)


def of_no_size(case: Case, expected: list[list[int | None]]) -> list[list[int | None]]:
    """Height and width unknown, whatever those of the input."""
    first = case.config.get("data_format") == "channels_first"
    return [[*s[:2], None, None] if first else [s[0], None, None, s[3]] for s in expected]


def height_of_last_call(case: Case) -> int | None:
    """That of the images, where a call is asked for, which comes before the shapes; else none."""
    height: int = case.inputs[0].shape[-3]
    return height if any("output/" in name for name in case.observables) else None


def of_one_image(case: Case, expected: list[list[int | None]]) -> list[list[int | None]]:
    """The height of the last call, -1 for the width, and the third dimension of the input."""
    return [[height_of_last_call(case), -1, case.inputs[0].shape[2]]]


def of_one_unknown_image(case: Case, expected: list[list[int | None]]) -> list[list[int | None]]:
    return [[height_of_last_call(case), -1, None]]


Positions = Callable[[int, int, Tensor], Tensor]
"""(old, new, a tensor of the format) → where new pixels lie along an axis of old ones."""


def in_differences(x: Array, axes: tuple[int, int], size: tuple[int, int], place: Positions) -> Array:
    """Bilinear interpolation in float32, as first + (second − first)·share, along the columns and then along
    the rows. The second pixel is the one after the first, also where its share is 0."""
    made: Array = xp.asarray(x, xp.float32)
    for axis, new in reversed(list(zip(axes, size, strict=True))):
        old = made.shape[axis]
        at = place(old, new, Tensor(made[:0])).value
        first = xp.minimum(xp.floor(at).astype("int64"), old - 1)
        share = (at - first.astype(xp.float32)).reshape([-1 if i == axis else 1 for i in range(made.ndim)])
        low, high = (xp.take(made, xp.minimum(pixel, old - 1), axis=axis) for pixel in (first, first + 1))
        made = low + (high - low) * share
    return made


def resized_in_differences(
    original: Any, x: Tensor, axes: tuple[int, int], size: tuple[int, int], *how: Any
) -> Tensor:
    return not_finite_as(in_differences(x.value, axes, size, positions), original(x, axes, size, *how))


def widened_in_differences(original: Any, x: Tensor, new: int, interpolation: str) -> Tensor:
    rows = x.ndim - 3
    seen = in_differences(x.value, (rows, rows + 1), (x.shape[rows], new), positions_from_corner)
    return not_finite_as(seen, original(x, new, interpolation))


def given_far_numbers(case: Case, data: Data) -> bool:
    """Two pixels differ by more than the largest number."""
    x = data.inputs[0].astype(float)
    return bool(x.size and x.max() - x.min() > IEEE_FLOAT32.largest)


def pixels_in(float_: type[Any]) -> Any:
    """floor(i·(old/new)) in a format: one pixel too early where rounding brings it below a whole number."""

    def pixels(original: Any, old: int, new: int) -> list[int]:
        step = float_(old) / float_(new)
        return [min(old - 1, math.floor(step * float_(i))) for i in range(new)]

    return pixels


def up_sampled(shape: tuple[int, ...], size: Sequence[int] = (2, 2), **config: Any) -> Case:
    """A case about UpSampling2D."""
    return draft_layer("layers.UpSampling2D", {"size": list(size)} | config, [recipe("normal", *shape)])


def nearest_pixels_astray(backend: str, float_: type[Any], size: int, source: str, since: str) -> Deviation:
    """The entry of a backend that computes positions in this format, where a size misses its pixels."""
    pixels = pixels_in(float_)

    def misses(case: Case, data: Data) -> bool:
        sizes = case.config.get("size", [2, 2])
        return any(
            pixels(None, old, old * times) != [i // times for i in range(old * times)]
            for old, times in zip(size_of_images(case, data), sizes, strict=True)
        )

    return deviation(
        f"tfjs-{backend}-up-sampling-misses-pixel",
        "UpSampling2D by the nearest pixel repeats some pixels once more, and the next once less, where the "
        f"size is {size} or another number that times its rounded reciprocal is less than 1.",
        kind="bug",
        source=source,
        upstream=searched("resizeNearestNeighbor wrong pixel rounding ratio floor"),
        remedy="Use another size, or several UpSampling2D of smaller ones.",
        since=since,
        scope=all_of(UP_SAMPLING, interpolates("nearest"), without(of_one_number), misses),
        effect=Value({"layers.nearest_pixels": pixels}),
        witnesses=(up_sampled((1, 2, 3, 3), (size, 1)),),
    )


DEVIATIONS = (
    deviation(
        "tfjs-up-sampling-of-two-kinds",
        "UpSampling2D interpolates by the nearest pixel or bilinearly; bicubic, lanczos3 and lanczos5 are "
        "refused.",
        kind="intentional",
        source=f"{SOURCE}:935 (UpSampling2D: checkInterpolationFormat)",
        upstream=issue(1668),
        remedy="Resize before the model.",
        since="tfjs-layers 0.6.3 (2018)",
        scope=all_of(UP_SAMPLING, interpolates_otherwise),
        effect=Raises("invalid-argument", "construction", ("*",), "is not a valid InterpolationFormat"),
        witnesses=(up_sampled((2, 4, 4, 3), interpolation="bicubic"),),
    ),
    deviation(
        "tfjs-up-sampling-from-corner",
        "A bilinear UpSampling2D puts the first pixel of the new image on that of the old one, and repeats "
        "the last; in Keras the edges of the images fall together. Images are shifted by up to half a pixel.",
        kind="bug",
        source=f"{SOURCE}:967 (UpSampling2D.call: resizeBilinear without halfPixelCenters)",
        upstream=issue(4340),
        remedy="Interpolate by the nearest pixel, or write it as a transposed convolution.",
        since="tfjs-layers 2.8.0 (2020)",
        scope=all_of(UP_SAMPLING, interpolates("bilinear"), without(of_one_number)),
        effect=Value({"layers.positions": from_corner}),
        witnesses=(up_sampled((2, 4, 4, 3), interpolation="bilinear"),),
    ),
    deviation(
        "tfjs-random-width-shape-of-one-image",
        "The inferred shape of RandomWidth is that of one image, whose channels are the third dimension of "
        "the input. Its height is that of the last call, none before the first, and its width -1.",
        kind="bug",
        source=f"{RANDOM_WIDTH_JS}:78 (RandomWidth.computeOutputShape)",
        upstream=searched("RandomWidth layer computeOutputShape output shape -1"),
        remedy="Build no model on it.",
        since="tfjs-layers 4.4.0 (2023)",
        scope=RANDOM_WIDTH,
        effect=Metadata(("shape/concrete", "shape/unknown_batch"), of_one_image),
        witnesses=(RANDOM, WIDENED),
    ),
    deviation(
        "tfjs-random-width-unknown-shape-of-one-image",
        "The inferred shape of RandomWidth is that of one image also while dimensions are unknown.",
        kind="bug",
        source=f"{RANDOM_WIDTH_JS}:78 (RandomWidth.computeOutputShape)",
        upstream=searched("RandomWidth layer computeOutputShape output shape -1"),
        remedy="Build no model on it.",
        since="tfjs-layers 4.4.0 (2023)",
        scope=RANDOM_WIDTH,
        effect=Metadata(("shape/unknown",), of_one_unknown_image),
        witnesses=(RANDOM, WIDENED),
    ),
    deviation(
        "tfjs-up-sampling-by-one-number",
        "The size of UpSampling2D has to be a pair: with one number for both, as Keras takes it, the output "
        "has no size, and from then on tf.memory().numBytes is NaN.",
        kind="bug",
        source=f"{SOURCE}:929, :963 (UpSampling2D: this.size[0])",
        upstream=searched("UpSampling2D size number integer NaN shape"),
        remedy="Give a pair.",
        since="tfjs-layers 0.6.3 (2018)",
        scope=all_of(UP_SAMPLING, of_one_number, without(interpolates_otherwise)),
        effect=Raises(
            "internal",
            "call",
            OUTPUTS,
            "no array has the shape",
        ),
        witnesses=(BY_TWO,),
    ),
    deviation(
        "tfjs-up-sampling-by-one-number-has-no-gradient",
        "Where the size of UpSampling2D is one number, its output has no size, and no cotangent fits it.",
        kind="bug",
        source=f"{SOURCE}:929, :963 (UpSampling2D: this.size[0])",
        upstream=searched("UpSampling2D size number integer NaN shape"),
        remedy="Give a pair.",
        since="tfjs-layers 0.6.3 (2018)",
        scope=all_of(UP_SAMPLING, of_one_number, without(interpolates_otherwise)),
        effect=Raises(
            "invalid-argument",
            "gradient",
            GRADIENTS,
            "Cotangent 0 does not match its output",
        ),
        witnesses=(BY_TWO,),
    ),
    deviation(
        "tfjs-up-sampling-by-one-number-infers-no-size",
        "The inferred height and width are not numbers where the size is one number for both.",
        kind="bug",
        source=f"{SOURCE}:929, :944 (UpSampling2D.computeOutputShape: this.size[0])",
        upstream=searched("UpSampling2D size number integer NaN shape"),
        remedy="Give a pair.",
        since="tfjs-layers 0.6.3 (2018)",
        scope=all_of(UP_SAMPLING, of_one_number, without(interpolates_otherwise)),
        effect=Metadata(("shape/concrete", "shape/unknown_batch"), of_no_size),
        witnesses=(BY_TWO,),
    ),
)

ON_CPU = (
    nearest_pixels_astray(
        "cpu",
        float,
        49,
        f"{CPU}/kernels/ResizeNearestNeighbor.js:45 (sourceFracRow, in doubles)",
        "tfjs-core 0.13.7 (2018)",
    ),
)
"""What the plain JavaScript backend does, beside `DEVIATIONS`."""

ON_WASM = (
    deviation(
        "tfjs-wasm-bilinear-spreads-nan",
        "Bilinear interpolation adds a share of the difference from the next pixel, also where a new pixel "
        "lies on an old one and that share is 0: each NaN grows by a row and a column, an infinity becomes "
        "NaN, and so do two pixels that differ by more than the largest number.",
        kind="bug",
        source=f"{WASM}/kernels/ResizeBilinear.js:54 (src/cc/kernels/ResizeBilinear.cc: XNNPACK's "
        "f32-ibilinear multiplies the difference from the next pixel by 0)",
        upstream=searched("wasm resizeBilinear NaN spreads neighbouring pixels"),
        remedy="Check for NaN before the layer.",
        since="tfjs-backend-wasm 1.5.0 (2019)",
        scope=all_of(
            any_of(
                all_of(RESAMPLING, interpolates("bilinear"), without(of_one_number)),
                all_of(CENTER_CROP, without(crops)),
            ),
            any_of(given_special_values, given_far_numbers),
        ),
        effect=Value(
            {
                "layers.resized": resized_in_differences,
                "layers.RandomWidth.widened": widened_in_differences,
            },
            OUTPUTS,
        ),
        witnesses=(
            draft_layer(
                "layers.UpSampling2D",
                {"size": [2, 2], "interpolation": "bilinear"},
                [recipe("one_nan", 2, 5, 5, 3)],
            ),
            draft_layer("layers.RandomWidth", {"factor": [0.5, 0.5]}, [recipe("near_overflow", 2, 5, 8, 3)]),
        ),
    ),
    nearest_pixels_astray(
        "wasm",
        xp.float32,
        41,
        f"{WASM}/kernels/ResizeNearestNeighbor.js (src/cc/kernels/ResizeNearestNeighbor.cc, in floats)",
        "tfjs-backend-wasm 3.19.0 (2022)",
    ),
)
"""What the WebAssembly backend does, beside `DEVIATIONS`."""
