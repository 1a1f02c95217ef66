"""How a model was compiled, and its optimizer's state, between the forms of Keras 3 and of older files."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from os import PathLike
from typing import Any

import numpy as np

from conformance.reference_impl.saving.saved_model import FormatError, InMemory, JSONObject, StoredArray

MODULES = {
    "optimizer": "keras.optimizers",
    "loss": "keras.losses",
    "metrics": "keras.metrics",
    "weighted_metrics": "keras.metrics",
}
"""Where Keras 3 has what an argument of `compile` describes."""

OPTIMIZERS = frozenset(
    (
        "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion",
        "LossScaleOptimizer", "Muon", "Nadam", "RMSprop", "SGD",
    )
)  # fmt: skip

OF_ONE_ORDER = frozenset(("Adam", "AdamW", "SGD"))
"""Those whose state has one order in Keras 2 and 3, but for the learning rate, which Keras 3 has in it."""

WRAPPERS = frozenset(("LossFunctionWrapper", "MeanMetricWrapper"))
"""Classes of Keras 2 that are a function, `fn`."""

ONLY_IN_2 = frozenset(("fn", "is_legacy_optimizer", "jit_compile"))
ONLY_IN_3 = frozenset(("gradient_accumulation_steps", "loss_scale_factor"))


def modern_training(training: Mapping[str, Any], file: str | PathLike[str]) -> JSONObject:
    """The arguments of `compile` as Keras 3's `compile_config`, from that or an older `training_config`.

    Raises:
        FormatError: an optimizer, loss or metric is not Keras's.

    >>> modern_training({"optimizer_config": {"class_name": "SGD", "config": {}}, "metrics": [["mae"]]}, "f")
    ... # doctest: +NORMALIZE_WHITESPACE
    {'optimizer': {'module': 'keras.optimizers', 'class_name': 'SGD', 'config': {}, 'registered_name': None},
     'metrics': ['mae']}
    """
    compiled = {}
    for name, value in training.items():
        argument = "optimizer" if name == "optimizer_config" else name
        module = MODULES.get(argument)
        compiled[argument] = _described(value, module, f"{argument}", file) if module else value
    if not isinstance(compiled.get("optimizer"), dict | str | None):
        raise FormatError(file, "optimizer", "expected a name, or the description of a class")
    for argument in ("metrics", "weighted_metrics"):
        # Keras 2 has a list for each output, even for the only one.
        match compiled.get(argument):
            case [list(alone)]:
                compiled[argument] = alone
    return compiled


def _described(value: Any, module: str, place: str, file: str | PathLike[str]) -> Any:
    if isinstance(value, list):
        return [_described(item, module, place, file) for item in value]
    if not isinstance(value, dict):
        return value
    if "class_name" not in value:
        return {key: _described(item, module, place, file) for key, item in value.items()}
    class_name, config = _own(value, module, place, file), value.get("config")
    if not isinstance(config, dict):
        raise FormatError(file, place, f"{class_name!r:.80} is described by no config of a class")
    if class_name in WRAPPERS and isinstance(config.get("fn"), str):
        return config["fn"]
    config = {key: item for key, item in config.items() if key not in ONLY_IN_2}
    if config.get("reduction") == "auto":
        config["reduction"] = "sum_over_batch_size"
    if module == MODULES["optimizer"]:
        inner = "keras.optimizers.schedules"
        config = {key: _described(item, inner, f"{place}.{key}", file) for key, item in config.items()}
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def _own(description: Mapping[str, Any], module: str, place: str, file: str | PathLike[str]) -> str:
    """The name of the class that is described, if it is one of Keras's."""
    class_name, given = description["class_name"], description.get("module") or module
    registered = description.get("registered_name") or class_name
    # Keras 2 saves its own optimizers like those of its users.
    name = str(class_name).removeprefix("Custom>")
    if (
        str(given).partition(".")[0] not in ("keras", "tf_keras")
        or (name != class_name and name not in OPTIMIZERS)
        or registered not in (class_name, name)
        or class_name == "function"
        or ">" in name
    ):
        told = description.get("config") if class_name == "function" else registered
        raise FormatError(file, place, f"{told!r:.80} is not Keras's, and not loaded: compile without")
    return name


def generation_of(version: str) -> int:
    """Of Keras, by its version; those of TensorFlow, like 2.21, are of the second, too.

    >>> generation_of("3.15.1"), generation_of("2.2.4-tf"), generation_of("1")
    (3, 2, 1)
    """
    major = version.partition(".")[0]
    return int(major) if major.isdecimal() and len(major) == 1 else 3


def legacy_training(compiled: Mapping[str, Any] | None, generation: int) -> JSONObject | None:
    """The arguments of `compile`, given as a `compile_config`, as the `training_config` of `.h5` files; None
    if the model was not compiled with an optimizer."""
    only_in_3 = ONLY_IN_3 if generation == 2 else frozenset()
    optimizer = _bare(_optimizer_of(compiled), only_in_3)
    if compiled is None or optimizer is None:
        return None
    if generation == 2:
        # Else Keras 2 makes one of its first kind, with other arguments.
        optimizer["config"]["is_legacy_optimizer"] = False
    others = {name: _bare(value, only_in_3) for name, value in compiled.items() if name != "optimizer"}
    return {**others, "optimizer_config": optimizer}


def _optimizer_of(compiled: Mapping[str, Any] | None) -> JSONObject | None:
    """The description of the optimizer, which may be named alone."""
    match (compiled or {}).get("optimizer"):
        case {"class_name": str(), "config": dict()} as described:
            return described
        case str(given):
            name = next((name for name in OPTIMIZERS if name.lower() == given.lower()), given)
            return {"class_name": name, "config": {}}
    return None


def _bare(value: Any, left_out: frozenset[str]) -> Any:
    """Descriptions without what Keras 3 alone says."""
    if isinstance(value, list):
        return [_bare(item, left_out) for item in value]
    if not isinstance(value, dict):
        return value
    said = {"module", "registered_name"} if "class_name" in value else left_out
    return {key: _bare(item, left_out) for key, item in value.items() if key not in said}


def modern_state(
    variables: Mapping[str, StoredArray], training: Mapping[str, Any] | None, generation: int
) -> Mapping[str, StoredArray]:
    """An optimizer's variables as Keras 3 has them: with the learning rate behind the iteration; none where
    an older file has them in another order."""
    if generation >= 3 or not variables:
        return variables
    optimizer = _optimizer_of(training)
    if optimizer is None or optimizer["class_name"] not in OF_ONE_ORDER:
        return {}
    rate = optimizer["config"].get("learning_rate", 0.01 if optimizer["class_name"] == "SGD" else 0.001)
    if not isinstance(rate, int | float):  # a schedule, which has no state
        return variables
    (iteration, counted), *others = variables.items()
    learning_rate: StoredArray = InMemory(np.array(rate, np.float32))
    return {iteration: counted, "learning_rate": learning_rate, **dict(others)}


def legacy_state(
    variables: Mapping[str, StoredArray], training: Mapping[str, Any] | None, generation: int
) -> Mapping[str, StoredArray]:
    """An optimizer's variables, as Keras 3 has them, for a generation; none where it has another order."""
    if generation >= 3 or not variables:
        return variables
    optimizer = _optimizer_of(training)
    if optimizer is None or optimizer["class_name"] not in OF_ONE_ORDER:
        return {}
    scheduled = isinstance(optimizer["config"].get("learning_rate"), dict)
    left_out = [] if scheduled else [*islice(variables, 1, 2)]
    return {name: array for name, array in variables.items() if name not in left_out}
