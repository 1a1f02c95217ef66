"""Faults of what is said: shapes, dtypes, weights, configurations, constructors, names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.cases.case import Case
from conformance.runners.protocol import WireError
from conformance.verdicts import Verdict

from .fault import LAYERS, Fault


def ceil_for_floor(
    original: Any, n: int | None, size: int, stride: int, dilation: int, padding: str
) -> int | None:
    if n is None or padding == "same":
        return original(n, size, stride, dilation, padding)
    return -(-(n - (size - 1) * dilation - 1) // stride) + 1


def batch_as_one(case: Case, observable: str, answer: Any) -> Any:
    if observable == "shape/unknown_batch":
        return [[1 if n is None else n for n in shape] for shape in answer]
    return answer


def float64_said(case: Case, observable: str, answer: Any) -> Any:
    return ["float64"] * len(answer) if observable == "dtype" else answer


def bias_first(case: Case, observable: str, answer: Any) -> Any:
    return sorted(answer, key=lambda w: w["name"] != "bias") if observable == "weights" else answer


def all_trainable(case: Case, observable: str, answer: Any) -> Any:
    return [w | {"trainable": True} for w in answer] if observable == "weights" else answer


def without_activation(case: Case, observable: str, answer: Any) -> Any:
    return answer | {"activation": "linear"} if observable == "config" else answer


def first_stride_for_both(case: Case, observable: str, answer: Any) -> Any:
    return answer | {"strides": answer["strides"][:1] * 2} if observable == "config" else answer


def reconstructed_trainable(case: Case, observable: str, answer: Any) -> Any:
    return answer | {"trainable": True} if observable == "reconstructed/config" else answer


def reconstructed_rectified(case: Case, observable: str, answer: Any) -> Any:
    """The layer made again has outputs without their signs."""
    return abs(answer) if observable.startswith("reconstructed/output") else answer


def he_uniform_by_default(case: Case, observable: str, answer: Any) -> Any:
    if observable != "signature":
        return answer
    return {"arguments": answer["arguments"] | {"kernel_initializer": {"default": "he_uniform"}}}


def bias_for_use_bias(case: Case, observable: str, answer: Any) -> Any:
    if observable != "signature":
        return answer
    renamed = {"bias" if name == "use_bias" else name: said for name, said in answer["arguments"].items()}
    return {"arguments": renamed}


def swish_unknown(case: Case, observable: str, answer: Any) -> Any:
    if observable == "identifier" and case.config["identifier"] == "swish":
        return WireError("invalid-argument", "construction", "Unknown activation: swish")
    return answer


def relu6_is_relu(case: Case, observable: str, answer: Any) -> Any:
    return "relu" if (observable, answer) == ("identifier", "relu6") else answer


def mask_lost(case: Case, observable: str, answer: Any) -> Any:
    """No output hands its mask on."""
    return None if observable.startswith("mask/") else answer


def padding_kept(original: Any, layer: Any, inputs: Any, masks: Any) -> Any:
    """The mask is true where the index is 0."""
    return (inputs[0] == 0 if layer.mask_zero else None,)


def mask_for_states(original: Any, layer: Any, inputs: Any, masks: Any) -> Any:
    """The last states of a layer carry the sequence's mask too."""
    handed_on = original(layer, inputs, masks)
    return (handed_on[0],) * len(handed_on)


def no_objection(case: Case, observable: str, answer: Any) -> Any:
    """Whatever is wrong, it goes unnoticed."""
    return None if observable.startswith("refusal") else answer


def failing_inside(case: Case, observable: str, answer: Any) -> Any:
    """Nothing is checked, and what is wrong fails where it is used."""
    if isinstance(answer, WireError):
        return WireError("internal", answer.at, "tuple index out of range")
    return answer


def never_content(case: Case, observable: str, answer: Any) -> Any:
    """Sound inputs are refused, too."""
    if observable == "refusal":
        return WireError("invalid-argument", "call", "this input is not supported")
    return answer


