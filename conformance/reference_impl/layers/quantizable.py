"""The argument of layers that Keras can quantize; the specification computes them as they are."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Layer


class Quantizable(Layer, registered=False):
    """A layer that has the method `quantize` in Keras."""

    quantization_config = field(fields.optional(fields.mapping), None, "how `quantize` would act")
