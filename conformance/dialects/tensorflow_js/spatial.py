"""Cropping in TensorFlow.js."""

from __future__ import annotations

from functools import partial
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import OUTPUTS, Metadata, Raises, Value, subject
from conformance.dialects.scopes import all_of, asks, omits, without
from conformance.dialects.tensorflow_js.record import CALLED, LAYERS, deviation, searched
from conformance.reference_impl import layers
from conformance.reference_impl.layers.cropping import Cropping
from conformance.reference_impl.primitives import take_slice
from conformance.reference_impl.tape import Tensor

IMAGE = recipe("normal", 2, 5, 4, 3)


def less_than_nothing(case: Case, expected: Any) -> Any:
    """Unknown sizes taken for 0, and so much less."""
    layer = layers.Cropping2D.from_config(case.config)
    assert isinstance(layer, layers.Cropping2D)
    cropped = dict(enumerate(layer.widths, layer.first_axis))
    return [
        [-sum(cropped[axis]) if n is None and axis in cropped else n for axis, n in enumerate(shape)]
        for shape in expected
    ]


def has_no_format(case: Case, data: Data) -> bool:
    return "data_format" in case.config and case.config["data_format"] is None


def crops(case: Case, data: Data) -> bool:
    """Something is taken away."""
    layer = layers.Cropping2D.from_config(case.config)
    assert isinstance(layer, layers.Cropping2D)
    return any(map(any, layer.widths))


def cropped_as_channels_first(original: Any, layer: Cropping, x: Tensor, first_axis: int) -> Tensor:
    """What is left of the axes behind the second: where one element too many is taken away, the size of −1
    stands for all from the first one kept."""
    kept = [slice(None)] * x.ndim
    for axis, (before, after) in enumerate(layer.widths, 2):
        n = x.shape[axis]
        kept[axis] = slice(before, n if n - before - after == -1 else n - after)
    return take_slice(x, key=tuple(kept))


def leaves_less_than_minus_one(case: Case, data: Data) -> bool:
    """Of one of the axes behind the second at least two elements more are taken away than there are."""
    layer = layers.Cropping2D.from_config(case.config)
    assert isinstance(layer, layers.Cropping2D)
    sizes = data.inputs[0].shape[2:]
    return any(n - before - after < -1 for n, (before, after) in zip(sizes, layer.widths, strict=True))


NULL_FORMAT = all_of(subject("layers.Cropping2D"), without(omits("cropping")), has_no_format)
LEAVES_ENOUGH = all_of(NULL_FORMAT, without(leaves_less_than_minus_one))
NULL_CASE = draft_layer("layers.Cropping2D", {"cropping": 1, "data_format": None}, [IMAGE])

of_no_format = partial(
    deviation,
    kind="bug",
    source=f"{LAYERS}/layers/convolutional.js:881, :903 (Cropping2D: only undefined has a default)",
    upstream=searched("cropping2D layer cropping undefined output shape null dimension"),
    remedy="Leave dataFormat out.",
    since="tfjs-layers 0.5.4 (2018)",
)

DEVIATIONS = (
    deviation(
        "tfjs-cropping2d-has-no-default",
        "Cropping2D cannot be made without its argument cropping, which is optional in Keras.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:871 (Cropping2D)",
        upstream=searched("cropping2D layer cropping undefined output shape null dimension"),
        remedy="Give it.",
        since="tfjs-layers 0.5.4 (2018)",
        scope=all_of(subject("layers.Cropping2D"), omits("cropping")),
        effect=Raises("internal", "construction", ("*",), "Cannot read properties of undefined"),
        witnesses=(draft_layer("layers.Cropping2D", {}, [IMAGE]),),
    ),
    deviation(
        "tfjs-cropping2d-of-unknown-size",
        "An unknown height or width counts as 0 in the inferred shape, which becomes negative.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:884 (Cropping2D.computeOutputShape)",
        upstream=searched("cropping2D layer cropping undefined output shape null dimension"),
        remedy="Give the layer before it a complete inputShape.",
        since="tfjs-layers 0.5.4 (2018)",
        scope=all_of(subject("layers.Cropping2D"), without(omits("cropping")), asks("shape/unknown")),
        effect=Metadata(("shape/unknown",), less_than_nothing),
        witnesses=(draft_layer("layers.Cropping2D", {"cropping": [[1, 2], [0, 1]]}, [IMAGE]),),
    ),
    of_no_format(
        "tfjs-cropping2d-null-is-channels-first",
        "Cropping2D with dataFormat null crops as if channels came first, where the inferred shape and every "
        "other layer take them to come last.",
        scope=LEAVES_ENOUGH,
        effect=Value({"layers.Cropping.cropped": cropped_as_channels_first}, OUTPUTS),
        witnesses=(
            NULL_CASE,
            draft_layer(
                "layers.Cropping2D",
                {"cropping": [[1, 2], [0, 1]], "data_format": None},
                [recipe("normal", 1, 4, 2, 3)],
            ),
        ),
    ),
    of_no_format(
        "tfjs-cropping2d-null-gradient",
        "An output of another shape than the inferred one takes no cotangent of that shape. Only training "
        "meets it.",
        scope=all_of(LEAVES_ENOUGH, crops),
        effect=Raises("invalid-argument", "gradient", ("*gradient/*",), "does not match its output"),
        witnesses=(NULL_CASE,),
    ),
    of_no_format(
        "tfjs-cropping2d-null-refused",
        "Where of channels, or of the width, at least two more would be taken away than there are, a "
        "Cropping2D with dataFormat null cannot be called.",
        scope=all_of(NULL_FORMAT, leaves_less_than_minus_one),
        effect=Raises("invalid-argument", "call", CALLED, "Negative size values should be exactly -1"),
        witnesses=(
            draft_layer(
                "layers.Cropping2D",
                {"cropping": [[0, 0], [1, 2]], "data_format": None},
                [recipe("normal", 1, 4, 4, 1)],
            ),
        ),
    ),
)
