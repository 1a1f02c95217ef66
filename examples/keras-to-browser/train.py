"""Trains a small Keras model to tell which points lie on a ring, and saves it as rings.keras.

What Keras predicts of a few points goes into site/keras.json, so that the page can show that it predicts the
same.
"""

import json
from pathlib import Path

import keras
import numpy as np

keras.utils.set_random_seed(1)
random = np.random.default_rng(1)

points = random.uniform(-1, 1, (2000, 2)).astype("float32")
distances = np.hypot(points[:, 0], points[:, 1])
on_the_ring = ((distances > 0.35) & (distances < 0.75)).astype("float32")[:, None]

model = keras.Sequential(
    [
        keras.Input((2,)),
        keras.layers.Dense(24, activation="tanh"),
        keras.layers.Dense(24, activation="tanh"),
        keras.layers.Dense(1, activation="sigmoid"),
    ],
    name="rings",
)
model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
model.fit(points, on_the_ring, epochs=40, batch_size=100, verbose=0)
print(f"accuracy: {model.evaluate(points, on_the_ring, verbose=0)[1]:.3f}")

model.save("rings.keras")

few = points[:6]
predicted = model.predict(few, verbose=0)
Path("site/keras.json").write_text(
    json.dumps({"points": few.tolist(), "predicted": predicted[:, 0].tolist()})
)
