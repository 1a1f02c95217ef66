"""MultiOptimizer: several optimizers, each for some of the variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from conformance.reference_impl import fields
from conformance.reference_impl.configured import Configured
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.optimizers.loss_scale_optimizer import LossScaleOptimizer
from conformance.reference_impl.optimizers.nested import inner_optimizer, part_of, with_part
from conformance.reference_impl.optimizers.optimizer import (
    Optimizer,
    Slot,
    State,
    Update,
    Variables,
)
from conformance.reference_impl.tape import Tensor


def _one_alone(value: Any) -> Optimizer:
    found = inner_optimizer(value)
    if isinstance(found, LossScaleOptimizer | MultiOptimizer):
        raise ValueError(f"{type(found).__name__} cannot be inside")
    return found


def _by_pattern(value: Any) -> dict[str, Optimizer]:
    if value is not None and not isinstance(value, Mapping):
        raise ValueError
    return {str(pattern): _one_alone(optimizer) for pattern, optimizer in (value or {}).items()}


class OptimizerMap(Configured):
    """Optimizers by paths of variables: by one itself, or by a regular expression that the whole path
    matches.

    Source: `keras.optimizers.OptimizerMap`.

    >>> from conformance.reference_impl.optimizers import SGD, Adam
    >>> chosen = OptimizerMap(Adam(), {"encoder/.*": SGD()})("encoder/dense/kernel")
    >>> type(chosen).__name__
    'SGD'
    """

    family = "optimizers"

    default_optimizer = field(Kind("an optimizer", _one_alone, (3,)), doc="for what no pattern matches")
    optimizer_map = field(
        Kind("optimizers by pattern, or None", _by_pattern, (3,)), None, "which optimizer is for which paths"
    )

    def __call__(self, path: str) -> Optimizer:
        """The optimizer for the variable at the path; raises ValueError where several patterns match."""
        if path in self.optimizer_map:
            return self.optimizer_map[path]
        matching = [pattern for pattern in self.optimizer_map if re.fullmatch(pattern, path)]
        if len(matching) > 1:
            raise ValueError(f"several optimizers are for the variable {path!r}: {', '.join(matching)}")
        return self.optimizer_map[matching[0]] if matching else self.default_optimizer

    def optimizers(self) -> list[Optimizer]:
        """Each of them once, the default one last."""
        return list(dict.fromkeys([*self.optimizer_map.values(), self.default_optimizer]))

    def serialized(self) -> dict[str, Any]:
        """The description, as in Keras's files."""
        by_pattern = {pattern: optimizer.serialized() for pattern, optimizer in self.optimizer_map.items()}
        return {
            "module": "keras.optimizers",
            "class_name": "OptimizerMap",
            "config": {
                "default_optimizer": self.default_optimizer.serialized(),
                "optimizer_map": by_pattern,
            },
            "registered_name": None,
        }


def _optimizer_map(value: Any) -> OptimizerMap:
    if isinstance(value, Mapping) and value.get("class_name") == "OptimizerMap":
        return OptimizerMap.from_config(value.get("config") or {})
    if not isinstance(value, OptimizerMap):
        raise ValueError
    return value


class MultiOptimizer(Optimizer):
    """Each variable goes to the optimizer that the map names for its path.

    Source: `keras.optimizers.MultiOptimizer`; a function in place of the map is not supported.
    """

    optimizer_map = field(Kind("an OptimizerMap", _optimizer_map, (3,)), doc="the optimizers")
    loss_scale_factor = field(fields.optional(fields.number), None, "by what the loss was multiplied")
    name = Optimizer.name
    learning_rate = 0.0
    weight_decay = clipnorm = clipvalue = global_clipnorm = ema_overwrite_frequency = None
    gradient_accumulation_steps = decay = None
    use_ema, ema_momentum = False, 0.99

    def check(self) -> None:
        self.optimizers: list[Optimizer] = self.optimizer_map.optimizers()
        for optimizer in self.optimizers:
            optimizer.config["loss_scale_factor"] = self.loss_scale_factor

    def parts(self, variables: Variables) -> list[tuple[str, Optimizer, dict[str, Tensor]]]:
        """For each optimizer that has some: what its slots' keys begin with, itself, and its variables."""
        chosen = {path: self.optimizer_map(path) for path in variables}
        found = []
        for i, optimizer in enumerate(self.optimizers):
            own = {path: w for path, w in variables.items() if chosen[path] is optimizer}
            if own:
                found.append((str(i), optimizer, own))
        return found

    def slots(self, variables: Variables) -> tuple[Slot, ...]:
        inside = {prefix: optimizer.slots(own) for prefix, optimizer, own in self.parts(variables)}
        idle = {str(i): o.slots({}) for i, o in enumerate(self.optimizers) if str(i) not in inside}
        return (
            *super().slots(variables),
            *(
                Slot(f"{prefix}/{slot.key}", slot.name, slot.initial)
                for prefix, slots in sorted((inside | idle).items(), key=lambda part: int(part[0]))
                for slot in slots
            ),
        )

    def apply(
        self,
        gradients: Mapping[str, Tensor | None],
        variables: Variables,
        state: State,
        constraints: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
    ) -> Update:
        self._given(gradients, variables)
        w, new = dict(variables), dict(state)
        for prefix, optimizer, own in self.parts(variables):
            under = {path: c for path, c in (constraints or {}).items() if path in own}
            share = {path: g for path, g in gradients.items() if path in own}
            update = optimizer.apply(share, own, part_of(state, prefix), under)
            w |= update.variables
            new = with_part(new, prefix, update.state)
        new["iteration"] = Tensor(state["iteration"].value + 1)
        return Update(w, new)

    def final_variables(self, variables: Variables, state: State) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for prefix, optimizer, own in self.parts(variables):
            found |= optimizer.final_variables(own, part_of(state, prefix))
        return {path: found[path] for path in variables}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "optimizer_map": self.optimizer_map.serialized()}
