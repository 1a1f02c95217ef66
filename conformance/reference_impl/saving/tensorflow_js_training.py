"""What `compile` was given, between the forms of Keras and that of TensorFlow.js, `trainingConfig`.

TensorFlow.js does not load a model at all whose `trainingConfig` names what it has not. Sources:
`LayersModel.loadTrainingConfig` of tfjs-layers, `fromConfig` and `getConfig` of tfjs-core's optimizers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.saving.saved_model import JSONObject

OPTIMIZERS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "SGD": ("SGD", {"learning_rate": "learningRate"}),
    "Momentum": (
        "SGD",
        {"learning_rate": "learningRate", "momentum": "momentum", "nesterov": "useNesterov"},
    ),
    "RMSProp": (
        "RMSprop",
        {
            "learning_rate": "learningRate",
            "rho": "decay",
            "momentum": "momentum",
            "epsilon": "epsilon",
            "centered": "centered",
        },
    ),
    "Adagrad": (
        "Adagrad",
        {"learning_rate": "learningRate", "initial_accumulator_value": "initialAccumulatorValue"},
    ),
    "Adadelta": ("Adadelta", {"learning_rate": "learningRate", "rho": "rho", "epsilon": "epsilon"}),
    "Adam": (
        "Adam",
        {"learning_rate": "learningRate", "beta_1": "beta1", "beta_2": "beta2", "epsilon": "epsilon"},
    ),
    "Adamax": (
        "Adamax",
        {"learning_rate": "learningRate", "beta_1": "beta1", "beta_2": "beta2", "epsilon": "epsilon"},
    ),
}
"""The optimizers of TensorFlow.js: Keras's class, and its arguments with TensorFlow.js's names for them."""

WITHOUT_EFFECT = ("name", "ema_momentum", "is_legacy_optimizer", "jit_compile")
"""Arguments of Keras's optimizers that change nothing while all others that TensorFlow.js lacks are off."""

FIXED = {"Adagrad": {"epsilon": 1e-7}}
"""Arguments of Keras's optimizers that TensorFlow.js has not, and the values that it computes with."""

LOSSES = {
    "mean_squared_error": ("mse",),
    "mean_absolute_error": ("mae",),
    "mean_absolute_percentage_error": ("mape",),
    "mean_squared_logarithmic_error": ("msle",),
    "squared_hinge": (),
    "hinge": (),
    "categorical_hinge": (),
    "logcosh": ("log_cosh",),
    "categorical_crossentropy": (),
    "sparse_categorical_crossentropy": (),
    "binary_crossentropy": (),
    "kullback_leibler_divergence": ("kl_divergence", "kld"),
    "poisson": (),
}
"""The losses of TensorFlow.js, and Keras's other names for them."""

METRICS = {
    "accuracy": ("acc",),
    "crossentropy": ("ce",),
    "binary_accuracy": (),
    "categorical_accuracy": (),
    "categorical_crossentropy": (),
    "sparse_categorical_crossentropy": (),
    "mse": ("mean_squared_error",),
    "mae": ("mean_absolute_error",),
    "mape": ("mean_absolute_percentage_error",),
}
"""The metrics of TensorFlow.js, likewise."""

RENAMED = {"logcosh": "log_cosh", "kullback_leibler_divergence": "kl_divergence"}
"""Losses that Keras 3 has by another name alone."""

PLAIN = {"reduction": "sum_over_batch_size", "from_logits": False, "label_smoothing": 0, "axis": -1}
"""The arguments with which a class of losses or metrics is the function of that name."""


NO_OPTIMIZER = "it was compiled without an optimizer"


class UntoldTraining(ValueError):
    """TensorFlow.js has not what a model was compiled with; the message says what."""


