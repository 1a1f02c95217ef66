"""What a model was trained with, carried with it: how it was compiled, and the state of its optimizer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike

from conformance.reference_impl.saving.formats import TENSORFLOW_JS, Format
from conformance.reference_impl.saving.legacy_h5 import Generation
from conformance.reference_impl.saving.optimizer_state import (
    NotCarried,
    in_own_order,
    keras_state,
    tensorflow_js_state,
)
from conformance.reference_impl.saving.saved_model import SavedModel, StoredArray, loaded
from conformance.reference_impl.saving.tensorflow_js_training import UntoldTraining, tensorflow_js_training
from conformance.reference_impl.saving.training import legacy_state

COMPILATION, STATE = "how it was compiled", "the state of its optimizer"


@dataclass(frozen=True)
class Lost:
    """What of a model's training the target does not have; what the model computes does not depend on it.

    Attributes:
        what: `COMPILATION` or `STATE`.
        why: in a clause.
        remedy: what has to be done to train on.
    """

    what: str
    why: str
    remedy: str


def carried(
    read: SavedModel, fitted: SavedModel, target: Format, generation: Generation, file: str | PathLike[str]
) -> tuple[SavedModel, tuple[Lost, ...]]:
    """The model with the state of its optimizer in the target's order, and what of its training is lost.

    Args:
        read: the model as it was read; `fitted` is what was made of it for the target.

    Raises:
        FormatError: the configuration is no model's; the message names the file.
    """
    if read.training is None:
        return fitted, ()
    if target is TENSORFLOW_JS:
        try:
            tensorflow_js_training(read.training)
        except UntoldTraining as error:
            return fitted, (
                Lost(COMPILATION, str(error), "compile it there with another one before you train on"),
            )
    try:
        return replace(fitted, optimizer=_state(read, fitted, target, generation, file)), ()
    except NotCarried as error:
        lost = Lost(STATE, str(error), "training goes on there with a fresh one")
        return replace(fitted, optimizer={}), (lost,)


def _state(
    read: SavedModel, fitted: SavedModel, target: Format, generation: Generation, file: str | PathLike[str]
) -> dict[str, StoredArray]:
    if not _was_trained(read):
        return {}
    if not fitted.optimizer:
        raise NotCarried("weights were rewritten for the target")
    if target is TENSORFLOW_JS:
        return dict(fitted.optimizer if in_own_order(fitted) else tensorflow_js_state(fitted, file))
    state = dict(keras_state(fitted, file) if in_own_order(fitted) else fitted.optimizer)
    if not legacy_state(state, read.training, generation):
        raise NotCarried("Keras 2 has that of this optimizer in another order")
    return state


def _was_trained(model: SavedModel) -> bool:
    """Whether the optimizer has made a step; the first of its variables counts them."""
    return bool(model.optimizer) and bool(loaded(next(iter(model.optimizer.values()))))
