"""The guide "TensorFlow.js Layers API for Keras users"."""

from __future__ import annotations

from functools import partial

from conformance.cases.guide.row import BROWSER, Row, javascript, python
from conformance.cases.guide.saved import IMAGES, KERAS_3_H5, predicted

SAME = {"configuration": True, "weights": True}

ROWS = (
    Row(
        "G11",
        "`tf.loadLayersModel` loads a model.json from a URL, where Keras loads an HDF5 file from a path, and gives a "
        "Promise of the model.",
        (
            python(
                "class-loaded", "what `keras.models.load_model` gives for the path of an .h5", "Sequential"
            ),
            python("prediction", "what the loaded model predicts", partial(predicted, KERAS_3_H5)),
            javascript(
                "is-promise",
                "what `tf.loadLayersModel(url)` gives, of a server on loopback, is a Promise",
                True,
            ),
            javascript(
                "requests", "the paths that it asks the server for", ["/model.json", "/group1-shard1of1.bin"]
            ),
            javascript("is-layers-model", "what the Promise gives is a tf.LayersModel", True),
            javascript(
                "prediction", "what the model predicts, as Keras does", partial(predicted, KERAS_3_H5)
            ),
        ),
        inputs=(IMAGES,),
        given={"models": {"keras3-h5": KERAS_3_H5}},
    ),
    Row(
        "G12",
        "`save` and `tf.loadLayersModel` of TensorFlow.js are like Keras's `save` and `load_model`, but for where "
        "they keep a model.",
        (
            python(
                "keras-format", "a `.keras` comes back with the same configuration and the same bits", SAME
            ),
            python("h5", "and so does an .h5", SAME),
            javascript(
                "memory", "what `tf.io.withSaveHandler` was given comes back by `tf.io.fromMemory`", SAME
            ),
            javascript("http", "what a server was sent comes back from it", SAME),
            javascript("localstorage", "`localstorage://` keeps a model in a page", SAME, BROWSER),
            javascript("indexeddb", "so does `indexeddb://`", SAME, BROWSER),
            javascript(
                "downloads", "`downloads://` gives files that `tf.io.browserFiles` loads", SAME, BROWSER
            ),
            javascript(
                "file",
                "what is said of `file://`, for which there is another package",
                "Cannot find any save handlers for URL 'file:///model'",
            ),
        ),
    ),
)
