"""The guide "Models and layers"."""

from __future__ import annotations

from conformance.cases.guide.row import BROWSER, Row, both, javascript

ROWS = (
    Row(
        "M11",
        "A saved model holds its architecture, its weights, how it was compiled and the state of its optimizer, so "
        "that training can be resumed.",
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
)
