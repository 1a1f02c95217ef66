"""A model with all that training it takes: weights, an optimizer, losses, metrics, and loops over data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from conformance.reference_impl import optimizers
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.metrics import Mean, Metric
from conformance.reference_impl.metrics.metric import State
from conformance.reference_impl.models import Model
from conformance.reference_impl.models.model import MOST_CALLS, STREAMS, LayerCall, Outcome
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, concatenate
from conformance.reference_impl.saving.saved_model import LayerPath
from conformance.reference_impl.tape import Tensor, constant, detached, variable, vjp
from conformance.reference_impl.training.batches import Arrays, Batch, Data, Names, split
from conformance.reference_impl.training.callbacks import Callback, CallbackList, History, Logs
from conformance.reference_impl.training.objectives import Losses, Metrics, number
from conformance.reference_impl.training.weights import Said, initial_weights, key_of

STEP = STREAMS * MOST_CALLS
"""How many random keys a step draws from at most."""


@patchable("training.results_after_batch")
def results_after_batch(metrics: Mapping[str, Metric], before: Mapping[str, State]) -> dict[str, Tensor]:
    """By name what is logged at the end of a batch: the mean over all batches of the epoch so far

    Args:
        before: the states of the metrics before the batch; of one without batches it may lack, or be empty.
    """
    return {name: metric.result() for name, metric in metrics.items()}


@patchable("training.counted_penalties")
def counted_penalties(penalties: Sequence[Tensor], training: bool) -> Sequence[Tensor]:
    """The penalties that are part of the loss: all of them, in training and in evaluation"""
    return penalties


@patchable("training.results_of_evaluation")
def results_of_evaluation(results: dict[str, Tensor], losses: Sequence[str]) -> dict[str, Tensor]:
    """By name what an evaluation comes to: the loss, the losses of several outputs, and the metrics

    Args:
        losses: the names of those of several outputs.
    """
    return results


@patchable("training.steps_of_epoch")
def steps_of_epoch(steps: int | None) -> int | None:
    """How many batches an epoch of training has at most: as many as are asked for"""
    return steps


@patchable("training.constrained")
def constrained(
    constraints: Mapping[str, Callable[[Tensor], Tensor]],
) -> Mapping[str, Callable[[Tensor], Tensor]]:
    """By key the constraints that weights are brought under after a step: all of them"""
    return constraints


@patchable("training.weights_in_evaluation")
def weights_in_evaluation(sample_weights: Arrays) -> Arrays:
    """The weights of samples under which a model is evaluated: those that are given"""
    return sample_weights


@patchable("training.logs_without_batches")
def logs_without_batches(epoch: int) -> Logs:
    """The logs of an epoch of training that had no batch: there is none"""
    raise ValueError(f"the data of epoch {epoch} is empty: at least one batch is needed")


@patchable("training.validates_after")
def validates_after(complete: bool) -> bool:
    """Whether validation follows an epoch, which has had all its batches or was cut short: it always does"""
    return True


class Compiled:
    """A model that can be trained, evaluated, and asked for predictions.

    What a step computes is pure: the model in its inputs and weights, the optimizer in gradients, variables
    and slots. This object holds what goes from one step to the next, all of it: `weights`, `slots`, `carried`
    and `steps`. Two with the same four, and the same data, go on alike, bit for bit.

    Args:
        weights: by layer and name; those of the initializers where none are given.
        optimizer, loss, loss_weights, metrics, weighted_metrics: as Keras's `Model.compile` takes them.
        dtype: of the computation.
        seed: of initial weights, of what layers draw in training, and of the order of samples.

    Raises:
        ValueError: a name that there is not, or not one for each output; the message says what is allowed.

    >>> dense = {"class_name": "Dense", "config": {"units": 1, "name": "dense"}}
    >>> inputs = {"class_name": "InputLayer", "config": {"batch_shape": [None, 1], "name": "x"}}
    >>> config = {"name": "line", "layers": [inputs, dense]}
    >>> model = Model.from_config({"class_name": "Sequential", "config": config})
    >>> line = Compiled(model, optimizer=optimizers.SGD(0.1), loss="mse")
    >>> x = np.array([[1.0], [2.0], [3.0], [4.0]], np.float32)
    >>> history = line.fit(x, 2 * x - 1, epochs=200, shuffle=False)
    >>> float(line.predict(np.array([[5.0]]))[0, 0].round(1))
    9.0
    """

    def __init__(
        self,
        model: Model,
        weights: Mapping[LayerPath, Mapping[str, Array]] | None = None,
        *,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        dtype: str = "float32",
        seed: int = 0,
    ) -> None:
        self.model = model
        self.objectives = {
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        }
        self.dtype = dtype
        self.seed = seed
        self.names = Names(
            tuple(reference.layer for reference in model.graph.inputs),
            tuple(reference.layer for reference in model.graph.outputs),
        )
        self.said = Said(model)
        self.weights: dict[LayerPath, dict[str, Tensor]] = (
            initial_weights(model, dtype, seed)
            if weights is None
            else {path: {n: self._tensor(w) for n, w in own.items()} for path, own in weights.items()}
        )
        self.optimizer = optimizers.get(optimizer)
        self.slots = self.optimizer.initial_state(self._trained())
        self.carried: Mapping[LayerPath, tuple[Tensor, ...]] = {}
        self.steps = 0
        self.losses = Losses(loss, loss_weights, self.names.outputs)
        self.metrics = Metrics(metrics, weighted_metrics, self.names.outputs)
        self.loss = Mean(name="loss")
        self.latest: dict[str, Tensor] = {}
        self.evaluated: dict[str, Tensor] = {}
        self.stop_training = False
        self.history: History | None = None

    def _tensor(self, x: Any) -> Tensor:
        """Floats in the dtype of the computation, anything else as it is."""
        array = xp.asarray(x.value if isinstance(x, Tensor) else x)
        return Tensor(array.astype(self.dtype, copy=False) if array.dtype.kind == "f" else array)

    def _trained(self) -> dict[str, Tensor]:
        """The weights that training changes, by key."""
        known = {key_of(path, name): w for path, own in self.weights.items() for name, w in own.items()}
        return {key: known[key] for key in self.said.trainable}

    def _replace(self, changed: Mapping[str, Tensor]) -> None:
        self.weights = {
            path: {name: changed.get(key_of(path, name), w) for name, w in own.items()}
            for path, own in self.weights.items()
        }

    # Weights and the learning rate, as callbacks see them

    def get_weights(self) -> list[Array]:
        """Copies of all weights, in the model's order."""
        return [xp.to_host(w.value).copy() for own in self.weights.values() for w in own.values()]

    def set_weights(self, weights: Sequence[Array]) -> None:
        """Take these weights, in the model's order; raises ValueError for another number or other shapes."""
        places = [(path, name) for path, own in self.weights.items() for name in own]
        shapes = [self.weights[path][name].shape for path, name in places]
        if [np.shape(w) for w in weights] != shapes:
            raise ValueError(f"expected weights of the shapes {shapes}, got {[np.shape(w) for w in weights]}")
        for (path, name), w in zip(places, weights, strict=True):
            self.weights[path][name] = self._tensor(w)

    @property
    def learning_rate(self) -> float:
        """That of the next update."""
        return float(self.optimizer.rate(self.slots).value)

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        if "learning_rate" not in self.slots:
            raise ValueError("the learning rate follows a schedule, and cannot be set")
        self.slots["learning_rate"] = constant(rate, self.slots["learning_rate"])

    def reset_states(self) -> None:
        """Have stateful layers begin anew."""
        self.carried = {}

    # One batch

    def _run(
        self, batch: Batch, weights: Mapping[str, Tensor], training: bool
    ) -> tuple[Outcome, list[Tensor]]:
        """The model's outcome, and the penalties on the outputs of its layers."""
        own = {
            path: {name: weights.get(key_of(path, name), w) for name, w in held.items()}
            for path, held in self.weights.items()
        }
        context = Context(training=training, rng_key=self.seed + self.steps * STEP)
        inputs = [self._tensor(x) for x in batch.x]
        calls = self.model.steps(inputs, own, context, carried=self.carried)
        penalties: list[Tensor] = []
        while True:
            try:
                call: LayerCall = next(calls)
            except StopIteration as end:
                return end.value, penalties
            penalties += self.said.penalties_of_outputs(call.path, call.outputs)

    def _objective(
        self,
        batch: Batch,
        outcome: Outcome,
        weights: Mapping[str, Tensor],
        penalties: list[Tensor],
        training: bool,
    ) -> Tensor:
        """The loss of a batch with all penalties, a scalar; it and the metrics are entered into the logs."""
        given = batch.sample_weight if training else weights_in_evaluation(batch.sample_weight)
        outputs = len(outcome.outputs)
        sample_weights = list(given) if len(given) == outputs else [given[0] if given else None] * outputs
        loss = self.losses(batch.y, outcome.outputs, sample_weights, outcome.masks)
        parts = [] if loss is None else [loss]
        parts += counted_penalties([*penalties, *self.said.penalties_of_weights(weights)], training)
        if not parts:
            raise ValueError("there is no loss to compute: `loss` was not given, and no layer has a penalty")
        whole = parts[0]
        for part in parts[1:]:
            whole = add(whole, part)
        self.loss.update_state(detached(whole), xp.asarray(float(batch.size)))
        if self.metrics.measured:
            self.metrics.update(batch.y, outcome.outputs, sample_weights, outcome.masks)
        return whole

    def train_step(self, batch: Batch) -> Logs:
        """One update of weights and slots; the logs so far."""
        before_it = self._states()
        trained = {key: _source(w) for key, w in self._trained().items()}
        outcome, penalties = self._run(batch, trained, training=True)
        loss = self._objective(batch, outcome, trained, penalties, training=True)
        scaled = self.optimizer.scaled_loss(loss, self.slots)
        gradients = vjp([scaled], [constant(1.0, scaled)], list(trained.values()))
        before = {key: detached(w) for key, w in trained.items()}
        if before:
            update = self.optimizer.apply(
                {key: detached(g) for key, g in zip(before, gradients, strict=True)},
                before,
                self.slots,
                constrained(self.said.constraints),
            )
            self.slots = dict(update.state)
            self._replace(update.variables)
        self._keep(outcome)
        self.steps += 1
        return self._logged(before_it)

    def test_step(self, batch: Batch) -> Logs:
        """The loss and metrics of one more batch; nothing is changed but the states of stateful layers."""
        before_it = self._states()
        outcome, penalties = self._run(batch, {}, training=False)
        self._objective(batch, outcome, self._trained(), penalties, training=False)
        self._keep(outcome)
        return self._logged(before_it)

    def _keep(self, outcome: Outcome) -> None:
        """The new values of weights that a call changes, and the states of layers."""
        for path, changed in outcome.state.items():
            self.weights[path] |= {name: detached(w) for name, w in changed.items()}
        self.carried = {
            **self.carried,
            **{p: tuple(detached(s) for s in c) for p, c in outcome.carried.items()},
        }

    @property
    def tracked(self) -> dict[str, Metric]:
        """By the name in the logs: the loss, the metrics, and the losses of several outputs."""
        trackers = {str(tracker.config["name"]): tracker for tracker in self.losses.trackers}
        return {"loss": self.loss, **self.metrics.named(), **trackers}

    def _states(self) -> dict[str, State]:
        return {name: metric.state for name, metric in self.tracked.items()}

    def _logged(self, before: Mapping[str, State]) -> Logs:
        """The logs at the end of a batch."""
        self.latest = results_after_batch(self.tracked, before)
        return {name: number(x) for name, x in self.latest.items()}

    def measured(self) -> dict[str, Tensor]:
        """Everything that is tracked, of all batches since the last reset."""
        return {name: metric.result() for name, metric in self.tracked.items()}

    def results(self) -> Logs:
        """The same as numbers."""
        return {name: number(x) for name, x in self.measured().items()}

    def reset_metrics(self) -> None:
        """Forget the batches so far."""
        for metric in self.tracked.values():
            metric.reset_state()

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
    ) -> Logs:
        """One update; the logs of this batch alone."""
        self.reset_metrics()
        return self.train_step(self.names.batch(x, y, sample_weight, class_weight))

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None) -> Logs:
        """The logs of this batch alone."""
        self.reset_metrics()
        return self.test_step(self.names.batch(x, y, sample_weight))

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs, one array or a list of several."""
        return _as_given(self.predict_step(self.names.batch(x)))

    def predict_step(self, batch: Batch) -> tuple[Tensor, ...]:
        """The outputs for a batch; nothing is changed but the states of stateful layers."""
        outcome, _ = self._run(batch, {}, training=False)
        self._keep(outcome)
        return outcome.outputs

    # Many batches

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        batch_size: int | None = None,
        epochs: int = 1,
        callbacks: Iterable[Callback] = (),
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
    ) -> History:
        """Train, as Keras's `Model.fit`: the arguments are its.

        Raises:
            ValueError: data of other shapes or numbers than the model takes, or none.
        """
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = split(self.names, x, y, sample_weight, validation_split)
        data = Data(
            self.names, x, y, sample_weight,
            batch_size=batch_size, steps=steps_of_epoch(steps_per_epoch), class_weight=class_weight,
            shuffled=self._shuffled if shuffle else None,
        )  # fmt: skip
        held_out = None
        if validation_data is not None:
            given = validation_data if isinstance(validation_data, tuple) else (validation_data,)
            held_out = Data(
                self.names, *given, batch_size=validation_batch_size or batch_size, steps=validation_steps
            )
        called = CallbackList([*callbacks], self, {"epochs": epochs, "steps": steps_per_epoch})
        self.history = called.history
        self.stop_training = False
        logs: Logs = {}
        called.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            self.reset_metrics()
            called.on_epoch_begin(epoch)
            logs, complete = self._one_epoch(data, epoch, called)
            if held_out is not None and _is_due(epoch, validation_freq) and validates_after(complete):
                logs |= {f"val_{name}": value for name, value in self._evaluated(held_out, called).items()}
            called.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        if epochs > 0:
            self._replace(self.optimizer.final_variables(self._trained(), self.slots))
        called.on_train_end(logs)
        return called.history

    def _one_epoch(self, data: Data, epoch: int, called: CallbackList) -> tuple[Logs, bool]:
        """The logs of an epoch, and whether it has had all its batches."""
        taken = 0
        for step, batch in enumerate(data.epoch(epoch)):
            called.on_train_batch_begin(step)
            logs = self.train_step(batch)
            called.on_train_batch_end(step, logs)
            taken += 1
            if self.stop_training:
                break
        complete = not self.stop_training and data.steps in (None, taken)
        logs = dict(sorted(self.results().items())) if taken else logs_without_batches(epoch)
        return logs, complete

    def _shuffled(self, epoch: int, count: int) -> Any:
        return np.random.Generator(np.random.Philox(key=self.seed, counter=epoch)).permutation(count)

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        *,
        batch_size: int | None = None,
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Iterable[Callback] = (),
    ) -> Logs:
        """The loss and the metrics by name, as Keras's `Model.evaluate(…, return_dict=True)`."""
        data = Data(self.names, x, y, sample_weight, batch_size=batch_size, steps=steps)
        return self._evaluated(data, CallbackList([*callbacks], self, {"steps": steps}))

    def _evaluated(self, data: Data, called: CallbackList) -> Logs:
        called.on_test_begin()
        self.reset_metrics()
        data.reset()
        logs: Logs | None = None
        for step, batch in enumerate(data.epoch(0)):
            called.on_test_batch_begin(step)
            logs = self.test_step(batch)
            called.on_test_batch_end(step, logs)
        if logs is None:
            raise ValueError("there is no data to evaluate: at least one batch is needed")
        trackers = [str(tracker.config["name"]) for tracker in self.losses.trackers]
        self.evaluated = results_of_evaluation(self.measured(), trackers)
        logs = {name: number(x) for name, x in self.evaluated.items()}
        called.on_test_end(logs)
        return logs

    def predict(self, x: Any, *, batch_size: int | None = None, steps: int | None = None) -> Any:
        """The outputs for all samples, one array or a list of several."""
        return _as_given(self.predicted(x, batch_size=batch_size, steps=steps))

    def predicted(
        self, x: Any, *, batch_size: int | None = None, steps: int | None = None
    ) -> tuple[Tensor, ...]:
        """The outputs for all samples."""
        data = Data(self.names, x, batch_size=batch_size, steps=steps)
        batches = [self.predict_step(batch) for batch in data.epoch(0)]
        if not batches:
            raise ValueError("there is no data to predict for: at least one batch is needed")
        return tuple(concatenate(*parts, axis=0) for parts in zip(*batches, strict=True))


def _source(w: Tensor) -> Tensor:
    """The weight as what gradients are asked by, with the error that it has."""
    source = variable(w.value)
    source.error, source.provenance = w.error, w.provenance
    return source


def _as_given(outputs: Sequence[Tensor]) -> Any:
    """The outputs of a model as its users get them: one array, or a list of several."""
    arrays = [xp.to_host(output.value) for output in outputs]
    return arrays[0] if len(arrays) == 1 else arrays


def _is_due(epoch: int, frequency: int | Sequence[int]) -> bool:
    """Whether an epoch is followed by validation: every so many, or those whose numbers are given, from 1."""
    return (epoch + 1) % frequency == 0 if isinstance(frequency, int) else epoch + 1 in frequency
