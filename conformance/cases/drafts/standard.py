"""Drafts of the standard corpus: what the quick one has of each layer, recombined.

Every two values of two arguments stand together in a case, and every value with every input, as far as the
specification takes them; the values and inputs are those of the quick drafts, and a few more of each kind.
Over the cases go the regimes, and sizes around the widths in which implementations compute.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from typing import Any

import msgspec

from conformance.cases.answer import Answers
from conformance.cases.case import Case, Recipe, Source
from conformance.cases.data import make
from conformance.cases.drafts import callbacks, datasets, metrics, models, refusals, training, values
from conformance.cases.drafts.activations import ARGUMENTS, NORMALISING, REQUIRED
from conformance.cases.drafts.covering import Row, covering_rows
from conformance.cases.drafts.draft import draft_activation, draft_layer, recipe
from conformance.cases.expected import Refusal
from conformance.reference_impl import fields, layers
from conformance.reference_impl.fields import REQUIRED as NO_DEFAULT
from conformance.reference_impl.fields import Kind
from conformance.reference_impl.layers.layer import Layer

MORE_VALUES: tuple[tuple[Kind, tuple[Any, ...]], ...] = (
    (fields.boolean, (True, False)),
    (fields.activation, ("sigmoid", "elu", "gelu")),
    (fields.positive_integers, (2, 3)),
)
"""Values of every argument of a kind, beside those of the quick drafts."""

REGIMES = (
    "normal",
    "lattice",
    "small_variance",
    "normal",
    "large_mean",
    "wide_exponents",
    "normal",
    "all_negative",
    "cancelling",
    "normal",
    "signed_zeros",
    "ties",
    "normal",
    "one_hot",
    "tiny",
    "normal",
    "subnormals",
    "one_nan",
    "normal",
    "one_infinity",
    "saturating",
    "normal",
    "near_overflow",
)
"""What takes turns over the cases, ordinary numbers most often: special values hide others."""

CHANNELS = (4, 8, 16, 48, 5, 9, 17)
"""Sizes of the last axis: widths of vectors and blocks, and one more."""

LENGTHS = {1: (3, 7), 2: (3, 5, 6), 3: (5, 7, 9, 17, 33), 4: (5, 7, 9, 11), 5: (3, 5, 4, 7)}
"""Sizes of the axes between the first and the last, by the input's rank; neighbours differ."""

BATCHES = (2, 3, 1, 4)

LARGEST = 6000
"""Elements that the inputs, weights and outputs of a case may have together."""


UNEXPLAINED: dict[str, tuple[str, ...]] = {}
"""Cases on which a backend does something that no deviation predicts yet, by what: they wait for one."""


@dataclass(frozen=True)
class Placed:
    """The arrays of a case that are no weights."""

    inputs: tuple[Source, ...]
    masks: tuple[Source, ...]
    initial_state: tuple[Source, ...]

    @property
    def sources(self) -> tuple[Source, ...]:
        return (*self.inputs, *self.masks, *self.initial_state)


def standard(quick: Sequence[Case], subjects: Sequence[str] | None = None) -> Iterator[Case]:
    """The cases that the standard corpus has and the quick one lacks.

    Args:
        quick: the cases of the quick one.
        subjects: only the cases about these.
    """
    known = {case.id for case in quick}.union(*UNEXPLAINED.values())
    by_subject: dict[str, list[Case]] = defaultdict(list)
    for case in quick:
        by_subject[case.subject].append(case)
    for subject, cases in by_subject.items():
        if subjects is None or subject in subjects:
            for case in drafted(subject, cases):
                if case.id not in known:
                    known.add(case.id)
                    yield case


