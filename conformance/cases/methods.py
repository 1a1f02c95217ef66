"""What the methods of a built layer do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from conformance.cases.question import Question
from conformance.cases.subjects.layer import LayerSubject
from conformance.reference_impl.layers.layer import Weight


def _declared(question: Question) -> tuple[Weight, ...]:
    assert question.subject.layer is not None
    return question.subject.layer.declare_weights([x.shape for x in question.data.inputs])


def _frozen_and_thawed(question: Question) -> dict[str, dict[str, list[str]]]:
    """Frozen, no weight is trainable; thawed, those are that were meant to be."""
    weights = _declared(question)
    return {
        state: {
            "trainable_weights": [w.name for w in weights if w.trainable and thawed],
            "non_trainable_weights": [w.name for w in weights if not (w.trainable and thawed)],
        }
        for state, thawed in (("frozen", False), ("thawed", True))
    }


def _loaded(question: Question) -> tuple[Weight, ...]:
    """The weights of a layer that has been given the case's; raises ValueError where those are others."""
    assert isinstance(question.subject, LayerSubject)
    question.subject.check_weights(question.data.inputs, question.data.weights)
    return _declared(question)


def _taken(question: Question) -> dict[str, bool]:
    unfit = {"one_missing": False, "other_shape": False} if _loaded(question) else {}
    return {"own": True, "one_more": False, **unfit}


METHODS: dict[str, Callable[[Question], Any]] = {
    "count_params": lambda question: sum(math.prod(w.shape) for w in _declared(question)),
    "get_weights": lambda question: [w.name for w in _loaded(question)],
    "set_weights": _taken,
    "trainable": _frozen_and_thawed,
    "reset_state": lambda question: {"carried": True, "reset": True},
}
"""By name, what a method does to a built layer, as `protocol.OBSERVABLES` has it."""
