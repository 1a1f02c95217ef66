"""Spaces: what Hypothesis can draw about a subject.

A case about a layer begins with the arguments and inputs of one of its cases in the quick corpus; then
arguments, sizes, regimes and keys are drawn anew. Whatever the specification does not take is left as it was.
Strategies reduce to few, small and plain things.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import msgspec
from hypothesis import strategies as st

from conformance.cases import corpus
from conformance.cases.answer import Answers
from conformance.cases.case import Case, Literal, Recipe, Source
from conformance.cases.data import make
from conformance.cases.drafts.activations import ARGUMENTS, NORMALISING
from conformance.cases.drafts.activations import REQUIRED as REQUIRED_OF_ACTIVATIONS
from conformance.cases.drafts.covering import Row
from conformance.cases.drafts.determinism import asked_again
from conformance.cases.drafts.draft import draft_activation, recipe
from conformance.cases.drafts.models import drawn
from conformance.cases.drafts.standard import (
    LARGEST,
    REGIMES,
    UNSET,
    Array,
    Placed,
    computes,
    in_regime,
    mapped,
    recombinable,
    renamed,
)
from conformance.cases.expected import Refusal
from conformance.cases.relations import relation_of
from conformance.reference_impl.fields import REQUIRED

Space = st.SearchStrategy[Case]

ORDINARY = tuple(dict.fromkeys(REGIMES))
"""Regimes of floating-point inputs, the plainest first."""

REGIME = st.sampled_from(ORDINARY)

SIZES = st.sampled_from((*range(1, 9), 9, 16, 17, 32, 33))
"""Sizes of axes: small ones, and those around the widths in which implementations compute."""

KEYS = st.integers(0, 2**16 - 1)
"""What the keys of a case's recipes are changed by: other numbers of the same kind."""

AGAIN = st.integers(1, 8).map(lambda number: number == 8)
"""Whether a case asks what a second call gives, and nothing else but the first."""

TRAINING = st.booleans()
"""Whether statistics are asked as they are in training, where a layer keeps any."""

CHANGES = 4
"""How many arguments are drawn anew at most; the others stay as in the case of the corpus."""


def spaces(cases: Sequence[Case]) -> dict[str, Space]:
    """The space of every subject of the cases that has one, by its name.

    Args:
        cases: of a corpus, from which the spaces are made.
    """
    by_subject: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_subject[case.subject].append(case)
    found: dict[str, Space] = {}
    for subject, own in by_subject.items():
        kind, _, name = subject.partition(".")
        if kind in MAKERS and (space := MAKERS[kind](name, own)) is not None:
            found[subject] = space
    return found


def of_quick(subjects: Collection[str]) -> dict[str, Space]:
    """The spaces of those subjects, made of the quick corpus."""
    return spaces([case for case in corpus.load("quick") if case.subject in subjects])


# Layers


def of_layer(name: str, cases: Sequence[Case]) -> Space | None:
    usable = recombinable(cases)
    return layer_cases(Choices.of(Array(name, usable))) if usable else None


@dataclass(frozen=True)
class Choices:
    """What there is to draw about a layer, made once: Hypothesis takes long to look a strategy over.

    Attributes:
        bases: the rows of the corpus.
        arguments: which are drawn anew: those without a default, lest their sizes stay as they were, and a
            few others.
        values: by argument, what it may be, as JSON: the default, examples of its kind, and the values of the
            corpus.
    """

    array: Array
    bases: st.SearchStrategy[Row]
    arguments: st.SearchStrategy[list[str]]
    values: Mapping[str, st.SearchStrategy[str]]

    @classmethod
    def of(cls, array: Array) -> Choices:
        required = [name for name in array.values if array.layer.arguments[name].default is REQUIRED]
        others = [name for name in array.values if name not in required]
        chosen = (
            st.lists(st.sampled_from(others), unique=True, max_size=CHANGES) if others else st.just([])
        ).map(lambda names: [*required, *names])
        values = {name: st.sampled_from(argument_values(array, name)) for name in array.values}
        return cls(array, st.sampled_from(sorted(array.bases)), chosen, values)