BEYOND: dict[str, tuple[Callable[[], Iterator[Case]], ...]] = {
    "losses": (refusals.of_losses,),
    "metrics": (metrics.more, refusals.of_metrics),
    "models": (models.more,),
    "optimizers": (refusals.of_optimizers,),
    "schedules": (refusals.of_schedules,),
    "training": (training.more, datasets.more, refusals.of_training),
    "callbacks": (callbacks.more, refusals.of_callbacks),
    **dict.fromkeys(("constraints", "regularizers", "initializers"), (values.more, refusals.of_values)),
}
"""By kind of subject, what is drafted for the standard corpus alone."""


@cache
def beyond(kind: str) -> tuple[Case, ...]:
    """What a kind's module drafts for the standard corpus, about all its subjects."""
    return tuple(case for draft in BEYOND[kind] for case in draft())


def drafted(subject: str, quick: Sequence[Case]) -> Iterator[Case]:
    """More cases about a subject, made of its quick ones where it is a layer."""
    kind, _, name = subject.partition(".")
    match kind:
        case "layers":
            return of_layer(name, quick)
        case "activations":
            return of_activation(name)
        case _ if kind in BEYOND:
            return (case for case in beyond(kind) if case.subject == subject)
    return iter(())


def computes(case: Case) -> bool:
    """Whether the specification has an output for the case."""
    return not isinstance(Answers(case, make(case), None)["output/0"], Refusal)


# Layers


def of_layer(name: str, quick: Sequence[Case]) -> Iterator[Case]:
    """A covering array over the arguments and inputs of a layer's quick cases. Those whose inputs are written
    out aim at one configuration, and are left alone."""
    array = Array(name, recombinable(quick))
    for number, row in enumerate(covering_rows(array.sizes, array.bases, array.valid)):
        yield array.case(row, number)


def recombinable(cases: Sequence[Case]) -> list[Case]:
    """The cases that have an output, of inputs that nobody wrote down."""
    return [
        case
        for case in cases
        if "output/0" in case.observables
        and all(isinstance(source, Recipe) for source in case.inputs)
        and computes(case)
    ]


