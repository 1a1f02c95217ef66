"""The property of the guides: what they promise to users of Keras holds today."""

from conformance.cases.properties.property import Property

PROPERTIES = (
    Property("guide", "What the guides of TensorFlow.js say to users of Keras holds today.", ("guide/*",)),
)
