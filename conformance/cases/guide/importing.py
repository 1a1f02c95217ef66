"""The guide "Importing a Keras model into TensorFlow.js"."""

from __future__ import annotations

from functools import partial

from conformance.cases.guide.row import BROWSER, Row, both, javascript, python
from conformance.cases.guide.saved import (
    CLASSES,
    IMAGES,
    KERAS_2_H5,
    KERAS_3,
    KERAS_3_H5,
    PIXELS,
    colours,
    evaluated,
    predicted,
    predicted_of_pixels,
)

WRITTEN = ["group1-shard1of1.bin", "model.json"]

REFUSED = {"converted": False, "named": True, "written": []}

WEIGHTS = [
    ["features/kernel", [3, 3, 3, 4], "float32"],
    ["features/bias", [4], "float32"],
    ["normalization/gamma", [4], "float32"],
    ["normalization/beta", [4], "float32"],
    ["normalization/moving_mean", [4], "float32"],
    ["normalization/moving_variance", [4], "float32"],
    ["classes/kernel", [24, 2], "float32"],
    ["classes/bias", [2], "float32"],
]
"""Of the saved models, in the order of their layers: name, shape, dtype."""

ROWS = (
    Row(
        "I01",
        "A Keras .h5 file becomes a TensorFlow.js Layers directory by one command.",
        (
            python(
                "h5", "what `conformance convert model.h5 DIR` writes of a model that Keras saves", WRITTEN
            ),
            python("keras-format", "the same of a `.keras`", WRITTEN),
            javascript(
                "keras2-h5", "what an .h5 of Keras 2 predicts, converted", partial(predicted, KERAS_2_H5)
            ),
            javascript("keras3-h5", "the same of Keras 3", partial(predicted, KERAS_3_H5)),
            javascript("keras3-keras", "the same of a `.keras`", partial(predicted, KERAS_3)),
        ),
        inputs=(IMAGES,),
        given={"models": {"keras2-h5": KERAS_2_H5, "keras3-h5": KERAS_3_H5, "keras3-keras": KERAS_3}},
    ),
    Row(
        "I02",
        "A live Keras model becomes one by one call in Python.",
        (
            python("written", "what `conformance.convert(model, DIR)` writes", WRITTEN),
            python("same-as-of-its-file", "these are the bytes that become of the model's file", True),
        ),
    ),
    Row(
        "I03",
        "The browser loads it by URL, from another origin with CORS.",
        (
            javascript("same-origin", "a page loads the model of its own server", True, BROWSER),
            javascript("other-origin", "a page loads it from a server that allows its origin", True, BROWSER),
            javascript("without-cors", "and from none that does not", False, BROWSER),
        ),
    ),
    Row(
        "I04",
        "The loaded model predicts, of the pixels of an image too, evaluates, and trains on.",
        (
            javascript("pixels", "what `tf.browser.fromPixels` makes of an image", colours),
            javascript(
                "prediction-of-pixels",
                "what the model predicts of it",
                partial(predicted_of_pixels, KERAS_3_H5),
            ),
            *both("prediction", "what it predicts of a batch", partial(predicted, KERAS_3_H5)),
            *both("evaluation", "its loss", partial(evaluated, KERAS_3_H5)),
            *both(
                "training",
                "compiled as it was, it trains for two epochs more of one batch each, from the four steps "
                "that Keras has made: finite losses, and every trained weight is another one",
                {"optimizer": "Adam", "steps": [4, 6], "losses": 2, "finite": True, "changed": 6},
            ),
        ),
        inputs=(IMAGES, CLASSES, PIXELS),
        given={"models": {"keras3-h5": KERAS_3_H5}},
    ),
    Row(
        "I05",
        "model.json holds the topology and the manifest of the weights, which are in shards small enough "
        "for the cache of a browser.",
        (
            javascript(
                "topology-and-manifest",
                "model.json has a topology and a manifest, and says that it is a Layers model",
                {"format": "layers-model", "topology": "Sequential", "groups": 1},
            ),
            javascript("weights", "names, shapes and dtypes in the order of the layers", WEIGHTS),
            javascript("within-a-cache", "no shard has more than 4 MiB where nothing is asked for", True),
            javascript(
                "shards",
                "bytes of the shards, where 1,000 are asked for: the last one has the rest",
                [1000, 1000, 76],
            ),
            javascript(
                "in-shards", "what the model predicts from those shards", partial(predicted, KERAS_3_H5)
            ),
            javascript(
                "quantized",
                "weights of 8 bits are restored as float32, and are within half a step",
                {"stored": ["uint8"], "restored": ["float32"], "within half a step": True},
            ),
        ),
        inputs=(IMAGES,),
        given={
            "models": {
                "keras3-h5": KERAS_3_H5,
                "sharded": {**KERAS_3_H5, "shard_size": 1000},
                "quantized": {**KERAS_3_H5, "quantization": {"uint8": []}},
            }
        },
    ),
    Row(
        "I06",
        "Models with a custom layer, a Lambda, a custom loss or a custom metric are not convertible.",
        (
            python("custom-layer", "the conversion refuses, names the layer, and writes nothing", REFUSED),
            python("lambda-layer", "the same of a Lambda", REFUSED),
            python("custom-loss", "the same of a loss", REFUSED),
            python("custom-metric", "the same of a metric", REFUSED),
        ),
    ),
)