@st.composite
def layer_cases(draw: st.DrawFn, choices: Choices) -> Case:
    """Cases about a layer."""
    array, base = choices.array, draw(choices.bases)
    changes = {name: draw(choices.values[name]) for name in draw(choices.arguments)}
    known = array.config(base), array.inputs[base[0]]
    regime, by, in_training, again = draw(REGIME), draw(KEYS), draw(TRAINING), draw(AGAIN)
    sizes = draw_sizes(draw, known[1])

    def case_of(config: dict[str, Any], placed: Placed) -> Case:
        placed = replace(placed, inputs=tuple(in_regime(source, regime) for source in placed.inputs))
        placed = array.suited(config, placed)
        training = in_training and array.keeps_statistics(config, placed)
        return array.draft(config, placed, training=training)

    case = rekeyed(case_of(*fitting(array, *known, changes, sizes)), by)
    if array.layer.refuses_in_call and not answered(case):
        case = case_of(*known)
    return asked_again(case) if again else case


def fitting(
    array: Array, config: dict[str, Any], placed: Placed, changes: Mapping[str, str], resized: Placed
) -> tuple[dict[str, Any], Placed]:
    """The configuration and the arrays with all changes; where they do not fit one another, with each that
    fits those before it."""
    everything = config
    for argument, text in changes.items():
        everything = with_value(everything, argument, text)
    if array.fits(everything, resized):
        return everything, resized
    for argument, text in changes.items():
        one_more = with_value(config, argument, text)
        if array.fits(one_more, placed):
            config = one_more
    return config, resized if array.fits(config, resized) else placed


def with_value(config: dict[str, Any], argument: str, text: str) -> dict[str, Any]:
    """The configuration with another value of an argument."""
    others = {name: value for name, value in config.items() if name != argument}
    return others if text == UNSET else others | {argument: msgspec.json.decode(text)}


def argument_values(array: Array, argument: str) -> list[str]:
    examples = [msgspec.json.encode(x).decode() for x in array.layer.arguments[argument].kind.examples]
    known = array.values[argument]
    return sorted({*known, *examples}, key=[UNSET, *examples, *known].index)


def draw_sizes(draw: st.DrawFn, placed: Placed) -> Placed:
    """The same arrays in other sizes: of one input each axis by itself, of several all that are alike."""
    shapes = [source.shape for source in placed.inputs]
    if not all(isinstance(source, Recipe) for source in placed.sources):
        return placed
    if len(shapes) == 1:
        shape = tuple(draw(SIZES) if size else 0 for size in shapes[0])
        return mapped(placed, shape)
    sizes = {size: draw(SIZES) for size in sorted({n for shape in shapes for n in shape if n > 1})}
    return renamed(placed, sizes)


# Activations, models, and what has no sizes of its own


def of_activation(name: str, cases: Sequence[Case]) -> Space:
    return activation_cases(name)


@st.composite
def activation_cases(draw: st.DrawFn, name: str) -> Case:
    """Cases about an activation function. What the specification refuses, as an axis that the input has not,
    is made one that it takes: a case that is given up takes all with it that are drawn together."""
    needed = REQUIRED_OF_ACTIVATIONS.get(name, {})
    config = draw(st.sampled_from((needed, *ARGUMENTS.get(name, ()))))
    shape = draw(st.lists(SIZES, min_size=2, max_size=4))
    while prod(shape) > LARGEST:
        shape.pop()
    regimes = [r for r in (*ORDINARY, "kinks") if not (r == "wide_exponents" and name in NORMALISING)]
    regime, by, again = draw(st.sampled_from(regimes)), draw(KEYS), draw(AGAIN)
    case = draft_activation(name, config, recipe(regime, *shape))
    if not computes(case):
        case = draft_activation(name, needed, recipe(regime, *(n + n % 2 for n in shape)))
    case = rekeyed(case, by)
    return asked_again(case) if again else case


