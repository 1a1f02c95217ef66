"""Saves models with Keras: `python keras_models.py FOLDER`."""

import sys
from pathlib import Path

import keras
from keras import layers

keras.utils.set_random_seed(7)
folder = Path(sys.argv[1])


def randomised(model: keras.Model) -> keras.Model:
    """The model, with no weight at zero or one."""
    model.set_weights([w + 0.1 * keras.random.uniform(w.shape).numpy() for w in model.get_weights()])
    return model


def sequential() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((6, 5, 3)),
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(name="flat"),
            layers.Dense(5, activation="softmax", name="top"),
        ]
    )


def diamond() -> keras.Model:
    """Two inputs, a shared layer, and paths that part and meet again; two outputs."""
    left, right = keras.Input((6,), name="left"), keras.Input((6,), name="right")
    shared = layers.Dense(4, activation="tanh", name="shared")
    x, y = shared(left), shared(right)
    difference, product = layers.Subtract(name="minus")([x, y]), layers.Multiply(name="times")([x, y])
    top = layers.Dense(2, name="top")(layers.Concatenate(name="join")([difference, product]))
    return keras.Model([left, right], [top, difference])


def nested() -> keras.Model:
    """A tower inside a head inside the model; the tower is called twice."""
    tower = keras.Sequential(
        [keras.Input((6,)), layers.Dense(5, activation="relu", name="low"), layers.Dense(3, name="high")],
        name="tower",
    )
    a, b = keras.Input((6,)), keras.Input((6,))
    head = keras.Model([a, b], layers.Add(name="sum")([tower(a), tower(b)]), name="head")
    left, right = keras.Input((6,)), keras.Input((6,))
    return keras.Model([left, right], layers.Dense(2, name="top")(head([left, right])))


def text() -> keras.Model:
    """Masks from an embedding, through a dropout, to where they end; a layer behind has none."""
    words = keras.Input((7,), dtype="int32")
    x = layers.Embedding(11, 4, mask_zero=True, name="embedding")(words)
    x = layers.LSTM(3, return_sequences=True, name="first")(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    x = layers.LSTM(3, name="second")(x)
    return keras.Model(words, layers.Dense(1, name="top")(x))


def states() -> keras.Model:
    """A recurrent layer that starts from the states in which another one ended."""
    x = keras.Input((5, 3))
    _, h, c = layers.LSTM(4, return_state=True, name="encoder")(x)
    return keras.Model(x, layers.LSTM(4, name="decoder")(x, initial_state=[h, c]))


def operations() -> keras.Model:
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(3, name="top")(x * 2.0))


for make in (sequential, diamond, nested, text, states, operations):
    randomised(make()).save(folder / f"{make.__name__}.keras")
sequential().save(folder / "sequential.h5")
