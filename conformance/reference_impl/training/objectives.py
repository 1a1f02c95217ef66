"""What a compiled model is to reach: losses and metrics, one or more for each output.

Source: `keras.src.trainers.compile_utils`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.reference_impl import losses, metrics
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.losses import Loss
from conformance.reference_impl.losses.shapes import as_predictions, same_rank
from conformance.reference_impl.metrics import Mean, MeanMetricWrapper, Metric
from conformance.reference_impl.metrics.reduction import MeanOfFunction
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, multiply
from conformance.reference_impl.spelling import suggestion
from conformance.reference_impl.tape import Tensor, detached

BY_SHAPES = {
    "accuracy": (metrics.BinaryAccuracy, metrics.SparseCategoricalAccuracy, metrics.CategoricalAccuracy),
    "crossentropy": (
        losses.BinaryCrossentropy,
        losses.SparseCategoricalCrossentropy,
        losses.CategoricalCrossentropy,
    ),
}
"""What these names mean for one prediction a sample, for classes by number, and for classes one-hot."""

SHORT = {"acc": "accuracy", "ce": "crossentropy"}


def meant_by_shapes(identifier: Any, y: Array, predictions: Tensor) -> Any:
    """The class that the name means for labels and predictions of these shapes; None for another identifier.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> meant_by_shapes("acc", np.zeros((4,)), variable(np.zeros((4, 3)))).__name__
    'SparseCategoricalAccuracy'
    """
    name = str(identifier).lower()
    choice = BY_SHAPES.get(SHORT.get(name, name))
    if choice is None:
        return None
    binary, sparse, one_hot = choice
    if predictions.shape[-1] == 1:
        return binary
    by_number = y.ndim < predictions.ndim or (y.shape[-1] == 1 and predictions.shape[-1] > 1)
    return sparse if by_number else one_hot


def for_each_output(given: Any, outputs: Sequence[str], argument: str) -> list[Any]:
    """What is given for each output: by name, or in a list.

    Raises:
        ValueError: a name that no output has, or a list of another length.
    """
    if isinstance(given, Mapping):
        for name in given:
            if name not in outputs:
                raise ValueError(
                    f"argument `{argument}`: there is no output {name!r}; {suggestion(name, outputs)}"
                )
        return [given.get(name) for name in outputs]
    if len(given) != len(outputs):
        raise ValueError(
            f"argument `{argument}`: expected one for each of the outputs {list(outputs)}, got {len(given)}"
        )
    return list(given)


@dataclass
class Objective:
    """The loss of one output.

    Attributes:
        identifier: as it was given; which loss it is may depend on shapes.
        weight: of the loss among those of all outputs.
        tracker: the mean over the batches, before the weight; None where there is one loss alone.
    """

    output: int
    identifier: Any
    weight: float | None
    tracker: Mean | None

    def of(self, y: Array, predictions: Tensor) -> Callable[..., Tensor]:
        meant = meant_by_shapes(self.identifier, y, predictions)
        found = meant() if meant is not None else losses.get(self.identifier)
        return found if isinstance(found, Loss) else reducing(found)


def reducing(function: Callable[..., Tensor]) -> Loss:
    """The mean over the batch of a function of labels and predictions."""

    class Reduced(Loss):
        def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
            return function(y_true, y_pred)

    return Reduced()


@patchable("training.samples_of_batch")
def samples_of_batch(predictions: Tensor) -> Array:
    """What a batch counts in the mean of one of several losses: its number of samples"""
    return xp.asarray(float(predictions.shape[0]))


@patchable("training.mask_of_loss")
def mask_of_loss(mask: Array | None) -> Array | None:
    """The mask under which the loss of an output is computed: that of the output"""
    return mask


@patchable("training.streamed")
def streamed(metric: Metric) -> Metric:
    """What is measured over several batches: what the metric makes of all of them"""
    return metric


class Losses:
    """The losses of all outputs.

    Args:
        given: one for all outputs, or by name, or in a list; None for an output without.
        weights: of the losses, in the same form.

    Raises:
        ValueError: a loss, or an output, that there is not.
    """

    def __init__(self, given: Any, weights: Any, outputs: Sequence[str]) -> None:
        alone = not isinstance(given, Mapping | list | tuple)
        each = [given] * len(outputs) if alone else for_each_output(given, outputs, "loss")
        if weights is None:
            weighted: list[Any] = [None] * len(outputs)
        elif isinstance(weights, int | float):
            weighted = for_each_output([weights], outputs, "loss_weights")
        else:
            weighted = for_each_output(weights, outputs, "loss_weights")
        for identifier in each:
            if str(identifier).lower() not in BY_SHAPES | SHORT:
                losses.get(identifier)
        several = sum(identifier is not None for identifier in each) > 1
        self.objectives = [
            Objective(i, identifier, weighted[i], Mean(name=f"{outputs[i]}_loss") if several else None)
            for i, identifier in enumerate(each)
            if identifier is not None
        ]

    @property
    def trackers(self) -> list[Metric]:
        return [objective.tracker for objective in self.objectives if objective.tracker is not None]

    def __call__(
        self,
        ys: Sequence[Array],
        predictions: Sequence[Tensor],
        sample_weights: Sequence[Array | None],
        masks: Sequence[Array | None],
    ) -> Tensor | None:
        """The sum of the losses, a scalar; None where no output has one."""
        values = []
        for objective, y in zip(self.objectives, self._labels(ys, len(predictions)), strict=True):
            i = objective.output
            loss = objective.of(y, predictions[i])
            value = loss(y, predictions[i], sample_weights[i], mask_of_loss(masks[i]))
            if objective.tracker is not None:
                objective.tracker.update_state(detached(value), samples_of_batch(predictions[i]))
            values.append(value if objective.weight is None else multiply(value, float(objective.weight)))
        return functools.reduce(add, values) if values else None

    def _labels(self, ys: Sequence[Array], outputs: int) -> list[Array]:
        """Those of the outputs with losses, of which alone there may be labels."""
        if len(ys) == outputs:
            return [ys[objective.output] for objective in self.objectives]
        if len(ys) != len(self.objectives):
            raise ValueError(
                f"argument `y`: expected labels for each of the {outputs} outputs, or of the "
                f"{len(self.objectives)} with a loss, got {len(ys)}"
            )
        return list(ys)


@dataclass
class Measured:
    """A metric of one output.

    Attributes:
        identifier: as it was given; which metric it is may depend on shapes.
        prefix: the output's name where there are several.
        weighted: whether sample weights count.
        metric: made at the first batch.
    """

    output: int
    identifier: Any
    prefix: str
    weighted: bool
    metric: Metric | None = None

    def built(self, y: Array, predictions: Tensor) -> Metric:
        if self.metric is None:
            meant = meant_by_shapes(self.identifier, y, predictions)
            if meant is not None:
                found = meant(name=str(self.identifier))
            else:
                found = metrics.get(self.identifier)
                if not isinstance(found, Metric):
                    found = MeanMetricWrapper(found, name=found.__name__)
                elif isinstance(self.identifier, str):
                    found.config["name"] = self.identifier
            self.metric = streamed(found)
        return self.metric


class Metrics:
    """The metrics of all outputs, and then the weighted ones.

    Raises:
        ValueError: a metric, or an output, that there is not.
    """

    def __init__(self, given: Any, weighted: Any, outputs: Sequence[str]) -> None:
        self.measured = [
            *self._each(given, outputs, "metrics", False),
            *self._each(weighted, outputs, "weighted_metrics", True),
        ]

    @staticmethod
    def _each(given: Any, outputs: Sequence[str], argument: str, weighted: bool) -> list[Measured]:
        if not given:
            return []
        if not isinstance(given, Mapping | list | tuple):
            raise ValueError(f"argument `{argument}`: expected a list or a dictionary, got {given!r}")
        if len(outputs) == 1 and not isinstance(given, Mapping):
            given = [given]
        made = []
        for i, some in enumerate(for_each_output(given, outputs, argument)):
            flat = some if isinstance(some, list | tuple) else [] if some is None else [some]
            for one in flat:
                for identifier in one if isinstance(one, list | tuple) else [one]:
                    if str(identifier).lower() not in BY_SHAPES | SHORT:
                        metrics.get(identifier)
                    made.append(Measured(i, identifier, outputs[i] if len(outputs) > 1 else "", weighted))
        return made

    @property
    def metrics(self) -> list[Metric]:
        return [measured.metric for measured in self.measured if measured.metric is not None]

    def update(
        self,
        ys: Sequence[Array],
        predictions: Sequence[Tensor],
        sample_weights: Sequence[Array | None],
        masks: Sequence[Array | None],
    ) -> None:
        """Take in a batch. A mask acts as in Keras: on the weights of a mean of a function alone."""
        for measured in self.measured:
            i = measured.output
            if len(ys) != len(predictions):
                raise ValueError(
                    f"argument `y`: expected labels for {len(predictions)} outputs, got {len(ys)}"
                )
            metric = measured.built(ys[i], predictions[i])
            weight: Any = sample_weights[i] if measured.weighted else None
            mask = masks[i]
            if weight is not None and mask is not None and isinstance(metric, MeanOfFunction):
                weight = multiply(*same_rank(*(as_predictions(a) for a in (weight, mask))))
            metric.update_state(ys[i], detached(predictions[i]), weight)

    def named(self) -> dict[str, Metric]:
        """By the name in the logs: a name that is taken gets a number, and one of a weighted metric that of
        an unweighted one first `weighted_`."""
        found: dict[str, Metric] = {}
        for measured in self.measured:
            if measured.metric is None:
                continue
            prefix = f"{measured.prefix}_" if measured.prefix else ""
            name = prefix + str(measured.metric.config["name"])
            if name in found and measured.weighted:
                name = f"{prefix}weighted_{measured.metric.config['name']}"
            found[_free(name, found)] = measured.metric
        return found


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """The name, or the first of name_1, name_2, … that is not taken."""
    candidates = [name, *(f"{name}_{i}" for i in range(1, len(taken) + 1))]
    return next(candidate for candidate in candidates if candidate not in taken)


def number(x: Tensor) -> Any:
    """A scalar as a float of Python, anything else as an array."""
    value = xp.to_host(x.value)
    return float(value) if value.ndim == 0 else value
