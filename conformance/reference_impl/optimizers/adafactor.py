"""Adafactor: mean squares of the gradient that are kept by row and by column."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.fields import field
from conformance.reference_impl.optimizers.optimizer import Now, Optimizer, State, Stepped, rates
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    add,
    divide,
    exponentiate,
    maximum,
    mean,
    minimum,
    multiply,
    reshape,
    sqrt,
    square,
    subtract,
)
from conformance.reference_impl.tape import Tensor, constant


class Adafactor(Optimizer):
    """w − α·û for û = u/max(1, rms(u)/d), u = g/√v and α = max(ε₂, rms(w))·min(η, 1/√t) (Shazeer and Stern
    2018).

    v is the moving average of g² + ε₁ with β₂ = 1 − t^p; of a variable of two dimensions or more the
    averages r and c of its means along the last axis and along the one before, of which v = r·c/mean(r).
    Source: `keras.optimizers.Adafactor`, in which `relative_step` has no effect, as 1/√t limits η either
    way.
    """

    learning_rate = field(rates, 0.001, "η")
    beta_2_decay = field(fields.number, -0.8, "p")
    epsilon_1 = field(fields.number, 1e-30, "ε₁")
    epsilon_2 = field(fields.number, 1e-3, "ε₂")
    clip_threshold = field(fields.number, 1.0, "d")
    relative_step = field(fields.boolean, True, "whether 1/√t limits the rate, as it does in any case")

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        return (("r", "c", "velocity"),)

    def slot_name(self, name: str, path: str) -> str:
        return super().slot_name(name, path) if name == "velocity" else path.rpartition("/")[2]

    def initial(self, name: str, variable: Tensor) -> Tensor:
        shape = variable.shape
        # A variable that has no rows has scalars in their place, which stay as they are.
        factors = (
            {"r": shape[:-1], "c": (*shape[:-2], *shape[-1:])} if len(shape) >= 2 else {"r": (), "c": ()}
        )
        return Tensor(xp.zeros(factors.get(name, shape), variable.dtype))

    @patchable("optimizers.Adafactor.step")
    def step(self, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
        """The update of Adafactor"""
        t = constant(float(now.t), w)
        rho = minimum(now.learning_rate, divide(1.0, sqrt(t)))
        alpha = multiply(maximum(root_mean_square(w), self.epsilon_2), rho)
        beta_2 = subtract(1.0, exponentiate(t, self.beta_2_decay))
        squares = add(square(g), self.epsilon_1)
        if w.ndim < 2:
            new = {"velocity": averaged(slots["velocity"], squares, beta_2)}
        else:
            r = averaged(slots["r"], mean(squares, axis=(w.ndim - 1,)), beta_2)
            c = averaged(slots["c"], mean(squares, axis=(w.ndim - 2,)), beta_2)
            by_row = divide(r, mean(r, axis=(r.ndim - 1,), keepdims=True))
            rows = reshape(by_row, shape=(*r.shape, 1))
            columns = reshape(c, shape=(*c.shape[:-1], 1, c.shape[-1]))
            new = {"r": r, "c": c, "velocity": multiply(rows, columns)}
        u = divide(g, sqrt(new["velocity"]))
        clipped = divide(u, maximum(divide(root_mean_square(u), self.clip_threshold), 1.0))
        return subtract(w, multiply(clipped, alpha)), new


def averaged(old: Tensor, new: Tensor, beta: Tensor) -> Tensor:
    """β·old + (1 − β)·new"""
    return add(multiply(old, beta), multiply(new, subtract(1.0, beta)))


def root_mean_square(x: Tensor) -> Tensor:
    """√(Σx²/n) over all elements"""
    return sqrt(mean(square(x), axis=tuple(range(x.ndim))))
