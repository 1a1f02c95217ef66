"""A program for Keras's own Python, of either generation, which needs nothing of this project.

`PACKAGE save DIRECTORY` makes models and saves each in every format that it has, and what it computes in
`NAME.npz`. `PACKAGE compare DIRECTORY FILE…` loads other files and prints, as JSON, in what their models
differ from those saved under their names.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

keras: Any = None
L: Any = None


def trained() -> Any:
    model = keras.Sequential(
        [
            keras.Input((4,)),
            L.Dense(3, activation="relu"),
            L.Dropout(0.5),
            L.BatchNormalization(),
            L.Dense(2, name="last.one"),
        ],
        name="trained",
    )
    return fitted(model, "adam")


def by_momentum() -> Any:
    model = keras.Sequential([keras.Input((4,)), L.Dense(3), L.Dense(2)], name="by_momentum")
    return fitted(model, keras.optimizers.SGD(0.1, momentum=0.5))


def fitted(model: Any, optimizer: Any) -> Any:
    loss = keras.losses.MeanSquaredError()
    model.compile(optimizer, loss, metrics=["mean_absolute_error"])
    model.fit(np.ones((2, 4), "f4"), np.ones((2, 2), "f4"), verbose=0)
    return model


def nested() -> Any:
    inner = keras.Sequential(
        [keras.Input((4,)), L.Dense(4, name="same"), L.BatchNormalization()], name="inner"
    )
    frozen = L.Dense(4, name="frozen", trainable=False)
    x = keras.Input((4,))
    deepest = keras.Model(x, L.Dense(4, name="same")(frozen(x)), name="deepest")
    x = keras.Input((4,))
    outer = keras.Model(x, L.Dense(4)(deepest(L.BatchNormalization()(x))), name="outer")
    shared = L.Dense(4, name="shared")
    x = keras.Input((4,), name="in")
    return keras.Model(x, outer(inner(shared(inner(shared(x))))), name="nested")


def branches() -> Any:
    """The layers of a class lie at other depths than their numbers say."""
    left, right = keras.Input((4,), name="left"), keras.Input((6,), name="right")
    late = L.Dense(5, name="late")
    short, a, b = L.Dense(5)(right), L.Dense(7)(left), L.Dense(8)
    x = L.Concatenate()([late(b(a)), short])
    doubled = late(L.Dense(8, name="eight")(x))
    return keras.Model([right, left], [doubled, L.Dense(1, name="side")(x)], name="branches")


def recurrent() -> Any:
    x = inputs = keras.Input((5, 4))
    x = L.Bidirectional(L.LSTM(3, return_sequences=True))(x)
    x = L.TimeDistributed(L.Dense(2))(x)
    x = L.RNN([L.GRUCell(3), L.LSTMCell(2), L.LSTMCell(2)], return_sequences=True)(x)
    x = L.Bidirectional(L.RNN([L.SimpleRNNCell(2), L.GRUCell(3)], return_sequences=True), merge_mode="sum")(x)
    x = L.RNN([L.LSTMCell(3)], return_sequences=True)(x)
    x = L.TimeDistributed(L.BatchNormalization())(x)
    x = L.GRU(3, return_sequences=True)(x)
    return keras.Model(inputs, L.SimpleRNN(2, name="my_rnn")(x), name="recurrent")


def distributed() -> Any:
    inner = keras.Sequential([keras.Input((4,)), L.Dense(2), L.Dense(3)], name="every_time")
    return keras.Sequential([keras.Input((5, 4)), L.TimeDistributed(inner), L.LSTM(2)], name="distributed")


def images() -> Any:
    x = inputs = keras.Input((8, 8, 4))
    x = L.Conv2D(6, 3, groups=2, padding="same", use_bias=False)(x)
    x = L.PReLU(shared_axes=[1, 2])(L.DepthwiseConv2D(2)(x))
    x = L.LayerNormalization(axis=[2, 3])(L.SeparableConv2D(4, 2)(x))
    x = L.GroupNormalization(2)(L.Conv2DTranspose(2, 2)(x))
    x = L.Reshape((7, 7, 2, 1))(x)
    x = L.ConvLSTM2D(2, (1, 2), recurrent_activation="sigmoid", return_sequences=True)(x)
    return keras.Model(inputs, L.Conv3D(1, 1)(x), name="images")


def words() -> Any:
    x = inputs = keras.Input((6,), dtype="int32")
    x = L.Conv1D(3, 2)(L.Embedding(10, 4)(x))
    return keras.Model(inputs, L.Dense(2)(L.PReLU()(x)), name="words")


MODELS = (trained, by_momentum, nested, branches, recurrent, distributed, images, words)


def layers_of(model: Any, path: tuple[str, ...] = ()) -> Any:
    """Each layer that is no model, by the names of those around it."""
    for layer in model.layers:
        own = (*path, layer.name)
        inner = getattr(layer, "layer", None) if type(layer).__name__ == "TimeDistributed" else None
        if isinstance(layer, keras.Model):
            yield from layers_of(layer, own)
        elif isinstance(inner, keras.Model):
            yield from layers_of(inner, (*own, inner.name))
        else:
            yield "/".join(own), layer


def state_of(model: Any) -> list[Any]:
    variables = getattr(getattr(model, "optimizer", None), "variables", [])
    return [np.asarray(v) for v in (variables() if callable(variables) else variables)]


def save(directory: Path) -> None:
    for make in MODELS:
        random = np.random.default_rng(1)
        model = make()
        if not state_of(model):
            model.set_weights([random.uniform(0.1, 1, w.shape).astype("f4") for w in model.get_weights()])
        given: list[Any]
        given = [random.integers(0, 9, (2, *x.shape[1:])).astype("f4") / 9 for x in model.inputs]
        if make is words:
            given = [np.arange(12).reshape(2, 6) % 10]
        name = make.__name__
        kept = {"input": given, "output": outputs(model, given), "state": state_of(model)}
        kept |= {f"weight {layer}": own.get_weights() for layer, own in layers_of(model)}
        flat = {f"{what}/{i:03}": array for what, arrays in kept.items() for i, array in enumerate(arrays)}
        np.savez(directory / f"{name}.npz", **flat)
        model.save(directory / f"{name}.keras")
        model.save(directory / f"{name}.h5")
        model.save_weights(directory / f"{name}.weights.h5")


def kept(path: Path) -> dict[str, list[Any]]:
    """What `save` kept of a model: lists of arrays, `input`, `output`, `state`, and `weight LAYER` each."""
    found: dict[str, list[Any]] = {"state": []}
    with np.load(path) as arrays:
        for key in sorted(arrays):
            found.setdefault(key.rpartition("/")[0], []).append(arrays[key])
    return found


def differences(path: Path, saved: Path) -> list[str]:
    """In what a file's model differs from the one saved under its name."""
    name = path.name.partition(".")[0]
    if path.name.endswith(".weights.h5"):
        model = keras.models.load_model(saved / f"{name}.keras")
        model.set_weights([0 * w for w in model.get_weights()])
        model.load_weights(path)
    else:
        model = keras.models.load_model(path)
    expected = kept(saved / f"{name}.npz")
    found = {f"weight {layer}": own.get_weights() for layer, own in layers_of(model)}
    wrong = [
        key
        for key in sorted(found.keys() | {key for key in expected if key.startswith("weight")})
        if not equal(found.get(key, []), expected.get(key, []))
    ]
    if not equal(without_rate(state_of(model)), without_rate(expected["state"])):
        wrong.append("state")
    ours = outputs(model, expected["input"])
    if not all(map(np.allclose, ours, expected["output"])):
        wrong.append("output")
    return wrong


def equal(ours: list[Any], theirs: list[Any]) -> bool:
    return len(ours) == len(theirs) and all(map(np.array_equal, ours, theirs))


def without_rate(state: list[Any]) -> list[Any]:
    """An optimizer's state without its learning rate, which Keras 3 alone has in it."""
    return [array for array in state if array.ndim or array.dtype.kind == "i"]


def outputs(model: Any, given: list[Any]) -> list[Any]:
    found = model(given if len(given) > 1 else given[0], training=False)
    return [np.asarray(y) for y in (found if isinstance(found, (list, tuple)) else [found])]


def compare(saved: Path, paths: list[Path]) -> dict[str, list[str]]:
    found = {}
    for path in paths:
        try:
            found[str(path)] = differences(path, saved)
        except Exception as error:  # whatever Keras finds wrong
            found[str(path)] = [f"{type(error).__name__}: {error}"]
    return found


def main(package: str, task: str, saved: str, *paths: str) -> None:
    global keras, L
    keras = importlib.import_module(package)
    L = keras.layers
    if task == "save":
        save(Path(saved))
    else:
        print(json.dumps(compare(Path(saved), [Path(path) for path in paths])))


if __name__ == "__main__":
    main(*sys.argv[1:])
