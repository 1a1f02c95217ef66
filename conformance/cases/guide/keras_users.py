"""The guide "TensorFlow.js Layers API for Keras users"."""

from __future__ import annotations

from functools import partial

from conformance.cases.guide.regression import INITIAL, final_weights, losses
from conformance.cases.guide.row import BROWSER, Row, both, javascript, python
from conformance.cases.guide.saved import IMAGES, KERAS_3_H5, predicted

SAME = {"configuration": True, "weights": True}

DENSE = {"units": 1, "shape": [None, 1]}

NOTHING = {"tensors": 0, "bytes": 0}

ALGEBRA = {
    "product": [[19, 22], [43, 50]],
    "transposed": [[1, 3], [2, 4]],
    "dot": 11,
    "outer": [[3, 4], [6, 8]],
    "sum": [4, 6],
    "norm": 5,
}

HOOKS = [
    "TrainBegin", "EpochBegin", "BatchBegin", "BatchEnd: loss", "BatchBegin", "BatchEnd: loss",
    "EpochEnd: loss", "TrainEnd: loss",
]  # fmt: skip


def printed(name: str, *languages: str) -> dict[str, dict[str, dict[str, str]]]:
    """What a row is given of a printed program, by the endings of its files."""
    return {"program": {name: {language: f"{name}.{language}" for language in languages}}}


ROWS = (
    Row(
        "G01",
        "The example of linear regression: one Dense unit, SGD, the mean squared error, 1,000 epochs on "
        "(1, 2, 3, 4) → (1, 3, 5, 7), and what is predicted of 5.",
        (
            *both("predicted", "the printed program prints about 9, which is 9 when rounded", 9),
            *both("losses", "from weights that are given, the loss of each of the epochs", losses),
            *both("weights", "and the kernel and the bias at the end", final_weights),
        ),
        inputs=INITIAL,
        given=printed("linear_regression", "py", "mjs"),
    ),
    Row(
        "G02",
        "Constructors take a configuration object, in which the order of keys does not matter.",
        (
            *both("printed", "the layer of the printed line", DENSE),
            *both("permuted", "that of its arguments in another order", DENSE),
        ),
        given=printed("dense", "py", "mjs"),
    ),
    Row(
        "G03",
        "`fit`, `evaluate` and `predict` take x and y by position, and then one configuration object.",
        both(
            "taken",
            "the epochs that are fitted, and the shapes of what is evaluated and predicted",
            {"fit": [0, 1], "evaluate": [], "predict": [3, 1]},
        ),
    ),
    Row(
        "G04",
        "`fit` is asynchronous: it gives a Promise of the History that Keras gives directly.",
        (
            javascript(
                "given",
                "a Promise; the keys of the history and the epochs that it gives",
                {"promise": True, "keys": ["loss", "mae"], "epochs": [0, 1]},
            ),
            javascript("event-loop", "timers go off while 300 epochs are fitted", True),
            python(
                "given",
                "a History, its keys and its epochs",
                {"class": "History", "keys": ["loss", "mae"], "epochs": [0, 1]},
            ),
        ),
    ),
    Row(
        "G05",
        "There is no NumPy: `tf.tensor2d` and the operations of `tf` stand in.",
        both("algebra", "products, transposes, sums and norms of small matrices of integers", ALGEBRA),
    ),
    Row(
        "G06",
        "Layers and models are made by factory functions in lowerCamelCase, not by constructors.",
        (
            javascript("without-factory", "registered layers that have no factory of their name", []),
            javascript(
                "lower-camel-case",
                "what the printed factories make",
                {"sequential": "Sequential", "batchNormalization": "BatchNormalization"},
            ),
        ),
    ),
    Row(
        "G07",
        "Option strings are in lowerCamelCase; what is saved and loaded as JSON is in snake_case.",
        (
            javascript("camel-case", "how many of the four that the text names are taken", 4),
            javascript("snake-case", "which of them are taken as Keras spells them", []),
            javascript(
                "saved",
                "how a layer with `channelsFirst` is saved",
                {"batch_input_shape": [None, 1, 2, 2], "data_format": "channels_first"},
            ),
            javascript("loaded", "and what it says when it has been loaded", "channelsFirst"),
        ),
    ),
    Row(
        "G08",
        "A layer is run by `apply()`, where Python calls it.",
        (
            python("printed", "the printed program", ["(None, 8)"]),
            javascript("printed", "the printed program", ["[ null, 8 ]"]),
            javascript("in-chinese", "the same of the Chinese text", ["[ null, 8 ]"]),
        ),
        given={
            "program": {
                "apply": {"py": "apply.py", "mjs": "apply.mjs"},
                "apply_chinese": {"mjs": "apply_chinese.mjs"},
            }
        },
    ),
    Row(
        "G09",
        "`apply()` on a symbolic tensor gives a symbolic one, and on a concrete tensor a concrete one; "
        "Keras is symbolic only.",
        (
            javascript(
                "printed",
                "the printed program",
                ["Tensor", "[[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],", "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]]"],
            ),
            javascript(
                "kinds",
                "the shapes of what Flatten gives",
                {"symbolic": [None, 12], "concrete": [2, 12]},
            ),
            python(
                "kinds",
                "what Flatten gives in Keras",
                {"of a symbolic tensor": "symbolic", "of a concrete one": "symbolic"},
            ),
        ),
        given=printed("apply_concrete", "mjs"),
    ),
    Row(
        "G10",
        "Optimizers are under `tf.train`, not under `optimizers`.",
        (
            javascript(
                "namespace",
                "which are there",
                ["adadelta", "adagrad", "adam", "adamax", "momentum", "rmsprop", "sgd"],
            ),
            javascript(
                "printed", "the printed optimizer makes a step, after which the weight is a number", True
            ),
            javascript("by-position", "1 after a step along the gradient of x² at a rate of 0.25", 0.5),
            python(
                "namespace",
                "which are there in Keras",
                ["Adadelta", "Adagrad", "Adam", "Adamax", "RMSprop", "SGD"],
            ),
            python("printed", "the learning rate of the printed optimizer", 0.2),
        ),
        given=printed("optimizer", "py", "mjs"),
    ),
    Row(
        "G11",
        "`tf.loadLayersModel` loads a model.json from a URL, where Keras loads an HDF5 file from a path, "
        "and gives a Promise of the model.",
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
        "`save` and `tf.loadLayersModel` of TensorFlow.js are like Keras's `save` and `load_model`, but "
        "for where they keep a model.",
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
    Row(
        "G13",
        "Datasets train through `fitDataset`, in Python through `fit`.",
        (
            *both("same-history", "the same batches of a dataset and of arrays give the same history", True),
            *both("evaluation", "and the same loss", True),
            javascript("fit-refuses", "`fit` refuses a dataset", True),
        ),
    ),
    Row(
        "G14",
        "Layers and models manage the memory of tensors in training and prediction, and free it on "
        "`dispose()`.",
        (
            javascript("fit", "what `fit` leaves behind after the first time", NOTHING),
            javascript("predict", "what `predict` leaves but its result", NOTHING),
            javascript("dispose", "what a model leaves that is disposed of", NOTHING),
            javascript("afterwards", "using it then is an error that says so", True),
        ),
    ),
    Row(
        "G15",
        "Training can be watched.",
        both("hooks", "the hooks of one epoch of two batches, in order, and which are told the loss", HOOKS),
    ),
)
