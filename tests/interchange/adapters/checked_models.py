"""Saves models to check with Keras: `python checked_models.py FOLDER`."""

import sys
from pathlib import Path

import keras
from keras import layers

keras.utils.set_random_seed(7)
folder = Path(sys.argv[1])


def save(name: str, *members: layers.Layer) -> None:
    """A Sequential model, with no weight at zero or one."""
    model = keras.Sequential(members)
    model.set_weights([w + 0.1 * keras.random.uniform(w.shape).numpy() for w in model.get_weights()])
    model.save(folder / name)


def image() -> list[layers.Layer]:
    return [
        keras.Input((6, 5, 3), name="image"),
        layers.Conv2D(4, 3, activation="relu", name="conv"),
        layers.BatchNormalization(name="norm"),
        layers.Flatten(name="flat"),
        layers.Dense(5, activation="softmax", name="top"),
    ]


save("image.keras", *image())
save("image.h5", *image())
save(
    "leaky.keras",
    keras.Input((6,)),
    layers.Dense(4, name="low"),
    layers.LeakyReLU(negative_slope=0.125, name="leaky"),
    layers.Dense(2, name="top"),
)
save(
    "masked.keras",
    keras.Input((7,), dtype="int32", name="words"),
    layers.Embedding(11, 4, mask_zero=True, name="embedding"),
    layers.GlobalAveragePooling1D(name="average"),
    layers.Dense(2, name="top"),
)
save(
    "hard.keras",
    keras.Input((7,), dtype="int32", name="words"),
    layers.Embedding(11, 4, mask_zero=True, name="embedding"),
    layers.Dense(3, activation="hard_sigmoid", name="low"),
    layers.Bidirectional(
        layers.LSTM(3, recurrent_activation="hard_sigmoid", return_sequences=True), name="both"
    ),
    layers.GRU(4, "hard_sigmoid", "hard_sigmoid", reset_after=False, name="gru"),
    layers.Dense(2, name="top"),
)


def tower(name: str) -> keras.Model:
    """Its layers have the names of another's."""
    return keras.Sequential([keras.Input((4,)), layers.Dense(4, "tanh", name="dense")], name=name)


save("times.keras", keras.Input((3, 4)), layers.TimeDistributed(tower("inner"), name="times"))
save("towers.keras", keras.Input((4,)), tower("low"), tower("high"))
save("gru.keras", keras.Input((None, 3)), layers.GRU(2, name="gru"))
save("lambda.keras", keras.Input((4,)), layers.Lambda(lambda x: 2 * x, name="double"))
save(
    "groups.keras",
    keras.Input((4,), name="numbers"),
    layers.Dense(4, name="low"),
    layers.GroupNormalization(2, name="norm"),
)

# Two inputs through one tower, a model in the model; TensorFlow.js has no Subtract.
one, other, x = keras.Input((7,), name="one"), keras.Input((7,), name="other"), keras.Input((7,), name="x")
tower = keras.Model(x, layers.Dense(4, activation="relu", name="low")(x), name="tower")
difference = layers.Subtract(name="minus")([tower(one), tower(other)])
keras.Model([one, other], layers.Dense(1, name="top")(difference)).save(folder / "shared.keras")

# A layer and a model, called first on what comes late in the file, since more is behind their second call.
x, z = keras.Input((4,), name="x"), keras.Input((4,), name="z")
shared = layers.Dense(4, "tanh", name="shared")
inside = keras.Model(z, layers.Dense(4, "tanh", name="low")(z), name="inside")
inner = layers.Dense(4, "tanh", name="inner")
late = inside(shared(inner(x)))
early = inside(shared(x))
behind = layers.Dense(2, "tanh", name="behind")(early)
keras.Model(x, [layers.Dense(3, name="top")(behind), late]).save(folder / "late.keras")
