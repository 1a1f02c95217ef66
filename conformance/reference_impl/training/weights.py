"""What layers say of their weights beside shapes: initial values, penalties, constraints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from conformance.reference_impl import constraints, initializers, regularizers
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.layers import Bidirectional, Layer, StackedRNNCells, TimeDistributed
from conformance.reference_impl.layers.layer import Weight
from conformance.reference_impl.layers.recurrent import Recurrent
from conformance.reference_impl.models import Model
from conformance.reference_impl.primitives import divide
from conformance.reference_impl.saving.saved_model import LayerPath
from conformance.reference_impl.tape import Tensor

KEYS_OF_A_WEIGHT = 2**40
"""Keys of random numbers that the initial values of one weight draw from at most."""


def key_of(path: LayerPath, weight: str) -> str:
    """The name of a weight in a whole model, such as `tower/dense/kernel`."""
    return "/".join((*path, weight))


def owners(layer: Layer, scope: str = "") -> Iterator[tuple[str, Layer]]:
    """The layers inside a layer that have weights, each by what its weights' names begin with."""
    match layer:
        case TimeDistributed():
            yield from owners(layer.inner, scope)
        case Bidirectional():
            for direction in layer.directions:
                yield from owners(direction, f"{scope}{direction.name}/")
        case Recurrent():
            yield from owners(layer.repeated, scope)
        case StackedRNNCells():
            for inner, cell in zip(layer.scopes, layer.stack, strict=True):
                yield from owners(cell, f"{scope}{inner}/")
        case _:
            yield scope, layer


def said_of(layer: Layer, weight: str, what: str) -> Any:
    """The argument of the layer, or of one inside it, that is about a weight: `kernel_constraint` and
    `depthwise_constraint` are those of `kernel` and `depthwise_kernel`; None where there is none."""
    scope, owner = max(
        ((scope, owner) for scope, owner in owners(layer) if weight.startswith(scope)),
        key=lambda found: len(found[0]),
    )
    name = weight.removeprefix(scope)
    for stem in (name, name.removesuffix("_kernel")):
        if owner.config.get(f"{stem}_{what}") is not None:
            return owner.config[f"{stem}_{what}"]
    return None


def initial_weights(
    model: Model, dtype: str = "float32", seed: int = 0
) -> dict[LayerPath, dict[str, Tensor]]:
    """The weights with which a model begins, as its layers' initializers say.

    Args:
        dtype: of floating weights.
        seed: of the random ones; another one for each weight is made from it.
    """
    made: dict[LayerPath, dict[str, Tensor]] = {}
    number = 0
    for path, declared in model.declare_weights().items():
        for weight in declared:
            number += 1
            made.setdefault(path, {})[weight.name] = _initial(weight, dtype, seed + number * KEYS_OF_A_WEIGHT)
    return made


def _initial(weight: Weight, dtype: str, key: int) -> Tensor:
    kind = weight.dtype or dtype
    like = Tensor(xp.zeros((), dtype if "float" in kind else kind))
    return initializers.initial(weight.initializer or "zeros", weight.shape, like, key)


class Said:
    """The penalties and constraints of a model, found once.

    Attributes:
        trainable: the keys of the weights that training changes, in the model's order.
        constraints: by key.
    """

    def __init__(self, model: Model) -> None:
        layers = dict(model.layers())
        self.trainable: list[str] = []
        self.constraints: dict[str, Callable[[Tensor], Tensor]] = {}
        self._regularizers: dict[str, Callable[[Tensor], Tensor]] = {}
        self._activity: dict[LayerPath, Callable[[Tensor], Tensor]] = {}
        for path, declared in model.declare_weights().items():
            layer = layers[path]
            assert isinstance(layer, Layer)
            for weight in declared:
                key = key_of(path, weight.name)
                if weight.trainable:
                    self.trainable.append(key)
                    self._add(self._regularizers, key, layer, weight.name, "regularizer", regularizers.get)
                    self._add(self.constraints, key, layer, weight.name, "constraint", constraints.get)
        for path, member in layers.items():
            if isinstance(member, Layer) and (said := _activity(member)) is not None:
                self._activity[path] = regularizers.get(said)

    @staticmethod
    def _add(
        into: dict[str, Callable[[Tensor], Tensor]],
        key: str,
        layer: Layer,
        weight: str,
        what: str,
        get: Callable[[Any], Callable[[Tensor], Tensor]],
    ) -> None:
        said = said_of(layer, weight, what)
        if said is not None:
            into[key] = get(said)

    def penalties_of_weights(self, weights: Mapping[str, Tensor]) -> list[Tensor]:
        """A scalar for each regularized weight; those that are not trained are spared, as in Keras."""
        return [penalty(weights[key]) for key, penalty in self._regularizers.items()]

    def penalties_of_outputs(self, path: LayerPath, outputs: tuple[Tensor, ...]) -> list[Tensor]:
        """A scalar for each output of a call of the layer at the path, a mean over the batch."""
        penalty = self._activity.get(path)
        if penalty is None:
            return []
        return [divide(penalty(output), float(output.shape[0])) for output in outputs]


def _activity(layer: Layer) -> Any:
    """The penalty on a layer's outputs; raises ValueError where a layer inside it has one."""
    if type(layer).__name__ == "ActivityRegularization":
        return {"class_name": "L1L2", "config": {"l1": layer.config["l1"], "l2": layer.config["l2"]}}
    for scope, owner in owners(layer):
        if owner is not layer and owner.config.get("activity_regularizer") is not None:
            raise ValueError(
                f"layer {layer.config.get('name')}: the activity regularizer of {scope} inside it is "
                "not computed; give it to the layer around it"
            )
    return layer.config.get("activity_regularizer")


__all__ = ["Said", "initial_weights", "key_of", "said_of"]
