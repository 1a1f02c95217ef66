"""An optimizer's variables, between the order of Keras 3 and that of TensorFlow.js.

Keras 3 has the iteration, the learning rate, and then for each trained weight what it keeps of it, side by
side where it keeps several things at once. TensorFlow.js has the iteration, and then one thing of all
weights after another. Both have the weights in the same order. Sources: `add_optimizer_variables` and the
`build` of each class in `keras/src/optimizers`, 3.15.1; `getWeights` and `setWeights` of the optimizers of
tfjs-core 4.22.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from conformance.reference_impl.saving.keras_order import in_keras_order
from conformance.reference_impl.saving.saved_model import InMemory, SavedModel, StoredArray
from conformance.reference_impl.saving.tensorflow_js_training import UntoldTraining, tensorflow_js_optimizer
from conformance.reference_impl.saving.weight_names import Names

ITERATIONS = "iter"
"""The first variable of an optimizer of TensorFlow.js."""

KEPT: Mapping[str, Mapping[str, str]] = {
    "SGD": {},
    "Momentum": {"momentum": "momentum"},
    "RMSProp": {"rms": "velocity", "momentum": "momentum", "mg": "average_gradient"},
    "Adagrad": {"accumulator": "accumulator"},
    "Adadelta": {"accum_grad": "accumulated_grad", "accum_var": "accumulated_delta_var"},
    "Adam": {"m": "momentum", "v": "velocity"},
}
"""By optimizer of TensorFlow.js, what it keeps of each weight in its order, and Keras's names for it. Adamax
is not among them: its state can neither be had nor be set there."""

SIDE_BY_SIDE = frozenset(("Adadelta", "Adam"))
"""Of which Keras has all that it keeps of a weight before what it keeps of the next."""


class NotCarried(ValueError):
    """The state cannot be had in the other order; the message says why."""


@dataclass(frozen=True)
class _Optimizer:
    """The optimizer that a model was compiled with, as TensorFlow.js has it, and the weights that it
    trains."""

    name: str
    config: Mapping[str, Any]
    weights: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, model: SavedModel, file: str | PathLike[str]) -> _Optimizer:
        try:
            described = tensorflow_js_optimizer((model.training or {}).get("optimizer"))
        except UntoldTraining as error:
            raise NotCarried(str(error)) from None
        name, config = described["class_name"], described["config"]
        if name not in KEPT:
            raise NotCarried(f"TensorFlow.js cannot load the state of {name}")
        return cls(name, config, _trained(model, file))

    @property
    def kept(self) -> dict[str, str]:
        """What TensorFlow.js keeps, and Keras's names."""
        kept = dict(KEPT[self.name])
        if self.name == "RMSProp" and not self.config["centered"]:
            del kept["mg"]
        return kept

    @property
    def kept_by_keras(self) -> list[str]:
        without = "momentum" if self.name == "RMSProp" and not self.config["momentum"] else None
        return [name for name in self.kept.values() if name != without]

    def in_order_of_keras(self) -> list[tuple[str, str]]:
        """For each variable of Keras behind the learning rate: what it is kept of, and what."""
        if self.name in SIDE_BY_SIDE:
            return [(weight, kept) for weight in self.weights for kept in self.kept_by_keras]
        return [(weight, kept) for kept in self.kept_by_keras for weight in self.weights]

    def in_own_order(self) -> list[tuple[str, str, str]]:
        """For each variable behind the iteration: what it is kept of, the end of its name, Keras's name."""
        return [(weight, own, kept) for own, kept in self.kept.items() for weight in self.weights]

    def fitting(self, variables: Sequence[StoredArray], weights: Sequence[str]) -> Sequence[StoredArray]:
        """The variables, if there is one of the right shape for each weight."""
        shapes = [self.weights[weight] for weight in weights]
        if [variable.shape for variable in variables] != shapes:
            raise NotCarried(f"the state is not that of {self.name} for the weights that are trained")
        return variables

    @property
    def scale(self) -> float | None:
        """What Keras keeps as a fraction of what TensorFlow.js keeps: momentum has the learning rate in
        it."""
        return -self.config["learningRate"] if self.name == "Momentum" else None


