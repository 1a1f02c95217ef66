"""A training run as a subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.expected import Structure
from conformance.cases.models import configuration, weights_by_layer
from conformance.cases.subjects.subject import Subject
from conformance.cases.training import METHODS, batches_of, class_weights, data_of
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.models import Model
from conformance.reference_impl.tape import Provenance, Tensor, constant, current_arithmetic
from conformance.reference_impl.training import Callback, Compiled
from conformance.reference_impl.training import callbacks as known_callbacks
from conformance.reference_impl.training.callbacks import OCCASIONS, Logs
from conformance.reference_impl.training.weights import key_of

Seen = dict[str, Tensor | Structure]
"""By observable."""

NO_COUNTS = ("iteration", "learning_rate")
"""Slots that follow from the calls: they are neither asked nor taken from a backend."""


class TrainingSubject(Subject):
    """A model, compiled, and what its methods do with the case's data; weights are named by their paths."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.name = case.subject.partition(".")[2]
        self.model = Model.from_config(configuration(case))
        self.methods: dict[str, Callable[[Data, Mapping[str, Array]], Seen]] = {
            "fit": self._fit,
            "evaluate": self._evaluate,
            "predict": self._predict,
            "train_on_batch": self._train_on_batch,
            "test_on_batch": self._test_on_batch,
        }

    def run(self, method: str, data: Data, own: Mapping[str, Array]) -> Seen:
        """Everything that can be asked of a method.

        Args:
            own: what a backend has answered; each step goes on from there.

        Raises:
            ValueError: the specification refuses how the model is compiled, or the data.
        """
        return self.methods[method](data, own)

    def run_all(self, data: Data) -> None:
        """Call every method that the case asks for.

        Raises:
            ValueError: the specification refuses how the model is compiled, the data, or the loss that it
                comes to.
        """
        for method in METHODS:
            if method in self.case.config:
                try:
                    self.run(method, data, {})
                except (RuntimeError, TypeError) as error:  # of a loss that is NaN, of an unknown argument
                    raise ValueError(str(error)) from error

    def _compiled(self, data: Data) -> Compiled:
        return Compiled(
            self.model,
            weights_by_layer(self.case, data.weights),
            dtype="float32" if current_arithmetic() is None else "float64",
            **self.case.config["compile"],
        )

    def _arguments(self, method: str) -> dict[str, Any]:
        given = dict(self.case.config.get(method, {}))
        if "class_weight" in given:
            given["class_weight"] = class_weights(given["class_weight"])
        return given

    def _fit(self, data: Data, own: Mapping[str, Array]) -> Seen:
        compiled, arguments = self._compiled(data), self._arguments("fit")
        made = [getattr(known_callbacks, name)(**given) for name, given in arguments.pop("callbacks", ())]
        watching = Resynchronised(own)
        history = compiled.fit(
            **data_of(self.case, data.inputs), **arguments, shuffle=False, callbacks=[*made, watching]
        )
        seen = watching.seen | {
            "fit/callbacks": Structure(watching.occasions),
            "fit/epochs": Structure(history.epoch),
        }
        seen |= {f"fit/weight/{key}": w for key, w in weights_of(compiled).items()}
        return seen | {f"fit/history/{name}": stacked(xs) for name, xs in watching.epochs.items()}

    def _evaluate(self, data: Data, own: Mapping[str, Array]) -> Seen:
        compiled, watching = self._compiled(data), Resynchronised(own)
        given = data_of(self.case, data.inputs)
        given.pop("validation_data", None)
        compiled.evaluate(**given, **self._arguments("evaluate"), callbacks=[watching])
        seen: Seen = {f"evaluate/log/{name}": x for name, x in compiled.evaluated.items()}
        return seen | {"evaluate/callbacks": Structure(watching.occasions)}

    def _predict(self, data: Data, own: Mapping[str, Array]) -> Seen:
        x = data_of(self.case, data.inputs)["x"]
        outputs = self._compiled(data).predicted(x, **self._arguments("predict"))
        return {f"predict/output/{i}": output for i, output in enumerate(outputs)}

    def _train_on_batch(self, data: Data, own: Mapping[str, Array]) -> Seen:
        compiled = self._compiled(data)
        seen: Seen = {}
        for i, batch in enumerate(self._batches("train_on_batch", data)):
            compiled.train_on_batch(**batch)
            seen |= state_of(compiled, f"train_on_batch/{i}")
            go_on_from(compiled, f"train_on_batch/{i}", own)
        return seen

    def _test_on_batch(self, data: Data, own: Mapping[str, Array]) -> Seen:
        compiled = self._compiled(data)
        seen: Seen = {}
        for i, batch in enumerate(self._batches("test_on_batch", data)):
            compiled.test_on_batch(**batch)
            seen |= {f"test_on_batch/{i}/log/{name}": x for name, x in compiled.measured().items()}
        return seen

    def _batches(self, method: str, data: Data) -> Any:
        return batches_of(self.case.config[method], data_of(self.case, data.inputs))


