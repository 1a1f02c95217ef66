"""Training runs asked of Keras: a model of the case, compiled, and what its methods do with the case's data.

Functions are traced as by default, since that is what users meet: what is known of shapes then, and what not,
has its effects. A run tells what there is after every step, by a callback that reads weights and slots.
"""

from __future__ import annotations

import copy
import csv
import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import tensorflow as tf

from conformance.runners.keras_adapter.exchange import weights_of
from conformance.runners.keras_adapter.messages import ConcreteCase
from conformance.runners.keras_adapter.optimizers import named_slots
from conformance.runners.keras_adapter.passes import once
from conformance.runners.keras_adapter.refusals import at
from conformance.runners.keras_adapter.runtime import GENERATION, api, keras, to_array
from conformance.runners.keras_adapter.subjects import CLASSES, class_of
from conformance.runners.wire import Array

METHODS = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch")
"""What a case can ask for, by its name in the configuration."""

ASKED = [*(f"{method}/*" for method in METHODS), "refusal"]
"""Patterns of the observables of a training run."""

RUNS = ("training.Functional", "training.Sequential")
"""The subjects without a callback of their own."""

CALLED_BACK = tuple(f"callbacks.{name}" for name in CLASSES.get("callbacks", ()))

TRAINING = {name: ASKED for name in (*RUNS, *CALLED_BACK) if GENERATION == 3}
"""The subjects, with what can be asked of them."""

PARTS = ("x", "y", "sample_weight")
"""Of data, in the order in which a batch has them."""

FILES = ("filename", "filepath")
"""The arguments of callbacks that name files."""

Told = dict[str, Any]
"""What has been seen, by observable."""


class TrainingExperiment:
    """A model whose methods are called; each of them once, on a model of its own."""

    def __init__(self, case: ConcreteCase) -> None:
        self.case = case

    def ask(self, observable: str) -> Any:
        """As `Experiment.ask`."""
        if observable == "refusal":
            for method in METHODS:
                if method in self.case.config:
                    getattr(self, method)
            return None
        method = observable.partition("/")[0]
        found: Mapping[str, Any] = getattr(self, method)
        if observable not in found:
            raise ValueError(f"{method} has not told {observable!r}; it has told {', '.join(found)}")
        return found[observable]

    def _model(self) -> Any:
        # Each method has a model of its own, and what is named in it has the same names.
        api.reset_names()
        config = copy.deepcopy(self.case.config)
        kind = keras.Model if self.case.subject.endswith("Functional") else keras.Sequential
        with at("construction"):
            model = kind.from_config(config["model"])
        with at("build"):
            for name, variable in weights_of(model):
                variable.assign(self.case.weights[name])
        with at("construction"):
            model.compile(**{name: instances(name, given) for name, given in config["compile"].items()})
        return model

    def _data(self) -> dict[str, Any]:
        """The arguments of `fit` that are data: arrays, or under `x`, and as `validation_data`, batches."""
        places = self.case.config["data"]
        data = self._given(places)
        if "validation" in places:
            held_out = self._given(places["validation"])
            data["validation_data"] = held_out.get("batches", tuple(held_out.values()))
        return {"x" if name == "batches" else name: value for name, value in data.items()}

    def _given(self, places: Mapping[str, Any]) -> dict[str, Any]:
        """The arrays by name, or all of them as `batches`."""
        data = {name: self._listed(places[name]) for name in PARTS if name in places}
        return {"batches": in_batches(places, data)} if "batches" in places else data

    def _listed(self, numbers: list[int]) -> Any:
        arrays = [self.case.inputs[i] for i in numbers]
        return arrays[0] if len(arrays) == 1 else arrays

    def _arguments(self, method: str) -> dict[str, Any]:
        given = dict(self.case.config.get(method, {}))
        if "class_weight" in given:
            given["class_weight"] = {int(name): weight for name, weight in given["class_weight"].items()}
        return given

    @once
    def fit(self) -> Told:
        model, watching = self._model(), Watching()
        with TemporaryDirectory() as folder:
            with at("construction"):
                called = [*self._callback(model, Path(folder)), watching]
            with at("call"):
                history = model.fit(
                    **self._data(), **self._arguments("fit"), shuffle=False, verbose=0, callbacks=called
                )
                written = self._files(model, Path(folder))
        return {
            **watching.told,
            **written,
            "fit/callbacks": watching.occasions,
            "fit/epochs": history.epoch,
            **{f"fit/weight/{name}": to_array(w) for name, w in weights_of(model)},
            **{f"fit/history/{name}": np.array(xs, np.float32) for name, xs in history.history.items()},
        }

    def _callback(self, model: Any, folder: Path) -> Iterator[Any]:
        """The callback that the case is about, if it is about one."""
        if self.case.subject not in CALLED_BACK:
            return
        arguments = dict(self.case.config.get("callback", {}))
        for name, value in arguments.items():
            if name in FILES:
                arguments[name] = folder / value
            elif name == "schedule":
                arguments[name] = scheduled(value)
            elif name.startswith("on_"):
                arguments[name] = lambda *given, **logs: setattr(model, "stop_training", True)
        yield class_of(self.case.subject)(**arguments)

    def _files(self, model: Any, folder: Path) -> Told:
        """The files that the callback has written, and what is in them; nothing where it writes none."""
        arguments = self.case.config.get("callback", {})
        if not any(name in FILES for name in arguments):
            return {}
        paths = sorted(folder.iterdir())
        told: Told = {"fit/files": [path.name for path in paths]}
        for path in paths:
            prefix = f"fit/file/{path.name}"
            if path.suffix == ".csv":
                with path.open(newline="") as file:
                    names, *rows = csv.reader(file, delimiter=arguments.get("separator", ","))
                numbers = [[np.nan if x == "NA" else float(x) for x in row] for row in rows]
                told |= {f"{prefix}/names": names, f"{prefix}/rows": np.array(numbers, np.float32)}
            else:
                loaded = keras.models.clone_model(model)
                loaded.load_weights(path)
                told |= {f"{prefix}/weight/{name}": to_array(w) for name, w in weights_of(loaded)}
        return told

    @once
    def evaluate(self) -> Told:
        model, watching, data = self._model(), Watching(), self._data()
        data.pop("validation_data", None)
        with at("call"):
            logs = model.evaluate(
                **data, **self._arguments("evaluate"), return_dict=True, verbose=0, callbacks=[watching]
            )
        return {**logs_as("evaluate", logs), "evaluate/callbacks": watching.occasions}

    @once
    def predict(self) -> Told:
        model = self._model()
        with at("call"):
            outputs = model.predict(self._data()["x"], **self._arguments("predict"), verbose=0)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        return {f"predict/output/{i}": np.array(output) for i, output in enumerate(outputs)}

    @once
    def train_on_batch(self) -> Told:
        model = self._model()
        told: Told = {}
        with at("call"):
            for i, batch in enumerate(self._batches("train_on_batch")):
                logs = model.train_on_batch(**batch, return_dict=True)
                told |= state_of(model, f"train_on_batch/{i}") | logs_as(f"train_on_batch/{i}", logs)
        return told

    @once
    def test_on_batch(self) -> Told:
        model = self._model()
        told: Told = {}
        with at("call"):
            for i, batch in enumerate(self._batches("test_on_batch")):
                told |= logs_as(f"test_on_batch/{i}", model.test_on_batch(**batch, return_dict=True))
        return told

    def _batches(self, method: str) -> Iterator[dict[str, Any]]:
        data = self._data()
        data.pop("validation_data", None)
        start = 0
        for size in self.case.config[method]:
            yield {name: cut(value, start, start + size) for name, value in data.items()}
            start += size


