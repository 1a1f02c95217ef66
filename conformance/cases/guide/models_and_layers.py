"""The guide "Models and layers"."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.cases.case import Recipe
from conformance.cases.guide.keras_users import printed
from conformance.cases.guide.row import BROWSER, Row, both, javascript, python
from conformance.reference_impl.layers import Dense
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.tape import Tensor, constant

DIGITS = tuple(
    Recipe(regime, shape, 20180500 + i)
    for i, (regime, shape) in enumerate(
        [
            ("normal", (2, 784)),
            ("small_normal", (784, 32)),
            ("normal", (32,)),
            ("normal", (32, 10)),
            ("normal", (10,)),
        ]
    )
)
"""A batch of images, and the weights of the guide's model: 784 numbers, 32 hidden ones, 10 classes."""


def classified(inputs: Sequence[Tensor]) -> Tensor:
    """What the guide's model makes of the images."""
    x, *weights = inputs
    for layer in (Dense(32, activation="relu"), Dense(10, activation="softmax")):
        own = dict(zip(("kernel", "bias"), weights, strict=False))
        (x,), weights = layer.call([x], own, Context()).outputs, weights[2:]
    return x


def rectified(inputs: Sequence[Tensor]) -> Tensor:
    return constant([0.0, 1.0, 0.0, 5.0])


def summed(inputs: Sequence[Tensor]) -> Tensor:
    return constant(30.0)


PREDICTION = both("prediction", "what the model makes of two images with given weights", classified)

SUMMARY = (
    "the shapes and parameters of the Dense layers, and the total, the trainable and the other parameters"
)

GRAPH = {
    "layers": [["image", "InputLayer"], ["hidden", "Dense"], ["digits", "Dense"]],
    "inputs": [["image", "InputLayer"]],
    "outputs": [["digits", "Dense"]],
}

ROWS = (
    Row(
        "M01",
        "A Sequential model is made of a list of layers.",
        PREDICTION,
        inputs=DIGITS,
        given=printed("sequential", "mjs"),
    ),
    Row(
        "M02",
        "Or by `add()`.",
        PREDICTION,
        inputs=DIGITS,
        given=printed("sequential_add", "mjs"),
    ),
    Row(
        "M03",
        "The first layer needs `inputShape`, without the size of the batch, which is free.",
        (
            *both("batches", "the shapes of what 1 sample and 5 give", [[1, 2], [5, 2]]),
            *both("empty-batch", "the shape of what no sample gives", [0, 2]),
            javascript(
                "without",
                "what is said where it is missing",
                "The first layer in a Sequential model must get an `inputShape` or `batchInputShape` "
                "argument.",
            ),
        ),
    ),
    Row(
        "M04",
        "The layers of a model are `model.layers`, `inputLayers` and `outputLayers`.",
        both("layers", "their names and classes, in order", GRAPH),
    ),
    Row(
        "M05",
        "The same model is made by `tf.input`, `apply` and `tf.model`.",
        PREDICTION,
        inputs=DIGITS,
        given=printed("functional", "mjs"),
    ),
    Row(
        "M06",
        "`tf.model` takes any graph without a cycle.",
        (
            *both(
                "shapes",
                "what a shared layer, a nested model, two inputs and two outputs give",
                [[5, 2], [5, 6]],
            ),
            *both("weights", "a layer that is called twice has its weights once", 2),
        ),
    ),
    Row(
        "M07",
        "`activation({activation: 'relu'}).apply([-2, 1, 0, 5])` is [0, 1, 0, 5].",
        both("output", "exactly", rectified),
        given=printed("activation", "mjs"),
    ),
    Row(
        "M08",
        "Both kinds of models are instances of LayersModel.",
        both("instances", "a Sequential model is, and a graph", [True, True]),
    ),
    Row(
        "M09",
        "Shapes are inferred through the layers; what does not fit is refused.",
        (
            *both(
                "inferred",
                "the output shapes of a convolution, Flatten and Dense",
                [[None, 6, 6, 3], [None, 108], [None, 4]],
            ),
            *both(
                "while-building",
                "a convolution behind a Dense layer is refused, with its name and both ranks",
                True,
            ),
            *both(
                "while-running", "an input of another width is refused, with the layer and both shapes", True
            ),
        ),
    ),
    Row(
        "M10",
        "`summary()` prints name, type, output shape and parameters of each layer, and the totals.",
        (
            javascript(
                "lines",
                SUMMARY,
                {
                    "layers": [["[[null,784]]", "[null,32]", "25120"], ["[[null,32]]", "[null,10]", "330"]],
                    "totals": [25450, 25450, 0],
                },
            ),
            python(
                "lines",
                SUMMARY,
                {"layers": [["(None, 32)", 25120], ["(None, 10)", 330]], "totals": [25450, 25450, 0]},
            ),
            *both("fed-by", "of a layer with two inputs in a graph, what feeds it", True),
        ),
    ),
    Row(
        "M11",
        "A saved model holds its architecture, its weights, how it was compiled and the state of its "
        "optimizer, so that training can be resumed.",
        (
            *both(
                "saved",
                "what is saved of a compiled and trained model where nothing else is asked for",
                {"architecture": True, "weights": True, "compilation": True, "state": True},
            ),
            *(
                fact
                for optimizer in ("sgd", "momentum", "rmsprop", "adagrad", "adadelta", "adam", "adamax")
                for fact in both(
                    f"resumed-{optimizer}",
                    "four epochs, and two, saved with all that there is, loaded, and two more: the same bits",
                    True,
                )
            ),
        ),
    ),
    Row(
        "M12",
        "Saving to `localstorage://` and loading from it is one line each.",
        (
            javascript("saved", "`model.save('localstorage://my-model-1')` in a page", True, BROWSER),
            javascript(
                "loaded", "`tf.loadLayersModel('localstorage://my-model-1')` in that page", True, BROWSER
            ),
        ),
    ),
    Row(
        "M13",
        "A custom layer, the sum of squares, works with the rest; a model with one cannot be serialized.",
        (
            *both("alone", "of [-2, 1, 0, 5] it gives 30", summed),
            *both("in-a-model", "and in a model, where `call` is given an array", summed),
            javascript("serialized", "the model is refused where it is to be serialized", "refused"),
            javascript("loaded", "loading it without the class says which class is not known", True),
        ),
        given=printed("custom_layer", "mjs"),
    ),
    Row(
        "M14",
        "The same model can be made of operations: its weights are trainable variables, and it cannot be "
        "saved.",
        (
            javascript("prediction", "what it makes of the images with the same weights", classified),
            javascript("trainable", "whether its variables are trainable", [True] * 4),
            javascript("gradients", "the shapes of the gradients by them", [[784, 32], [32], [32, 10], [10]]),
            javascript("serialization", "whether it has a method `save`", False),
        ),
        inputs=DIGITS,
        given=printed("core", "mjs"),
    ),
)
