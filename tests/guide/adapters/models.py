"""A program for Keras of either generation: `python models.py FOLDER NAME…` trains a small classifier of
images for two epochs, and saves it under each name."""

import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers

folder = Path(sys.argv[1])
keras.utils.set_random_seed(11)
random = np.random.default_rng(11)
x = random.integers(0, 256, (8, 5, 4, 3)).astype("f4") / 256
y = np.eye(2, dtype="f4")[random.integers(0, 2, 8)]

model = keras.Sequential(
    [
        layers.InputLayer((5, 4, 3)),
        layers.Conv2D(4, 3, activation="relu", name="features"),
        layers.BatchNormalization(name="normalization"),
        layers.Flatten(name="flat"),
        layers.Dense(2, activation="softmax", name="classes"),
    ],
    name="images",
)
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0)
for name in sys.argv[2:]:
    model.save(folder / name)
