"""Small models of Keras: `models_of_keras.py PACKAGE` prints the JSON of each, and of those that standard
input describes, made from that: `{"own": {name: JSON}, "given": {name: JSON or error}}`."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

keras: Any = importlib.import_module(sys.argv[1])
L = keras.layers


def inputs(*shape: int | None, **named: Any) -> Any:
    return keras.Input(shape=shape, **named)


def sequential() -> Any:
    inner = L.Dense(2, activation="relu", kernel_regularizer=keras.regularizers.L2(0.5))
    layers = [
        L.Masking(),
        L.LSTM(3, return_sequences=True),
        L.TimeDistributed(inner),
        L.Bidirectional(L.LSTM(2)),
    ]
    return keras.Sequential([inputs(4, 2, name="sequence"), *layers], name="sequential")


def masked() -> Any:
    x = inputs(4, 2, name="x")
    return keras.Model(x, L.LSTM(3)(L.Dropout(0.5)(L.Masking(0.5)(x))), name="masked")


def text() -> Any:
    x = inputs(None, dtype="int32", name="words")
    y = L.Bidirectional(L.LSTM(3))(L.Embedding(7, 3, mask_zero=True)(x))
    return keras.Model(x, L.Dense(1, activation="sigmoid")(y), name="text")


def towers() -> Any:
    x, y = inputs(4, name="x"), inputs(4, name="y")
    shared = L.Dense(3, name="shared", kernel_constraint="max_norm")
    both = L.Add()([shared(x), shared(y)])
    return keras.Model([x, y], [both, L.Concatenate()([both, shared(x)])], name="towers")


def states() -> Any:
    x, h, c = inputs(5, 2, name="x"), inputs(3, name="h"), inputs(3, name="c")
    return keras.Model(
        [x, h, c], L.LSTM(3, return_state=True, name="lstm")(x, initial_state=[h, c]), name="states"
    )


def nested() -> Any:
    x, inside = inputs(4, name="x"), inputs(4, name="inside")
    first = keras.Model(inside, L.Dense(4, name="dense")(inside), name="functional_inside")
    layers = [inputs(4, name="given"), L.Dense(2, name="dense"), L.BatchNormalization(), L.LeakyReLU(0.25)]
    second = keras.Sequential(layers, name="sequential_inside")
    return keras.Model(x, [second(first(x)), second(x), first(first(x))], name="nested")


def cells() -> Any:
    stack = L.RNN([L.LSTMCell(3), L.SimpleRNNCell(2)])
    return keras.Sequential([inputs(4, 2, name="x"), stack, L.Reshape((2, 1)), L.Flatten()], name="cells")


def operations() -> Any:
    x = inputs(4, name="x")
    return keras.Model(x, L.ReLU()(x * 2.0 + x - 1.0), name="operations")


MODELS = [sequential, masked, text, towers, states, nested, cells] + [operations] * (keras.__version__ > "3")


def again(configuration: dict[str, Any]) -> Any:
    try:
        return json.loads(keras.models.model_from_json(json.dumps(configuration)).to_json())
    except Exception as error:  # what it is, is for the test to show
        return repr(error)


own = {}
for make in MODELS:
    keras.backend.clear_session()
    own[make.__name__] = json.loads(make().to_json())
given = json.loads(sys.stdin.read() or "{}")
print(json.dumps({"own": own, "given": {name: again(model) for name, model in given.items()}}))