def weights_of(compiled: Compiled) -> dict[str, Tensor]:
    """The weights by their names in cases."""
    return {key_of(path, name): w for path, own in compiled.weights.items() for name, w in own.items()}


def state_of(compiled: Compiled, step: str) -> dict[str, Tensor]:
    """What there is after a step: weights, slots, and the logs of its end."""
    slots = {key: slot for key, slot in compiled.slots.items() if key not in NO_COUNTS}
    return {
        **{f"{step}/weight/{key}": w for key, w in weights_of(compiled).items()},
        **{f"{step}/slot/{key}": slot for key, slot in slots.items()},
        **{f"{step}/log/{name}": x for name, x in compiled.latest.items()},
    }


def go_on_from(compiled: Compiled, step: str, own: Mapping[str, Array]) -> None:
    """Put a backend's own weights and slots after a step into the place of those that were found."""
    for path, held in compiled.weights.items():
        for name, w in held.items():
            held[name] = told(own, f"{step}/weight/{key_of(path, name)}", w)
    compiled.slots = {key: told(own, f"{step}/slot/{key}", slot) for key, slot in compiled.slots.items()}


def told(own: Mapping[str, Array], observable: str, found: Tensor) -> Tensor:
    """What a backend has told, without an error; what was found, where that is nothing of the kind."""
    x = own.get(observable)
    return found if x is None or x.shape != found.shape else Tensor(xp.asarray(x, dtype=found.dtype))


def stacked(tensors: list[Tensor]) -> Tensor:
    """Scalars as one array."""
    errors = [xp.zeros(x.shape) if x.error is None else x.error for x in tensors]
    exact = all(x.error is None for x in tensors)
    return Tensor(
        xp.stack([x.value for x in tensors]), None if exact else xp.stack(errors), Provenance.COMPOSED
    )


class Resynchronised(Callback):
    """Notes every occasion, what there is after each step, and the logs of epochs; and has each step begin
    with what a backend had after the one before."""

    def __init__(self, own: Mapping[str, Array]) -> None:
        self.own = own
        self.occasions: list[list[Any]] = []
        self.seen: Seen = {}
        self.epochs: dict[str, list[Tensor]] = {}
        self.steps = 0
        self.measured: dict[str, Tensor] = {}
        acting = {name: getattr(self, name) for name in OCCASIONS}
        for name in OCCASIONS:
            if not name.startswith("on_batch"):
                setattr(self, name, self._noting(name, acting[name]))

    def _noting(self, name: str, act: Callable[..., None]) -> Callable[..., None]:
        def note(*given: Any) -> None:
            *numbers, logs = given
            self.occasions.append([name, *numbers, sorted(logs)])
            act(*given)

        return note

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        step = f"fit/step/{self.steps}"
        self.seen |= state_of(self.model, step)
        self.measured = self.model.measured()
        self.steps += 1
        go_on_from(self.model, step, self.own)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self.measured |= {f"val_{name}": x for name, x in self.model.evaluated.items()}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        for name, value in (logs or {}).items():
            x = self.measured[name] if name in self.measured else constant(value)
            self.epochs.setdefault(name, []).append(x)
