"""What TensorFlow.js makes of whole models; what it says of a layer, and which it refuses, is recorded of the
layers themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from conformance.cases.case import Case
from conformance.cases.drafts.models import designed
from conformance.cases.drafts.models.sketch import Sketch
from conformance.cases.models import configuration, described
from conformance.dialects.deviation import Metadata, Raises, Value
from conformance.dialects.exchanging import about
from conformance.dialects.tensorflow_js.record import LAYERS, deviation, searched
from conformance.reference_impl.models.graph import Call, Reference, graph
from conformance.reference_impl.patches import patched
from conformance.reference_impl.saving.saved_model import JSONObject
from conformance.reference_impl.saving.tfjs_order import order_of_calls


def uses_output_and_state(model: JSONObject) -> bool:
    """Of a recurrent layer that gives its last step and its states, both the step and the first of the
    states, which are one tensor, go on to other layers."""
    found = graph(model)
    taken = {
        (reference.layer, reference.call, reference.output)
        for call in found.calls
        for reference in call.references
    }
    return any(
        (call.layer, call.index, 0) in taken and (call.layer, call.index, 1) in taken
        for call in found.calls
        if found.layers[call.layer]["config"].get("return_state")
        and not found.layers[call.layer]["config"].get("return_sequences")
    )


def as_made(
    original: Callable[[Mapping[str, JSONObject]], list[Call]], layers: Mapping[str, JSONObject]
) -> list[Call]:
    """The calls of layers, those of each counted in the order in which they are made."""
    calls = original(layers)
    made = order_of_calls(layers, calls)
    if any(call.index not in made[call.layer] for call in calls):
        return calls
    return [replace(call, index=made[call.layer].index(call.index)) for call in calls]


AS_MADE = {"models.counted_calls": as_made}


def reorders(model: JSONObject) -> bool:
    """The calls of a layer are all made, and in another order than the one in which they are counted."""
    found = graph(model)
    made = order_of_calls(found.layers, found.calls)
    all_made = all(call.index in made[call.layer] for call in found.calls)
    return all_made and any(own != sorted(own) for own in made.values())


def with_calls_as_made(case: Case, expected: Any) -> Any:
    """What is said of a model with the calls of its layers, and of those of models inside, as they are
    made."""
    with patched(AS_MADE):
        return _with_calls_of(described(configuration(case)), expected)


def _with_calls_of(other: JSONObject, model: JSONObject) -> JSONObject:
    layers = {
        name: _with_calls_of(other["layers"][name], layer) if "calls" in layer else layer
        for name, layer in model["layers"].items()
    }
    return model | {"layers": layers, "calls": other["calls"]}


def called_late_and_early() -> Case:
    """A shared layer, called first on what another layer gives, then on the input. It stands before the other
    layer, and so it does in files that Keras writes, since more layers come behind its second call."""
    sketch = Sketch("late_and_early")
    x = sketch.input("x", 3)
    late = sketch.layer("Dense", "shared", Reference("inner"), units=3)
    early = sketch.again("shared", x)
    sketch.layer("Dense", "inner", x, units=3, activation="tanh")
    behind = sketch.layer("Dense", "behind", early, units=2, activation="tanh")
    return sketch.case(sketch.layer("Dense", "top", behind, units=2), late)


REORDERED = (
    "A functional model is loaded with the calls of a shared layer in another order where one of them takes "
    "what a layer gives that comes later in the file: it is put aside, the calls after it are counted first"
)
reordering = partial(
    deviation,
    kind="bug",
    source=f"{LAYERS}/engine/container.js:1048 (Container.fromConfig, processNode), :1104",
    upstream=searched(
        "shared layer called several times loadLayersModel node order permuted outputs swapped"
    ),
    remedy="Call a shared layer first on what is computed from the input by the fewest layers.",
    converted="counts the calls in that order",
    since="tfjs-layers 0.8.3 (2018)",
    scope=about(reorders),
    witnesses=(called_late_and_early(),),
)

DEVIATIONS = (
    deviation(
        "tfjs-disposes-what-is-two-outputs",
        "`predict` fails where the last step of a recurrent layer goes on to one layer and the state, the "
        "same tensor, to another: it is disposed of behind the first.",
        kind="bug",
        source=f"{LAYERS}/engine/executor.js:275 (execute), layers/recurrent.js:553 (RNN.call)",
        upstream=searched(
            "LSTM returnState predict Tensor is disposed output and state same tensor executor"
        ),
        remedy="Give both layers the state.",
        since="tfjs-layers 0.9.0 (2018)",
        scope=about(uses_output_and_state),
        effect=Raises("invalid-argument", "call", ("loaded/output/*",), "Tensor is disposed"),
        witnesses=(designed.states(),),
    ),
    reordering(
        "tfjs-reorders-calls-of-shared-layer",
        f"{REORDERED}, and what refers to one of them by its number is given the output of another. Nothing "
        "says so, and the model computes something else.",
        effect=Value(AS_MADE, ("loaded/output/*",)),
    ),
    reordering(
        "tfjs-tells-reordered-calls-of-shared-layer",
        f"{REORDERED}. So the model tells them, and saves them.",
        effect=Metadata(("saved/config", "loaded/config"), with_calls_as_made),
    ),
)
