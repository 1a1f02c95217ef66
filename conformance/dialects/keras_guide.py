"""What the guides of TensorFlow.js say of Keras and does not hold of Keras 3."""

from __future__ import annotations

from conformance.cases.guide import ROWS
from conformance.dialects.deviation import Metadata, Raises, subject
from conformance.dialects.keras_record import in_keras, searched

DEVIATIONS = (
    in_keras(
        id="keras-guide-eager",
        summary="A layer that is called on an array or on a tensor with values gives one with values: "
        "Keras is eager since version 2.0 of TensorFlow (2019), and was symbolic only before.",
        kind="intentional",
        source="keras 3.15.1, keras/src/layers/layer.py, Layer.__call__",
        upstream=searched(
            "keras layer call eager tensor symbolic input guide Layer.__call__ returns values numpy array "
            "eager execution"
        ),
        remedy="Nothing need be done.",
        since="keras 2.6.0 (2021)",
        scope=subject("guide.G09"),
        effect=Metadata(
            ("guide/python/kinds",), lambda case, expected: expected | {"of a concrete one": "concrete"}
        ),
        witnesses=(ROWS["G09"].case,),
    ),
    in_keras(
        id="keras-guide-h5-not-trained-on",
        summary="A model that is loaded from an .h5 with the state of its optimizer cannot be trained: the "
        "optimizer is built for the variables that the model has besides those of its layers, which "
        "are none.",
        kind="bug",
        source="keras 3.15.1, keras/src/legacy/saving/legacy_h5_format.py, load_model_from_hdf5, "
        "`model.optimizer.build(model._trainable_variables)`",
        upstream=searched("keras load_model h5 fit unknown variable optimizer originally built with"),
        remedy="Compile it again, or save it as `.keras`.",
        since="keras 3.0.0 (2023)",
        scope=subject("guide.I04"),
        effect=Raises("invalid-argument", "call", ("guide/python/training",), "Unknown variable: "),
        witnesses=(ROWS["I04"].case,),
    ),
)
