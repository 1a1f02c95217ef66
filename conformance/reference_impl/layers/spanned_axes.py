"""The axis or axes that a normalization is along, as its argument `axis` names them."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.reference_impl.layers.layer import Shape


def axes_of(axis: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """The axes in ascending order, none of them negative.

    >>> axes_of([-1, 1], 4)
    (1, 3)
    """
    return tuple(sorted(a % rank for a in ([axis] if isinstance(axis, int) else axis)))


def along(axes: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with size one for every other axis."""
    return tuple(n if axis in axes else 1 for axis, n in enumerate(shape))


def check_axes(axis: int | Sequence[int], shape: Shape) -> None:
    """Refuses an axis that an input of this shape has not, and one that is named twice.

    Raises:
        ValueError: naming the axes, and the shape.

    >>> check_axes([1, -1], (2, 3))
    Traceback (most recent call last):
    ValueError: argument `axis`: each axis is allowed once, got [1, -1] for an input of shape (2, 3)
    """
    rank, axes = len(shape), [axis] if isinstance(axis, int) else axis
    outside = [a for a in axes if not -rank <= a < rank]
    if outside:
        raise ValueError(
            f"argument `axis`: axes from {-rank} to {rank - 1} are allowed for an input of shape {shape}, "
            f"got {outside}"
        )
    if len({a % rank for a in axes}) < len(axes):
        raise ValueError(
            f"argument `axis`: each axis is allowed once, got {axis} for an input of shape {shape}"
        )
