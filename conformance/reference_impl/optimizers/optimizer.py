"""What every optimizer is: fields, slots, and a pure update of variables and slots from gradients."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.configured import Configured
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.optimizers.computing import moving_average, norm
from conformance.reference_impl.optimizers.schedules import Schedule, deserialize
from conformance.reference_impl.primitives import (
    add,
    divide,
    maximum,
    minimum,
    multiply,
    subtract,
)
from conformance.reference_impl.spelling import suggestion
from conformance.reference_impl.tape import Tensor, constant

Variables = Mapping[str, Tensor]
"""By path, such as `dense/kernel`."""

State = Mapping[str, Tensor]
"""The slots of an optimizer by their keys: `iteration`, `learning_rate`, `dense/kernel/momentum`, …"""


Stepped = tuple[Tensor, dict[str, Tensor]]
"""A variable's new value, and the new values of its slots by name."""


@dataclass(frozen=True)
class Slot:
    """A variable that an optimizer keeps.

    Attributes:
        key: by which the state has it.
        name: Keras's, which need not be unique.
        initial: its value before the first update.
    """

    key: str
    name: str
    initial: Tensor


@dataclass(frozen=True)
class Update:
    """What an update leaves: all variables, and the state."""

    variables: dict[str, Tensor]
    state: dict[str, Tensor]


@dataclass(frozen=True)
class Now:
    """When an update takes place.

    Attributes:
        learning_rate: the rate in force, a scalar.
        t: which update it is, 1 for the first.
    """

    learning_rate: Tensor
    t: int


def _learning_rate(value: Any) -> Any:
    if isinstance(value, Schedule):
        return value
    if isinstance(value, Mapping):
        return deserialize(value)
    if callable(value):
        return value
    if not isinstance(value, float) or not value >= 0:
        raise ValueError
    return value


def _accumulation_steps(value: Any) -> int | None:
    if value and (not isinstance(value, int) or value < 2):
        raise ValueError
    return value


rates = Kind(
    "a float of 0 or more, a schedule, or a function without arguments that gives one",
    _learning_rate,
    (-0.125, 1, "fast"),
)
accumulation_steps = Kind("an integer of 2 or more, or None", _accumulation_steps, (1, -2, "3"))


