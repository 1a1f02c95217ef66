"""Operations of Keras 3 that stand as nodes in a graph, as layers that compute them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from conformance.interchange.rewriting.rule import (
    NEGATED,
    Constant,
    Operand,
    Piece,
    Replacement,
    Rule,
    Site,
    permuted,
    rectified,
    rescaling,
    reshaped,
)
from conformance.reference_impl.layers.layer import Shape
from conformance.reference_impl.saving.configuration.known import Program

BOTH: tuple[Program, ...] = ("tfjs", "keras2")

Pieces = Sequence[Piece]


def _replaced(pieces: Pieces | None, how: str) -> Replacement | None:
    return None if pieces is None else Replacement(tuple(pieces), "class_name", how)


def _broadcasts_to(constant: Any, shape: Shape | None) -> bool:
    """Whether a tensor of this shape keeps it, as far as it is known, beside a constant."""
    dims = np.shape(constant)
    if not dims:
        return True
    if shape is None or len(dims) > len(shape):
        return False
    return all(m in (1, n) for m, n in zip(reversed(dims), reversed(shape), strict=False))


def _mergeable(operands: Sequence[Operand]) -> bool:
    """Whether layers that merge broadcast tensors as operations do: of one rank, with the batch first."""
    shapes = [o for o in operands if isinstance(o, tuple)]
    return (
        len(shapes) == len(operands)
        and len({len(s) for s in shapes}) == 1
        and len(shapes[0]) > 0
        and (len({s[0] for s in shapes}) == 1)
    )


def arithmetic(
    of_tensors: Pieces | None,
    with_constant: Callable[[Any], Pieces],
    from_constant: Callable[[Any], Pieces],
    how: str,
) -> Callable[[Site], Replacement | None]:
    """An operation of two operands.

    Args:
        of_tensors: the pieces for two tensors.
        with_constant: the pieces for a tensor and a constant, or none.
        from_constant: the pieces for a constant and a tensor, or none.
    """

    def apply(site: Site) -> Replacement | None:
        match site.operands:
            case (Constant(value), (tuple() | None) as shape):
                found, place = from_constant(_listed(value)), 1
            case ((tuple() | None) as shape, Constant(value)):
                found, place = with_constant(_listed(value)), 0
            case (_, _) if of_tensors and _mergeable(site.operands):
                return _replaced(of_tensors, how)
            case _:
                return None
        if not found or not _broadcasts_to(value, shape):
            return None
        first, *others = found
        return _replaced((first.on(place), *others), _classes(found))

    return apply


def _listed(value: Any) -> Any:
    return np.asarray(value, np.float64).tolist()


def _mapped(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of a constant, element by element."""
    return lambda value: function(np.asarray(value, np.float64)).tolist()


_opposite = _mapped(np.negative)
_inverse = _mapped(np.reciprocal)


def _classes(pieces: Pieces) -> str:
    return ", ".join(piece.class_name for piece in pieces)


def _times(value: Any) -> Pieces:
    return (rescaling(value),)


def _plus(value: Any) -> Pieces:
    return (rescaling(1.0, value),)


def _divided(value: Any) -> Pieces:
    return (rescaling(_inverse(value)),) if np.all(np.asarray(value) != 0) else ()


def _no_less_than(value: Any) -> Pieces:
    """relu(x − c) + c."""
    shifted = np.any(np.asarray(value) != 0)
    return (*_plus(_opposite(value)), rectified(), *_plus(value)) if shifted else (rectified(),)


def _no_more_than(value: Any) -> Pieces:
    """c − relu(c − x)."""
    return (rescaling(-1.0, value), rectified(), rescaling(-1.0, value))


def one_operand(*pieces: Piece, how: str) -> Callable[[Site], Replacement | None]:
    return lambda site: _replaced(pieces, how)


def joined(site: Site) -> Replacement | None:
    shapes = [o for o in site.operands if isinstance(o, tuple)]
    if not _mergeable(site.operands):
        return None
    axis = site.config.get("axis", 0) % len(shapes[0])
    if axis == 0:
        return None
    piece = Piece("Concatenate", {"axis": axis}).on(*range(len(shapes)))
    return _replaced((piece,), "the layer Concatenate")


