"""Scopes of deviations about what is to be refused: what is wrong with a case, and that nothing else is.

Each asks the specification for the same case without the fault: a case with another fault beside it is not in
scope, nor is one that the backend would have to refuse for another reason.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from conformance.cases.answer import Answers
from conformance.cases.case import JSON, Case
from conformance.cases.data import Data
from conformance.cases.expected import Refusal
from conformance.cases.subjects import class_of
from conformance.cases.training import is_about_training
from conformance.dialects.deviation import Scope


def sound(case: Case, data: Data, **changes: Any) -> bool:
    """Whether the specification takes the case with these changes."""
    asked = msgspec.structs.replace(case, **changes, observables=("refusal",))
    with np.errstate(all="ignore"):
        return not isinstance(Answers(asked, data, None)["refusal"], Refusal)


def wrong_in(*arguments: str, **instead: JSON) -> Scope:
    """What is wrong is one of these arguments: the case would be sound without it, or with the value given
    here in its place."""

    def scope(case: Case, data: Data) -> bool:
        given = case.config.keys() & {*arguments, *instead}
        kept = {name: value for name, value in case.config.items() if name not in given}
        mended = {name: instead[name] for name in given if name in instead}
        return bool(given) and sound(case, data, config=kept | mended)

    return scope


def wrong_in_part(part: str, *arguments: str, **instead: JSON) -> Scope:
    """What is wrong is one of these arguments in a part of a run's configuration, `compile` or a method: the
    run would be sound without it, or with the value given here in its place."""

    def scope(case: Case, data: Data) -> bool:
        own = case.config.get(part)
        if not isinstance(own, dict) or not own.keys() & {*arguments, *instead}:
            return False
        kept = {name: value for name, value in own.items() if name not in arguments}
        mended = kept | {name: value for name, value in instead.items() if name in own}
        return sound(case, data, config=case.config | {part: mended})

    return scope


def wrong_in_labels(case: Case, data: Data) -> bool:
    """What is wrong are labels of another range: the case would be sound with zeros in their place."""
    places = case.config["data"].get("y", ()) if is_about_training(case) else (0,)
    inputs = tuple(np.zeros_like(x) if i in places else x for i, x in enumerate(data.inputs))
    weights = {name: np.zeros_like(x) if name == "0/y_true" else x for name, x in data.weights.items()}
    return sound(case, replace(data, inputs=inputs, weights=weights))


def lacking(**argument: JSON) -> Scope:
    """One of these required arguments is missing: the case would be sound with the value given here."""

    def scope(case: Case, data: Data) -> bool:
        return any(
            name not in case.config and sound(case, data, config=case.config | {name: value})
            for name, value in argument.items()
        )

    return scope


def unknown_arguments(case: Case, data: Data) -> bool:
    """What is wrong are arguments that the specification's class does not have."""
    known = class_of(case.subject).arguments
    return wrong_in(*case.config.keys() - known.keys())(case, data)


def wrong_rate(case: Case, data: Data) -> bool:
    """What is wrong is the learning rate of the optimizer of a run."""
    compiled = case.config["compile"]
    optimizer = compiled["optimizer"]
    if not isinstance(optimizer, dict):
        return False
    mended = optimizer | {"config": optimizer["config"] | {"learning_rate": 0.125}}
    return sound(case, data, config=case.config | {"compile": compiled | {"optimizer": mended}})


def broadcasts_gradients(case: Case, data: Data) -> bool:
    """The gradients of an optimizer have other shapes than its variables, and could be broadcast to these."""
    pairs = [
        (x.shape, data.weights[name.replace("gradient/", "variable/")].shape)
        for name, x in data.weights.items()
        if name.startswith("gradient/")
    ]
    return any(a != b for a, b in pairs) and all(_broadcasts(a, b) for a, b in pairs)


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    sizes = zip(shape[::-1], to[::-1], strict=False)
    return len(shape) <= len(to) and all(n in (1, m) for n, m in sizes)


def has_no_samples(case: Case, data: Data) -> bool:
    """The first input of a run is empty."""
    return not len(data.inputs[case.config["data"]["x"][0]])


def wrong_in_masks(case: Case, data: Data) -> bool:
    """A mask does not fit: the case would be sound without masks."""
    return bool(case.masks) and sound(case, replace(data, masks=()), masks=())


def wrong_in_states(case: Case, data: Data) -> bool:
    """An initial state does not fit: the case would be sound without initial states."""
    return bool(case.initial_state) and sound(case, replace(data, initial_state=()), initial_state=())


def too_many_inputs(case: Case, data: Data) -> bool:
    """Of the inputs, the first alone would be sound."""
    alone = replace(data, inputs=data.inputs[:1])
    return len(case.inputs) > 1 and sound(case, alone, inputs=case.inputs[:1])


def below_one(*arguments: str) -> Scope:
    """One of the arguments is a number below 1."""
    return lambda case, data: any(
        isinstance(case.config.get(name), int) and case.config[name] < 1 for name in arguments
    )


def longer_than(count: int, argument: str) -> Scope:
    """The argument is a list of more than so many."""
    return lambda case, data: (
        isinstance(case.config.get(argument), list) and len(case.config[argument]) > count
    )


def is_list(argument: str) -> Scope:
    """The argument is a list with something in it."""
    return longer_than(0, argument)