def keras_training(given: Mapping[str, Any]) -> JSONObject:
    """A `trainingConfig` as Keras 2 has it; what is so already, or not known, is left as it is.

    >>> adamax = {"class_name": "Adamax", "config": {"learningRate": 0.5, "beta1": 0.25}}
    >>> keras_training({"loss": "logcosh", "optimizer_config": adamax})["optimizer_config"]
    {'class_name': 'Adamax', 'config': {'learning_rate': 0.5, 'beta_1': 0.25}}
    """
    found = dict(given)
    if "loss" in found:
        found["loss"] = _mapped(
            found["loss"], lambda loss: RENAMED.get(loss, loss) if isinstance(loss, str) else loss
        )
    match found.get("optimizer_config"):
        # Keras's own arguments are in snake case.
        case {"class_name": str(name), "config": {"learningRate": _} as config} if name in OPTIMIZERS:
            class_name, arguments = OPTIMIZERS[name]
            ours = {theirs: ours for ours, theirs in arguments.items()}
            renamed = {ours.get(key, key): value for key, value in config.items()}
            found["optimizer_config"] = {"class_name": class_name, "config": renamed}
    return found


def tensorflow_js_training(compiled: Mapping[str, Any]) -> JSONObject:
    """Keras 3's `compile_config` as TensorFlow.js loads it.

    Raises:
        UntoldTraining: it cannot.

    >>> sgd = {"class_name": "SGD", "config": {"learning_rate": 0.5, "momentum": 0.0, "clipnorm": None}}
    >>> tensorflow_js_training({"optimizer": sgd, "loss": "mse", "metrics": ["acc"]})["optimizer_config"]
    {'class_name': 'SGD', 'config': {'learningRate': 0.5}}
    """
    for argument in ("loss_weights", "weighted_metrics", "sample_weight_mode"):
        if compiled.get(argument):
            raise UntoldTraining(f"TensorFlow.js has no {argument}")
    return {
        "loss": _mapped(compiled.get("loss"), partial(_spelled, "loss", LOSSES)),
        "metrics": _mapped(compiled.get("metrics") or [], partial(_spelled, "metric", METRICS)),
        "optimizer_config": tensorflow_js_optimizer(compiled.get("optimizer")),
    }


def tensorflow_js_optimizer(given: Any) -> JSONObject:
    """The description of an optimizer of Keras 3 as TensorFlow.js has it.

    Raises:
        UntoldTraining: it has none that does the same.
    """
    if not isinstance(given, Mapping):
        raise UntoldTraining(
            f"the arguments of the optimizer {given} are not told" if given else NO_OPTIMIZER
        )
    class_name, config = given["class_name"], given["config"]
    fixed = FIXED.get(class_name, {})
    told = {key for key, value in config.items() if value not in (None, False, 0, fixed.get(key))}
    told -= set(WITHOUT_EFFECT)
    for own, (theirs, arguments) in OPTIMIZERS.items():
        # The first that has all that is told: SGD has no momentum, for which there is another one. None has
        # defaults, and Keras tells all.
        if class_name == theirs and told <= arguments.keys() <= config.keys():
            if not isinstance(config["learning_rate"], int | float):
                raise UntoldTraining("TensorFlow.js has no schedules of the learning rate")
            found = {arguments[key]: value for key, value in config.items() if key in arguments}
            return {"class_name": own, "config": found}
    if any(class_name == theirs for theirs, _ in OPTIMIZERS.values()):
        raise UntoldTraining(f"TensorFlow.js has no {class_name} with these arguments")
    raise UntoldTraining(f"TensorFlow.js has no optimizer {class_name}")


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """One name or class, or those in a list or of outputs, changed."""
    match value:
        case list():
            return [_mapped(item, change) for item in value]
        case dict() if "class_name" not in value:
            return {key: _mapped(item, change) for key, item in value.items()}
    return change(value)


def _spelled(what: str, table: Mapping[str, Sequence[str]], given: Any) -> str:
    """TensorFlow.js's name of a loss or metric; raises UntoldTraining where it has none.

    >>> mse = {"class_name": "MeanSquaredError", "config": {"reduction": "sum_over_batch_size"}}
    >>> _spelled("loss", LOSSES, mse)
    'mean_squared_error'
    """
    name = given
    if isinstance(given, Mapping):
        name = str(given["class_name"])
        told = {key: value for key, value in given["config"].items() if key not in ("name", "dtype")}
        if any(key not in PLAIN or value != PLAIN[key] for key, value in told.items()):
            raise UntoldTraining(f"TensorFlow.js has no {what} {name} with these arguments")
        name = snake_case(name)
    for own, others in table.items():
        if name == own or name in others:
            return own
    raise UntoldTraining(
        f"TensorFlow.js has no {what} {name}" if name else f"it was compiled without a {what}"
    )
