"""Models of Keras with random weights and what they compute: `models.py FILE` writes an archive of arrays.

By model, with `/` between: `config` (its JSON), `input/0`, `weight/PATH/0`, `output/0`, and of a call in
training `training/0` and `state/PATH/0`; the parts of a layer's path are joined by `|`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

L = keras.layers
ops = keras.ops


def inputs(*shape: int | None, **named: Any) -> Any:
    return keras.Input(shape=shape, **named)


def chain() -> Any:
    layers = [
        L.Conv2D(3, 2, padding="same"),
        L.BatchNormalization(),
        L.MaxPooling2D(),
        L.Flatten(),
        L.Dense(4, "tanh"),
    ]
    return keras.Sequential([inputs(6, 6, 2), *layers])


def diamond() -> Any:
    x = inputs(4)
    left, right = L.Dense(3, activation="relu")(x), L.Dense(3, activation="tanh")(x)
    return keras.Model(x, L.Dense(2)(L.Multiply()([left, L.Add()([left, right])])))


def towers() -> Any:
    x, y = inputs(4), inputs(4)
    tower = keras.Sequential([inputs(4), L.Dense(5, activation="selu"), L.LayerNormalization(), L.Dense(3)])
    return keras.Model([x, y], L.Dot(axes=1, normalize=True)([tower(x), tower(y)]))


def nested() -> Any:
    inside = inputs(4)
    innermost = keras.Sequential([inputs(3), L.Dense(3), L.LeakyReLU()], name="innermost")
    around = keras.Model(inside, innermost(innermost(L.Dense(3)(inside))), name="around")
    x = inputs(4)
    return keras.Model(x, [around(x), innermost(L.Dense(3)(x))])


def twice() -> Any:
    inside = keras.Sequential([inputs(4), L.Dense(4), L.BatchNormalization(), L.ReLU()], name="inside")
    x = inputs(4)
    return keras.Model(x, inside(inside(x)))


def several() -> Any:
    inside = [inputs(4, name="p"), inputs(3, name="q")]
    part = keras.Model(inside, [L.Concatenate()(inside), L.Dense(2)(inside[1])], name="part")
    x, y = inputs(4), inputs(3)
    joined, small = part([x, y])
    return keras.Model({"b": y, "a": x}, [small, L.Dense(2)(joined), joined])


def masked() -> Any:
    x = inputs(5, 2)
    y = L.LSTM(3, return_sequences=True)(L.Masking(0.5)(x))
    return keras.Model(x, [L.GRU(2)(L.Dropout(0.5)(y)), y])


def merged_masks() -> Any:
    x, y = inputs(5, dtype="int32"), inputs(5, dtype="int32")
    words = L.Embedding(6, 3, mask_zero=True)
    both = L.Add()([words(x), words(y)])
    return keras.Model([x, y], [L.SimpleRNN(2)(both), L.LSTM(2)(L.Concatenate()([words(x), both]))])


def encoded() -> Any:
    x, y = inputs(4, dtype="int32"), inputs(3, 2)
    _, *states = L.LSTM(3, return_state=True)(L.Embedding(5, 2, mask_zero=True)(x))
    return keras.Model([x, y], L.LSTM(3, return_sequences=True)(y, initial_state=states))


def masked_states() -> Any:
    x, h = inputs(4, dtype="int32"), inputs(3)
    return keras.Model([x, h], L.GRU(3)(L.Embedding(5, 2, mask_zero=True)(x), initial_state=h))


def both_directions() -> Any:
    x = inputs(5, 2)
    y = L.Bidirectional(L.LSTM(3, return_sequences=True), merge_mode="sum")(L.Masking(0.5)(x))
    return keras.Model(x, [L.Bidirectional(L.GRU(2))(y), L.TimeDistributed(L.Dense(2))(y)])


def mask_from_inside() -> Any:
    inside = inputs(5, dtype="int32")
    words = keras.Model(inside, L.Embedding(6, 3, mask_zero=True)(inside))
    x = inputs(5, dtype="int32")
    return keras.Model(x, L.LSTM(3)(words(x)))


def in_a_chain() -> Any:
    words = keras.Sequential([inputs(5, dtype="int32"), L.Embedding(6, 3, mask_zero=True)])
    return keras.Sequential([inputs(5, dtype="int32"), words, L.LSTM(3, return_sequences=True), L.LSTM(2)])


def operations() -> Any:
    x = inputs(4, 3)
    y = x * 2.0 + x - 0.5
    z = ops.relu6(y + 3.0) * (1.0 / 6.0) / (1.5 + ops.square(x))
    pooled = ops.mean(z, axis=1, keepdims=True) + ops.max(ops.abs(x), axis=[1, 2], keepdims=True)
    rest = ops.squeeze(ops.expand_dims(ops.sum(y, axis=-1), -1), axis=2)
    turned = ops.reshape(ops.transpose(z, (0, 2, 1)), (-1, 12))
    merged = ops.concatenate([ops.sigmoid(-x), ops.maximum(x, y)], axis=-1)
    return keras.Model(
        x, [pooled, rest, turned, merged, ops.softmax(y), ops.cast(ops.not_equal(x, 0.5), "float32")]
    )


def mobile() -> Any:
    return keras.applications.MobileNet(weights=None, input_shape=(32, 32, 3), classes=5)


MODELS = (chain, diamond, towers, nested, twice, several, masked, merged_masks, encoded, masked_states,
          both_directions, mask_from_inside, in_a_chain, operations, mobile)  # fmt: skip


def layers(model: Any, around: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every layer that has weights, by its path."""
    for layer in model.layers:
        path = (*around, layer.name)
        if isinstance(layer, keras.Model):
            yield from layers(layer, path)
        elif layer.weights:
            yield "|".join(path), layer


def given(x: Any, drawn: np.random.Generator) -> Any:
    shape = (2, *x.shape[1:])
    if x.dtype == "int32":
        return drawn.integers(0, 5, shape).astype(np.int32)
    values = drawn.standard_normal(shape).astype(np.float32)
    if len(shape) == 3:
        values[1, 3:] = 0.5
    return values


def computed(name: str, model: Any) -> Iterator[tuple[str, Any]]:
    drawn = np.random.default_rng(len(name))
    yield "config", np.array(model.to_json())
    for _, layer in layers(model):
        layer.set_weights([np.abs(drawn.normal(0.5, 0.3, w.shape)) + 0.1 if "variance" in w.name else
                           drawn.normal(0.0, 0.4, w.shape) for w in layer.weights])  # fmt: skip
    # Not before all are set: a layer may stand in several models.
    for path, layer in layers(model):
        for i, weight in enumerate(layer.get_weights()):
            yield f"weight/{path}/{i}", weight
    arrays = [given(x, drawn) for x in model.inputs]
    for i, array in enumerate(arrays):
        yield f"input/{i}", array
    structure = keras.tree.pack_sequence_as(getattr(model, "_inputs_struct", model.inputs[0]), arrays)
    for i, output in enumerate(keras.tree.flatten(model(structure, training=False))):
        yield f"output/{i}", np.asarray(output)
    if name not in ("masked", "mobile"):  # they draw
        for i, output in enumerate(keras.tree.flatten(model(structure, training=True))):
            yield f"training/{i}", np.asarray(output)
        for path, layer in layers(model):
            for i, weight in enumerate(layer.get_weights()):
                yield f"state/{path}/{i}", weight


archive = {}
for make in MODELS:
    keras.backend.clear_session()
    for key, array in computed(make.__name__, make()):
        archive[f"{make.__name__}/{key}"] = array
np.savez(sys.argv[1], **archive)