def of_model(name: str, cases: Sequence[Case]) -> Space | None:
    return model_cases() if name == "Functional" else None


@st.composite
def model_cases(draw: st.DrawFn) -> Case:
    """Cases about small models."""
    case = drawn.model(lambda options: draw(st.sampled_from(options)))
    return rekeyed(case, draw(KEYS))


def of_others(name: str, cases: Sequence[Case]) -> Space | None:
    usable = [case for case in cases if (case.inputs or case.weights) and answered(case)]
    return other_cases(usable) if usable else None


@st.composite
def other_cases(draw: st.DrawFn, cases: Sequence[Case]) -> Case:
    """The cases of the corpus with other numbers, and the ordinary ones of them in other regimes."""
    case = draw(st.sampled_from(cases))
    regime = draw(REGIME)
    changed = msgspec.structs.replace(
        case,
        inputs=tuple(in_regime(source, regime, only="normal") for source in case.inputs),
        weights={name: in_regime(source, regime, only="normal") for name, source in case.weights.items()},
    )
    return rekeyed(changed, draw(KEYS))


def answered(case: Case) -> bool:
    """Whether the specification has an answer to what the case asks first, and that is no refusal; and where
    a layer's dtype or mask is asked, which runtimes tell by a call, to a call."""
    asked = [name for name in case.observables if relation_of(name) is None]
    if case.to_be_refused or not asked:
        return False
    layer = case.subject.startswith("layers.")
    needs_call = layer and any(name == "dtype" or name.startswith("mask/") for name in asked)
    first = (asked[0], *(("output/0",) if needs_call else ()))
    answers = Answers(msgspec.structs.replace(case, observables=first), make(case), None)
    try:
        return not any(isinstance(answers[name], Refusal) for name in first)
    except LookupError:  # there is no such output, or weight, with this configuration
        return False


MAKERS: Mapping[str, Callable[[str, Sequence[Case]], Space | None]] = {
    "layers": of_layer,
    "activations": of_activation,
    "models": of_model,
    **dict.fromkeys(("losses", "metrics", "optimizers", "constraints", "regularizers"), of_others),
}
"""By kind of subject. Schedules and initializers have no data to draw; programs of the guides and runs of
training take seconds each, and a corpus is the place for them."""


def rekeyed(case: Case, by: int) -> Case:
    """The same case with other numbers: every key changed."""

    def changed(source: Source) -> Source:
        return msgspec.structs.replace(source, key=source.key ^ by) if isinstance(source, Recipe) else source

    return with_sources(case, changed) if by else case


def with_other_numbers(case: Case) -> Case:
    """The same case with other numbers: every key changed, and of what is written out each number one more;
    integers, which may have to be in a range, in reverse order."""

    def changed(source: Source) -> Source:
        match source:
            case Recipe(key=key):
                return msgspec.structs.replace(source, key=key ^ 1)
            case Literal(data=data, dtype=dtype) if "float" in dtype:
                more = tuple(x + 1.0 if isinstance(x, float) else x for x in data)
                return msgspec.structs.replace(source, data=more)
            case Literal(data=data):
                return msgspec.structs.replace(source, data=data[::-1])

    return with_sources(case, changed)


def with_sources(case: Case, changed: Callable[[Source], Source]) -> Case:
    """The case with every array changed."""
    return msgspec.structs.replace(
        case,
        inputs=tuple(map(changed, case.inputs)),
        weights={name: changed(source) for name, source in case.weights.items()},
        masks=tuple(map(changed, case.masks)),
        initial_state=tuple(map(changed, case.initial_state)),
        cotangents=tuple(map(changed, case.cotangents)),
    )
