"""Rewrites layers that a target has no words for into others that compute the same."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.reference_impl.saving.configuration.known import Target
from conformance.reference_impl.saving.saved_model import SavedModel


@dataclass(frozen=True)
class Rewrite:
    """A layer that has been rewritten: which, what of it, why, and how."""

    layer: str
    what: str
    why: str
    how: str


def rewritten(model: SavedModel, target: Target) -> tuple[SavedModel, tuple[Rewrite, ...]]:
    """The model with other layers."""
    return model, ()
