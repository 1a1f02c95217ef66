"""Muon: updates of matrices made nearly orthogonal, and AdamW for all else."""

from __future__ import annotations

import math
import re
from typing import Any

from conformance.reference_impl import fields
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.optimizers.computing import moving_average, norm, share_seen
from conformance.reference_impl.optimizers.optimizer import Now, Optimizer, State, Stepped, rates
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    add,
    affine,
    divide,
    multiply,
    sqrt,
    square,
    subtract,
    transpose,
)
from conformance.reference_impl.primitives.primitive import either
from conformance.reference_impl.tape import Tensor, constant

SMALLEST_NORM = 1e-7
"""What is added to a matrix's norm before it is divided by that."""


def _patterns(value: Any) -> list[str]:
    if isinstance(value, str) or not all(isinstance(pattern, str) for pattern in value or ()):
        raise ValueError
    return list(value or ())


class Muon(Optimizer):
    """w − η·ρ·√max(n, k)·U of a matrix, where U is made of m ← μ·m + g, or after Nesterov of g + μ·m, by
    some steps of U ← a·U + (b·A + c·A²)·U for A = U·Uᵀ (Jordan et al. 2024; the factor ρ·√max(n, k) is that
    of Liu et al. 2025). A variable that is no matrix, an embedding, or excluded is updated as by AdamW.

    Source: `keras.optimizers.Muon`.
    """

    learning_rate = field(rates, 0.001, "η")
    adam_beta_1 = field(fields.number, 0.9, "Adam's β₁")
    adam_beta_2 = field(fields.number, 0.999, "Adam's β₂")
    adam_weight_decay = field(fields.optional(fields.number), 0.004, "what those by Adam lose")
    epsilon = field(fields.number, 1e-7, "Adam's ε")
    weight_decay = field(fields.optional(fields.number), 0.004, "what matrices lose")
    clipnorm = Optimizer.clipnorm
    clipvalue = Optimizer.clipvalue
    global_clipnorm = Optimizer.global_clipnorm
    use_ema = Optimizer.use_ema
    ema_momentum = Optimizer.ema_momentum
    ema_overwrite_frequency = Optimizer.ema_overwrite_frequency
    loss_scale_factor = Optimizer.loss_scale_factor
    gradient_accumulation_steps = Optimizer.gradient_accumulation_steps
    name = Optimizer.name
    exclude_layers = field(
        Kind("a list of patterns or None", _patterns, ("dense",)), None, "paths that are not of Muon's"
    )
    exclude_embeddings = field(fields.boolean, True, "whether paths with `embedding` are not either")
    muon_a = field(fields.number, 3.4445, "a")
    muon_b = field(fields.number, -4.7750, "b")
    muon_c = field(fields.number, 2.0315, "c")
    adam_lr_ratio = field(fields.number, 1, "Adam's rate, as a multiple of η")
    momentum = field(fields.number, 0.95, "μ")
    ns_steps = field(fields.non_negative_integer, 5, "how many steps")
    nesterov = field(fields.boolean, True, "whether the momentum is looked ahead along")
    rms_rate = field(fields.optional(fields.number), 0.2, "ρ; with None the factor is 1")

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum", "velocity"),)

    def by_adam(self, path: str, variable: Tensor) -> bool:
        """Whether the variable at the path is updated as by AdamW."""
        embedding = self.exclude_embeddings and "embedding" in path.lower()
        excluded = any(re.search(pattern, path) for pattern in self.exclude_layers)
        return variable.ndim != 2 or embedding or excluded

    def has_slot(self, name: str, path: str, variable: Tensor) -> bool:
        return name == "momentum" or self.by_adam(path, variable)

    def decay_of(self, path: str, variable: Tensor) -> float | None:
        own = super().decay_of(path, variable)
        if self._spared(path) or not self.by_adam(path, variable):
            return own
        return self.adam_weight_decay

    @patchable("optimizers.Muon.step")
    def step(self, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
        """The update of Muon"""
        if "velocity" in slots:
            return self.step_of_adam(w, g, slots, now)
        old, momentum = slots["momentum"], constant(self.momentum, w)
        m = either(
            add(multiply(old, momentum), g),
            lambda: add(old, add(g, multiply(old, subtract(momentum, 1.0)))),
        )
        u = self.orthogonalized(add(g, multiply(m, momentum)) if self.nesterov else m)
        increment = multiply(u, now.learning_rate)
        if self.rms_rate is not None:
            increment = multiply(multiply(increment, math.sqrt(max(w.shape))), self.rms_rate)
        return subtract(w, increment), {"momentum": m}

    def step_of_adam(self, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
        m = moving_average(slots["momentum"], g, self.adam_beta_1)
        v = moving_average(slots["velocity"], square(g), self.adam_beta_2)
        shares = [share_seen(beta, now.t, w) for beta in (self.adam_beta_1, self.adam_beta_2)]
        rate = multiply(multiply(now.learning_rate, self.adam_lr_ratio), divide(sqrt(shares[1]), shares[0]))
        increment = divide(multiply(m, rate), add(sqrt(v), self.epsilon))
        return subtract(w, increment), {"momentum": m, "velocity": v}

    def orthogonalized(self, x: Tensor) -> Tensor:
        """A matrix with nearly the singular vectors of this one, and singular values near 1: by the
        iteration of Newton and Schulz, of degree 5."""
        tall = x.shape[0] > x.shape[1]
        if tall:
            x = transpose(x, axes=(1, 0))
        x = divide(x, add(norm(x), SMALLEST_NORM))
        for _ in range(self.ns_steps):
            a = affine(x, transpose(x, axes=(1, 0)))
            b = add(multiply(a, self.muon_b), multiply(affine(a, a), self.muon_c))
            x = add(multiply(x, self.muon_a), affine(b, x))
        return transpose(x, axes=(1, 0)) if tall else x