class Optimizer(Configured):
    """An optimizer: its arguments are fields; its update is pure in gradients, variables and state.

    A subclass names its slots (`groups`) and states its formula (`step`). What comes around it is the same
    for all, in this order: gradients are divided by the loss scale, accumulated, and clipped; weights
    decay; the formula; moving averages of the weights; constraints. Source: `keras.optimizers.Optimizer`.

    >>> import numpy as np
    >>> from conformance.reference_impl.optimizers import SGD
    >>> from conformance.reference_impl.tape import variable
    >>> sgd, w = SGD(0.5), {"w": variable(np.array([1.0, 2.0]))}
    >>> update = sgd.apply({"w": variable(np.array([1.0, -1.0]))}, w, sgd.initial_state(w))
    >>> update.variables["w"].value, int(update.state["iteration"].value)
    (array([0.5, 2.5]), 1)
    """

    family = "optimizers"
    registered: ClassVar[dict[str, type[Optimizer]]] = {}

    learning_rate = field(rates, 0.001, "how far an update goes")
    weight_decay = field(fields.optional(fields.number), None, "what weights lose, times the rate")
    clipnorm = field(fields.optional(fields.number), None, "largest norm of each gradient")
    clipvalue = field(fields.optional(fields.number), None, "largest magnitude of gradients' elements")
    global_clipnorm = field(fields.optional(fields.number), None, "largest norm of all gradients together")
    use_ema = field(fields.boolean, False, "whether moving averages of the variables are kept")
    ema_momentum = field(fields.number, 0.99, "how much of these averages stays")
    ema_overwrite_frequency = field(
        fields.optional(fields.integer), None, "after how many updates the variables become their averages"
    )
    loss_scale_factor = field(fields.optional(fields.number), None, "by what the loss was multiplied")
    gradient_accumulation_steps = field(
        accumulation_steps, None, "how many gradients are averaged for an update"
    )
    name = field(fields.optional(fields.text), None, "a name, made up where none is given")
    decay = fields.hidden(fields.number, "what Keras 2 had, and Keras 3 ignores")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        Optimizer.registered[cls.__name__] = cls

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._spared: Callable[[str], bool] = lambda path: False

    def check(self) -> None:
        if self.use_ema:
            if not 0 <= self.ema_momentum <= 1:
                raise ValueError(
                    f"argument `ema_momentum`: expected a number from 0 to 1, got {self.ema_momentum}"
                )
            if self.ema_overwrite_frequency is not None and self.ema_overwrite_frequency < 0:
                raise ValueError(
                    "argument `ema_overwrite_frequency`: expected an integer of 1 or more, or None, got "
                    f"{self.ema_overwrite_frequency}"
                )
        given = {
            name: value
            for name in ("clipnorm", "clipvalue", "global_clipnorm")
            if (value := self.config.get(name)) is not None
        }
        if len(given) > 1:
            raise ValueError(
                f"arguments {', '.join(f'`{n}`' for n in given)}: only one is allowed, got {given}"
            )

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The names of a variable's slots. All of a group stand together for each variable, a group after the
        other, as Keras orders an optimizer's variables."""
        return ()

    def has_slot(self, name: str, path: str, variable: Tensor) -> bool:
        """Whether the variable at the path has that slot of the groups."""
        return True

    def slot_name(self, name: str, path: str) -> str:
        """Keras's name for a slot of the variable at the path."""
        return f"{path.replace('/', '_')}_{name}"

    def initial(self, name: str, variable: Tensor) -> Tensor:
        """The initial value of a slot of the variable: zeros, unless a class has another."""
        return Tensor(xp.zeros(variable.shape, variable.dtype))

    def shared_slots(self, variables: Variables) -> tuple[Slot, ...]:
        """The slots that all variables share, which come last."""
        return ()

    def shared(self, state: State, now: Now) -> dict[str, Tensor]:
        """The new values of the slots that all variables share, which are found before their own."""
        return {}

    def step(self, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
        """The formula: a variable's new value and its slots' new values.

        Args:
            w: the variable.
            g: its gradient, of the same shape.
            slots: those of the variable, and those that all share, by name.
        """
        raise NotImplementedError  # every optimizer has its own

    def decay_of(self, path: str, variable: Tensor) -> float | None:
        """The weight decay of the variable at the path."""
        return None if self._spared(path) else self.weight_decay

    def slots(self, variables: Variables) -> tuple[Slot, ...]:
        """The slots for these variables, in the order of Keras's `optimizer.variables`."""
        like = next(iter(variables.values()), None)
        own = [Slot("iteration", "iteration", Tensor(xp.zeros((), xp.int64)))]
        if isinstance(self.learning_rate, float):
            own.append(Slot("learning_rate", "learning_rate", constant(self.learning_rate, like)))
        if self.use_ema:
            own += self._slots_of("average", variables)
        if self.gradient_accumulation_steps:
            own += self._slots_of("gradient_accumulator", variables)
        for group in self.groups:
            own += [
                Slot(f"{path}/{name}", self.slot_name(name, path), self.initial(name, w))
                for path, w in variables.items()
                for name in group
                if self.has_slot(name, path, w)
            ]
        return (*own, *self.shared_slots(variables))

    def _slots_of(self, name: str, variables: Variables) -> list[Slot]:
        return [
            Slot(f"{path}/{name}", Optimizer.slot_name(self, name, path), Tensor(xp.zeros(w.shape, w.dtype)))
            for path, w in variables.items()
        ]

    def initial_state(self, variables: Variables) -> dict[str, Tensor]:
        """The state before the first update."""
        return {slot.key: slot.initial for slot in self.slots(variables)}

    def exclude_from_weight_decay(self, var_list: Iterable[str] = (), var_names: Sequence[str] = ()) -> None:
        """Spare variables from weight decay: those at paths of the list, and those in whose names (the last
        part of a path) one of the patterns is found."""
        paths, pattern = frozenset(var_list), re.compile("|".join(var_names)) if var_names else None
        self._spared = lambda path: path in paths or bool(pattern and pattern.search(path.rpartition("/")[2]))

    def rate(self, state: State, like: Tensor | None = None) -> Tensor:
        """The learning rate in force, a scalar: a schedule's goes by the calls, not by the updates."""
        if isinstance(self.learning_rate, Schedule):
            return self.learning_rate(int(state["iteration"].value), like)
        if "learning_rate" in state:
            return state["learning_rate"]
        return constant(self.learning_rate(), like)

    def iterations(self, state: State) -> int:
        """How many updates there were: fewer than calls, where gradients are accumulated."""
        return int(state["iteration"].value) // (self.gradient_accumulation_steps or 1)

    def apply(
        self,
        gradients: Mapping[str, Tensor | None],
        variables: Variables,
        state: State,
        constraints: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
    ) -> Update:
        """One call: the variables and the state after it.

        Args:
            gradients: by the paths of variables; None, or none, leaves a variable as it is.
            constraints: by path, what an updated variable is brought under.

        Raises:
            ValueError: there is no gradient at all, one is for no variable, or of another shape than that.
        """
        given = self._given(gradients, variables)
        w, new = dict(variables), dict(state)
        if self.loss_scale_factor is not None:
            given = {path: divide(g, self.loss_scale_factor) for path, g in given.items()}
        steps = self.gradient_accumulation_steps
        if steps:
            sums = {path: add(g, state[f"{path}/gradient_accumulator"]) for path, g in given.items()}
            if (int(state["iteration"].value) + 1) % steps:
                new |= {f"{path}/gradient_accumulator": g for path, g in sums.items()}
                given = {}
            else:
                zeros = {p: Tensor(xp.zeros(x.shape, x.dtype)) for p, x in variables.items()}
                new |= {f"{path}/gradient_accumulator": zero for path, zero in zeros.items()}
                given = {path: divide(g, float(steps)) for path, g in sums.items()}
        if given:
            self._update(self.clipped(given), w, new)
        if self.use_ema:
            self._average(w, new)
        for path, constraint in (constraints or {}).items():
            if gradients.get(path) is not None:
                w[path] = constraint(w[path])
        new["iteration"] = Tensor(state["iteration"].value + 1)
        return Update(w, new)

    def _given(self, gradients: Mapping[str, Tensor | None], variables: Variables) -> dict[str, Tensor]:
        """The gradients that are there."""
        for path, g in gradients.items():
            if path not in variables:
                raise ValueError(
                    f"a gradient for {path!r}, which is no variable; {suggestion(path, [*variables])}"
                )
            if g is not None and g.shape != variables[path].shape:
                raise ValueError(
                    f"the gradient for {path!r} has the shape {g.shape}, the variable {variables[path].shape}"
                )
        given = {path: g for path in variables if (g := gradients.get(path)) is not None}
        if not given:
            raise ValueError(
                f"no gradient is given for any of the variables {', '.join(variables) or '(none)'}"
            )
        if missing := variables.keys() - given.keys():
            warnings.warn(
                f"no gradient is given for {', '.join(sorted(missing))}: they stay as they are", stacklevel=3
            )
        return given

    def _update(self, given: Mapping[str, Tensor], w: dict[str, Tensor], state: dict[str, Tensor]) -> None:
        """Weight decay and the formula, in place."""
        like = next(iter(given.values()))
        now = Now(self.rate(state, like), self.iterations(state) + 1)
        for path in given:
            decay = self.decay_of(path, w[path])
            if decay is not None:
                w[path] = subtract(w[path], multiply(multiply(w[path], decay), now.learning_rate))
        shared = self.shared(state, now)
        state |= shared
        for path, g in given.items():
            slots = {
                name: state[f"{path}/{name}"]
                for group in self.groups
                for name in group
                if self.has_slot(name, path, w[path])
            }
            w[path], changed = self.step(w[path], g, slots | shared, now)
            state |= {f"{path}/{name}": slot for name, slot in changed.items()}

    def clipped(self, gradients: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The gradients, or what clipping leaves of them; a limit that is not positive is none."""
        if self.clipnorm is not None and self.clipnorm > 0:
            return {
                path: divide(multiply(g, self.clipnorm), maximum(norm(g), self.clipnorm))
                for path, g in gradients.items()
            }
        if self.global_clipnorm is not None and self.global_clipnorm > 0:
            length = norm(*gradients.values())
            limit = constant(self.global_clipnorm, length)
            scale = multiply(limit, minimum(divide(1.0, length), divide(1.0, limit)))
            if not xp.isfinite(length.value):
                scale = constant(xp.nan, length)
            return {path: multiply(g, scale) for path, g in gradients.items()}
        if self.clipvalue is not None and self.clipvalue > 0:
            return {
                path: minimum(maximum(g, -self.clipvalue), self.clipvalue) for path, g in gradients.items()
            }
        return gradients

    def _average(self, w: dict[str, Tensor], state: dict[str, Tensor]) -> None:
        """The moving averages of all variables, which begin with their values after the first update; and the
        variables, where it is time for them to become these; in place."""
        before = self.iterations(state)
        for path, value in w.items():
            key = f"{path}/average"
            state[key] = moving_average(state[key], value, self.ema_momentum) if before else value
        if self.ema_overwrite_frequency and (before + 1) % self.ema_overwrite_frequency == 0:
            w |= self.final_variables(w, state)

    def final_variables(self, variables: Variables, state: State) -> dict[str, Tensor]:
        """What the variables are when training ends: their averages, where these are kept."""
        return {path: state[f"{path}/average"] if self.use_ema else w for path, w in variables.items()}

    def scaled_loss(self, loss: Tensor, state: State) -> Tensor:
        """What the gradients have to be of."""
        return loss if self.loss_scale_factor is None else multiply(loss, self.loss_scale_factor)

    def get_config(self) -> dict[str, Any]:
        """The configuration by which `from_config` makes the same optimizer.

        Raises:
            ValueError: the learning rate is a function, which no configuration tells.
        """
        config = super().get_config()
        rate = config.get("learning_rate")
        if isinstance(rate, Schedule):
            config["learning_rate"] = rate.serialized()
        elif callable(rate):
            raise ValueError("argument `learning_rate` is a function, which no configuration can tell")
        return config

    def serialized(self) -> dict[str, Any]:
        """The description by which `get` makes the same optimizer, as in Keras's files."""
        return {
            "module": "keras.optimizers",
            "class_name": type(self).__name__,
            "config": self.get_config(),
            "registered_name": None,
        }


def get(identifier: Any) -> Optimizer:
    """An optimizer by its name, by a description, or itself.

    Raises:
        ValueError: there is no such optimizer, or it has no such arguments; the message names the nearest.

    >>> get("adam").learning_rate, get({"class_name": "SGD", "config": {"momentum": 0.5}}).momentum
    (0.001, 0.5)
    """
    if isinstance(identifier, Optimizer):
        return identifier
    name, config = identifier, dict[str, Any]()
    if isinstance(identifier, Mapping) and "class_name" in identifier:
        name, config = identifier["class_name"], identifier.get("config") or {}
    if not isinstance(name, str):
        raise ValueError(
            f'{identifier!r} is no optimizer, and neither a name nor {{"class_name": …, "config": {{…}}}}'
        )
    found = {cls.lower(): cls for cls in Optimizer.registered}.get(name.lower())
    if found is None:
        raise ValueError(f"unknown optimizer {name!r}; {suggestion(name, [*Optimizer.registered])}")
    return Optimizer.registered[found].from_config(config)
