"""What Keras 3.15 makes of files with models: those that Keras 2 has written, and its own in HDF5."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.cases.drafts.models import designed
from conformance.cases.models import UNREADABLE
from conformance.dialects.deviation import Metadata, Raises
from conformance.dialects.exchanging import about, gives_states
from conformance.dialects.keras_record import KERAS, in_keras, searched
from conformance.reference_impl.layers.nested import names_layer
from conformance.reference_impl.models.graph import graph, is_model, is_operation
from conformance.reference_impl.saving.configuration.masks import Masks
from conformance.reference_impl.saving.saved_model import JSONObject

LOADED = ("loaded/*",)


def calls_models(model: JSONObject) -> bool:
    """A layer is called on what a model inside gives."""
    found = graph(model)
    return model["class_name"] != "Sequential" and any(
        is_model(found.layers[reference.layer]) for call in found.calls for reference in call.references
    )


def holds_layers(model: JSONObject) -> bool:
    """A layer has others in its configuration."""
    return any(
        names_layer(value)
        for layer in model["config"]["layers"]
        if not is_model(layer) and not is_operation(layer)
        for value in layer["config"].values()
    )


def hands_masks_on(model: JSONObject) -> bool:
    """In a functional model, a mask goes along with what a layer is called on."""
    found = graph(model)
    handed = Masks(found).handed
    return model["class_name"] != "Sequential" and any(
        handed.get(reference) is not None for call in found.calls for reference in call.references
    )


def unreadable(case: Case, expected: Any) -> Any:
    return (
        f"{UNREADABLE}layer not_equal: NotEqual is no layer of Keras, and custom ones are not loaded; the "
        "nearest are Equalization, Concatenate, Softmax"
    )


MASKS_IN_HDF5 = (
    "A functional model in which a mask goes from layer to layer is saved as .h5 with the operations that "
    "compute the mask, which Keras then does not know."
)

DEVIATIONS = (
    in_keras(
        "keras-writes-operations-of-masks-into-hdf5",
        MASKS_IN_HDF5,
        "bug",
        "keras 3.15.1, keras/src/models/functional.py:418 (Functional.get_config), "
        "legacy/saving/legacy_h5_format.py (save_model_to_hdf5)",
        remedy="Save it as .keras.",
        since="keras 3.0.0 (2023)",
        scope=about(hands_masks_on),
        effect=Metadata(("saved/*",), unreadable),
        witnesses=(designed.text(),),
        upstream=searched("keras 3 h5 Unknown layer NotEqual masking Embedding mask_zero"),
    ),
    in_keras(
        "keras-does-not-load-its-masks-from-hdf5",
        MASKS_IN_HDF5,
        "bug",
        "keras 3.15.1, keras/src/legacy/saving/serialization.py "
        "(class_and_config_for_serialized_keras_object)",
        remedy="Save it as .keras.",
        converted="makes a .keras of it",
        since="keras 3.0.0 (2023)",
        scope=about(hands_masks_on),
        effect=Raises("invalid-argument", "load", LOADED, "Unknown layer: 'NotEqual'"),
        witnesses=(designed.text(),),
        upstream=searched("keras 3 h5 Unknown layer NotEqual masking Embedding mask_zero"),
    ),
    in_keras(
        "keras-refuses-models-in-models-of-keras-2",
        "An .h5 of Keras 2 in which a model stands in another is not loaded: Keras 2 counts the graph of "
        "the inner one as its first call.",
        "bug",
        "keras 3.15.1, keras/src/models/functional.py:793 (deserialize_node)",
        remedy="Convert it to .keras.",
        converted="does so",
        since="keras 3.0.0 (2023)",
        scope=about(calls_models),
        effect=Raises("invalid-argument", "load", LOADED, "either has loops or disconnected nodes"),
        witnesses=(designed.nested(),),
        upstream=f"{KERAS}/pull/19509",
    ),
    in_keras(
        "keras-refuses-layers-in-layers-of-keras-2",
        "An .h5 of Keras 2 (until 2.12) with a layer inside another, as in Bidirectional or TimeDistributed, "
        "is not loaded: the inner one is described without a module, by which alone Keras 3 finds it there.",
        "bug",
        "keras 3.15.1, keras/src/saving/serialization_lib.py (deserialize_keras_object), "
        "layers/rnn/bidirectional.py:537 (from_config)",
        remedy="Convert it to .keras.",
        converted="does so",
        since="keras 3.0.0 (2023)",
        scope=about(holds_layers),
        effect=Raises("type", "load", LOADED, "Could not locate class"),
        witnesses=(designed.wrapped(),),
        upstream=f"{KERAS}/issues/19898",
    ),
    in_keras(
        "keras-refuses-initial-states-of-keras-2",
        "An .h5 of Keras 2 with a recurrent layer that is given its initial states is not loaded: they "
        "stand among its inputs there.",
        "bug",
        "keras 3.15.1, keras/src/models/functional.py:764 (deserialize_node)",
        remedy="Convert it to .keras.",
        converted="does so",
        since="keras 3.0.0 (2023)",
        scope=about(gives_states),
        effect=Raises("invalid-argument", "load", LOADED, "expects 1 input(s), but it received"),
        stands="Keras takes the same model from .keras. TensorFlow.js loads this file, and fails at a call "
        "that has nothing to do with it (tfjs-disposes-what-is-two-outputs).",
        witnesses=(designed.states(),),
        upstream=searched("keras 3 load h5 LSTM initial_state expects 1 input received 3 input tensors"),
    ),
)
