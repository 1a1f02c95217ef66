"""Optimizers asked of Keras: one update of variables, from gradients and slots that the case gives."""

from __future__ import annotations

import copy
from typing import Any

from conformance.runners.keras_adapter.configured import Configured
from conformance.runners.keras_adapter.passes import once
from conformance.runners.keras_adapter.refusals import at
from conformance.runners.keras_adapter.runtime import keras, to_array
from conformance.runners.wire import Array

OPTIMIZER = ["update/*", "slot/*", "config", "reconstructed/config", "signature", "identifier", "refusal"]
"""Patterns of the observables of an optimizer."""


class OptimizerExperiment(Configured):
    """An optimizer that is built for the case's variables, given its slots, and applied to its gradients."""

    def ask(self, observable: str) -> Any:
        """The answer.

        Raises:
            Refusal: Keras refused, or failed.
        """
        match observable.split("/"):
            case ["update", *path]:
                return to_array(self._updated[0]["/".join(path)])
            case ["slot", *key]:
                return to_array(self._updated[1]["/".join(key)])
            case ["refusal"]:
                self._apply(self.made, self._built(self.made))
                return None
            case ["identifier"]:
                with at("construction"):
                    return type(keras.optimizers.get(self.case.config["identifier"])).__name__
        return self.describe(observable)

    def _given(self, kind: str) -> dict[str, Array]:
        prefix = f"{kind}/"
        return {key[len(prefix) :]: x for key, x in self.case.weights.items() if key.startswith(prefix)}

    @once
    def made(self) -> Any:
        """The optimizer, from a configuration: there may be others in it, and schedules."""
        cls = self.cls
        with at("construction"):
            return cls.from_config(copy.deepcopy(self.case.config))

    @once
    def _updated(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Variables and slots, by their keys, after the update."""
        optimizer = self.made
        variables = self._built(optimizer)
        with at("build"):
            slots = named_slots(optimizer, variables)
            for key, value in self._given("slot").items():
                slots[key].assign(value)
        self._apply(optimizer, variables)
        return variables, slots

    def _built(self, optimizer: Any) -> dict[str, Any]:
        """The case's variables by path, for which the optimizer is built."""
        variables = {
            path: keras.Variable(x, name=path, dtype="float32") for path, x in self._given("variable").items()
        }
        with at("build"):
            optimizer.build(list(variables.values()))
        return variables

    def _apply(self, optimizer: Any, variables: dict[str, Any]) -> None:
        """One update of the variables, by the case's gradients."""
        gradients = self._given("gradient")
        with at("call"):
            optimizer.apply_gradients([(gradients[path], variable) for path, variable in variables.items()])


OWN_NAMES = {"variable": "u_product"}
"""What Keras names of itself, as it gives no name: the momentums' product of Nadam."""

FACTORS = ("r", "c")
"""What Adafactor gives the name of the variable that it is of, in this order."""


def named_slots(optimizer: Any, variables: dict[str, Any]) -> dict[str, Any]:
    """The optimizer's variables by the keys that cases use: `iteration`, `kernel/momentum`."""
    slots: dict[str, Any] = {}
    inside = {id(slot) for _, inner in parts(optimizer) for slot in inner.variables}
    for slot in (slot for slot in optimizer.variables if id(slot) not in inside):
        path = next((path for path in variables if slot.name.startswith(path)), "")
        if slot.name == path:
            factor = next(f for f in FACTORS if f"{path}/{f}" not in slots)
            slots[f"{path}/{factor}"] = slot
        elif path:
            slots[f"{path}/{slot.name[len(path) + 1 :]}"] = slot
        else:
            slots[OWN_NAMES.get(slot.name, slot.name)] = slot
    for prefix, inner in parts(optimizer):
        slots |= {f"{prefix}/{key}": slot for key, slot in named_slots(inner, variables).items()}
    return slots


def parts(optimizer: Any) -> list[tuple[str, Any]]:
    """The optimizers inside one, each with what the keys of its slots begin with."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return [("inner", optimizer.inner_optimizer)]
    if isinstance(optimizer, keras.optimizers.MultiOptimizer):
        return [(str(i), inner) for i, inner in enumerate(optimizer.optimizers)]
    return []
