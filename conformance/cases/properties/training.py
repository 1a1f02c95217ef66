"""Properties of training runs: steps, histories, evaluation, prediction, callbacks."""

from conformance.cases.properties.property import Property

PROPERTIES = (
    Property(
        "fit",
        "From the backend's own weights and slots before it, each step of training leaves the "
        "specification's; so do histories, and the weights at the end.",
        ("fit/step/*", "fit/history/*", "fit/epochs", "fit/weight/*", "train_on_batch/*"),
    ),
    Property(
        "evaluate",
        "The loss and the metrics of data are the specification's, with penalties, weights and a smaller "
        "last batch.",
        ("evaluate/log/*", "test_on_batch/*"),
    ),
    Property("predict", "The outputs for data in batches are the specification's.", ("predict/*",)),
    Property(
        "callbacks",
        "Callbacks are called at the specification's occasions, in its order, with the logs it names; they "
        "write its files, and into them the numbers that it has then.",
        ("fit/callbacks", "evaluate/callbacks", "fit/files", "fit/file/*"),
    ),
)
