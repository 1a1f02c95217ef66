"""Keras's side of training on elsewhere: `python trained_models.py TASK FOLDER`.

`save` trains a model with each of the optimizers, and writes `NAME.keras` and, after another epoch,
`NAME.npz` with what all variables of the model and of its optimizer are then. `resume` loads each
`NAME.keras` there is, trains it for the same epoch, and writes `NAME.npz` too.
"""

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, losses, optimizers

OPTIMIZERS = {
    "sgd": optimizers.SGD(0.125),
    "momentum": optimizers.SGD(0.125, momentum=0.5),
    "nesterov": optimizers.SGD(0.1, momentum=0.5, nesterov=True),
    "rmsprop": optimizers.RMSprop(0.01),
    "rmsprop_centered": optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "adagrad": optimizers.Adagrad(0.1),
    "adadelta": optimizers.Adadelta(0.5),
    "adam": optimizers.Adam(0.01),
    "adamax": optimizers.Adamax(0.01),
    "adamw": optimizers.AdamW(0.01),
}
folder = Path(sys.argv[2])
random = np.random.default_rng(5)
x, y = random.normal(size=(8, 4)).astype("f4"), random.normal(size=(8, 1)).astype("f4")


def model() -> keras.Model:
    """Weights of different shapes, some of which are not trained, and a layer that comes late in the
    graph."""
    given = keras.Input((4,), name="given")
    early = layers.Dense(3, activation="tanh", name="early")(given)
    frozen = layers.Dense(6, trainable=False, name="frozen")(early)
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(5, name="inside")], name="inner")
    joined = layers.Concatenate(name="joined")([inner(layers.BatchNormalization(name="norm")(frozen)), early])
    return keras.Model(given, layers.Dense(1, name="top")(joined))


def told(trained: keras.Model) -> dict[str, Any]:
    found = {"/".join(v.path.split("/")[-2:]): v.numpy() for v in trained.variables}
    return found | {f"optimizer/{i:02}": v.numpy() for i, v in enumerate(trained.optimizer.variables)}


def another_epoch(trained: keras.Model, name: str) -> None:
    trained.fit(x, y, epochs=1, batch_size=4, shuffle=False, verbose=0)
    np.savez(folder / f"{name}.npz", **told(trained))


if sys.argv[1] == "save":
    np.savez(folder / "data.npz", x=x, y=y)
    for name, optimizer in OPTIMIZERS.items():
        keras.utils.set_random_seed(3)
        trained = model()
        trained.compile(optimizer, loss=losses.MeanSquaredError())
        trained.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0)
        trained.save(folder / f"{name}.keras")
        another_epoch(trained, name)
else:
    for path in folder.glob("*.keras"):
        another_epoch(keras.saving.load_model(path), path.stem)
