"""Descriptions of models in the form of Keras 3, by hand."""

from __future__ import annotations

from typing import Any

from conformance.reference_impl.models import Model


def layer(class_name: str, name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {**config, "name": name}}


def sequential(shape: list[int | None], *layers: dict[str, Any], dtype: str = "float32") -> Model:
    """A model of one input, `x`, of the shape without the batch."""
    first = layer("InputLayer", "x", batch_shape=[None, *shape], dtype=dtype)
    return Model.from_config(
        {"class_name": "Sequential", "config": {"name": "model", "layers": [first, *layers]}}
    )


def two_inputs() -> Model:
    """The concatenation of `a`, of 2 numbers, and `b`, of 3."""

    def entry(described: dict[str, Any], *nodes: Any) -> dict[str, Any]:
        return {**described, "name": described["config"]["name"], "inbound_nodes": list(nodes)}

    def tensor(name: str, size: int) -> dict[str, Any]:
        history = {"shape": [None, size], "dtype": "float32", "keras_history": [name, 0, 0]}
        return {"class_name": "__keras_tensor__", "config": history}

    joined = {"args": [[tensor("a", 2), tensor("b", 3)]], "kwargs": {}}
    layers = [
        entry(layer("InputLayer", "a", batch_shape=[None, 2])),
        entry(layer("InputLayer", "b", batch_shape=[None, 3])),
        entry(layer("Concatenate", "join"), joined),
    ]
    ends = {"input_layers": [["a", 0, 0], ["b", 0, 0]], "output_layers": [["join", 0, 0]]}
    return Model.from_config({"class_name": "Functional", "config": {"name": "m", "layers": layers, **ends}})
