"""Models where a layer is wanted: inside TimeDistributed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers import TimeDistributed
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape, Weight
from conformance.reference_impl.models.model import Model
from conformance.reference_impl.saving.saved_model import LayerPath
from conformance.reference_impl.tape import Tensor

CLASSES = ("Functional", "Model", "Sequential")


class ModelAsLayer(Layer, registered=False):
    """A model of one input and one output, whose weights are named after its layers: `block/dense/kernel`."""

    model: Model
    described: Mapping[str, Any]

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Layer:
        class_name = "Functional" if "input_layers" in config else "Sequential"
        layer = cls(name=config.get("name"), trainable=config.get("trainable", True))
        layer.described = config
        layer.model = Model.from_config({"class_name": class_name, "config": config})
        if len(layer.model.graph.inputs) != 1 or len(layer.model.graph.outputs) != 1:
            raise ValueError(
                f"model {layer.model.name} stands for a layer, and has several inputs or outputs"
            )
        return layer

    def get_config(self) -> dict[str, Any]:
        return dict(self.described)

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        self.model.shapes(shapes)

    def _by_layer(self, shapes: Sequence[Shape]) -> dict[str, tuple[LayerPath, Weight]]:
        declared = self.model.declare_weights(shapes)
        return {"/".join((*path, w.name)): (path, w) for path, own in declared.items() for w in own}

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        return tuple(replace(w, name=name) for name, (_, w) in self._by_layer(shapes).items())

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return self.model.output_shapes(shapes)

    def output_masks(
        self, inputs: Sequence[Array], masks: Sequence[Array | None]
    ) -> tuple[Array | None, ...]:
        return (None,)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        named: dict[LayerPath, dict[str, Tensor]] = {}
        for name, (path, weight) in self._by_layer([x.shape for x in inputs]).items():
            named.setdefault(path, {})[weight.name] = weights[name]
        outcome = self.model.call(inputs, named, context)
        state = {"/".join((*path, n)): w for path, own in outcome.state.items() for n, w in own.items()}
        return Result(outcome.outputs, state)


Layer.unlisted |= dict.fromkeys(CLASSES, ModelAsLayer)


def model_inside(layer: object) -> Model | None:
    """The model that TimeDistributed applies, if that is what the layer is."""
    inner = layer.inner if isinstance(layer, TimeDistributed) else None
    return inner.model if isinstance(inner, ModelAsLayer) else None
