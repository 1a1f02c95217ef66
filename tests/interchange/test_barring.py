"""Which recorded deviations bar a conversion: what shows in the model's outputs, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.interchange import barring
from conformance.interchange.conversion import Fitted, fit
from conformance.reference_impl.models import Model
from conformance.reference_impl.saving.configuration.known import Program
from conformance.reference_impl.saving.saved_model import InMemory, SavedModel
from tests.interchange.described import layer
from tests.reference_impl.test_models import functional
from tests.reference_impl.test_models import given as input_layer
from tests.reference_impl.test_models import layer as called


def saved(shape: list[int | None], *layers: dict[str, Any], dtype: str = "float32") -> SavedModel:
    """A Sequential model with weights of its own, none at zero."""
    first = layer("InputLayer", "x", batch_shape=[None, *shape], dtype=dtype)
    config = {"name": "model", "layers": [first, *layers]}
    return of_weights({"class_name": "Sequential", "config": config})


def of_weights(configuration: dict[str, Any]) -> SavedModel:
    random = np.random.default_rng(0)
    weights = {
        path: {w.name: InMemory(random.uniform(0.1, 1, w.shape).astype(np.float32)) for w in declared}
        for path, declared in Model.from_config(configuration).declare_weights().items()
    }
    return SavedModel(configuration, weights)


def fitted(model: SavedModel, source: Program = "keras3", target: Program = "tfjs") -> Fitted:
    return fit(model, source, target)


def against(model: SavedModel) -> list[tuple[str, str, str]]:
    """Layer, argument, and the deviation without the backend's name."""
    return [(o.layer, o.argument, o.deviation.partition("-")[2]) for o in fitted(model).deviating]


WORDS = layer("Embedding", "words", input_dim=5, output_dim=3, mask_zero=True)
MAX_NORM = {"class_name": "MaxNorm", "config": {"max_value": 0.5, "axis": 0}}


