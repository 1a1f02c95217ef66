"""A training run as a subject."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.expected import Structure
from conformance.cases.models import configuration, weights_by_layer
from conformance.cases.subjects.subject import Subject
from conformance.cases.training import CALLED_BACK, METHODS, as_given, batches_of, class_weights, data_of
from conformance.reference_impl import losses
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.models import Model
from conformance.reference_impl.saving import formats
from conformance.reference_impl.saving.saved_model import loaded
from conformance.reference_impl.tape import Provenance, Tensor, constant, current_arithmetic
from conformance.reference_impl.training import Callback, Compiled
from conformance.reference_impl.training.callbacks import CALLBACKS, OCCASIONS, Logs
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
        given = self.case.config["compile"]
        return Compiled(
            self.model,
            weights_by_layer(self.case, data.weights),
            dtype="float32" if current_arithmetic() is None else "float64",
            **{**given, "loss": loss_of(given["loss"])},
        )

    def _arguments(self, method: str) -> dict[str, Any]:
        given = dict(self.case.config.get(method, {}))
        if "class_weight" in given:
            given["class_weight"] = class_weights(given["class_weight"])
        return given

    def _fit(self, data: Data, own: Mapping[str, Array]) -> Seen:
        compiled, steps, watching = self._compiled(data), Resynchronised(own), Watching()
        with TemporaryDirectory() as folder:
            called = [steps, *self._callback(compiled, Path(folder)), watching]
            history = compiled.fit(
                **as_given(self.case, data.inputs), **self._arguments("fit"), shuffle=False, callbacks=called
            )
            seen = steps.seen | self._files(Path(folder), watching.logs)
        seen |= {
            "fit/callbacks": Structure(watching.occasions),
            "fit/epochs": Structure(history.epoch),
        }
        seen |= {f"fit/weight/{key}": w for key, w in weights_of(compiled).items()}
        return seen | watching.histories()

    def _callback(self, compiled: Compiled, folder: Path) -> Iterator[Callback]:
        """The callback that the case is about, if it is about one."""
        if self.case.subject in CALLED_BACK:
            arguments = dict(self.case.config.get("callback", {}))
            for name, value in arguments.items():
                if name in FILES:
                    arguments[name] = folder / value
                elif name == "schedule":
                    arguments[name] = scheduled(value)
                elif name in OCCASIONS:
                    arguments[name] = lambda *given: setattr(compiled, "stop_training", True)
            yield CALLBACKS[self.name](**arguments)

    def _files(self, folder: Path, logs: Sequence[Mapping[str, Tensor]]) -> Seen:
        """The files that the callback has written, and what is in them; nothing where it writes none."""
        arguments = self.case.config.get("callback", {})
        if not any(name in FILES for name in arguments):
            return {}
        paths = sorted(folder.iterdir())
        seen: Seen = {"fit/files": Structure([path.name for path in paths])}
        for path in paths:
            if path.suffix == ".csv":
                with path.open(newline="") as file:
                    names, *rows = csv.reader(file, delimiter=arguments.get("separator", ","))
                seen[f"fit/file/{path.name}/names"] = Structure(names)
                seen[f"fit/file/{path.name}/rows"] = numbers_in(names, rows, logs)
            else:
                weights_alone = configuration(self.case) if path.name.endswith(".weights.h5") else None
                with formats.opened(path, weights_alone) as saved:
                    for layer, held in saved.weights.items():
                        for name, w in held.items():
                            key = f"fit/file/{path.name}/weight/{key_of(layer, name)}"
                            seen[key] = Tensor(xp.asarray(loaded(w)))
        return seen

    def _evaluate(self, data: Data, own: Mapping[str, Array]) -> Seen:
        compiled, watching = self._compiled(data), Watching()
        given = as_given(self.case, data.inputs)
        given.pop("validation_data", None)
        compiled.evaluate(**given, **self._arguments("evaluate"), callbacks=[watching])
        seen: Seen = {f"evaluate/log/{name}": x for name, x in compiled.evaluated.items()}
        return seen | {"evaluate/callbacks": Structure(watching.occasions)}

    def _predict(self, data: Data, own: Mapping[str, Array]) -> Seen:
        x = as_given(self.case, data.inputs)["x"]
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


FILES = ("filename", "filepath")
"""The arguments of callbacks that name files."""


def scheduled(factors: Sequence[float]) -> Callable[[int, float], float]:
    """A schedule of the rate, of which the case has the factors by epoch."""
    return lambda epoch, rate: rate * factors[epoch]


def loss_of(identifier: Any) -> Any:
    """A loss as `compile` takes it: of a class with a configuration an instance."""
    match identifier:
        case {"class_name": _}:
            return losses.get(identifier)
        case list():
            return [loss_of(one) for one in identifier]
    return identifier


def numbers_in(
    names: Sequence[str], rows: Sequence[Sequence[str]], logs: Sequence[Mapping[str, Tensor]]
) -> Tensor:
    """The rows of a file, (epochs, names), as far off as the logs of the epochs are; NaN for "NA"."""
    dtype = next(iter(logs[0].values())).dtype
    values = np.array([[np.nan if x == "NA" else float(x) for x in row] for row in rows], dtype)

    exact = Tensor(xp.zeros(()))
    off = [[told.get(name, exact).error for name in names] for told in logs]
    errors = np.array([[0.0 if error is None else float(error) for error in row] for row in off])
    return Tensor(xp.asarray(values), xp.asarray(errors), Provenance.COMPOSED)


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
    """Notes what there is after each step, and has the next begin with what a backend had then. It is called
    before the others: what they do with the weights, they do with the backend's."""

    def __init__(self, own: Mapping[str, Array]) -> None:
        self.own = own
        self.seen: Seen = {}
        self.steps = 0

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        step = f"fit/step/{self.steps}"
        self.seen |= state_of(self.model, step)
        self.steps += 1
        go_on_from(self.model, step, self.own)


class Watching(Callback):
    """Notes every occasion, and the logs of epochs with their errors. It is called after the others, and sees
    what they have added."""

    def __init__(self) -> None:
        self.occasions: list[list[Any]] = []
        self.logs: list[dict[str, Tensor]] = []
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
        self.measured = self.model.measured()

    def on_test_end(self, logs: Logs | None = None) -> None:
        self.measured |= {f"val_{name}": x for name, x in self.model.evaluated.items()}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        told = (logs or {}).items()
        self.logs.append({name: self.measured.get(name, constant(value)) for name, value in told})

    def histories(self) -> Seen:
        """By name, the logs of the epochs that have it."""
        names = dict.fromkeys(name for told in self.logs for name in told)
        return {
            f"fit/history/{name}": stacked([told[name] for told in self.logs if name in told])
            for name in names
        }
