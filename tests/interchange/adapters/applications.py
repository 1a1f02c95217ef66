"""Saves small models of `keras.applications`, with random weights and statistics:
`python applications.py FOLDER`."""

import sys
from pathlib import Path
from typing import Any

import keras

keras.utils.set_random_seed(7)
folder = Path(sys.argv[1])


def varied(weight: Any) -> Any:
    return weight + keras.random.uniform(weight.shape).numpy() if weight.dtype == "float32" else weight


for name in ("EfficientNetB0", "MobileNet", "MobileNetV3Small"):
    model = getattr(keras.applications, name)(
        weights=None, input_shape=(32, 32, 3), classes=10, classifier_activation=None
    )
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization | keras.layers.Normalization):
            layer.set_weights([varied(weight) for weight in layer.get_weights()])
    model.save(folder / f"{name}.keras")