class Array:
    """The factors of a layer: its arguments, and its inputs."""

    def __init__(self, name: str, cases: Sequence[Case]) -> None:
        self.name = name
        self.layer = layers.get(name)
        self.inputs = tuple(dict.fromkeys(_unkeyed(case) for case in cases))
        varied = [name for name in self.layer.arguments if any(name in case.config for case in cases)]
        self.values = {argument: _values(self.layer, argument, cases) for argument in varied}
        self.regimes = _weight_regimes(cases)
        self.sizes = (len(self.inputs), *map(len, self.values.values()))
        self.bases = tuple(dict.fromkeys(map(self._row, cases)))
        self._valid: dict[Row, bool] = {}

    def _row(self, case: Case) -> Row:
        config = (
            values.index(_text(case.config[argument]) if argument in case.config else UNSET)
            for argument, values in self.values.items()
        )
        return (self.inputs.index(_unkeyed(case)), *config)

    def config(self, row: Row) -> dict[str, Any]:
        chosen = {
            argument: values[i] for (argument, values), i in zip(self.values.items(), row[1:], strict=True)
        }
        return {argument: msgspec.json.decode(text) for argument, text in chosen.items() if text != UNSET}

    def valid(self, row: Row) -> bool:
        if row not in self._valid:
            self._valid[row] = self.takes(self.config(row), self.inputs[row[0]])
        return self._valid[row]

    def takes(self, config: dict[str, Any], placed: Placed) -> bool:
        """Whether the specification takes the inputs, and they are not too large."""
        # Only a call tells whether indices are in range, masks and states have the right shapes, and two
        # layers inside fit each other.
        return self.fits(config, placed) and computes(self.draft(config, placed))

    def fits(self, config: dict[str, Any], placed: Placed) -> bool:
        """Whether the shapes do, as far as they tell."""
        shapes = [source.shape for source in placed.inputs]
        try:
            layer = self.layer.from_config(config)
            layer.check_inputs(shapes)
            made = [weight.shape for weight in layer.declare_weights(shapes)]
            made += layer.output_shapes(shapes)  # type: ignore[arg-type]  # inputs are concrete
            if any(0 in fixed for fixed in layer.fixed_axes(shapes)):
                # Weights of as many elements as the batch has are a mistake, which runtimes do not refuse.
                return False
        except (TypeError, ValueError):
            return False
        return sum(map(prod, [*shapes, *made])) <= LARGEST

    def suited(self, config: dict[str, Any], placed: Placed) -> Placed:
        """The same arrays as the layer takes them: indices in its range, and where there are states, of the
        shapes that go with the inputs."""
        if self.layer.indices:
            inputs = tuple(within(config[self.layer.indices], source) for source in placed.inputs)
            placed = replace(placed, inputs=inputs)
        if not placed.initial_state:
            return placed
        like = placed.initial_state[0]
        assert isinstance(like, Recipe)
        shapes = self.layer.from_config(config).state_shapes([source.shape for source in placed.inputs])
        states = (msgspec.structs.replace(like, shape=shape) for shape in shapes)
        return replace(placed, initial_state=tuple(states))

    def draft(self, config: dict[str, Any], placed: Placed, **more: Any) -> Case:
        return draft_layer(
            f"layers.{self.name}",
            config,
            placed.inputs,
            masks=placed.masks,
            initial_state=placed.initial_state,
            **{"weights": self.regimes} | more,
        )

    def case(self, row: Row, number: int) -> Case:
        """The case of a row; its number says which sizes and which regime it has."""
        config, placed = self.config(row), self.inputs[row[0]]
        if number % 3:
            placed = next((p for p in _resized(placed, number) if self.takes(config, p)), placed)
        regime = REGIMES[number % len(REGIMES)]
        more: dict[str, Any] = {}
        if regime == "lattice":
            more = {"cotangent": "lattice", "weights": _lattices(self.regimes)}
        placed = replace(placed, inputs=tuple(in_regime(source, regime) for source in placed.inputs))
        frozen = not self.layer.from_config(config).trainable
        training = bool(number % 2) and not frozen and self.keeps_statistics(config, placed)
        return self.draft(config, placed, training=training, **more)

    def keeps_statistics(self, config: dict[str, Any], placed: Placed) -> bool:
        """Whether training is worth asking: what is drawn at random cannot be compared, what keeps statistics
        computes otherwise. Of a frozen layer every weight is one that training leaves alone."""
        thawed = {name: value for name, value in config.items() if name != "trainable"}
        shapes = [source.shape for source in placed.inputs]
        declared = self.layer.from_config(thawed).declare_weights(shapes)
        return any(not weight.trainable for weight in declared)


UNSET = ""
"""In place of a value, as JSON, that a case leaves to the default."""


