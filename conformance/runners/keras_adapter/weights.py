"""Weights by the names that cases use."""

from __future__ import annotations

from typing import Any

from conformance.runners.keras_adapter.runtime import api


def named(weights: list[Any]) -> dict[str, Any]:
    """The variables by the last part of their paths, or where some would share it, after as many of the first
    parts in which the paths differ as tell them apart: `forward_lstm/kernel` of
    `bidirectional/forward_lstm/lstm_cell/kernel`."""
    paths = [api.path(variable).split("/") for variable in weights]
    telling = [level for level, parts in enumerate(zip(*paths, strict=False)) if len(set(parts)) > 1]
    for count in range(len(telling) + 1):
        names = ["/".join([*(path[level] for level in telling[:count]), path[-1]]) for path in paths]
        if len(set(names)) == len(names):
            break
    return dict(zip(names, weights, strict=True))