@pytest.mark.parametrize(
    ("shape", "members", "expected"),
    [
        ([4, 3], [layer("GRU", "g", units=2)], ("g", "reset_after", "gru-no-reset-after")),
        (
            [4, 3],
            [layer("LSTM", "l", units=2, activation="hard_sigmoid")],
            ("l", "activation", "hard-sigmoid-of-keras-2"),
        ),
        (
            [4, 3, 2],
            [layer("Conv2DTranspose", "c", filters=1, kernel_size=2, dilation_rate=2**13)],
            ("c", "dilation_rate", "dilation-ignored"),
        ),
        (
            [6],
            [WORDS, layer("GlobalAveragePooling1D", "average")],
            ("average", "mask", "global-average-pooling-ignores-mask"),
        ),
        (
            [6],
            [WORDS, layer("Bidirectional", "both", layer=layer("LSTM", "l", units=2, return_sequences=True))],
            ("both", "mask", "bidirectional-masked-step-gives-state"),
        ),
        (
            [4, 4, 1],
            [layer("UpSampling2D", "up", size=2, interpolation="bilinear")],
            ("up", "interpolation", "up-sampling-from-corner"),
        ),
        ([2, 3, 4, 2], [layer("BatchNormalization", "n", axis=1)], ("n", "", "batch-normalization-rank")),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_what_shows_bars(
    shape: list[int | None], members: list[dict[str, Any]], expected: tuple[str, str, str]
) -> None:
    assert against(saved(shape, *members)) == [expected]


BOTH = layer("Bidirectional", "both", layer=layer("LSTM", "l", units=2, return_sequences=True))


@pytest.mark.parametrize(
    ("shape", "members"),
    [
        ([4, 3], [layer("GRU", "g", units=2, reset_after=False)]),
        ([4], [layer("Dense", "d", units=2, activation="silu")]),
        ([4], [layer("Dense", "d", units=2), layer("LeakyReLU", "r", negative_slope=0.2)]),
        ([4], [layer("Dense", "d", units=2, activation="softsign")]),
        ([4], [layer("Dense", "d", units=2), layer("PReLU", "r")]),
        ([4], [layer("Dense", "d", units=2, kernel_constraint=MAX_NORM)]),
        ([4], [layer("BatchNormalization", "n", trainable=False)]),
        ([4, 4, 1], [layer("GlobalAveragePooling2D", "average")]),
        ([4, 4, 1], [layer("UpSampling2D", "up", size=2)]),
        # A Masking whose mask nothing looks at, and one that goes on through everything.
        ([4, 3], [layer("Masking", "m"), layer("Dense", "d", units=2)]),
        ([6], [WORDS, BOTH, layer("LSTM", "last", units=2)]),
    ],
)
def test_what_does_not_show_bars_nothing(shape: list[int | None], members: list[dict[str, Any]]) -> None:
    found = fitted(saved(shape, *members))
    assert found.deviating == found.left_out == ()


def test_what_no_output_shows_is_noted() -> None:
    (note, *_) = fitted(saved([6], WORDS, BOTH, layer("LSTM", "last", units=2))).notes
    assert note.startswith("layer both: computed otherwise where no output shows it")
    assert "tfjs-bidirectional-masked-step-gives-state" in note


def test_what_one_backend_alone_has_is_noted() -> None:
    found = fitted(saved([4, 4, 1], layer("SeparableConv2D", "s", filters=1, kernel_size=2, dilation_rate=2)))
    assert found.deviating == ()
    pooled = fitted(saved([4, 4, 4, 1], layer("MaxPooling3D", "p")))
    assert pooled.notes == (
        "layer p: computed otherwise on tfjs-wasm alone (tfjs-wasm-max-pooling3d-is-positive)",
    )


def test_an_argument_of_a_layer_inside_is_named_with_its_place() -> None:
    gru = layer("GRU", "g", units=2, return_sequences=True)
    (found,) = against(saved([4, 3], layer("Bidirectional", "both", layer=gru)))
    assert found == ("both", "layer.reset_after", "gru-no-reset-after")


def test_a_layer_in_a_model_inside_is_named_with_its_path() -> None:
    inner = {"name": "tower", "layers": [input_layer("y", 4, 3), layer("GRU", "g", units=2)]}
    tower = {"class_name": "Sequential", "config": inner}
    assert [o.layer for o in fitted(saved([4, 3], tower)).deviating] == ["tower/g"]


def test_a_layer_in_a_model_in_time_distributed_is_named_with_its_path() -> None:
    dense = layer("UpSampling2D", "up", interpolation="bilinear")
    inner = {"name": "inner", "layers": [input_layer("y", 4, 4, 1), dense]}
    tower = {"class_name": "Sequential", "config": inner}
    model = saved([3, 4, 4, 1], layer("TimeDistributed", "times", layer=tower))
    assert [o.layer for o in fitted(model).deviating] == ["times/inner/up"]


@pytest.mark.parametrize("source", ["tfjs", "keras2"])
def test_what_the_source_computes_alike_bars_nothing(source: Program) -> None:
    """And is not rewritten: the file means the older function."""
    dense = layer("Dense", "d", units=2, activation="hard_sigmoid")
    found = fitted(saved([4, 3], dense, layer("LSTM", "l", units=2, activation="hard_sigmoid")), source)
    assert (found.deviating, found.left_out, found.rewrites) == ((), (), ())


@pytest.mark.parametrize("source", ["tfjs", "keras2"])
def test_what_the_source_computes_otherwise_than_keras_3_bars_the_way_back(source: Program) -> None:
    rewritten, barred = (
        fitted(saved([4, 3], layer(name, "l", units=2, activation="hard_sigmoid")), source, "keras3")
        for name in ("Dense", "LSTM")
    )
    alone = fitted(saved([4, 3], layer("Activation", "a", activation="hard_sigmoid")), source, "keras3")
    assert alone.deviating == ()
    assert ([r.layer for r in rewritten.rewrites], rewritten.deviating) == (["l"], ())
    assert [(o.layer, o.argument) for o in barred.deviating] == [("l", "activation")]
    assert fitted(saved([4, 3], layer("GRU", "g", units=2)), source, "keras3").deviating == ()


def test_what_keras_itself_refuses_there_is_not_held_against_keras_2() -> None:
    """Channels first, on a CPU."""
    convolution = layer("Conv2D", "c", filters=2, kernel_size=2, data_format="channels_first")
    assert fitted(saved([2, 4, 4], convolution), target="keras2").deviating == ()


def test_several_deviations_that_change_the_outputs_together_all_bar() -> None:
    """Each of two poolings alone changes them too; a third that nothing is made of does not."""
    members = [
        input_layer("x", 6),
        called("Embedding", "words", ("x", 0, 0), input_dim=5, output_dim=3, mask_zero=True),
        *(called("GlobalAveragePooling1D", name, ("words", 0, 0)) for name in ("one", "other")),
        called("Add", "sum", [("one", 0, 0), ("other", 0, 0)]),
    ]
    model = of_weights(functional(members, [["x", 0, 0]], [["sum", 0, 0]]))
    assert [layer for layer, _, _ in against(model)] == ["one", "other"]


def test_where_the_dialect_cannot_be_asked_it_is_said() -> None:
    """No size of 256 pixels or less is enough for this kernel."""
    found = fitted(saved([None, None, 1], layer("Conv2D", "c", filters=1, kernel_size=300)))
    assert found.deviating == ()
    (note,) = found.notes
    assert note.startswith("what TensorFlow.js computes otherwise is not known: no inputs could be drawn")


def test_every_backend_of_tensorflow_js_is_asked() -> None:
    dialect, having = barring.of("tfjs")
    assert {d.id for d in dialect.deviations} == having.keys()
    assert having["tfjs-gru-no-reset-after"] == ("tfjs-cpu", "tfjs-wasm")
