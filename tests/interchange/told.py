"""An inspection put together call by call, and layers for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.interchange.judging import Specified
from conformance.reference_impl import layers
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.layer import Layer
from conformance.reference_impl.saving.saved_model import LayerPath
from conformance.runners.inspection import Inspection
from conformance.runners.protocol import ArrayForm, Inspected, LayerCall

F32 = np.float32


class Told:
    """An inspection that is put together call by call."""

    def __init__(self) -> None:
        self.arrays: list[Array] = []
        self.calls: list[LayerCall] = []

    def array(self, x: Any, dtype: Any = F32) -> int:
        self.arrays.append(np.asarray(x, dtype))
        return len(self.arrays) - 1

    def call(
        self,
        layer: str,
        inputs: list[int],
        *outputs: int,
        masks: tuple[int | None, ...] | None = None,
        output_masks: tuple[int | None, ...] | None = None,
        **others: Any,
    ) -> None:
        given = masks if masks is not None else (None,) * len(inputs)
        on = output_masks if output_masks is not None else (None,) * len(outputs)
        self.calls.append(LayerCall((layer,), tuple(inputs), given, (), others, outputs, on))

    def inspection(self, *ends: int) -> Inspection:
        """With these arrays as the outputs of the model."""
        forms = tuple(ArrayForm(x.dtype.name, x.shape) for x in self.arrays)
        told = Inspected(1, arrays=forms, calls=tuple(self.calls), results=ends, ends=ends)
        return Inspection(told, tuple(self.arrays))


def only(name: str, layer: Layer | None, **weights: Array) -> dict[LayerPath, Specified]:
    """A model of one layer."""
    return {(name,): Specified(layer, weights)}


def as_specified(inspection: Inspection) -> dict[LayerPath, Specified]:
    """The layers that the specification has, as the backend tells them, but for what it leaves null."""
    found: dict[LayerPath, Specified] = {}
    for layer in inspection.told.layers:
        kind, _, name = layer.subject.partition(".")
        if kind == "layers" and name in Layer.registered:
            cls = layers.get(name)
            config = {
                key: value
                for key, value in layer.config.items()
                if key in cls.arguments and value is not None
            }
            found[layer.path] = Specified(cls.from_config(config), inspection.weights(layer.path))
    return found