def unknown_argument_ignored(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
    """A layer is made of the arguments that it knows."""
    original(self, *args, **{name: kwargs[name] for name in kwargs.keys() & self.arguments.keys()})


def width_unchecked(original: Any, self: Any, x: Any, weights: Any, context: Any) -> Any:
    """A layer that is built for inputs of one width takes those of another."""
    try:
        return original(self, x, weights, context)
    except ValueError as error:
        if "has the weights" in str(error):
            return None
        raise


def no_count_params(case: Case, observable: str, answer: Any) -> Any:
    return {k: v for k, v in answer.items() if k != "count_params"} if observable == "methods" else answer


def weights_as_method(case: Case, observable: str, answer: Any) -> Any:
    return answer | {"weights": "method"} if observable == "methods" else answer


def trainable_counted(case: Case, observable: str, answer: Any) -> Any:
    """`count_params` leaves out the moving statistics."""
    return answer // 2 if observable == "method/count_params" else answer


def weights_sorted(case: Case, observable: str, answer: Any) -> Any:
    return sorted(answer) if observable == "method/get_weights" else answer


def shapes_unchecked(case: Case, observable: str, answer: Any) -> Any:
    return answer | {"other_shape": True} if observable == "method/set_weights" else answer


def never_thawed(case: Case, observable: str, answer: Any) -> Any:
    return answer | {"thawed": answer["frozen"]} if observable == "method/trainable" else answer


def state_kept(case: Case, observable: str, answer: Any) -> Any:
    return answer | {"reset": False} if observable == "method/reset_state" else answer


def of_layers(config: Any, change: Callable[[Any], Any]) -> Any:
    """What is said of a model, with what is said of each layer changed."""
    return config | {"layers": {name: change(layer) for name, layer in config["layers"].items()}}


def epsilon_lost(case: Case, observable: str, answer: Any) -> Any:
    """A file does not hold `epsilon`, and what is read has the default."""

    def change(layer: Any) -> Any:
        own = layer.get("config", {})
        return layer | {"config": own | {"epsilon": 0.001}} if "epsilon" in own else layer

    return of_layers(answer, change) if observable == "saved/config" else answer


def names_numbered(case: Case, observable: str, answer: Any) -> Any:
    """Layers that are loaded have names of their own."""
    if observable != "loaded/config":
        return answer
    return answer | {"layers": {f"layer_{i}": x for i, x in enumerate(answer["layers"].values())}}


def weights_swapped(case: Case, observable: str, answer: Any) -> Any:
    """Two weights of one shape are saved in each other's places."""
    if observable != "saved/weights":
        return answer
    names, words = list(answer), list(answer.values())
    return dict(zip(names, [*words[1:], *words[:1]], strict=True))


FAULTS = (
    Fault("epsilon_lost_in_file", "interchange", "models.*", said=epsilon_lost),
    Fault("layers_renamed_on_loading", "interchange", "models.*", said=names_numbered),
    Fault("weights_swapped_in_file", "interchange", "models.*", said=weights_swapped),
    Fault(
        "shape_ceil_for_floor",
        "shape",
        "layers.Conv2D",
        {f"{LAYERS}.convolution:output_length": ceil_for_floor},
    ),
    Fault("unknown_batch_as_one", "shape", "layers.*", said=batch_as_one),
    Fault("dtype_float64", "dtype", "layers.*", said=float64_said),
    Fault("mask_lost", "masks", "layers.*", said=mask_lost),
    Fault(
        "mask_of_padding",
        "masks",
        "layers.Embedding",
        {f"{LAYERS}.embedding:Embedding.output_masks": padding_kept},
    ),
    Fault(
        "mask_for_states",
        "masks",
        "layers.LSTM",
        {f"{LAYERS}.recurrent:Recurrent.output_masks": mask_for_states},
    ),
    Fault("weights_order_bias_first", "weights", "layers.Dense", said=bias_first),
    Fault("weights_trainable_flag", "weights", "layers.BatchNormalization", said=all_trainable),
    Fault("config_drops_activation", "config", "layers.Dense", said=without_activation),
    Fault("config_strides_scalar_lost", "config", "layers.Conv2D", said=first_stride_for_both),
    Fault("reconstruction_thaws", "config-round-trip", "layers.Dense", said=reconstructed_trainable),
    Fault("reconstruction_rectifies", "config-round-trip", "layers.Dense", said=reconstructed_rectified),
    Fault("default_kernel_initializer", "constructor", "layers.Dense", said=he_uniform_by_default),
    Fault("argument_renamed", "constructor", "layers.Dense", said=bias_for_use_bias),
    Fault("no_objection", "errors", "layers.*", said=no_objection, verdict=Verdict.ACCEPTS),
    Fault("failing_inside", "errors", "layers.*", said=failing_inside),
    Fault("never_content", "errors", "layers.*", said=never_content, verdict=Verdict.RAISES),
    Fault(
        "unknown_argument_ignored",
        "errors",
        "layers.*",
        {f"{LAYERS}.layer:Layer.__init__": unknown_argument_ignored},
        verdict=Verdict.ACCEPTS,
    ),
    Fault(
        "width_unchecked",
        "errors",
        "layers.Dense",
        {"conformance.cases.subjects.layer:LayerSubject.call": width_unchecked},
        verdict=Verdict.ACCEPTS,
    ),
    Fault("no_count_params", "methods", "layers.Flatten", said=no_count_params),
    Fault("weights_as_method", "methods", "layers.Dense", said=weights_as_method),
    Fault("count_of_trainable", "methods", "layers.BatchNormalization", said=trainable_counted),
    Fault("get_weights_sorted", "methods", "layers.Dense", said=weights_sorted),
    Fault("set_weights_unchecked", "methods", "layers.Dense", said=shapes_unchecked),
    Fault("frozen_for_ever", "methods", "layers.Dense", said=never_thawed),
    Fault("state_not_reset", "methods", "layers.GRU", said=state_kept),
    Fault("alias_missing", "identifiers", "activations.silu", said=swish_unknown, verdict=Verdict.RAISES),
    Fault("relu6_is_relu", "identifiers", "activations.relu6", said=relu6_is_relu),
)
