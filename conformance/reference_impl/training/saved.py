"""A compiled model as a file has it, from which training goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from conformance.reference_impl.arrays import xp
from conformance.reference_impl.configured import Configured
from conformance.reference_impl.models import Model
from conformance.reference_impl.saving.saved_model import InMemory, SavedModel, loaded
from conformance.reference_impl.tape import Tensor

if TYPE_CHECKING:
    from conformance.reference_impl.training.compiled import Compiled


def saved(compiled: Compiled) -> SavedModel:
    """Architecture, weights, how it was compiled, and the optimizer's state.

    Raises:
        ValueError: a loss or metric is a function, which no file tells.
    """
    objectives = {name: described(given) for name, given in compiled.objectives.items()}
    return SavedModel(
        configuration=dict(compiled.model.description),
        weights={
            path: {name: InMemory(xp.to_host(w.value)) for name, w in own.items()}
            for path, own in compiled.weights.items()
        },
        training={"optimizer": compiled.optimizer.serialized()} | objectives,
        optimizer={key: InMemory(xp.to_host(slot.value)) for key, slot in compiled.slots.items()},
    )


def restored(model: SavedModel, dtype: str = "float32", seed: int = 0) -> Compiled:
    """The compiled model of a file: it trains on as the one that was saved would have.

    Args:
        seed: of that one.

    Raises:
        ValueError: the model was not compiled, or the optimizer has other variables than the file.
    """
    from conformance.reference_impl.training.compiled import Compiled

    if model.training is None:
        raise ValueError("the model was saved without how it was compiled")
    arguments = {name: value for name, value in model.training.items() if name in COMPILED}
    weights = {path: {n: loaded(w) for n, w in own.items()} for path, own in model.weights.items()}
    made = Compiled(Model.from_config(model.configuration), weights, dtype=dtype, seed=seed, **arguments)
    if len(model.optimizer) != len(made.slots):
        raise ValueError(
            f"{type(made.optimizer).__name__} has {len(made.slots)} variables, the file has "
            f"{len(model.optimizer)}"
        )
    for (key, slot), stored in zip(made.slots.items(), model.optimizer.values(), strict=True):
        value = loaded(stored)
        if value.shape != slot.shape:
            raise ValueError(f"{key} of the optimizer is of shape {slot.shape}, the file has {value.shape}")
        made.slots[key] = Tensor(xp.asarray(value.astype(slot.dtype)))
    made.steps = int(made.slots["iteration"].value)
    return made


COMPILED = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")
"""What of the arguments of `compile` the specification has; the rest says how Keras computes."""


def described(given: Any) -> Any:
    """A loss or metric, or several, as files have them."""
    match given:
        case Configured():
            return {
                "module": f"keras.{given.family}",
                "class_name": type(given).__name__,
                "config": given.get_config(),
                "registered_name": None,
            }
        case Mapping():
            return {name: described(item) for name, item in given.items()}
        case list() | tuple():
            return [described(item) for item in given]
        case None | str() | int() | float() | np.floating():
            return given
    raise ValueError(f"{given!r} is a function, which no file tells; give a name or a class")