def pooled(kind: str) -> Callable[[Site], Replacement | None]:
    """A mean or maximum over all of the space."""

    def apply(site: Site) -> Replacement | None:
        shape, axis = site.shape, site.config.get("axis")
        if shape is None or axis is None or len(shape) not in (3, 4):
            return None
        rank = len(shape)
        axes = sorted(a % rank for a in ([axis] if isinstance(axis, int) else axis))
        formats = {
            "channels_last": list(range(1, rank - 1)),
            "channels_first": list(range(2, rank)),
        }
        for data_format, space in formats.items():
            if axes == space:
                keeps = bool(site.config.get("keepdims"))
                config = {"data_format": data_format, "keepdims": keeps}
                return _replaced(
                    (Piece(f"Global{kind}Pooling{rank - 2}D", config),), "global pooling over these axes"
                )
        return None

    return apply


def _as_samples(site: Site, shape: Sequence[int | None]) -> Replacement | None:
    """The first operand in another shape, of which the batch is the first dimension still."""
    before = site.shape
    if before is None or not shape or shape[0] != before[0] or list(shape[1:]).count(None) > 1:
        return None
    return _replaced((reshaped(shape[1:]),), "the layer Reshape")


def reshape(site: Site) -> Replacement | None:
    new = site.config.get("newshape")
    if site.shape is None or not isinstance(new, list | tuple) or None in site.shape[1:]:
        return None
    size = math.prod(n for n in site.shape[1:] if n is not None)
    batch, *rest = [None if n in (-1, None) else n for n in new]
    if rest.count(None) or math.prod(n for n in rest if n is not None) != size:
        return None
    return _as_samples(site, (batch, *rest))


def expand_dims(site: Site) -> Replacement | None:
    axis = site.config.get("axis")
    if site.shape is None or not isinstance(axis, int):
        return None
    place = axis % (len(site.shape) + 1)
    return _as_samples(site, (*site.shape[:place], 1, *site.shape[place:])) if place else None


def squeeze(site: Site) -> Replacement | None:
    axis = site.config.get("axis")
    if site.shape is None or axis is None:
        return None
    places = {a % len(site.shape) for a in ([axis] if isinstance(axis, int) else axis)}
    if 0 in places or len(places) == len(site.shape) - 1:
        return None
    return _as_samples(site, [n for i, n in enumerate(site.shape) if i not in places])


def transpose(site: Site) -> Replacement | None:
    axes = site.config.get("axes")
    if site.shape is None or not axes:
        return None
    first, *dims = [a % len(site.shape) for a in axes]
    return _replaced((permuted(*dims),), "the layer Permute") if first == 0 else None


DIFFERENCE = (NEGATED.on(1).labelled("less"), Piece("Add").on(0, "less"))

ABSOLUTE = (
    NEGATED,
    rectified().labelled("below"),
    rectified().on(0).labelled("above"),
    Piece("Add").on("above", "below"),
)

RULES = (
    Rule(("ops.Add",), arithmetic((Piece("Add").on(0, 1),), _plus, _plus, "the layer Add"), BOTH),
    Rule(
        ("ops.Subtract",),
        arithmetic(
            DIFFERENCE,
            lambda c: _plus(_opposite(c)),
            lambda c: (rescaling(-1.0, c),),
            "x + (−y)",
        ),
        BOTH,
    ),
    Rule(
        ("ops.Multiply",),
        arithmetic((Piece("Multiply").on(0, 1),), _times, _times, "the layer Multiply"),
        BOTH,
    ),
    Rule(("ops.Divide", "ops.TrueDivide"), arithmetic(None, _divided, lambda c: (), ""), BOTH),
    Rule(
        ("ops.Maximum",),
        arithmetic((Piece("Maximum").on(0, 1),), _no_less_than, _no_less_than, "the layer Maximum"),
        BOTH,
    ),
    Rule(
        ("ops.Minimum",),
        arithmetic((Piece("Minimum").on(0, 1),), _no_more_than, _no_more_than, "the layer Minimum"),
        BOTH,
    ),
    Rule(("ops.Absolute",), one_operand(*ABSOLUTE, how="relu(x) + relu(−x)"), BOTH),
    Rule(("ops.Negative",), one_operand(NEGATED, how="Rescaling"), BOTH),
    Rule(("ops.Square",), one_operand(Piece("Multiply").on(0, 0), how="x · x"), BOTH),
    Rule(("ops.Concatenate",), joined, BOTH),
    Rule(("ops.Mean",), pooled("Average"), BOTH),
    Rule(("ops.Max",), pooled("Max"), BOTH),
    Rule(("ops.Reshape",), reshape, BOTH),
    Rule(("ops.ExpandDims",), expand_dims, BOTH),
    Rule(("ops.Squeeze",), squeeze, BOTH),
    Rule(("ops.Transpose",), transpose, BOTH),
    Rule(
        ("layers.Subtract",),
        lambda site: _replaced(DIFFERENCE, "x + (−y)"),
    ),
)
