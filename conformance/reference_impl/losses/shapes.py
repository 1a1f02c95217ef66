"""How labels, predictions and weights of different shapes are brought together before a loss is computed."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.primitives import reshape
from conformance.reference_impl.tape import Tensor, current_arithmetic, variable


def as_predictions(x: Tensor | Array, dtype: str = "float32") -> Tensor:
    """The predictions as a tensor of floats: floats as they are, anything else in the dtype, or in float64
    where bounds are derived."""
    if not isinstance(x, Tensor):
        x = variable(xp.asarray(x), tracked=False)
    if x.dtype.kind == "f":
        return x
    truth = "float64" if current_arithmetic() is not None else dtype
    return variable(x.value.astype(truth), tracked=False)


def as_labels(x: Tensor | Array, predictions: Tensor) -> Tensor:
    """Labels or weights as a tensor of the predictions' dtype; those of another dtype are constants."""
    if not isinstance(x, Tensor):
        x = variable(xp.asarray(x), tracked=False)
    if x.dtype == predictions.dtype:
        return x
    return variable(x.value.astype(predictions.dtype), tracked=False)


def same_rank(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Both, of which one loses a last axis of size one that the other has not. A vector gets such an axis
    instead, where the other is a column.

    Source: `squeeze_or_expand_to_same_rank` of Keras.

    >>> import numpy as np
    >>> x, y = same_rank(variable(np.ones((4, 1))), variable(np.ones(4)))
    >>> x.shape, y.shape
    ((4, 1), (4, 1))
    >>> x, y = same_rank(variable(np.ones((2, 4, 1))), variable(np.ones((2, 4))))
    >>> x.shape, y.shape
    ((2, 4), (2, 4))
    """
    if x.ndim == y.ndim + 1 and x.shape[-1] == 1:
        return (x, _with_axis(y)) if y.ndim == 1 else (_without_axis(x), y)
    if y.ndim == x.ndim + 1 and y.shape[-1] == 1:
        return (_with_axis(x), y) if x.ndim == 1 else (x, _without_axis(y))
    return x, y


def _with_axis(x: Tensor) -> Tensor:
    return reshape(x, shape=(*x.shape, 1))


def _without_axis(x: Tensor) -> Tensor:
    return reshape(x, shape=x.shape[:-1])


def refuse_unless_broadcasting(x: Tensor, y: Tensor, what: str) -> None:
    """Raises ValueError, naming both shapes, where they do not broadcast."""
    sizes = zip(reversed(x.shape), reversed(y.shape), strict=False)
    if any(n != m and 1 not in (n, m) for n, m in sizes):
        raise ValueError(f"{what} have shapes that broadcast, got {x.shape} and {y.shape}")


def refuse_unless_alike(y_true: Tensor, y_pred: Tensor) -> None:
    """Raises ValueError, naming both shapes, where they differ."""
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"`y_true` has the shape of `y_pred`, which is {y_pred.shape}; got shape {y_true.shape}"
        )


def axes_of(axis: int | Sequence[int] | None, x: Tensor) -> tuple[int, ...]:
    """The axes as non-negative numbers, all of them for None; raises ValueError where x has not one."""
    if axis is None:
        return tuple(range(x.ndim))
    given = (axis,) if isinstance(axis, int) else tuple(axis)
    if not all(-x.ndim <= a < x.ndim for a in given):
        raise ValueError(
            f"argument `axis`: an axis of `y_pred`, whose shape is {x.shape}, is from {-x.ndim} to "
            f"{x.ndim - 1}; got {axis}"
        )
    return tuple(a % x.ndim for a in given)
