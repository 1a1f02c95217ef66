"""The arguments about a kernel and a bias, which products of every shape take alike."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import Serialized, field
from conformance.reference_impl.layers.layer import Layer


class KernelAndBias(Layer, registered=False):
    """A layer that has a kernel and may have a bias: how they begin, and what training holds them to."""

    kernel_initializer = field(fields.initializer, "glorot_uniform")
    bias_initializer = field(fields.initializer, "zeros")
    kernel_regularizer = field(fields.regularizer, None)
    bias_regularizer = field(fields.regularizer, None)
    activity_regularizer = field(fields.regularizer, None, serialized=Serialized.IF_SET)
    kernel_constraint = field(fields.constraint, None)
    bias_constraint = field(fields.constraint, None)
