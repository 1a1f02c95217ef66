"""Models drafted layer by layer; the specification says which weights and outputs there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from conformance.cases.case import Case, Recipe
from conformance.cases.drafts.draft import keyed, recipe
from conformance.cases.models import configuration, weight_name
from conformance.reference_impl.layers.layer import Shape
from conformance.reference_impl.models import Model, Reference

BATCH = 3

REGIMES = {"moving_variance": "positive", "recurrent_kernel": "small_normal"}
"""Of weights, by the last parts of their names; others are normal."""

JSONObject = dict[str, Any]


def described(class_name: str, name: str, config: Mapping[str, Any]) -> JSONObject:
    """A layer as a configuration describes it."""
    return {"class_name": class_name, "config": {"name": name, **config}}


class Sketch:
    """A functional model on its way: inputs, and layers that are called on what is there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.inputs: list[Reference] = []
        self.sources: list[Recipe] = []
        self._layers: dict[str, JSONObject] = {}

    def input(self, name: str, *shape: int, regime: str = "normal", dtype: str = "float32") -> Reference:
        """An input; its samples have this shape, and are in this regime."""
        config = {"batch_shape": [None, *shape], "dtype": dtype}
        self._layers[name] = {**described("InputLayer", name, config), "name": name, "inbound_nodes": []}
        self.inputs.append(Reference(name))
        self.sources.append(recipe(regime, BATCH, *shape, dtype=dtype))
        return self.inputs[-1]

    def layer(self, class_name: str, name: str, *inputs: Reference, **config: Any) -> Reference:
        """A new layer, called."""
        return self.add(described(class_name, name, config), *inputs)

    def add(
        self, description: JSONObject, *inputs: Reference, initial_state: Sequence[Reference] = ()
    ) -> Reference:
        """A layer or model as it is described, called."""
        name = description["config"]["name"]
        self._layers[name] = {**description, "name": name, "inbound_nodes": []}
        return self.again(name, *inputs, initial_state=initial_state)

    def again(self, name: str, *inputs: Reference, initial_state: Sequence[Reference] = ()) -> Reference:
        """A layer that is there, called once more."""
        nodes = self._layers[name]["inbound_nodes"]
        named = {"initial_state": [list(x) for x in initial_state]} if initial_state else {}
        first, *others = inputs
        nodes.append([[*first, named], *([*x, {}] for x in others)])
        return Reference(name, len(nodes) - 1)

    def description(self, name: str) -> JSONObject:
        """A layer that is there."""
        return self._layers[name]

    def described(self, *outputs: Reference) -> JSONObject:
        """The model with these outputs, as a layer of another one."""
        config = {
            "layers": list(self._layers.values()),
            "input_layers": [list(x) for x in self.inputs],
            "output_layers": [list(x) for x in outputs],
        }
        return described("Functional", self.name, config)

    def case(self, *outputs: Reference) -> Case:
        """A case about the model with these outputs."""
        return draft_model(self.described(*outputs), self.sources)


def sequential(name: str, shape: Sequence[int], *layers: JSONObject, dtype: str = "float32") -> JSONObject:
    """A Sequential, for samples of a shape."""
    first = described("InputLayer", f"{name}_input", {"batch_shape": [None, *shape], "dtype": dtype})
    return described("Sequential", name, {"layers": [first, *layers]})


def draft_sequential(
    name: str, shape: Sequence[int], *layers: JSONObject, regime: str = "normal", dtype: str = "float32"
) -> Case:
    """A case about a Sequential."""
    model = sequential(name, shape, *layers, dtype=dtype)
    return draft_model(model, [recipe(regime, BATCH, *shape, dtype=dtype)])


def draft_model(description: JSONObject, inputs: Sequence[Recipe]) -> Case:
    """A case about a model, which asks all that can be asked of it."""
    subject, config = f"models.{description['class_name']}", description["config"]
    asked = Case(subject, config)
    model = Model.from_config(configuration(asked))
    shapes: list[Shape] = [source.shape for source in inputs]
    declared = {
        weight_name(path, w.name): recipe(_regime(w.name), *w.shape, dtype=w.dtype or "float32")
        for path, own in model.declare_weights(shapes).items()
        for w in own
    }
    return msgspec.structs.replace(
        asked,
        inputs=tuple(keyed(x, subject, config, f"input/{i}") for i, x in enumerate(inputs)),
        weights={name: keyed(x, subject, config, f"weight/{name}") for name, x in declared.items()},
        observables=(
            "saved/config",
            "saved/weights",
            "loaded/config",
            "loaded/weights",
            *(f"loaded/output/{i}" for i in range(len(model.output_shapes(shapes)))),
        ),
    )


def _regime(weight: str) -> str:
    return next((regime for ending, regime in REGIMES.items() if weight.endswith(ending)), "normal")
