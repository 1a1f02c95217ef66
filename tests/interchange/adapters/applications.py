"""Saves small models of `keras.applications`, with random weights and statistics:
`python applications.py FOLDER`."""

import sys
from pathlib import Path

import keras

keras.utils.set_random_seed(7)
folder = Path(sys.argv[1])

for name in ("MobileNet", "MobileNetV3Small"):
    model = getattr(keras.applications, name)(
        weights=None, input_shape=(32, 32, 3), classes=10, classifier_activation=None
    )
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([w + keras.random.uniform(w.shape).numpy() for w in layer.get_weights()])
    model.save(folder / f"{name}.keras")