def _text(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def _values(layer: type[Layer], argument: str, cases: Sequence[Case]) -> list[str]:
    """The values of an argument, as JSON; UNSET among them where it has a default."""
    field = layer.arguments[argument]
    values = dict.fromkeys([] if field.default is NO_DEFAULT else [UNSET])
    values |= dict.fromkeys(_text(case.config[argument]) for case in cases if argument in case.config)
    for kind, more in MORE_VALUES:
        values |= dict.fromkeys(map(_text, more if field.kind is kind else ()))
    return list(values)


def _unkeyed(case: Case) -> Placed:
    """Where a case's arrays are, whatever keys they have."""

    def unkeyed(sources: Sequence[Source]) -> tuple[Source, ...]:
        return tuple(msgspec.structs.replace(s, key=0) if isinstance(s, Recipe) else s for s in sources)

    inputs = tuple(in_regime(source, "normal") for source in unkeyed(case.inputs))
    return Placed(inputs, unkeyed(case.masks), unkeyed(case.initial_state))


def within(count: int, source: Source) -> Source:
    """The source with the integers from 0 to count − 1, where a recipe draws some."""
    if isinstance(source, Recipe) and source.regime.startswith("indices:"):
        return msgspec.structs.replace(source, regime=f"indices:{count}")
    return source


def in_regime(source: Source, regime: str, *, only: str | None = None) -> Source:
    """The source with other numbers, where it has floating ones that nobody wrote down.

    Args:
        only: where its regime is this one.
    """
    if isinstance(source, Recipe) and source.dtype == "float32" and only in (None, source.regime):
        return msgspec.structs.replace(source, regime=regime)
    return source


def _weight_regimes(cases: Sequence[Case]) -> dict[str, str]:
    """The regime that each weight has most often: of some only positive numbers make sense."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for case in cases:
        for weight, source in case.weights.items():
            if isinstance(source, Recipe):
                seen[weight][source.regime] += 1
    return {weight: counts.most_common(1)[0][0] for weight, counts in seen.items()}


def _lattices(regimes: dict[str, str]) -> dict[str, str]:
    """The same with small integers in place of ordinary numbers."""
    return {"": "lattice"} | {w: "lattice" if r == "normal" else r for w, r in regimes.items()}


def _resized(placed: Placed, number: int) -> Iterator[Placed]:
    """The same arrays in other sizes, the boldest change first. States are as large as a layer asks."""
    if placed.initial_state or not all(isinstance(source, Recipe) for source in placed.sources):
        return
    shapes = [source.shape for source in placed.inputs]
    sizes = sorted({n for shape in shapes for n in shape if n > 1}, reverse=True)
    if len(shapes) == 1:
        (shape,) = shapes
        channels, lengths = CHANNELS[number % len(CHANNELS)], LENGTHS.get(len(shape), ())
        inner = [lengths[(number + i) % len(lengths)] for i in range(len(shape) - 2)]
        batch = BATCHES[number % len(BATCHES)] if len(shape) > 1 else None
        yield from (
            mapped(placed, new)
            for new in (
                (*([batch] if batch else []), *inner, channels),
                (*shape[:1], *inner, *shape[1:][-1:]),
                (*shape[:-1], channels),
            )
            if len(new) == len(shape) and 0 not in shape
        )
        return
    for shift in (number % 5 + 1, 1):
        new = {n: 2 * n + 2 * shift - 1 for n in sizes}
        yield renamed(placed, new)


def mapped(placed: Placed, shape: tuple[int, ...]) -> Placed:
    """The one input in another shape; a mask goes along, which has the first of its axes."""

    def resized(source: Source) -> Source:
        assert isinstance(source, Recipe)
        return msgspec.structs.replace(source, shape=shape[: len(source.shape)])

    return replace(placed, inputs=tuple(map(resized, placed.inputs)), masks=tuple(map(resized, placed.masks)))


def renamed(placed: Placed, sizes: dict[int, int]) -> Placed:
    """All arrays with each size replaced by another one, the same wherever it is."""

    def resized(source: Source) -> Source:
        assert isinstance(source, Recipe)
        return msgspec.structs.replace(source, shape=tuple(sizes.get(n, n) for n in source.shape))

    return replace(placed, inputs=tuple(map(resized, placed.inputs)), masks=tuple(map(resized, placed.masks)))


# Activation functions

SHAPES = ((6, 10), (3, 5, 8), (2, 3, 4, 16), (5, 48), (1, 130))


def of_activation(name: str) -> Iterator[Case]:
    """Every regime in several shapes, and each set of arguments in every regime."""
    regimes = dict.fromkeys((*REGIMES, "kinks"))
    settings = (REQUIRED.get(name, {}), *ARGUMENTS.get(name, ()))
    for i, config in enumerate(settings):
        for j, regime in enumerate(regimes):
            if regime == "wide_exponents" and name in NORMALISING:
                continue
            shapes = SHAPES if i == 0 else (SHAPES[j % 3],)
            for shape in shapes:
                case = draft_activation(name, config, recipe(regime, *shape))
                if computes(case):
                    yield case
