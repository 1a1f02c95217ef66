"""Operations of Keras that stand as layers in functional graphs, made of primitives."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.reference_impl import activations
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.layers.layer import Shape
from conformance.reference_impl.primitives import (
    absolute,
    add,
    concatenate,
    divide,
    exp,
    largest,
    log,
    maximum,
    mean,
    minimum,
    multiply,
    negative,
    reshape,
    rsqrt,
    sqrt,
    square,
    subtract,
    total,
    transpose,
)
from conformance.reference_impl.spelling import suggestion
from conformance.reference_impl.tape import Tensor

Shapes = Sequence[Shape]


@dataclass(frozen=True)
class Definition:
    """An operation: its value, of tensors and constants and by the arguments of its configuration, and its
    shape, of shapes and by the same arguments."""

    value: Callable[..., Tensor]
    shape: Callable[..., Shape]

    @functools.cached_property
    def arguments(self) -> frozenset[str]:
        """The names of those that the configuration gives: all that have a default, or come by name alone."""
        parameters = inspect.signature(self.value).parameters.values()
        return frozenset(p.name for p in parameters if p.kind is p.KEYWORD_ONLY or p.default is not p.empty)


class Operation:
    """An operation with its arguments, as a graph names it.

    Raises:
        ValueError: the specification has no such operation, or it has no such argument.

    >>> Operation("Any", {"name": "any", "axis": -1, "keepdims": False}).output_shape([(None, 4, 2)])
    (None, 4)
    """

    def __init__(self, class_name: str, config: Mapping[str, Any]) -> None:
        self.class_name = class_name
        self.definition = _definition(class_name)
        self.arguments = {name: value for name, value in config.items() if name != "name"}
        unknown = {
            name
            for name, value in self.arguments.items()
            if name not in self.definition.arguments and value is not None
        }
        if unknown:
            raise ValueError(
                f"operation {class_name} has no argument {', '.join(sorted(unknown))}; it has "
                f"{', '.join(sorted(self.definition.arguments)) or 'none'}"
            )
        self.arguments = {k: v for k, v in self.arguments.items() if k in self.definition.arguments}

    def call(self, operands: Sequence[Any]) -> Tensor:
        """The result of tensors and constants; raises as `output_shape` does."""
        self.output_shape([x.shape if isinstance(x, Tensor) else xp.shape(x) for x in operands])
        return self.definition.value(*operands, **self.arguments)

    def output_shape(self, shapes: Shapes) -> Shape:
        """The shape of the result for operands of these shapes; that of a number is empty.

        Raises:
            ValueError: operands of these shapes do not go together; the message names the operation.
        """
        try:
            return self.definition.shape(*shapes, **self.arguments)
        except (TypeError, IndexError) as error:
            raise ValueError(
                f"operation {self.class_name} does not take operands of shapes {list(shapes)} with the "
                f"arguments {self.arguments}"
            ) from error


def _definition(class_name: str) -> Definition:
    if class_name in OPERATIONS:
        return OPERATIONS[class_name]
    name = snake_case(class_name)
    if name in activations.ACTIVATIONS:
        return Definition(activations.get(name).function, _same)
    names = [*OPERATIONS, *activations.ACTIVATIONS]
    raise ValueError(f"the specification has no operation {class_name!r}; {suggestion(class_name, names)}")


def _same(x: Shape, **arguments: Any) -> Shape:
    return x


def _broadcast(*shapes: Shape) -> Shape:
    """The shape of operands of which any axis of size one is repeated; an unknown size may be any."""
    rank = max(map(len, shapes))
    whole = []
    for sizes in zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in shapes), strict=True):
        known = {n for n in sizes if n not in (1, None)}
        if len(known) > 1:
            raise TypeError
        whole.append(known.pop() if known else None if None in sizes else 1)
    return tuple(whole)


def _axes(rank: int, axis: Any) -> tuple[int, ...]:
    """The axes that an argument names, counted from the front; all of them for None."""
    given = range(rank) if axis is None else [axis] if isinstance(axis, int) else axis
    if any(not -rank <= a < rank for a in given):
        raise IndexError
    return tuple(sorted(a % rank for a in given))


def _reduced(x: Shape, *, axis: Any = None, keepdims: bool = False) -> Shape:
    axes = _axes(len(x), axis)
    return tuple(1 if i in axes else n for i, n in enumerate(x) if keepdims or i not in axes)


def _compared(compare: Callable[[Any, Any], Array]) -> Definition:
    """Which elements stand in a relation, as booleans; they carry no error."""
    return Definition(lambda x, y: Tensor(compare(_value(x), _value(y))), _broadcast)


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Tensor) else x


def _any(x: Tensor, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    return Tensor(xp.any(x.value, axis=_axes(x.ndim, axis), keepdims=keepdims))


def _all(x: Tensor, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    return Tensor(xp.all(x.value, axis=_axes(x.ndim, axis), keepdims=keepdims))


def _sum(x: Tensor, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    return total(x, axis=_axes(x.ndim, axis), keepdims=keepdims)


def _mean(x: Tensor, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    return mean(x, axis=_axes(x.ndim, axis), keepdims=keepdims)


def _max(x: Tensor, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    axes = _axes(x.ndim, axis)
    found = x
    for a in axes:
        found = largest(found, axis=a)
    return found if keepdims else reshape(found, shape=_reduced(x.shape, axis=axes))


def _reshaped(x: Tensor, *, newshape: Sequence[int]) -> Tensor:
    return reshape(x, shape=tuple(newshape))


def _reshaped_shape(x: Shape, *, newshape: Sequence[int]) -> Shape:
    # Only the sizes that are given are known; that of -1 is known where all of the input's are.
    given: list[int | None] = [None if n == -1 else n for n in newshape]
    if None in given and None not in x:
        rest = 1
        for n in given:
            rest *= 1 if n is None else n
        whole = 1
        for m in x:
            assert m is not None  # none is unknown
            whole *= m
        given[given.index(None)] = whole // rest if rest else 0
    return tuple(given)


def _expanded(x: Tensor, *, axis: Any) -> Tensor:
    shape = _expanded_shape(x.shape, axis=axis)
    return reshape(x, shape=tuple(n for n in shape if n is not None))


def _expanded_shape(x: Shape, *, axis: Any) -> Shape:
    given = [axis] if isinstance(axis, int) else list(axis)
    rank = len(x) + len(given)
    places = _axes(rank, given)
    others = iter(x)
    return tuple(1 if i in places else next(others) for i in range(rank))


def _squeezed(x: Tensor, *, axis: Any = None) -> Tensor:
    shape = _squeezed_shape(x.shape, axis=axis)
    return reshape(x, shape=tuple(n for n in shape if n is not None))


def _squeezed_shape(x: Shape, *, axis: Any = None) -> Shape:
    places = _axes(len(x), [i for i, n in enumerate(x) if n == 1] if axis is None else axis)
    return tuple(n for i, n in enumerate(x) if i not in places)


def _transposed(x: Tensor, *, axes: Sequence[int] | None = None) -> Tensor:
    return transpose(x, axes=_order(x.ndim, axes))


def _transposed_shape(x: Shape, *, axes: Sequence[int] | None = None) -> Shape:
    return tuple(x[i] for i in _order(len(x), axes))


def _order(rank: int, axes: Sequence[int] | None) -> tuple[int, ...]:
    order = tuple(reversed(range(rank))) if axes is None else tuple(a % rank for a in axes)
    if sorted(order) != list(range(rank)):
        raise TypeError
    return order


def _joined(*parts: Tensor, axis: int = 0) -> Tensor:
    return concatenate(*parts, axis=axis)


def _joined_shape(*parts: Shape, axis: int = 0) -> Shape:
    (place,) = _axes(len(parts[0]), axis)
    if len({len(part) for part in parts}) > 1:
        raise TypeError
    sizes = [part[place] for part in parts]
    length = None if None in sizes else sum(n for n in sizes if n is not None)
    others = [_broadcast(*(part[:place] + part[place + 1 :] for part in parts))]
    return (*others[0][:place], length, *others[0][place:])


def _cast(x: Tensor, *, dtype: str) -> Tensor:
    wanted = _dtype(x, dtype)
    return x if x.dtype == wanted else Tensor(x.value.astype(wanted))


def _zeros(x: Tensor, *, dtype: str | None = None) -> Tensor:
    return Tensor(xp.zeros(x.shape, _dtype(x, dtype)))


def _ones(x: Tensor, *, dtype: str | None = None) -> Tensor:
    return Tensor(xp.ones(x.shape, _dtype(x, dtype)))


def _dtype(x: Tensor, dtype: str | None) -> Any:
    """The dtype by that name; floats have the precision of the whole computation."""
    if dtype is not None and "float" not in dtype:
        return xp.dtype(dtype)
    return x.dtype if x.dtype.kind == "f" or dtype is None else xp.float64


def _elementwise(value: Callable[..., Tensor]) -> Definition:
    return Definition(value, _broadcast)


OPERATIONS: dict[str, Definition] = {
    "Absolute": _elementwise(lambda x: absolute(x)),
    "Add": _elementwise(lambda x, y: add(x, y)),
    "All": Definition(_all, _reduced),
    "Any": Definition(_any, _reduced),
    "Cast": Definition(_cast, _same),
    "Concatenate": Definition(_joined, _joined_shape),
    "Divide": _elementwise(lambda x, y: divide(x, y)),
    "Equal": _compared(lambda x, y: x == y),
    "Exp": _elementwise(lambda x: exp(x)),
    "ExpandDims": Definition(_expanded, _expanded_shape),
    "Greater": _compared(lambda x, y: x > y),
    "GreaterEqual": _compared(lambda x, y: x >= y),
    "Less": _compared(lambda x, y: x < y),
    "LessEqual": _compared(lambda x, y: x <= y),
    "Log": _elementwise(lambda x: log(x)),
    "LogicalAnd": _compared(lambda x, y: xp.logical_and(x, y)),
    "LogicalNot": Definition(lambda x: Tensor(xp.logical_not(x.value)), _same),
    "LogicalOr": _compared(lambda x, y: xp.logical_or(x, y)),
    "Max": Definition(_max, _reduced),
    "Maximum": _elementwise(lambda x, y: maximum(x, y)),
    "Mean": Definition(_mean, _reduced),
    "Minimum": _elementwise(lambda x, y: minimum(x, y)),
    "Multiply": _elementwise(lambda x, y: multiply(x, y)),
    "Negative": _elementwise(lambda x: negative(x)),
    "NotEqual": _compared(lambda x, y: x != y),
    "OnesLike": Definition(_ones, _same),
    "Reshape": Definition(_reshaped, _reshaped_shape),
    "Rsqrt": _elementwise(lambda x: rsqrt(x)),
    "Sqrt": _elementwise(lambda x: sqrt(x)),
    "Square": _elementwise(lambda x: square(x)),
    "Squeeze": Definition(_squeezed, _squeezed_shape),
    "Subtract": _elementwise(lambda x, y: subtract(x, y)),
    "Sum": Definition(_sum, _reduced),
    "Transpose": Definition(_transposed, _transposed_shape),
    "TrueDivide": _elementwise(lambda x, y: divide(x, y)),
    "ZerosLike": Definition(_zeros, _same),
}
"""By the class that Keras has for it. Activation functions are operations too, see `activations`."""
