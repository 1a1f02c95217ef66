"""The dialect says of a model which of its layers will differ, before anything is run."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance import dialects
from conformance.dialects.deviation import Deviation, Dialect, Metadata, Raises, Value
from conformance.dialects.scopes import masked
from conformance.interchange.preflight import preflight
from conformance.reference_impl.models import Model
from tests.interchange.described import layer, sequential

EMBEDDING = layer("Embedding", "words", input_dim=5, output_dim=2, mask_zero=True)


def ids(model: Model, backend: str = "tfjs-wasm") -> dict[str, tuple[Any, ...]]:
    shapes = [tuple(2 if n is None else n for n in x.batch_shape) for x in model.input_layers]
    inputs = [np.ones(shape, np.float32) for shape in shapes]
    met = preflight(model, {}, inputs, dialects.of(backend, {}), "tfjs")
    return {m.deviation.id: (m.effect, m.layers) for m in met}


def test_nothing_is_said_of_a_plain_model() -> None:
    assert ids(sequential([4], layer("Dense", "d", units=2, activation="relu"))) == {}


def test_a_layer_that_computes_otherwise_is_named() -> None:
    dense = [layer("Dense", name, units=2, activation="hard_sigmoid") for name in ("a", "b")]
    assert ids(sequential([4], *dense)) == {
        "tfjs-hard-sigmoid-of-keras-2": ("computed otherwise", (("a",), ("b",)))
    }


def test_a_refused_layer_is_named() -> None:
    found = ids(sequential([4, 3], layer("GRU", "g", units=2, reset_after=True)))
    assert found["tfjs-gru-no-reset-after"] == ("refused", (("g",),))


def test_what_depends_on_a_mask_is_said_where_one_arrives() -> None:
    average = layer("GlobalAveragePooling1D", "average")
    ignored = "tfjs-global-average-pooling-ignores-mask"
    assert ids(sequential([6], EMBEDDING, average))[ignored] == ("computed otherwise", (("average",),))
    unmasked = layer("Embedding", "words", input_dim=5, output_dim=2)
    assert ignored not in ids(sequential([6], unmasked, average))


def test_a_mask_goes_through_a_model_inside() -> None:
    inner = {
        "class_name": "Sequential",
        "config": {
            "name": "tower",
            "layers": [layer("InputLayer", "y", batch_shape=[None, 6]), EMBEDDING],
        },
    }
    met = dict.fromkeys(ids(sequential([6], inner, layer("GlobalAveragePooling1D", "average"))))
    assert "tfjs-global-average-pooling-ignores-mask" in met


def test_a_second_direction_that_mirrors_the_first_is_no_second_layer() -> None:
    lstm = layer("LSTM", "lstm", units=2, return_sequences=True)
    found = ids(sequential([4, 3], layer("Bidirectional", "both", layer=lstm)))
    assert "tfjs-bidirectional-weights-of-backward-layer" not in found


def test_a_masked_layer_inside_that_gives_zeros_itself_is_said_once() -> None:
    """As Keras writes it: two entries for one patch would be in conflict."""
    lstm = layer("LSTM", "l", units=2, return_sequences=True, zero_output_for_mask=True)
    met = ids(sequential([6], EMBEDDING, layer("Bidirectional", "both", layer=lstm)))
    said = [name for name in met if name.endswith("masked-step-gives-state")]
    assert said == ["tfjs-bidirectional-masked-step-gives-state"]


def deviation(name: str, effect: Any) -> Deviation:
    return Deviation(name, "", "bug", "", "", "", masked, effect, ())


def test_what_does_not_show_in_a_call_is_left_out() -> None:
    entries = (
        deviation("called", Value({})),
        deviation("refused", Raises("internal", "call", ("output/*",), "no such kernel")),
        deviation("gradient", Value({}, ("gradient/*",))),
        deviation("told", Metadata(("config",), lambda case, own: own)),
    )
    model = sequential([6], EMBEDDING, layer("Activation", "a", activation="relu"))
    found = preflight(model, {}, [np.ones((2, 6), np.float32)], Dialect(entries), "tfjs")
    assert [(m.deviation.id, m.effect) for m in found] == [
        ("called", "computed otherwise"),
        ("refused", "refused"),
    ]
    assert found[1].refuses_with("Error: no such kernel: Relu")
    assert not found[1].refuses_with("something else")