KINDS = {"loss": "losses", "metrics": "metrics", "weighted_metrics": "metrics"}
"""By argument of `compile`, the kind of subject of which it takes instances."""


def instances(argument: str, given: Any) -> Any:
    """An argument of `compile`, with an instance for each class that stands there with its configuration."""
    match given:
        case {"class_name": str(name), "config": config} if argument in KINDS:
            return class_of(f"{KINDS[argument]}.{name}").from_config(config)
        case list():
            return [instances(argument, one) for one in given]
    return given


def in_batches(places: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
    """Batches of the sizes that the case says: a dataset that knows how many it has, or a generator."""
    stops = list(itertools.accumulate(places["batches"]))
    batches = [
        tuple(cut(value, start, stop) for value in data.values())
        for start, stop in zip([0, *stops], stops, strict=False)
    ]
    if places.get("once"):
        return (batch for batch in batches)
    # Nested lists of arrays would be taken for one array.
    batches = [tuple(tuple(x) if isinstance(x, list) else x for x in batch) for batch in batches]
    signature = tf.nest.map_structure(lambda x: tf.TensorSpec((None, *x.shape[1:]), x.dtype), batches[0])
    dataset = tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(batches)))


def scheduled(factors: list[float]) -> Callable[[int, float], float]:
    """A schedule of the rate, of which the case has the factors by epoch."""
    return lambda epoch, rate: rate * factors[epoch]


def cut(value: Any, start: int, stop: int) -> Any:
    return [x[start:stop] for x in value] if isinstance(value, list) else value[start:stop]


def logs_as(prefix: str, logs: Mapping[str, Any]) -> dict[str, Array]:
    return {f"{prefix}/log/{name}": np.array(x, np.float32) for name, x in logs.items()}


def state_of(model: Any, step: str) -> dict[str, Array]:
    """Weights and slots, by their names in cases."""
    weights = dict(weights_of(model))
    own = {id(variable): name for name, variable in weights.items()}
    trained = {
        str(variable.path).replace("/", "_"): own[id(variable)] for variable in model.trainable_variables
    }
    by_path = {path: weights[name] for path, name in trained.items()}
    told = {f"{step}/weight/{name}": to_array(w) for name, w in weights.items()}
    for key, slot in named_slots(model.optimizer, by_path).items():
        path, _, name = key.rpartition("/")
        told[f"{step}/slot/{trained[path]}/{name}" if path else f"{step}/slot/{key}"] = to_array(slot)
    return told


class Watching(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Notes every occasion with the names in its logs, and what there is after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.told: Told = {}
        self.occasions: list[list[Any]] = []
        self.steps = 0
        for name in dir(keras.callbacks.Callback):
            if name.startswith("on_") and not name.startswith("on_batch"):
                setattr(self, name, self._noting(name, getattr(self, name)))

    def _noting(self, name: str, act: Callable[..., None]) -> Callable[..., None]:
        def note(*given: Any, logs: Mapping[str, Any] | None = None) -> None:
            numbers = [x for x in given if isinstance(x, int)]
            found = logs or next((x for x in given if isinstance(x, dict)), {})
            self.occasions.append([name, *numbers, sorted(found)])
            act(*numbers, logs=found)

        return note

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        step = f"fit/step/{self.steps}"
        self.told |= state_of(self.model, step) | logs_as(step, logs or {})
        self.steps += 1
