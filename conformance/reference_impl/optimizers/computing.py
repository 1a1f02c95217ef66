"""What several optimizers compute alike: norms, moving averages, and the bias of their first steps."""

from __future__ import annotations

from conformance.reference_impl.arrays import xp
from conformance.reference_impl.primitives import (
    add,
    exponentiate,
    multiply,
    reshape,
    sqrt,
    square,
    subtract,
    total,
)
from conformance.reference_impl.primitives.primitive import either
from conformance.reference_impl.tape import Tensor, constant


def moving_average(old: Tensor, new: Tensor, momentum: float | Tensor) -> Tensor:
    """momentum·old + (1 − momentum)·new, or old + (1 − momentum)·(new − old)."""
    rest = subtract(1.0, constant(momentum, old))
    return either(
        add(multiply(old, momentum), multiply(new, rest)),
        lambda: add(old, multiply(subtract(new, old), rest)),
    )


def share_seen(beta: float, t: int, like: Tensor) -> Tensor:
    """1 − βᵗ: the sum of the weights that a moving average of t terms gives them (Kingma and Ba 2014,
    section 3). The rest of the weight is that of the zeros that it began with."""
    return subtract(1.0, exponentiate(constant(beta, like), constant(float(t), like)))


def scalar(x: Tensor) -> Tensor:
    """The scalar as an array, as a slot has it: of arrays without axes NumPy makes numbers."""
    return Tensor(xp.asarray(x.value), None if x.error is None else xp.asarray(x.error), x.provenance)


def norm(*tensors: Tensor) -> Tensor:
    """√Σx² of all elements, as a scalar; of zeros it is 0 and nothing else."""
    if not any(xp.count_nonzero(x.reach) for x in tensors):
        return Tensor(xp.zeros((), tensors[0].dtype))
    squares, *others = [reshape(total(square(x), axis=tuple(range(x.ndim))), shape=()) for x in tensors]
    for other in others:
        squares = add(squares, other)
    return sqrt(squares)
