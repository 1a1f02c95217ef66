"""The guide "TensorFlow.js Layers API for Keras users"."""

from __future__ import annotations

from functools import partial

from conformance.cases.guide.row import Row, javascript, python
from conformance.cases.guide.saved import IMAGES, KERAS_3_H5, predicted

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
        given={"models": [KERAS_3_H5]},
    ),
)
