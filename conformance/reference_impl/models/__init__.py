"""Sequential and functional models of the specification."""

from conformance.reference_impl.models.as_layer import model_inside
from conformance.reference_impl.models.graph import Graph, Reference
from conformance.reference_impl.models.model import LayerCall, Model, Outcome, Shapes, held_by

__all__ = ["Graph", "LayerCall", "Model", "Outcome", "Reference", "Shapes", "held_by", "model_inside"]
