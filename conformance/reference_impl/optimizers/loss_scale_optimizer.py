"""LossScaleOptimizer: another optimizer, on gradients of a loss that is scaled as far as they stay finite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.optimizers.computing import scalar
from conformance.reference_impl.optimizers.nested import inner_optimizer, part_of, with_part
from conformance.reference_impl.optimizers.optimizer import (
    Optimizer,
    Slot,
    State,
    Update,
    Variables,
)
from conformance.reference_impl.primitives import divide, multiply
from conformance.reference_impl.tape import Tensor, constant

INNER = "inner"
"""What the keys of the inner optimizer's slots begin with."""


class LossScaleOptimizer(Optimizer):
    """Gradients are divided by the scale, and go to the inner optimizer; where one is not finite the call is
    passed over, and the scale halved. It is doubled after `dynamic_growth_steps` calls that went well.

    Source: `keras.optimizers.LossScaleOptimizer`.

    >>> from conformance.reference_impl.optimizers import SGD
    >>> LossScaleOptimizer(SGD(), dynamic_growth_steps=10).initial_scale
    32768.0
    """

    inner_optimizer = field(Kind("an optimizer", inner_optimizer, (3,)), doc="the optimizer inside")
    initial_scale = field(fields.number, 2.0**15, "the first scale")
    dynamic_growth_steps = field(fields.positive_integer, 2000, "how many good calls double it")
    name = Optimizer.name
    learning_rate = 0.0
    weight_decay = clipnorm = clipvalue = global_clipnorm = ema_overwrite_frequency = None
    loss_scale_factor = gradient_accumulation_steps = decay = None
    use_ema, ema_momentum = False, 0.99

    def check(self) -> None:
        # Else the gradients would be divided by two scales.
        self.inner_optimizer.config["loss_scale_factor"] = None

    def slots(self, variables: Variables) -> tuple[Slot, ...]:
        like = next(iter(variables.values()), None)
        inside = self.inner_optimizer.slots(variables)
        return (
            *super().slots(variables),
            Slot("step_counter", "step_counter", Tensor(xp.zeros((), xp.int64))),
            Slot("dynamic_scale", "dynamic_scale", constant(self.initial_scale, like)),
            *(Slot(f"{INNER}/{slot.key}", slot.name, slot.initial) for slot in inside),
        )

    def iterations(self, state: State) -> int:
        return self.inner_optimizer.iterations(part_of(state, INNER))

    def apply(
        self,
        gradients: Mapping[str, Tensor | None],
        variables: Variables,
        state: State,
        constraints: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
    ) -> Update:
        scale, count = state["dynamic_scale"], int(state["step_counter"].value)
        given = {path: g for path, g in gradients.items() if g is not None}
        if not all(bool(xp.isfinite(g.value).all()) for g in given.values()):
            return Update(
                dict(variables), {**state, **self.counted(0), "dynamic_scale": scalar(multiply(scale, 0.5))}
            )
        unscaled = {path: divide(g, scale) for path, g in given.items()}
        update = self.inner_optimizer.apply(unscaled, variables, part_of(state, INNER), constraints)
        grown = count == self.dynamic_growth_steps - 1
        new = with_part(state, INNER, update.state) | self.counted(0 if grown else count + 1)
        if grown:
            new["dynamic_scale"] = scalar(multiply(scale, 2.0))
        return Update(update.variables, new)

    def counted(self, calls: int) -> dict[str, Tensor]:
        return {"step_counter": Tensor(xp.asarray(calls, xp.int64))}

    def final_variables(self, variables: Variables, state: State) -> dict[str, Tensor]:
        return self.inner_optimizer.final_variables(variables, part_of(state, INNER))

    def scaled_loss(self, loss: Tensor, state: State) -> Tensor:
        return multiply(loss, state["dynamic_scale"])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "inner_optimizer": self.inner_optimizer.serialized()}
