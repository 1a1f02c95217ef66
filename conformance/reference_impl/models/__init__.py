"""Sequential and functional models of the specification."""

from conformance.reference_impl.models.graph import Graph, Reference
from conformance.reference_impl.models.model import LayerCall, Model, Outcome, Shapes
from conformance.reference_impl.models.summary import summary

__all__ = ["Graph", "LayerCall", "Model", "Outcome", "Reference", "Shapes", "summary"]
