"""Drafts about every loss: its arguments, reductions, weights and masks, on labels that suit it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from conformance.cases.case import Case, Literal, Recipe, Source
from conformance.cases.drafts.draft import keyed, recipe
from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.losses import LOSSES, REDUCTIONS

NUMBERS = (("normal", "normal"), ("lattice", "lattice"), ("kinks", "ties"), ("wide_exponents", "normal"))
POSITIVE = (("positive", "positive"), ("small_positive", "positive"), ("normal", "normal"))
SIGNS = (("signs", "normal"), ("zeros_and_ones", "normal"), ("ties", "kinks"))
ONE_HOT = (("one_hot", "probabilities"), ("one_hot", "unit_edges"))
BITS = (
    ("zeros_and_ones", "probabilities"),
    ("zeros_and_ones", "unit_edges"),
    ("probabilities", "probabilities"),
)
CLASSES = (("indices:5", "probabilities"), ("indices:5", "unit_edges"))

DATA: Mapping[str, tuple[tuple[str, str], ...]] = {
    **dict.fromkeys(("MeanSquaredError", "MeanAbsoluteError"), NUMBERS),
    **dict.fromkeys(("Huber", "LogCosh"), NUMBERS),
    "CosineSimilarity": (*NUMBERS, ("small_positive", "normal"), ("normal", "small_positive")),
    "MeanAbsolutePercentageError": (("positive", "normal"), ("signed_zeros", "normal")),
    "MeanSquaredLogarithmicError": POSITIVE,
    **dict.fromkeys(("Hinge", "SquaredHinge"), SIGNS),
    "CategoricalHinge": (("one_hot", "normal"), ("one_hot", "ties")),
    "KLDivergence": (("probabilities", "probabilities"), *ONE_HOT),
    "Poisson": (("indices:4", "positive"), ("positive", "small_positive")),
    **dict.fromkeys(("BinaryCrossentropy", "BinaryFocalCrossentropy", "Dice", "Tversky"), BITS),
    **dict.fromkeys(("CategoricalCrossentropy", "CategoricalFocalCrossentropy"), ONE_HOT),
    "SparseCategoricalCrossentropy": CLASSES,
    "CategoricalGeneralizedCrossEntropy": (("indices:5", "probabilities"),),
    "CTC": (("padded_labels:4", "normal"),),
    "Circle": (("indices:3", "unit_vectors"),),
}
"""By class, regimes of labels and of predictions."""

LOGITS: Mapping[str, str] = {
    "BinaryCrossentropy": "zeros_and_ones",
    "BinaryFocalCrossentropy": "zeros_and_ones",
    "CategoricalCrossentropy": "one_hot",
    "CategoricalFocalCrossentropy": "one_hot",
    "SparseCategoricalCrossentropy": "indices:5",
}
"""By class that takes logits, the regime of labels."""

SMOOTHED = {"label_smoothing": 0.125}

ARGUMENTS: Mapping[str, tuple[dict[str, Any], ...]] = {
    "Huber": ({"delta": 0.5}, {"delta": 2.0}),
    "CosineSimilarity": ({"axis": 1},),
    "BinaryCrossentropy": (SMOOTHED, {"axis": 1}),
    "BinaryFocalCrossentropy": (
        SMOOTHED,
        {"gamma": 1.0},
        {"apply_class_balancing": True},
        {"apply_class_balancing": True, "alpha": 0.75, "gamma": 3.0},
        {"axis": 1},
    ),
    "CategoricalCrossentropy": (SMOOTHED, {"axis": 1}),
    "CategoricalFocalCrossentropy": (SMOOTHED, {"alpha": 0.5, "gamma": 1.0}, {"axis": 1}),
    "SparseCategoricalCrossentropy": ({"ignore_class": 2}, {"ignore_class": -1}),
    "CategoricalGeneralizedCrossEntropy": ({"q": 0.75}, {"q": 0.25}),
    "Dice": ({"axis": 1}, {"axis": [1, 2]}, {"axis": -1}),
    "Tversky": ({"alpha": 0.25, "beta": 0.75}, {"axis": 1}),
    "Circle": ({"gamma": 8.0}, {"margin": 0.25}, {"remove_diagonal": False}),
}
"""Values of each argument beside its default."""

BARELY = Literal((1, 4), (2.0**-23, 0.75, 0.75, 0.75))
"""Predictions of which one is above an ε of 10⁻⁷ until they are made to sum to 1."""

SPARSE = ("SparseCategoricalCrossentropy", "CategoricalGeneralizedCrossEntropy", "Circle")
"""Losses whose labels are numbers of classes."""

BATCHES = ("Circle", "CTC")
"""Losses that need a sample at least."""

SHAPES: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "CategoricalGeneralizedCrossEntropy": ((4, 5),),
    "Circle": ((6, 5),),
    "CTC": ((3, 7, 4),),
}
"""Shapes of predictions, where not all are allowed."""


def labels(name: str, regime: str, shape: tuple[int, ...]) -> Recipe:
    """The recipe of labels for predictions of the shape."""
    if name == "CTC":
        return recipe(regime, shape[0], 3, dtype="int32")
    if name in SPARSE:
        return recipe(regime, *(shape[:1] if name == "Circle" else shape[:-1]), dtype="int32")
    return recipe(regime, *shape)


def losses_of(name: str, config: Mapping[str, Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the losses, one for each sample, before they are reduced."""
    axis = config.get("axis", None if name in ("Dice", "Tversky") else -1)
    if name in ("CTC", "Circle"):
        return shape[:1]
    gone = range(len(shape)) if axis is None else [axis] if isinstance(axis, int) else axis
    return tuple(n for i, n in enumerate(shape) if i not in {a % len(shape) for a in gone})


