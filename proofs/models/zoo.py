"""Makes models of Keras and saves them: `python zoo.py DIRECTORY [NAME …]`, in an environment that has Keras.

Of `keras.applications` one small member of each family, at the smallest input that it allows, with random
weights and random statistics of its normalizations; and models as users write them, trained for two epochs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

layers = keras.layers

FAMILIES = {
    "MobileNet": 32,
    "MobileNetV2": 32,
    "MobileNetV3Small": 32,
    "EfficientNetB0": 32,
    "EfficientNetV2B0": 32,
    "ResNet50": 32,
    "ResNet50V2": 32,
    "DenseNet121": 32,
    "VGG16": 32,
    "Xception": 71,
    "InceptionV3": 75,
    "InceptionResNetV2": 75,
    "NASNetMobile": 32,
    "ConvNeXtTiny": 32,
}
"""The smallest side of an image that each takes."""


def application(name: str) -> Any:
    """A model of `keras.applications`, with 10 classes."""
    side = FAMILIES[name]
    options: dict[str, Any] = {"weights": None, "input_shape": (side, side, 3), "classes": 10}
    if name == "NASNetMobile":  # it builds its top for images of its own size alone
        options |= {"include_top": False, "pooling": "avg"}
        del options["classes"]
    model = getattr(keras.applications, name)(**options)
    rng = np.random.default_rng(1)
    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, layers.BatchNormalization):
            shape = layer.moving_mean.shape
            layer.moving_mean.assign(rng.normal(0, 0.1, shape))
            layer.moving_variance.assign(rng.uniform(0.5, 2, shape))
    return model


def text_classifier() -> Any:
    """Words of 12 positions, 0 where there is none, through an LSTM that heeds the mask."""
    words = keras.Input((12,), dtype="int32", name="words")
    x = layers.Embedding(50, 8, mask_zero=True)(words)
    x = layers.Bidirectional(layers.LSTM(6, return_sequences=True))(x)
    x = layers.LSTM(5)(x)
    return trained(keras.Model(words, layers.Dense(3, activation="softmax")(x), name="text"), 3)


def u_net() -> Any:
    """An image and the same through a narrower one, side by side."""
    image = keras.Input((16, 16, 3), name="image")
    above = layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    below = layers.MaxPooling2D()(above)
    below = layers.Conv2D(8, 3, padding="same", activation="relu")(below)
    below = layers.BatchNormalization()(below)
    up = layers.Conv2DTranspose(4, 2, strides=2, padding="same")(below)
    joined = layers.Concatenate()([above, up])
    return trained(keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(joined), name="u_net"), 0)


def tabular() -> Any:
    """Numbers and a category, two answers."""
    numbers, kind = keras.Input((6,), name="numbers"), keras.Input((1,), dtype="int32", name="kind")
    x = layers.Dense(8, activation="relu")(layers.LayerNormalization()(numbers))
    y = layers.Flatten()(layers.Embedding(7, 3)(kind))
    z = layers.Concatenate()([x, y])
    ends = [layers.Dense(1, name="price")(z), layers.Dense(1, activation="sigmoid", name="sold")(z)]
    return trained(keras.Model([numbers, kind], ends, name="tabular"), 0)


def autoencoder() -> Any:
    """An image through a code and back, by transposed convolutions."""
    return trained(
        keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
                layers.Flatten(),
                layers.Dense(5),
                layers.Dense(64, activation="relu"),
                layers.Reshape((4, 4, 4)),
                layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu"),
                layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid"),
            ],
            name="autoencoder",
        ),
        0,
    )


def siamese() -> Any:
    """Two inputs through one tower, and how far apart they come out."""
    x = keras.Input((7,))
    tower = keras.Model(x, layers.Dense(4)(layers.Dense(6, activation="tanh")(x)), name="tower")
    one, other = keras.Input((7,), name="one"), keras.Input((7,), name="other")
    apart = layers.Subtract()([tower(one), tower(other)])
    near = layers.Dense(1, activation="sigmoid")(layers.Multiply()([apart, apart]))
    return trained(keras.Model([one, other], near, name="siamese"), 0)


def guide_linear() -> Any:
    """The linear regression of the guide for Keras users."""
    return trained(keras.Sequential([keras.Input((1,)), layers.Dense(1)], name="linear"), 0)


def guide_digits() -> Any:
    """The classifier of the guide on models and layers."""
    stack = [keras.Input((784,)), layers.Dense(32, activation="relu"), layers.Dense(10, activation="softmax")]
    return trained(keras.Sequential(stack, name="digits"), 10)


def trained(model: Any, classes: int) -> Any:
    """After two epochs on random numbers; classes where the output is one of so many, else 0."""
    rng, count = np.random.default_rng(2), 16

    def drawn(tensor: Any) -> Any:
        """Numbers, or indices."""
        shape = (count, *tensor.shape[1:])
        return rng.integers(0, 7, shape) if "int" in tensor.dtype else rng.normal(size=shape)

    x = [drawn(tensor) for tensor in model.inputs]
    y: list[Any]
    if classes:
        y = [rng.integers(0, classes, count)]
        loss = "sparse_categorical_crossentropy"
    else:
        y = [rng.uniform(size=(count, *tensor.shape[1:])) for tensor in model.outputs]
        loss = "mean_squared_error"
    model.compile("adam", loss=[loss] * len(y) if len(y) > 1 else loss)
    model.fit(x if len(x) > 1 else x[0], y if len(y) > 1 else y[0], epochs=2, verbose=0)
    return model


OWN: dict[str, Callable[[], Any]] = {
    made.__name__: made
    for made in (text_classifier, u_net, tabular, autoencoder, siamese, guide_linear, guide_digits)
}


def main() -> None:
    """Save the models that are named, or all, as `.keras`."""
    directory, *names = sys.argv[1:]
    Path(directory).mkdir(parents=True, exist_ok=True)
    for name in names or [*FAMILIES, *OWN]:
        keras.utils.set_random_seed(0)
        model = OWN[name]() if name in OWN else application(name)
        model.save(Path(directory) / f"{name}.keras")
        keras.backend.clear_session()


if __name__ == "__main__":
    main()