def in_own_order(model: SavedModel) -> bool:
    """Whether the state is in the order of TensorFlow.js."""
    return next(iter(model.optimizer), None) == ITERATIONS


def tensorflow_js_state(model: SavedModel, file: str | PathLike[str]) -> dict[str, StoredArray]:
    """The state of a model's optimizer in TensorFlow.js's order, from Keras 3's.

    Raises:
        NotCarried: TensorFlow.js has no such optimizer or cannot load its state, or it is of other weights.
        FormatError: the configuration is no model's; the message names the file.
    """
    optimizer = _Optimizer.of(model, file)
    (iteration, *rest) = model.optimizer.values()
    places = optimizer.in_order_of_keras()
    variables = optimizer.fitting(rest[1:], [weight for weight, _ in places])
    found = dict(zip(places, variables, strict=True))
    state = {ITERATIONS: iteration}
    for weight, own, kept in optimizer.in_own_order():
        array = found.get((weight, kept)) or InMemory(np.zeros(optimizer.weights[weight], np.float32))
        if optimizer.scale == 0:
            raise NotCarried("its learning rate is 0, which Keras has multiplied the momentum by")
        state[f"{weight}/{own}"] = Scaled(array, 1 / optimizer.scale) if optimizer.scale else array
    return state


def keras_state(model: SavedModel, file: str | PathLike[str]) -> dict[str, StoredArray]:
    """The state of a model's optimizer in Keras 3's order, from TensorFlow.js's.

    Raises:
        NotCarried, FormatError: as above.
    """
    optimizer = _Optimizer.of(model, file)
    (iteration, *rest) = model.optimizer.values()
    places = optimizer.in_own_order()
    variables = optimizer.fitting(rest, [weight for weight, *_ in places])
    found = {(weight, kept): array for (weight, _, kept), array in zip(places, variables, strict=True)}
    rate = InMemory(np.array(optimizer.config["learningRate"], np.float32))
    state: dict[str, StoredArray] = {"iteration": Wide(iteration), "learning_rate": rate}
    for weight, kept in optimizer.in_order_of_keras():
        array = found[weight, kept]
        state[f"{weight}/{kept}"] = Scaled(array, optimizer.scale) if optimizer.scale else array
    return state


def _trained(model: SavedModel, file: str | PathLike[str]) -> dict[str, tuple[int, ...]]:
    """The shapes of the weights that are trained, by TensorFlow.js's names, in the order of both programs."""
    found: dict[str, tuple[int, ...]] = {}
    for leaf in Names(in_keras_order(model.configuration, file), file).leaves:
        given = model.weights.get(leaf.path)
        if not given or not leaf.configured.trainable or leaf.configured.config.get("trainable") is False:
            continue
        if leaf.layer is None:
            raise NotCarried(f"which weights of {leaf.configured.class_name} are trained is not known")
        for weight in leaf.configured.declared(leaf.layer, given):
            if weight.trainable:
                found[leaf.written(weight.name)] = given[weight.name].shape
    return found


@dataclass(frozen=True)
class Scaled:
    """An array of float32 times a number."""

    array: StoredArray
    factor: float

    dtype = "float32"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def pieces(self) -> Iterator[memoryview]:
        for piece in self.array.pieces():
            yield (np.frombuffer(piece, "<f4") * np.float64(self.factor)).astype("<f4").view(np.uint8).data


@dataclass(frozen=True)
class Wide:
    """Integers of 32 bits in the 64 that Keras has."""

    array: StoredArray

    dtype = "int64"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def pieces(self) -> Iterator[memoryview]:
        for piece in self.array.pieces():
            yield np.frombuffer(piece, "<i4").astype("<i8").view(np.uint8).data
