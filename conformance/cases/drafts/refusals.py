"""Drafts about what is to be refused around training: by losses, metrics, optimizers, schedules, constraints,
regularizers and initializers, and by runs.

Each spoils one thing of a case that is sound, as those about layers do (`errors.py`): an argument, by the
values that its kind refuses, or what the subject is called with. Only `refusal` is asked.

Not asked is what no runtime looks at: a truth value that is none, and a name. Nor are there labels of a type
that is none of numbers: messages hold numbers and truth values alone, and runtimes take each for the other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from conformance.cases.case import JSON, Case, Literal, Source
from conformance.cases.drafts import callbacks, losses, metrics, optimizers, schedules, training, values
from conformance.cases.drafts.draft import keyed, recipe
from conformance.cases.drafts.errors import UNKNOWN
from conformance.cases.training import PARTS
from conformance.reference_impl import fields
from conformance.reference_impl.configured import Configured
from conformance.reference_impl.identified import CLASSES
from conformance.reference_impl.losses import Loss
from conformance.reference_impl.optimizers import SGD, LossScaleOptimizer, Optimizer
from conformance.reference_impl.optimizers.schedules import Schedule

Config = Mapping[str, JSON]
Run = Callable[[], Case]

UNASKED = {
    "dtype": "is asked of layers",
    "ema_momentum": "acts only with `use_ema`",
    "ema_overwrite_frequency": "acts only with `use_ema`",
    "name": "may be anything in every runtime",
}
"""Arguments whose bad values are not asked, and why."""

ENDLESS = {("TruncatedNormal", "mean"), ("TruncatedNormal", "stddev"), ("VarianceScaling", "scale")}
"""Arguments of classes for which no text is asked: TensorFlow.js draws for ever what is to be within 2 of 0,
and is NaN."""

IDLE = {("BinaryFocalCrossentropy", "alpha"), ("CosineDecay", "warmup_steps")}
"""Arguments of classes without effect while another one is left alone."""


def bad_arguments(cls: type[Configured], spared: Collection[str] = ()) -> Iterator[dict[str, JSON]]:
    """An argument that the class does not have, and single ones with values that their kinds refuse.

    Args:
        spared: arguments that are not asked.
    """
    yield UNKNOWN
    for name, field in cls.arguments.items():
        own = cls.__name__, name
        if not field.shown or field.kind is fields.boolean or name in {*UNASKED, *spared} or own in IDLE:
            continue
        for value in field.kind.refused:
            if not (own in ENDLESS and isinstance(value, str)):
                yield {name: value}


def to_be_refused(
    subject: str,
    config: Config,
    inputs: Sequence[Source] = (),
    weights: Mapping[str, Source] | None = None,
    masks: Sequence[Source] = (),
) -> Case:
    """A case that asks for nothing but the refusal."""
    return Case(
        subject,
        dict(config),
        inputs=tuple(keyed(x, subject, config, f"input/{i}") for i, x in enumerate(inputs)),
        weights={key: keyed(x, subject, config, key) for key, x in (weights or {}).items()},
        masks=tuple(keyed(x, subject, config, f"mask/{i}") for i, x in enumerate(masks)),
        observables=("refusal",),
    )


# Optimizers

OF_EVERY_OPTIMIZER = ("SGD", "Adam")
"""Optimizers that are asked for the arguments that all have."""

COMMON = tuple(Optimizer.ordered_arguments())

TOGETHER: tuple[dict[str, JSON], ...] = (
    {"clipnorm": 1.0, "clipvalue": 0.5},
    {"use_ema": True, "ema_momentum": 1.5},
    {"use_ema": True, "ema_overwrite_frequency": -1},
)
"""Arguments of any optimizer that do not go together, or are bad together."""

OF_AROUND: Mapping[str, dict[str, JSON]] = {
    "LossScaleOptimizer": {"clipnorm": 1.0},
    "MultiOptimizer": {
        "optimizer_map": {
            "class_name": "OptimizerMap",
            "config": {"default_optimizer": LossScaleOptimizer(SGD()).serialized()},
        }
    },
}
"""What an optimizer around others leaves to those, and what cannot be inside one."""


def update(name: str, config: Config, **gradients: tuple[int, ...]) -> Case:
    """An update by an optimizer to be refused.

    Args:
        gradients: the shapes of those that have another shape than their variables.
    """
    shapes = optimizers.SHAPES
    weights = {f"variable/{path}": recipe("normal", *shape) for path, shape in shapes.items()}
    weights |= {
        f"gradient/{path}": recipe("normal", *shape) for path, shape in {**shapes, **gradients}.items()
    }
    return to_be_refused(f"optimizers.{name}", config, weights=weights)


def sound_optimizers() -> Iterator[tuple[str, Config]]:
    """Every optimizer with arguments that it takes."""
    for name, own in optimizers.OWN.items():
        yield name, {"learning_rate": 0.125, **own[0]}
    yield from dict(optimizers.AROUND).items()


def of_optimizers() -> Iterator[Case]:
    for name, sound in sound_optimizers():
        spared = () if name in OF_EVERY_OPTIMIZER else [a for a in COMMON if a != "learning_rate"]
        for arguments in bad_arguments(Optimizer.registered[name], spared):
            yield update(name, {**sound, **arguments})
    for name in OF_EVERY_OPTIMIZER:
        sound = dict(sound_optimizers())[name]
        for arguments in TOGETHER:
            yield update(name, {**sound, **arguments})
        yield update(name, sound, kernel=(4, 5))
        yield update(name, sound, kernel=(5,))
    for name, arguments in OF_AROUND.items():
        yield update(name, {**dict(optimizers.AROUND)[name], **arguments})


# Losses

OUTSIDE = tuple(Literal((4,), (0.0, 1.0, bad, 2.0)) for bad in (7.0, -1.0))
"""Labels of which one is no number of five classes."""

OUTSIDE_LINES = Literal((3, 3), (1.0, 2.0, 3.0, 1.0, 9.0, 2.0, 3.0, 1.0, 2.0), "int32")
"""Labels of lines, of which one is none of four classes."""


def of_losses() -> Iterator[Case]:
    for name, ((of_labels, of_predictions), *_) in losses.DATA.items():
        shape = losses.SHAPES.get(name, ((4, 5),))[0]
        y_true, y_pred = losses.labels(name, of_labels, shape), recipe(of_predictions, *shape)

        def asked(config: Config, *arrays: Source, masks: Sequence[Source] = (), name: str = name) -> Case:
            return to_be_refused(f"losses.{name}", config, arrays, masks=masks)

        for arguments in bad_arguments(Loss.registered[name]):
            yield asked(arguments, y_true, y_pred)
        if losses.losses_of(name, {}, shape):
            more = shape[0] + 1
            yield asked({}, y_true, y_pred, recipe("weights", more))
            yield asked({}, y_true, y_pred, masks=(recipe("mask", more, dtype="bool"),))
        if y_true.shape == y_pred.shape:
            yield asked({}, losses.labels(name, of_labels, (shape[0], 3)), y_pred)
    yield from labels_outside()
    yield to_be_refused("losses.CTC", {}, (OUTSIDE_LINES, recipe("normal", 3, 7, 4)))


def labels_outside() -> Iterator[Case]:
    """Labels that are no numbers of classes, for the loss of them."""
    for y_true in OUTSIDE:
        subject = "losses.SparseCategoricalCrossentropy"
        yield to_be_refused(subject, {}, (y_true, recipe("probabilities", 4, 5)))


# Metrics

OF_ANY_WIDTH = ("CategoricalAccuracy", "OneHotIoU", "OneHotMeanIoU", "TopKCategoricalAccuracy")
"""Metrics that look for the largest among labels and among predictions, which may be of different widths."""

OF_OTHER_CLASSES = {"SparseCategoricalCrossentropy": OUTSIDE}
"""By metric, labels that it does not take."""


def of_metrics() -> Iterator[Case]:
    """Beside what is drafted with the metrics: labels of another width or range."""
    for name, suited in metrics.SUITED.items():
        if suited.labels is None or suited.of_labels is not None or name in OF_ANY_WIDTH:
            continue
        if suited.shape:
            good, width = suited.batch(4), suited.shape[-1] + 2
            other = recipe(suited.labels, 4, *suited.shape[:-1], width, dtype=suited.dtype)
            yield metrics.to_be_refused(name, metrics.REQUIRED.get(name, {}), good | {"y_true": other})
    for name, labels in OF_OTHER_CLASSES.items():
        for y_true in labels:
            y_pred = recipe("probabilities", 4, 5)
            yield metrics.to_be_refused(name, {}, {"y_true": y_true, "y_pred": y_pred})


# Schedules, constraints, regularizers and initializers


def of_schedules() -> Iterator[Case]:
    for name, (required, *_) in schedules.SETTINGS.items():
        for arguments in bad_arguments(Schedule.registered[name]):
            yield schedules.draft_schedule(name, {**required, **arguments}, "refusal")
        for argument in required:
            rest = {key: value for key, value in required.items() if key != argument}
            yield schedules.draft_schedule(name, rest, "refusal")


SETTINGS: Mapping[str, Mapping[str, values.Settings]] = {
    "constraints": values.CONSTRAINTS,
    "regularizers": values.REGULARIZERS,
    "initializers": {**values.FIXED, **values.DRAWN},
}
"""By family and class, sound arguments and weights, or their sizes."""


def of_values() -> Iterator[Case]:
    for family, by_class in SETTINGS.items():
        for name, ((sound, _), *_) in by_class.items():
            weight = recipe("normal", 4, 5) if family != "initializers" else values.sizes(4, 5)
            if name == "STFT":
                weight = values.sizes(16, 1, 9)
            for arguments in bad_arguments(CLASSES[family][name]):
                yield to_be_refused(f"{family}.{name}", {**sound, **arguments}, (weight,))
        for name in ("MaxNorm", "MinMaxNorm", "UnitNorm") if family == "constraints" else ():
            yield to_be_refused(f"{family}.{name}", {"axis": 7}, (recipe("normal", 4, 5),))


# Training runs

ONE_HOT = training.one_hot()
BY_NUMBER = Literal((7, 1), (0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 0.0))
CLASS_OUTSIDE = Literal((7, 1), (0.0, 1.0, 3.0, 0.0, 1.0, 2.0, 0.0))
NOT_NUMBERS = Literal((7, 1), ("nan", 1.0, 2.0, 3.0, 4.0, 5.0, 6.0))


@cache
def classifying() -> Case:
    """A run on labels that are one-hot, of which three classes are told apart."""
    return training.draft(
        training.CLASSES, [training.numbers(4)], [ONE_HOT],
        {"optimizer": training.SGD, "loss": "categorical_crossentropy"}, fit={"batch_size": 4},
    )  # fmt: skip


@cache
def classifying_by_number() -> Case:
    """The same on the numbers of the classes."""
    return training.draft(
        training.CLASSES, [training.numbers(4)], [BY_NUMBER],
        {"optimizer": training.SGD, "loss": "sparse_categorical_crossentropy"}, fit={"batch_size": 4},
    )  # fmt: skip


@cache
def forking() -> Case:
    """A run with two outputs."""
    return training.draft(
        training.forked(), [training.numbers(4)], [training.numbers(1), ONE_HOT],
        {"optimizer": training.SGD, "loss": ["mean_squared_error", "categorical_crossentropy"]},
        fit={"batch_size": 4},
    )  # fmt: skip


def spoilt(run: Case, **changes: JSON) -> Case:
    """The run with arguments of `compile` or of a method changed, to be refused."""
    config = {
        **run.config,
        **{part: {**run.config.get(part, {}), **given} for part, given in changes.items()},
    }
    return msgspec.structs.replace(run, config=config, observables=("refusal",))


ARGUMENTS: Mapping[str, JSON] = {
    "fit": {"batch_size": 4}, "evaluate": {"batch_size": 4}, "predict": {"batch_size": 4},
    "train_on_batch": [training.SAMPLES],
}  # fmt: skip
"""With what each method is called."""


def given(run: Case, method: str = "fit", **data: Sequence[Any] | None) -> Case:
    """The run with other data, or without some (None), to be refused where that method alone is called.

    Args:
        data: `x`, `y`, `sample_weight`, each a list of arrays, or `validation`, a list of such lists.
    """
    before = {name: [run.inputs[i] for i in places] for name, places in run.config["data"].items()}
    inputs: list[Source] = []

    def placed(some: Mapping[str, Any]) -> dict[str, JSON]:
        places: dict[str, JSON] = {}
        for name, sources in some.items():
            if name == "validation":
                places[name] = placed(dict(zip(PARTS, sources, strict=False)))
            elif sources is not None:
                places[name] = [*range(len(inputs), len(inputs) + len(sources))]
                inputs.extend(sources)
        return places

    config = {
        "model": run.config["model"],
        "compile": run.config["compile"],
        "data": placed({**before, **data}),
        method: ARGUMENTS[method],
    }
    keys = (keyed(x, run.subject, config, f"input/{i}") for i, x in enumerate(inputs))
    return msgspec.structs.replace(run, config=config, inputs=tuple(keys), observables=("refusal",))


def generated_nothing() -> Case:
    """A fit of a generator that ends before it has given a batch."""
    run = given(classifying())
    data = {**run.config["data"], "batches": [], "once": True}
    return msgspec.structs.replace(run, config={**run.config, "data": data, "fit": {}})


def few_runs() -> Iterator[Case]:
    """What the quick corpus asks: a name, a number of samples, a range of labels."""
    yield spoilt(classifying(), compile={"loss": "categorical_crossentropie"})
    yield given(classifying(), y=[training.one_hot(samples=5)])
    yield given(classifying_by_number(), y=[CLASS_OUTSIDE])


def bad_compilations() -> Iterator[Case]:
    """Names that there are not, and numbers of losses and metrics that are not those of the outputs."""
    changes: tuple[Config, ...] = (
        {"metrics": ["acuracy"]},
        {"metrics": "mse"},
        {"optimizer": "adamm"},
        {"optimizer": training.optimizer("SGD", learning_rate=-0.125)},
        {"optimizer": training.optimizer("SGD", **UNKNOWN)},
        {"loss": {"topp": "categorical_crossentropy"}},
        {"loss": ["categorical_crossentropy", "mean_squared_error"]},
        {"loss": None},
    )
    for change in changes:
        yield spoilt(classifying(), compile=change)
    changes = (
        {"loss": ["mean_squared_error"]},
        {"loss": ["mean_squared_error"] * 3},
        {"loss": {"score": "mean_squared_error", "sort": "categorical_crossentropy"}},
        {"metrics": [["mae"]] * 3},
        {"metrics": {"scores": ["mae"]}},
        {"loss_weights": [1.0, 0.5, 0.25]},
    )
    for change in changes:
        yield spoilt(forking(), compile=change)


def bad_calls() -> Iterator[Case]:
    """Arguments of methods that are out of range, or do not go together."""
    for change in (
        {"batch_size": 0},
        {"validation_split": 0.99},
        {"validation_split": 1.5},
        {"validation_split": -0.5},
    ):
        yield spoilt(classifying(), fit=change)
    yield spoilt(given(classifying(), "evaluate"), evaluate={"batch_size": 0})
    yield spoilt(given(classifying(), "predict"), predict={"batch_size": 0})
    classes = {"0": 0.5, "1": 1.0, "2": 3.0}
    weighted = given(classifying(), sample_weight=[training.weights()])
    yield spoilt(weighted, fit={"class_weight": classes})
    yield spoilt(forking(), fit={"class_weight": classes})


def bad_data() -> Iterator[Case]:
    """Arrays of another number, number of samples, shape or range than the model and its losses take."""
    run, narrow = classifying(), training.numbers(3)
    wide, nothing = training.one_hot(4), [training.numbers(4, samples=0)]
    yield given(run, x=nothing, y=[training.one_hot(samples=0)])
    yield generated_nothing()
    yield given(run, x=[training.numbers(4), training.numbers(4)])
    yield given(run, x=[narrow])
    yield given(run, y=None)
    yield given(run, y=[wide])
    yield given(run, y=[BY_NUMBER])
    yield given(run, sample_weight=[training.weights(5)])
    yield given(run, sample_weight=[recipe("weights", training.SAMPLES, 2)])
    yield given(run, validation=[[narrow], [ONE_HOT]])
    yield given(run, validation=[[training.numbers(4)], [wide]])
    yield given(run, validation=[[training.numbers(4)], [training.one_hot(samples=5)]])
    yield given(classifying_by_number(), y=[Literal((7, 1), (0.0, 1.0, -1.0, 0.0, 1.0, 2.0, 0.0))])
    yield given(forking(), y=[training.numbers(1)])
    yield given(forking(), y=[training.numbers(1), ONE_HOT, ONE_HOT])
    for method in ("evaluate", "train_on_batch"):
        yield given(run, method, y=[training.one_hot(samples=5)])
        yield given(run, method, y=[wide])
        yield given(run, method, x=[narrow])
        yield given(classifying_by_number(), method, y=[CLASS_OUTSIDE])
    yield given(run, "evaluate", y=None)
    yield given(run, "evaluate", x=nothing, y=[training.one_hot(samples=0)])
    yield given(run, "predict", x=[narrow])
    yield given(run, "predict", x=nothing)


def of_training() -> Iterator[Case]:
    yield from bad_compilations()
    yield from bad_calls()
    yield from bad_data()


def of_callbacks() -> Iterator[Case]:
    """A loss that is NaN, where that is to end training by an error."""
    run = callbacks.called("TerminateOnNaN", {}, y=NOT_NUMBERS)
    config = {**run.config, "callback": {"raise_error": True}}
    yield msgspec.structs.replace(run, config=config, observables=("refusal",))


def drafts() -> Iterator[Case]:
    """What the quick corpus asks: all of one optimizer, and a fault of each kind of a run."""
    yield from (case for case in of_optimizers() if case.subject == "optimizers.SGD")
    yield from labels_outside()
    yield from few_runs()
