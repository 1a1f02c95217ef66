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


def refuse_axes_outside(axis: int | Sequence[int], shape: Shape) -> None:
    """Refuses an axis that an input of this shape has not.

    Raises:
        ValueError: naming the axes, and the shape.
    """
    rank = len(shape)
    outside = [a for a in ([axis] if isinstance(axis, int) else axis) if not -rank <= a < rank]
    if outside:
        raise ValueError(
            f"argument `axis`: axes from {-rank} to {rank - 1} are allowed for an input of shape {shape}, "
            f"got {outside}"
        )