def draft_loss(
    name: str,
    config: Mapping[str, Any],
    y_true: Source,
    y_pred: Source,
    *others: Source,
    masks: Sequence[Source] = (),
    more: Sequence[str] = (),
) -> Case:
    """A case about a loss: its value, its gradient by the predictions, what is said of it.

    Args:
        others: weights of the losses.
    """
    subject = f"losses.{name}"
    arrays = (y_true, y_pred, *others)
    outputs = losses_of(name, config, y_pred.shape)
    if config.get("reduction", "sum_over_batch_size") not in (None, "none") and outputs != (0,):
        outputs = ()
    return Case(
        subject,
        dict(config),
        inputs=tuple(keyed(x, subject, config, f"input/{i}") for i, x in enumerate(arrays)),
        masks=tuple(keyed(mask, subject, config, "mask/0") for mask in masks),
        cotangents=(keyed(recipe("cotangent", *outputs), subject, config, "cotangent/0"),),
        observables=("output/0", "gradient/input/1", *more),
    )


def drafts() -> Iterator[Case]:
    for name in DATA:
        yield from of_loss(name)


SAID = ("config", "reconstructed/config", "reconstructed/output/0")


def of_loss(name: str) -> Iterator[Case]:
    """Everything about a loss."""
    wide, deep = SHAPES.get(name, ((4, 5), (2, 3, 5)))[0], SHAPES.get(name, ((4, 5), (2, 3, 5)))[-1]
    plain: dict[str, Any] = {}
    for index, (of_labels, of_predictions) in enumerate(DATA[name]):
        # What is reduced shows less of each sample; once is enough.
        for config in (plain, {"reduction": "none"}) if index == 0 else ({"reduction": "none"},):
            more: tuple[str, ...] = ("dtype", "signature", *SAID) if index == 0 and not config else ()
            yield draft_loss(
                name, config, labels(name, of_labels, wide), recipe(of_predictions, *wide), more=more
            )
    of_labels, of_predictions = DATA[name][0]
    if name in LOGITS:
        for regime in ("normal", "saturating"):
            config = {"from_logits": True, "reduction": "none"}
            yield draft_loss(name, config, labels(name, LOGITS[name], wide), recipe(regime, *wide))
    for arguments in ARGUMENTS.get(name, ()):
        yield draft_loss(
            name, arguments, labels(name, of_labels, deep), recipe(of_predictions, *deep), more=SAID
        )
    given = labels(name, of_labels, deep), recipe(of_predictions, *deep)
    for reduction in REDUCTIONS:
        yield draft_loss(name, {"reduction": reduction}, *given, more=("config",))
    if shape := losses_of(name, {}, deep):
        weights, mask = recipe("weights", *shape), recipe("mask", *shape, dtype="bool")
        for reduction in ("sum_over_batch_size", "mean_with_sample_weight", "none"):
            yield draft_loss(name, {"reduction": reduction}, *given, weights, masks=(mask,))
        yield draft_loss(name, plain, *given, weights)
        yield draft_loss(name, plain, *given, masks=(mask,))
    if name not in BATCHES:
        empty = (0, *wide[1:])
        yield draft_loss(name, plain, labels(name, of_labels, empty), recipe(of_predictions, *empty))
    if name == "SparseCategoricalCrossentropy":
        for regime in ("probabilities", "unit_edges"):
            yield draft_loss(name, plain, recipe("indices:5", wide[0]), recipe(regime, *wide))
        yield draft_loss(name, plain, Literal((1,), (0.0,)), BARELY)
    if name == "CategoricalGeneralizedCrossEntropy":
        column = recipe(of_labels, wide[0], 1, dtype="int32")
        yield draft_loss(name, plain, column, recipe(of_predictions, *wide))
    yield from refused(name, labels(name, of_labels, wide), of_predictions, wide)
    entry = LOSSES[snake_case(name)]
    for spelling in (name, entry.name, *entry.aliases):
        yield Case(f"losses.{name}", {"identifier": spelling}, observables=("identifier",))


def refused(name: str, y_true: Recipe, of_predictions: str, shape: tuple[int, ...]) -> Iterator[Case]:
    """What a loss has to refuse: arguments, and predictions of another batch than the labels."""
    y_pred = recipe(of_predictions, *shape)
    more = recipe(of_predictions, shape[0] + 3, *shape[1:])
    for config, predictions in (({"reduction": "average"}, y_pred), ({"units": 3}, y_pred), ({}, more)):
        case = draft_loss(name, config, y_true, predictions)
        yield msgspec.structs.replace(case, cotangents=(), observables=("refusal",))
