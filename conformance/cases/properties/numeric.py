"""Properties of what is computed: values and gradients, within limits derived from the case."""

from conformance.cases.properties.property import Property

PROPERTIES = (
    Property("forward", "The output in inference mode is the specification's.", ("output/*",)),
    Property(
        "determinism",
        "A call gives the same bits whatever was called before it; a stateful layer goes on from its last "
        "states.",
        ("again/*",),
    ),
    Property(
        "metamorphic",
        "Outputs are what the backend's own outputs to related cases make of them.",
        ("relation/*",),
    ),
    Property(
        "training-forward",
        "The output in training mode, and the state that the call leaves, are the specification's.",
        ("training/output/*", "training/state/*"),
    ),
    Property(
        "gradients",
        "The vjp with a random cotangent is the specification's, by every input and weight, in both modes.",
        ("gradient/*", "training/gradient/*"),
    ),
    Property(
        "optimizer-steps",
        "From the same gradients and slots, an update leaves the specification's variables and slots.",
        ("update/*", "slot/*"),
    ),
    Property(
        "metrics",
        "After each update, and after a reset, a metric has the specification's result and variables.",
        ("result/*", "state/*"),
    ),
    Property(
        "random",
        "What is drawn, in training or by an initializer, follows the specification's law, and the seed "
        "settles it.",
        ("random", "drawn", "seeds"),
    ),
)
