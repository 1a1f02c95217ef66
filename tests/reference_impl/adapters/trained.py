"""Trains models with Keras, in double precision: pickled scenarios on standard input, what came of them on
standard output."""

from __future__ import annotations

import copy
import os
import pickle
import sys
from typing import Any

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}

import keras
import numpy as np
import tensorflow as tf

keras.config.set_floatx("float64")
tf.config.threading.set_intra_op_parallelism_threads(1)


def made(callback: tuple[str, dict[str, Any]]) -> Any:
    name, arguments = callback
    return getattr(keras.callbacks, name)(**arguments)


class Occasions(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Notes what it is called at, and with which logs."""

    def __init__(self, seen: list[Any]) -> None:
        super().__init__()
        for name in dir(keras.callbacks.Callback):
            if name.startswith("on_") and "predict" not in name and not name.startswith("on_batch"):
                setattr(self, name, self.noting(name, seen))

    @staticmethod
    def noting(name: str, seen: list[Any]) -> Any:
        def note(*at: Any, logs: Any = None) -> None:
            numbers = [n for n in at if isinstance(n, int)]
            given = logs or next((x for x in at if isinstance(x, dict)), {})
            seen.append((name, numbers, list(given)))

        return note


def outcome(scenario: dict[str, Any]) -> dict[str, Any]:
    description = copy.deepcopy(scenario["model"])
    kind = keras.Sequential if description["class_name"] == "Sequential" else keras.Model
    model = kind.from_config(description["config"])
    for path, own in scenario["weights"].items():
        for weight in model.get_layer(path[0]).weights:
            weight.assign(own[weight.name])
    model.compile(**scenario["compile"])
    fit = dict(scenario["fit"])
    seen: list[Any] = []
    fit["callbacks"] = [*map(made, fit.pop("callbacks", ())), Occasions(seen)]
    data = scenario["data"]
    if scenario.get("dataset"):
        data = {"x": Batches(scenario["dataset"])}
    history = model.fit(**data, verbose=0, shuffle=False, **fit)
    weights = {
        path: {w.name: np.array(w) for w in model.get_layer(path[0]).weights} for path in scenario["weights"]
    }
    whole = scenario["evaluate"]
    return {
        "history": history.history,
        "epochs": history.epoch,
        "weights": weights,
        "slots": [np.array(v) for v in model.optimizer.variables],
        "evaluated": model.evaluate(**whole, verbose=0, return_dict=True),
        "predicted": model.predict(whole["x"], verbose=0),
        "occasions": seen,
    }


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """A dataset of batches that there are already."""

    def __init__(self, batches: list[Any]) -> None:
        super().__init__()
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, i: int) -> Any:
        return self.batches[i]


def answer(scenario: dict[str, Any]) -> dict[str, Any] | str:
    try:
        return outcome(scenario)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    scenarios = pickle.load(sys.stdin.buffer)
    answers = {name: answer(scenario) for name, scenario in scenarios.items()}
    pickle.dump(answers, sys.stdout.buffer)
