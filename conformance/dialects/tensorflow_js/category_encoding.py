"""CategoryEncoding, as TensorFlow.js has it: tokens that it refuses, and output modes that do otherwise."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import Raises, Value, subject
from conformance.dialects.scopes import all_of, rank
from conformance.dialects.tensorflow_js.record import CPU, LAYERS, NUMERIC, deviation, searched
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers import CategoryEncoding
from conformance.reference_impl.layers.layer import Shape

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


def given_no_token(case: Case, data: Data) -> bool:
    """An index is none of the tokens."""
    return any(bool(((x < 0) | (x >= case.config["num_tokens"])).any()) for x in data.inputs)


def one_hot(*shape: int) -> Case:
    config = {"num_tokens": 4, "output_mode": "one_hot"}
    return draft_layer("layers.CategoryEncoding", config, [recipe("indices:4", *shape, dtype="int32")])


DEVIATIONS = (
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
