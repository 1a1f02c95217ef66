"""What TensorFlow.js does otherwise with masks."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import Value, subject
from conformance.dialects.scopes import all_of, given_mask
from conformance.dialects.tensorflow_js.record import LAYERS, deviation, searched
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers import Layer

MASK = recipe("mask", 2, 3, dtype="bool")
PADDED = recipe("mask_right_padded", 2, 3, dtype="bool")

MERGING = tuple(f"layers.{name}" for name in ("Add", "Average", "Maximum", "Minimum", "Multiply"))


def handing_on(masks: Any) -> Value:
    """The masks of the outputs replaced, by a function of the original, the layer, its inputs and their
    masks."""
    return Value({"layers.output_masks": masks}, ("mask/*",))


def none_of_them(
    original: Any, layer: Layer, inputs: Sequence[Array], masks: Sequence[Array]
) -> tuple[None, ...]:
    return (None,)


def where_all_are_true(
    original: Any, layer: Any, inputs: Sequence[Array], masks: Sequence[Array]
) -> tuple[Array, ...]:
    whole = [mask[..., None] if mask.ndim < x.ndim else mask for x, mask in zip(inputs, masks, strict=True)]
    return (xp.all(xp.concatenate(whole, axis=layer.axis), axis=-1),)


def all_but_the_last(
    original: Any, layer: Layer, inputs: Sequence[Array], masks: Sequence[Array]
) -> tuple[Array, ...]:
    """The first mask in one dimension more, where all others but the last are true too."""
    return (functools.reduce(xp.logical_and, [mask[None] for mask in (masks[0], *masks[1:-1])]),)


DEVIATIONS = (
    deviation(
        "tfjs-merging-mask-of-all-but-the-last",
        "The output's mask is true where all of the inputs' masks are but the last, which is not looked at, "
        "and has a dimension too many; in Keras 3 it is true where any is.",
        kind="bug",
        source=f"{LAYERS}/layers/merge.js:239 (Merge.computeMask: expandDims, i < mask.length - 1)",
        upstream=searched("merge layer Add Multiply computeMask mask expandDims rank error"),
        remedy="Compute the mask yourself, and give it to the layers behind.",
        since="tfjs-layers 0.9.0 (2018)",
        scope=all_of(subject(*MERGING), given_mask),
        effect=handing_on(all_but_the_last),
        witnesses=(
            draft_layer(
                "layers.Add", {}, [recipe("normal", 2, 3, 4), recipe("normal", 2, 3, 4)], masks=[MASK, PADDED]
            ),
        ),
    ),
    deviation(
        "tfjs-softmax-loses-mask",
        "The output has no mask, and layers behind it take all steps for real; in Keras the mask goes on.",
        kind="bug",
        source=f"{LAYERS}/layers/advanced_activations.js:204 (Softmax does not set supportsMasking), "
        "engine/executor.js:286",
        upstream=searched("Softmax layer supportsMasking mask lost"),
        remedy="Give the mask to those layers yourself.",
        since="tfjs-layers 0.2.0 (2018)",
        scope=all_of(subject("layers.Softmax"), given_mask),
        effect=handing_on(none_of_them),
        witnesses=(draft_layer("layers.Softmax", {}, [recipe("normal", 2, 3)], masks=[MASK]),),
    ),
    deviation(
        "tfjs-concatenate-mask-of-all",
        "Along the last axis the output's mask is true where all of the inputs' masks are; in Keras 3 where "
        "any is.",
        kind="bug",
        source=f"{LAYERS}/layers/merge.js:727 (Concatenate.computeMask: tfc.all)",
        upstream=searched("Concatenate computeMask all any mask"),
        remedy="Give the layers behind the mask that you mean.",
        since="keras 3.4.0 (2024)",
        scope=all_of(subject("layers.Concatenate"), given_mask),
        effect=handing_on(where_all_are_true),
        witnesses=(
            draft_layer(
                "layers.Concatenate",
                {},
                [recipe("normal", 2, 3, 4), recipe("normal", 2, 3, 5)],
                masks=[MASK, PADDED],
            ),
        ),
    ),
)
