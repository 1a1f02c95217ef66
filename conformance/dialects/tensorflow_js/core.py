"""Layers of TensorFlow.js that move, mask, drop or disturb elements, where they do otherwise than Keras's."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import CONFIGURATIONS, GRADIENTS, Metadata, Raises, Value, subject
from conformance.dialects.scopes import all_of, asks
from conformance.dialects.tensorflow_js.configuration import lacking, saying
from conformance.dialects.tensorflow_js.record import CORE, FIRST, LAYERS, deviation, searched
from conformance.reference_impl.layers.noise import Noise


def with_null_for_rest(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    """null where the target shape has −1."""
    return expected | {"target_shape": [None if n == -1 else n for n in expected["target_shape"]]}


def with_rest_unknown(case: Case, expected: list[list[int | None]]) -> list[list[int | None]]:
    """The dimension unknown that −1 stands for."""
    told = [None if n == -1 else n for n in case.config["target_shape"]]
    return [[shape[0], *told] for shape in expected]


def acts_below_one(original: Any, layer: Noise) -> bool:
    return bool(0 < layer.config[layer.measure] < 1)


def always(original: Any, layer: Noise) -> bool:
    return True


def leaves_rest(case: Case, data: Data) -> bool:
    """The target shape has a −1."""
    return case.subject == "layers.Reshape" and -1 in case.config["target_shape"]


def drops_all(case: Case, data: Data) -> bool:
    return case.config.get("rate") == 1


def adds_nothing(case: Case, data: Data) -> bool:
    return case.config.get("stddev") == 0


RESHAPE_CASE = draft_layer("layers.Reshape", {"target_shape": [-1]}, [recipe("normal", 2, 3, 4)])
ALPHA_DROPOUT_CASE = draft_layer("layers.AlphaDropout", {"rate": 0.5}, [recipe("normal", 3, 4)], once=True)
SPATIAL_DROPOUT_CASE = draft_layer(
    "layers.SpatialDropout1D", {"rate": 0.5}, [recipe("normal", 2, 3, 4)], once=True
)

DEVIATIONS = (
    deviation(
        "tfjs-masking-has-no-gradient",
        "No gradient goes through Masking, for the operation any has none: what stands before it in a model "
        "cannot be trained.",
        kind="bug",
        source=f"{LAYERS}/layers/core.js:460 (Masking.call: any); {CORE}/register_all_gradients.js (no Any)",
        upstream=searched("Masking gradient function not found for Any"),
        remedy="Mask the input of the model only.",
        since="tfjs-layers 1.1.0 (2019)",
        scope=subject("layers.Masking"),
        effect=Raises(
            "missing-kernel",
            "gradient",
            GRADIENTS,
            "gradient function not found for Any",
        ),
        witnesses=(
            draft_layer(
                "layers.Masking",
                {"mask_value": 2.5},
                [Literal((2, 3, 2), (2.5, 2.5, 2.5, 0.0, 0.0, 0.0, -2.5, 2.5, 2.5, 2.5, "inf", "inf"))],
            ),
        ),
    ),
    deviation(
        "tfjs-dropout-of-everything",
        "With rate 1 dropout lets everything pass in training; in Keras nothing passes.",
        kind="bug",
        source=f"{LAYERS}/layers/core.js:48 (Dropout.call: only where 0 < rate < 1)",
        upstream=searched("dropout rate 1 no effect"),
        remedy="Write zeros, where nothing is to pass.",
        since=FIRST,
        scope=all_of(subject("layers.Dropout", "layers.SpatialDropout1D"), drops_all, asks("training/*")),
        effect=Value({"layers.Noise.acts": acts_below_one}, ("training/*",)),
        witnesses=(
            draft_layer("layers.Dropout", {"rate": 1.0}, [recipe("normal", 3, 4)], training=True),
            draft_layer("layers.SpatialDropout1D", {"rate": 1.0}, [recipe("normal", 2, 3, 4)], training=True),
        ),
    ),
    deviation(
        "tfjs-gaussian-noise-of-zero",
        "With stddev 0 zeros are added in training, so that −0 becomes 0.",
        kind="intentional",
        source=f"{LAYERS}/layers/noise.js:32 (GaussianNoise.call)",
        upstream=searched("GaussianNoise stddev 0 negative zero"),
        remedy="Nothing need be done: only the sign of a zero is lost.",
        since="tfjs-layers 1.0.2 (2019)",
        scope=all_of(subject("layers.GaussianNoise"), adds_nothing, asks("training/*")),
        effect=Value({"layers.Noise.acts": always}, ("training/*",)),
        witnesses=(
            draft_layer(
                "layers.GaussianNoise", {"stddev": 0.0}, [recipe("signed_zeros", 3, 4)], training=True
            ),
        ),
    ),
    deviation(
        "tfjs-reshape-config-tells-null",
        "The configuration has null where target_shape has -1.",
        kind="bug",
        source=f"{LAYERS}/layers/core.js:295 (Reshape)",
        upstream=searched("reshape layer targetShape -1 null negative invalid target shape config"),
        remedy="Write -1 when going back to Keras.",
        since=FIRST,
        scope=leaves_rest,
        effect=Metadata(CONFIGURATIONS, with_null_for_rest),
        witnesses=(RESHAPE_CASE,),
    ),
    deviation(
        "tfjs-reshape-rest-unknown",
        "While the batch is unknown, so is the dimension that -1 stands for, though it does not depend on "
        "it.",
        kind="bug",
        source=f"{LAYERS}/layers/core.js:349 (Reshape.computeOutputShape: the batch counts)",
        upstream="https://github.com/tensorflow/tfjs/pull/2719",
        remedy="Write the number, so that a Dense layer can follow.",
        since=FIRST,
        scope=leaves_rest,
        effect=Metadata(("shape/unknown_batch", "shape/unknown"), with_rest_unknown),
        witnesses=(RESHAPE_CASE,),
    ),
    deviation(
        "tfjs-alpha-dropout-config-without-noise-shape",
        "The configuration does not tell noise_shape: the layer made from it drops element by element.",
        kind="bug",
        source=f"{LAYERS}/layers/noise.js:122 (AlphaDropout.getConfig)",
        upstream=searched("AlphaDropout layer wrong sign scale incorrect mean variance"),
        remedy="Add the key to model.json after saving, where training goes on from it.",
        since="tfjs-layers 1.0.2 (2019)",
        scope=subject("layers.AlphaDropout"),
        effect=Metadata(CONFIGURATIONS, lacking("noise_shape")),
        witnesses=(ALPHA_DROPOUT_CASE,),
    ),
    deviation(
        "tfjs-spatial-dropout-config-of-dropout",
        "The configuration has the keys of Dropout, noise_shape and trainable too. Keras 3 refuses them.",
        kind="intentional",
        source=f"{LAYERS}/layers/core.js:57 (Dropout.getConfig)",
        upstream=searched("Flatten spatialDropout1d getConfig dataFormat noiseShape config"),
        remedy="Drop them when going back.",
        converted="drops them",
        since="tfjs-layers 1.3.2 (2019)",
        scope=subject("layers.SpatialDropout1D"),
        effect=Metadata(CONFIGURATIONS, saying(noise_shape=None, trainable=True)),
        witnesses=(SPATIAL_DROPOUT_CASE,),
    ),
)
