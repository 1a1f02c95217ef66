"""Shapes, as far as they are known, and of any nest of outputs."""

from __future__ import annotations

from typing import Any, SupportsIndex

import tensorflow as tf


def as_known(knowledge: str, shapes: list[tuple[int, ...]], input_spec: Any) -> list[tuple[int | None, ...]]:
    """The inputs' shapes, as far as they are known: `concrete`, `unknown_batch`, or `unknown`, where only
    those dimensions remain that the built layer's `input_spec` fixes."""
    match knowledge:
        case "concrete":
            return list(shapes)
        case "unknown_batch":
            return [(None, *shape[1:]) for shape in shapes]
        case "unknown":
            specs = tf.nest.flatten(input_spec)
            fixed = [getattr(spec, "axes", None) or {} for spec in specs] + [{}] * len(shapes)
            return [
                tuple(n if {axis, axis - len(shape)} & axes.keys() else None for axis, n in enumerate(shape))
                for shape, axes in zip(shapes, fixed, strict=False)
            ]
    raise ValueError(f"a shape is concrete, unknown_batch or unknown, not {knowledge!r}")


def shape_list(shapes: Any) -> list[list[int | None]]:
    """The shapes of all outputs in order, of one shape or any nest of shapes."""
    if all(n is None or isinstance(n, SupportsIndex) for n in shapes):
        return [[None if n is None else int(n) for n in shapes]]
    parts = shapes.values() if isinstance(shapes, dict) else shapes
    return [shape for part in parts for shape in shape_list(part)]
