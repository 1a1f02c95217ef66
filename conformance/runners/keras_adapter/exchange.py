"""A model that comes in a file, is loaded and called by Keras, and saved into other files."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from conformance.runners.keras_adapter.messages import ConcreteCase, of_value
from conformance.runners.keras_adapter.passes import Pass, once
from conformance.runners.keras_adapter.refusals import at
from conformance.runners.keras_adapter.runtime import GENERATION, keras, to_array
from conformance.runners.keras_adapter.weights import named

MODELS = ("models.Functional", "models.Sequential")

LOADED = {3: ("keras", "h5", "keras2.h5", "weights.h5"), 2: ("keras2.h5",)}[GENERATION]
"""The formats of files that it can be given, each named `model.` and its format."""

SAVED = {3: ("keras", "h5", "weights.h5"), 2: ("keras2.h5",)}[GENERATION]
"""Those that it can be asked for."""

OBSERVABLES = [*(f"loaded/{name}/*" for name in LOADED), *(f"file/{name}" for name in SAVED)]
"""Patterns of the observables of a model."""


class ModelExperiment:
    """The model of a case's files."""

    def __init__(self, case: ConcreteCase) -> None:
        self.case = case

    def ask(self, observable: str) -> Any:
        """As `Experiment.ask`."""
        match observable.split("/"):
            case ["loaded", _, "config"]:
                with at("config"):
                    return json.loads(self._model.to_json())
            case ["loaded", _, "weights"]:
                return {name: of_value(to_array(x)) for name, x in weights_of(self._model)}
            case ["loaded", _, "output", index]:
                return self._pass.output(int(index))
            case ["file", name]:
                return self._saved(name)
        raise ValueError(f"a model has no observable {observable!r}")

    @once
    def _model(self) -> Any:
        ((name, content),) = self.case.files.items()
        with at("load"), tempfile.TemporaryDirectory(prefix="conformance-") as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            if not name.endswith(".weights.h5"):
                return keras.models.load_model(str(path), compile=False, safe_mode=True)
            model = keras.models.model_from_json(json.dumps(self.case.config))
            model.load_weights(str(path))
            return model

    @once
    def _pass(self) -> Pass:
        model, inputs = self._model, [tf.constant(x) for x in self.case.inputs]
        return Pass(lambda: model(inputs[0] if len(inputs) == 1 else inputs, training=False), {}, ())

    def _saved(self, name: str) -> dict[str, str]:
        model = self._model
        with at("save"), tempfile.TemporaryDirectory(prefix="conformance-") as folder:
            path = Path(folder) / f"model.{name}"
            if name == "weights.h5":
                model.save_weights(str(path))
            else:
                model.save(str(path))
            return {path.name: base64.b64encode(path.read_bytes()).decode()}


def weights_of(model: Any, around: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every weight by the names of the models around its layer, of that, and its own."""
    for layer in model.layers:
        path = (*around, str(layer.name))
        if isinstance(layer, keras.Model):
            yield from weights_of(layer, path)
        else:
            yield from (("/".join((*path, name)), x) for name, x in named(layer.weights).items())
