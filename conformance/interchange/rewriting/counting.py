"""The calls of shared layers, numbered as TensorFlow.js will number them."""

from __future__ import annotations

from dataclasses import replace

from conformance.interchange.rewriting.rewriter import Rewrite
from conformance.reference_impl.models.graph import is_model
from conformance.reference_impl.saving.saved_model import SavedModel
from conformance.reference_impl.saving.tfjs_order import counted_as_made


def calls_counted(saved: SavedModel, rewrites: tuple[Rewrite, ...]) -> tuple[SavedModel, tuple[Rewrite, ...]]:
    """A model that TensorFlow.js connects as it is told to.

    Args:
        rewrites: what has been done to the model before.

    Returns:
        the model, and all that has been done to it.

    Raises:
        ValueError: its graph is broken.
    """
    configuration, recounted = counted_as_made(saved.configuration)
    added = tuple(
        Rewrite(
            "/".join(layer.path),
            f"{'models' if is_model(layer.description) else 'layers'}.{layer.description['class_name']}",
            "tfjs-reorders-calls-of-shared-layer",
            "its calls are counted in the order in which TensorFlow.js makes them",
            (layer.path[-1],),
        )
        for layer in recounted
    )
    return replace(saved, configuration=configuration), (*rewrites, *added)
