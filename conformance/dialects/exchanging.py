"""The scopes of deviations that show when models go from one program to another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.models import SUBJECTS, configuration
from conformance.dialects.deviation import About
from conformance.reference_impl.models.graph import graph, is_model
from conformance.reference_impl.saving.saved_model import JSONObject


def about(holds: Callable[[JSONObject], bool]) -> About:
    """The scope of models of which something holds: of the whole, or of one inside."""

    def anywhere(case: Case, data: Data) -> bool:
        try:
            return any(map(holds, models_in(configuration(case))))
        except ValueError:
            return False

    return About(frozenset(SUBJECTS), anywhere)


def models_in(model: JSONObject) -> Iterator[JSONObject]:
    """A model, and all that stand in it."""
    yield model
    for layer in model["config"]["layers"]:
        if is_model(layer):
            yield from models_in(layer)


def gives_states(model: JSONObject) -> bool:
    """A recurrent layer is called with the states from which it starts."""
    return any(call.kwargs.get("initial_state") for call in graph(model).calls)
