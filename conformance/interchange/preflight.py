"""What a backend's dialect says of a model before anything is run: which recorded deviations its layers meet.

Scopes are asked of a case made of each layer's configuration and of arrays of the shapes that it will be
given; a mask, where one reaches the layer, leaves something out.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from conformance.cases.answer import Data
from conformance.cases.inside import case_of, completed_masks
from conformance.cases.properties.property import matches
from conformance.dialects.deviation import Accepts, Deviation, Dialect, Metadata, Raises, Unpredictable, Value
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.layer import Layer, Shape, output_masks
from conformance.reference_impl.models import Model, Reference
from conformance.reference_impl.saving.saved_model import LayerPath

EFFECTS = {
    Raises: "refused",
    Value: "computed otherwise",
    Metadata: "told otherwise",
    Accepts: "accepted",
    Unpredictable: "unpredictable",
}
"""What becomes of a layer in the scope of a deviation, by the deviation's effect."""


Mask = Array | None


@dataclass(frozen=True)
class Met:
    """A recorded deviation, and the layers of the model that are in its scope."""

    deviation: Deviation
    layers: tuple[LayerPath, ...]

    @property
    def effect(self) -> str:
        return EFFECTS[type(self.deviation.effect)]

    def refuses_with(self, message: str) -> bool:
        """Whether it is a refusal with such a message."""
        effect = self.deviation.effect
        return isinstance(effect, Raises) and effect.message in message


@dataclass(frozen=True)
class _Call:
    """What a call of a layer will look like."""

    path: LayerPath
    layer: Layer
    inputs: tuple[Array, ...]
    masks: tuple[Array | None, ...]


def preflight(
    model: Model,
    weights: Mapping[LayerPath, Mapping[str, Array]],
    inputs: Sequence[Array],
    dialect: Dialect,
) -> tuple[Met, ...]:
    """The deviations of the dialect that concern what the model computes, in the order of its layers.

    Args:
        weights: by layer and name.
        inputs: of the model, for their shapes and dtypes.

    Raises:
        ValueError: a layer does not take what it is given; the message names it.
    """
    found: dict[str, tuple[Deviation, dict[LayerPath, None]]] = {}
    concerned = Dialect(tuple(d for d in dialect.deviations if _shows_in_a_call(d)))
    for call in _calls(model, inputs):
        layer = call.layer
        data = Data(
            call.inputs, weights.get(call.path, {}), completed_masks(call.masks, len(call.inputs)), (), ()
        )
        outputs = len(layer.output_shapes([x.shape for x in call.inputs]))
        asked = tuple(f"{kind}/{i}" for kind in ("output", "mask") for i in range(outputs))
        case = msgspec.structs.replace(case_of(layer, data, asked), config=_written(layer))
        for applied in concerned.in_scope(case, data):
            deviation = applied.deviation
            found.setdefault(deviation.id, (deviation, {}))[1][call.path] = None
    return tuple(Met(deviation, tuple(paths)) for deviation, paths in found.values())


def _written(layer: Layer) -> dict[str, Any]:
    """The layer's configuration without a layer inside that is what it would be unsaid, as files leave it
    out that know no other."""
    config = layer.get_config()
    said = {name: value for name, value in config.items() if name not in layer.mirrors}
    unsaid = type(layer).from_config(said).get_config() if layer.mirrors else config
    return said | {
        name: config[name] for name in layer.mirrors if _nameless(config[name]) != _nameless(unsaid[name])
    }


def _nameless(described: Any) -> Any:
    """The description of a layer, without its name."""
    own = described["config"].items()
    return described | {"config": {name: value for name, value in own if name != "name"}}


def _shows_in_a_call(deviation: Deviation) -> bool:
    return any(matches(deviation.effect.observables, name) for name in ("output/0", "mask/0"))


def _calls(model: Model, inputs: Sequence[Array]) -> Iterator[_Call]:
    """The calls of layers in their order, with arrays of the right shapes for what the layers compute."""
    shapes = model.shapes([x.shape for x in inputs]).outputs
    pool = np.random.default_rng(0).standard_normal(
        max((math.prod(_closed(shape)) for made in shapes.values() for shape in made), default=0),
        dtype=np.float32,
    )

    def walk(
        model: Model, given: Sequence[Array], masks: Sequence[Mask], around: LayerPath
    ) -> Generator[_Call, None, list[Mask]]:
        values = dict(zip(model.graph.inputs, given, strict=True))
        known = dict(zip(model.graph.inputs, masks, strict=True))
        for call in model.graph.calls:
            member, path = model.members[call.layer], (*around, call.layer)
            taken = [r for r in model.given[call.layer, call.index].inputs if isinstance(r, Reference)]
            xs, handed = tuple(values[r] for r in taken), tuple(known[r] for r in taken)
            closed = [_closed(shape) for shape in shapes[path, call.index]]
            outputs = [pool[: math.prod(shape)].reshape(shape) for shape in closed]
            made: list[Mask] = [None] * len(outputs)
            if isinstance(member, Model):
                made = yield from walk(member, xs, handed, path)
            elif isinstance(member, Layer):
                yield _Call(path, member, xs, handed)
                made = [_shortened(mask) for mask in output_masks(member, xs, handed)]
            for i, (output, mask) in enumerate(zip(outputs, made, strict=True)):
                values[Reference(call.layer, call.index, i)] = output
                known[Reference(call.layer, call.index, i)] = mask
        return [known.get(r) for r in model.graph.outputs]

    yield from walk(model, inputs, (None,) * len(inputs), ())


def _closed(shape: Shape) -> tuple[int, ...]:
    return tuple(1 if n is None else n for n in shape)


def _shortened(mask: Mask) -> Mask:
    """The mask without its last step: from made-up values it may have left nothing out."""
    if mask is None or not mask.ndim:
        return mask
    shortened = np.array(mask)
    shortened[..., -1] = False
    return shortened
