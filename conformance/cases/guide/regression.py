"""The linear regression of the guides, as the specification computes it, with the limits of its thousand
epochs.

An epoch is one step of gradient descent on all four points, an affine map of the kernel and the bias. So the
rounding errors of a step, which the tape bounds, go through all later steps by powers of one matrix: adjoint
error analysis, which has no remainder here but that a step's own errors are bounded at the exact weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conformance.cases.case import Literal
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.primitives import add, mean, multiply, square, subtract, total
from conformance.reference_impl.tape import Provenance, Tensor, current_arithmetic

X, Y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 5.0, 7.0])

RATE = 0.01
"""Of the optimizer `sgd`."""

EPOCHS = 1000

INITIAL = (Literal((1, 1), (0.5,)), Literal((1,), (-0.25,)))
"""The kernel and the bias from which both runtimes start."""

HESSIAN = 2 / len(X) * np.array([[X @ X, X.sum()], [X.sum(), len(X)]])

REMAINDER = 1.01
"""A step's errors are bounded at the exact weights. Those of the runtime differ from them by less than a
hundredth for certain, and so do the bounds."""


@dataclass(frozen=True)
class Trajectory:
    """The weights before each epoch and after the last, the losses of the epochs, and the bounds of both."""

    weights: Array
    losses: Array
    weight_bounds: Array
    loss_bounds: Array


def trajectory(inputs: Sequence[Tensor]) -> Trajectory:
    """All epochs from the kernel and the bias given, under the current arithmetic; without bounds they are
    0."""
    weights, losses = np.zeros((EPOCHS + 1, 2)), np.zeros(EPOCHS)
    of_weights, of_losses = np.zeros((EPOCHS, 2)), np.zeros(EPOCHS)
    weights[0] = [x.value.item() for x in inputs]
    for epoch in range(EPOCHS):
        loss, *stepped = _step(*(Tensor(x) for x in weights[epoch]))
        weights[epoch + 1] = [x.value.item() for x in stepped]
        losses[epoch] = loss.value.item()
        of_weights[epoch] = [_bound(x) for x in stepped]
        of_losses[epoch] = _bound(loss)
    reached = _propagated(of_weights)
    gradients = weights[:-1] @ HESSIAN - 2 / len(X) * np.array([X @ Y, Y.sum()])
    before = reached[:-1]
    # The loss is a quadratic function of the weights: this is all of it.
    carried = (np.abs(gradients) * before).sum(1) + (before @ np.abs(HESSIAN) * before).sum(1) / 2
    return Trajectory(weights, losses, REMAINDER * reached, REMAINDER * (of_losses + carried))


def _step(kernel: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The loss of one epoch, and the kernel and bias after it."""
    error = subtract(add(multiply(Tensor(X), kernel), bias), Tensor(Y))
    loss = mean(square(error), axis=(0,))
    cotangent = multiply(error, 2 / len(X))
    by_kernel = total(multiply(cotangent, Tensor(X)), axis=(0,), keepdims=False)
    by_bias = total(cotangent, axis=(0,), keepdims=False)
    return loss, subtract(kernel, multiply(by_kernel, RATE)), subtract(bias, multiply(by_bias, RATE))


def _bound(x: Tensor) -> float:
    return 0.0 if x.error is None else float(np.max(x.error))


def _propagated(own: Array) -> Array:
    """The bounds of the weights before each epoch and after the last, from those of each step's own
    errors."""
    transition = np.eye(2) - RATE * HESSIAN
    powers = np.abs([np.linalg.matrix_power(transition, n) for n in range(EPOCHS)])
    reached = np.zeros((EPOCHS + 1, 2))
    for epoch in range(1, EPOCHS + 1):
        reached[epoch] = np.einsum("kij,kj->i", powers[:epoch], own[epoch - 1 :: -1])
    return reached


def final_weights(inputs: Sequence[Tensor]) -> Tensor:
    """The kernel and the bias after the last epoch."""
    found = trajectory(inputs)
    return _within(found.weights[-1], found.weight_bounds[-1])


def losses(inputs: Sequence[Tensor]) -> Tensor:
    """The loss of each epoch."""
    found = trajectory(inputs)
    return _within(found.losses, found.loss_bounds)


def _within(value: Array, bound: Array) -> Tensor:
    return Tensor(value, None if current_arithmetic() is None else bound, Provenance.COMPOSED)
