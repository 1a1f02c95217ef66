"""The layers inside a layer's configuration, or of a model, each as a case of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from conformance.cases.case import Case, Recipe, Source
from conformance.cases.data import Data
from conformance.cases.models import configuration, weights_by_layer
from conformance.cases.training import data_of, is_about_training
from conformance.reference_impl import layers, losses, metrics, optimizers
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.layers import Layer, nested
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.models import Model
from conformance.reference_impl.tape import constant
from conformance.reference_impl.training import Compiled
from conformance.reference_impl.training.objectives import Measured, meant_by_shapes

Path = tuple[str | int, ...]
"""Arguments, and after one that is a list the place in it."""


@dataclass(frozen=True)
class Inside:
    """A layer inside a case's configuration.

    Attributes:
        path: the arguments that lead to it, from the outermost layer; of a model, the names of its layers.
        case: about it alone. It is asked the same, and given the same inputs, or all their time steps as
            one batch where the layer around gives it one at a time.
        data: what the case's inputs and masks are; no masks for a cell, which takes none.
    """

    path: Path
    case: Case
    data: Data


def layers_inside(case: Case, data: Data, path: Path = ()) -> Iterator[Inside]:
    """Every layer inside the case's configuration, the outer ones first.

    >>> dense = {"class_name": "Dense", "config": {"units": 3}}
    >>> nothing = Data((), {}, (), (), ())
    >>> [one.case.subject for one in layers_inside(Case("layers.TimeDistributed", {"layer": dense}), nothing)]
    ['layers.Dense']
    """
    kind, _, name = case.subject.partition(".")
    if kind == "models":
        yield from _layers_of_model(case, data)
    if is_about_training(case):
        yield from _parts_of_run(case, data)
    if kind != "layers":
        return
    around = layers.get(name)
    mirrored = {argument: case.config.get(other) for argument, other in around.mirrors.items()}
    given = {argument: value for argument, value in case.config.items() if value is not None}
    for argument, value in {**mirrored, **given}.items():
        for place, description in nested.descriptions(around, argument, value):
            within = (*path, argument, *place)
            inner, own = _alone(around, case, data, description)
            yield Inside(within, inner, own)
            yield from layers_inside(inner, own, within)


def _layers_of_model(case: Case, data: Data) -> Iterator[Inside]:
    """Every call of a layer, given what it is given in a run of the model; none where that does not run."""
    try:
        model = Model.from_config(configuration(case))
        own = weights_by_layer(case, data.weights)
        tensors = {path: {name: constant(x) for name, x in given.items()} for path, given in own.items()}
        with np.errstate(all="ignore"):
            calls = list(model.steps([constant(x) for x in data.inputs], tensors, Context()))
    except ValueError:
        return
    for call in calls:
        if isinstance(call.layer, Layer):
            count = len(call.masks)
            inputs, states = call.inputs[:count], call.inputs[count:]
            given = Data(
                tuple(x.value for x in inputs),
                own.get(call.path, {}),
                completed_masks(call.masks, count),
                tuple(x.value for x in states),
                (),
            )
            alone = case_of(call.layer, given, tuple(f"output/{i}" for i in range(len(call.outputs))))
            yield Inside(call.path, alone, given)
            yield from layers_inside(alone, given, call.path)


def _parts_of_run(case: Case, data: Data) -> Iterator[Inside]:
    """The layers of the model, for all samples at once, or as many as it takes; the losses and metrics of
    what it gives for them; the optimizer as it begins."""
    compiled, given = case.config["compile"], data_of(case, data.inputs)
    model, weights = Model.from_config(configuration(case)), weights_by_layer(case, data.weights)
    size = model.input_layers[0].batch_shape[0] or len(given["x"][0])
    x, labels = ([array[:size] for array in given[name]] for name in ("x", "y"))
    for inside in _layers_of_model(case, Data(tuple(x), data.weights, (), (), ())):
        yield replace(inside, case=_without_constraints(inside.case))
    objectives = {name: compiled.get(name) for name in ("metrics", "weighted_metrics")}
    whole = Compiled(model, weights, **objectives)
    with np.errstate(all="ignore"):
        outputs = [output.value for output in whole.predicted(x, batch_size=size)]
    identifiers = compiled["loss"] if isinstance(compiled["loss"], list) else [compiled["loss"]]
    for identifier, y, y_pred in zip(identifiers, labels, outputs, strict=True):
        alone = Case(
            f"losses.{name_of_loss(identifier)}",
            arguments_of(identifier),
            inputs=(computed(y), computed(y_pred)),
            observables=case.observables,
        )
        yield Inside(("loss",), alone, Data((y, y_pred), {}, (), (), ()))
    weights_of_samples = [array[:size] for array in given["sample_weight"] or ()]
    for one in whole.metrics.measured:
        alone, update = _metric_of_run(one, labels[one.output], outputs[one.output], weights_of_samples)
        yield Inside(("metric",), msgspec.structs.replace(alone, observables=case.observables), update)
    optimizer = compiled["optimizer"]
    name = type(optimizers.get(optimizer)).__name__
    config = {} if isinstance(optimizer, str) else optimizer["config"]
    alone = Case(f"optimizers.{name}", config, observables=case.observables)
    first = {"slot/iteration": np.zeros((), np.int32)}
    yield Inside(("optimizer",), alone, Data((), first, (), (), ()))


def _metric_of_run(one: Measured, y: Array, y_pred: Array, weights: Sequence[Array]) -> tuple[Case, Data]:
    """A metric of a run as a case of its own, which is updated with all samples at once."""
    meant = meant_by_shapes(one.identifier, y, constant(y_pred))
    metric = metrics.get(one.identifier) if meant is None else meant()
    update = {"0/y_true": y, "0/y_pred": y_pred}
    if one.weighted and weights:
        update["0/sample_weight"] = weights[0]
    config = arguments_of(one.identifier) if meant is None else {}
    sources: dict[str, Source] = {key: computed(a) for key, a in update.items()}
    return Case(f"metrics.{type(metric).__name__}", config, weights=sources), Data((), update, (), (), ())


def name_of_loss(identifier: Any) -> str:
    """The class of a loss as `compile` takes it.

    >>> name_of_loss("mse"), name_of_loss({"class_name": "Huber", "config": {}})
    ('MeanSquaredError', 'Huber')
    """
    meant = losses.get(identifier)
    if isinstance(meant, losses.Loss):
        return type(meant).__name__
    return next(name for name in losses.Loss.registered if snake_case(name) == meant.__name__)


def arguments_of(identifier: Any) -> dict[str, Any]:
    """The configuration of a case about a loss or metric as `compile` takes it: a name is resolved there too.

    >>> arguments_of("mse"), arguments_of({"class_name": "Huber", "config": {"delta": 0.5}})
    ({'identifier': 'mse'}, {'delta': 0.5})
    """
    return {"identifier": identifier} if isinstance(identifier, str) else dict(identifier["config"])


def _without_constraints(case: Case) -> Case:
    """A run brings weights under their constraints after its steps, and not when a layer is given them."""
    config = {name: value for name, value in case.config.items() if not name.endswith("_constraint")}
    return msgspec.structs.replace(case, config=config)


def _alone(around: type[Layer], case: Case, data: Data, description: Mapping[str, Any]) -> tuple[Case, Data]:
    inner = msgspec.structs.replace(
        case, subject=f"layers.{description['class_name']}", config=dict(description["config"]), weights={}
    )
    if not around.gives_single_steps:
        return inner, Data(data.inputs, {}, data.masks, (), data.cotangents)
    takes_masks = layers.get(description["class_name"]).supports_masking
    sources = (msgspec.structs.replace(source, shape=_of_steps(source.shape)) for source in case.inputs)
    steps, masks = (
        tuple(x.reshape(_of_steps(x.shape)) for x in arrays)
        for arrays in (data.inputs, data.masks if takes_masks else ())
    )
    return (
        msgspec.structs.replace(inner, inputs=tuple(sources)),
        Data(steps, {}, masks, (), data.cotangents),
    )


def _of_steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """That of all time steps as one batch."""
    return (math.prod(shape[:2]), *shape[2:])


def computed(x: Array) -> Recipe:
    """An array as a source. It is in no regime: what is asked of it is its form."""
    return Recipe("computed", x.shape, 0, x.dtype.name)


def case_of(layer: Layer, data: Data, observables: tuple[str, ...]) -> Case:
    """The case that a call amounts to."""
    return Case(
        subject=f"layers.{type(layer).__name__}",
        config=layer.get_config(),
        inputs=tuple(map(computed, data.inputs)),
        weights={name: computed(x) for name, x in data.weights.items()},
        masks=tuple(map(computed, data.masks)),
        initial_state=tuple(map(computed, data.initial_state)),
        observables=observables,
    )


def completed_masks(masks: Sequence[Array | None], inputs: int) -> tuple[Array, ...]:
    """A mask for each input where any has one, which leaves nothing out where it has none."""
    known = [mask for mask in masks if mask is not None]
    if not known:
        return ()
    completed = (*masks, *[None] * (inputs - len(masks)))
    return tuple(np.ones_like(known[0]) if mask is None else mask for mask in completed)
