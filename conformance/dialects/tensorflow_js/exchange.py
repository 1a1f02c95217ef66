"""What TensorFlow.js makes of whole models; what it says of a layer, and which it refuses, is recorded of the
layers themselves."""

from __future__ import annotations

from conformance.cases.drafts.models import designed
from conformance.dialects.deviation import Raises
from conformance.dialects.exchanging import about
from conformance.dialects.tensorflow_js.record import LAYERS, deviation, searched
from conformance.reference_impl.models.graph import graph
from conformance.reference_impl.saving.saved_model import JSONObject


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
)
