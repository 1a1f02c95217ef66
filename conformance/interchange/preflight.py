"""What a backend's dialect says of a model before anything is run: which recorded deviations its layers meet.

Scopes are asked of a case made of each layer's configuration and of arrays of the shapes that it will be
given; a mask, where one reaches the layer, leaves something out.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from conformance.cases.case import Case, Recipe
from conformance.cases.data import Data
from conformance.cases.inside import case_of, completed_masks, layers_inside
from conformance.cases.properties.property import matches
from conformance.dialects.deviation import (
    Accepts,
    Applied,
    Deviation,
    Dialect,
    Metadata,
    Raises,
    Unpredictable,
    Value,
)
from conformance.reference_impl import layers
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.fields import REQUIRED
from conformance.reference_impl.layers.layer import Layer, Shape, output_masks
from conformance.reference_impl.models import Model, Reference, model_inside
from conformance.reference_impl.saving.configuration.known import Target
from conformance.reference_impl.saving.configuration.legacy import spelled
from conformance.reference_impl.saving.saved_model import LayerPath, StoredArray, loaded

EFFECTS = {
    Raises: "refused",
    Value: "computed otherwise",
    Metadata: "told otherwise",
    Accepts: "accepted",
    Unpredictable: "unpredictable",
}
"""What becomes of a layer in the scope of a deviation, by the deviation's effect."""


OutputShapes = Mapping[tuple[LayerPath, int], tuple[Shape, ...]]
"""By layer and call."""

CountedOn = Mapping[LayerPath, frozenset[str]]
"""By layer, ids of the deviations because of which it computes what it should."""

Mask = Array | None


@dataclass(frozen=True)
class Met:
    """A recorded deviation, and the layers of the model that are in its scope.

    Attributes:
        because: by layer, what brings it there: the arguments of which another value is in no deviation's
            scope, or `mask`; empty where it is neither.
    """

    deviation: Deviation
    because: Mapping[LayerPath, str]

    @property
    def layers(self) -> tuple[LayerPath, ...]:
        return tuple(self.because)

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
    weights: Mapping[LayerPath, Mapping[str, StoredArray]],
    inputs: Sequence[Array],
    dialect: Dialect,
    target: Target | None,
    counted_on: CountedOn | None = None,
) -> tuple[Met, ...]:
    """The deviations of the dialect that concern what the model computes, in the order of its layers.

    Args:
        weights: by layer and name; they are read where a scope looks at them.
        inputs: of the model, for their shapes and dtypes.
        target: in whose words the layers' configurations are given to the backend; None for Keras 3.
        counted_on: what is not told.

    Raises:
        ValueError: a layer does not take what it is given; the message names it.
    """
    found: dict[str, tuple[Deviation, dict[LayerPath, str]]] = {}
    concerned = Dialect(tuple(d for d in dialect.deviations if _shows_in_a_call(d)))
    for call in _calls(model, inputs):
        layer, stored = call.layer, weights.get(call.path, {})
        data = Data(call.inputs, _Read(stored), completed_masks(call.masks, len(call.inputs)), (), ())
        outputs = len(layer.output_shapes([x.shape for x in call.inputs]))
        asked = tuple(f"{kind}/{i}" for kind in ("output", "mask") for i in range(outputs))
        case = msgspec.structs.replace(
            case_of(layer, replace(data, weights={}), asked),
            config=layer.get_config() if target is None else spelled(layer, target),
            weights={name: Recipe("computed", own.shape, 0, own.dtype) for name, own in stored.items()},
        )
        for applied in concerned.in_scope(case, data):
            deviation = applied.deviation
            if counted_on and deviation.id in counted_on.get(call.path, ()):
                continue
            if applied.path and applied.path[0] not in case.config:
                continue  # it is the mirror image of another layer inside
            because = found.setdefault(deviation.id, (deviation, {}))[1]
            because.setdefault(call.path, _because(applied, case, data, concerned))
    return tuple(Met(deviation, because) for deviation, because in found.values())


class _Read(Mapping[str, Array]):
    """Weights that are read when they are looked at."""

    def __init__(self, stored: Mapping[str, StoredArray]) -> None:
        self.stored = stored

    def __getitem__(self, name: str) -> Array:
        return loaded(self.stored[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.stored)

    def __len__(self) -> int:
        return len(self.stored)


def _because(applied: Applied, case: Case, data: Data, dialect: Dialect) -> str:
    """What brings a case, or a layer inside it, into the scope of a deviation."""
    around = ""
    if applied.path:
        data = next(one.data for one in layers_inside(case, data) if one.path == applied.path)
        around = "".join(f"{step}." for step in applied.path)
    case, others = applied.case, {one.deviation.id for one in dialect.in_scope(applied.case, data)}
    others.remove(applied.deviation.id)

    def helps(case: Case, data: Data) -> bool:
        try:
            return {one.deviation.id for one in dialect.in_scope(case, data)} <= others
        except (KeyError, TypeError, ValueError):
            return False  # scopes take for granted that the layer can be made

    arguments = [
        f"{around}{name}"
        for name in case.config
        if any(helps(msgspec.structs.replace(case, config=other), data) for other in _otherwise(case, name))
    ]
    if not arguments and data.masks and helps(case, replace(data, masks=())):
        return "mask"
    return ", ".join(arguments)


def _otherwise(case: Case, argument: str) -> Iterator[dict[str, Any]]:
    """The configuration of a layer without an argument, at its default, and at the other truth value."""
    class_name, config = case.subject.partition(".")[2], case.config
    field = layers.get(class_name).arguments.get(argument)
    if field is not None and field.default is not REQUIRED:
        yield {name: value for name, value in config.items() if name != argument}
        default = field.default_value(class_name)
        yield {**config, argument: list(default) if isinstance(default, tuple) else default}
    if isinstance(config[argument], bool):
        yield {**config, argument: not config[argument]}


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
        model: Model, given: Sequence[Array], masks: Sequence[Mask], around: LayerPath, shapes: OutputShapes
    ) -> Generator[_Call, None, list[Mask]]:
        values = dict(zip(model.graph.inputs, given, strict=True))
        known = dict(zip(model.graph.inputs, masks, strict=True))
        for call in model.graph.calls:
            member, path = model.members[call.layer], (*around, call.layer)
            taken = [r for r in model.given[call.layer, call.index].inputs if isinstance(r, Reference)]
            xs, handed = tuple(values[r] for r in taken), tuple(known[r] for r in taken)
            closed = [_closed(shape) for shape in shapes[path, call.index]]
            outputs = [_of_shape(pool, shape) for shape in closed]
            made: list[Mask] = [None] * len(outputs)
            if isinstance(member, Model):
                made = yield from walk(member, xs, handed, path, shapes)
            elif isinstance(member, Layer):
                yield _Call(path, member, xs, handed)
                made = [_shortened(mask) for mask in output_masks(member, xs, handed)]
                if inside := model_inside(member):
                    (x,) = xs
                    step = x.reshape(-1, *x.shape[2:])
                    within = (*path, inside.name)
                    own = {
                        ((*within, *below), index): made
                        for (below, index), made in inside.shapes([step.shape]).outputs.items()
                    }
                    yield from walk(inside, (step,), (None,), within, own)
            for i, (output, mask) in enumerate(zip(outputs, made, strict=True)):
                values[Reference(call.layer, call.index, i)] = output
                known[Reference(call.layer, call.index, i)] = mask
        return [known.get(r) for r in model.graph.outputs]

    yield from walk(model, inputs, (None,) * len(inputs), (), shapes)


def _of_shape(pool: Array, shape: tuple[int, ...]) -> Array:
    """Numbers of a pool in a shape; without taking memory, where there are enough."""
    size = math.prod(shape)
    return pool[:size].reshape(shape) if size <= pool.size else np.resize(pool, shape)


def _closed(shape: Shape) -> tuple[int, ...]:
    return tuple(1 if n is None else n for n in shape)


def _shortened(mask: Mask) -> Mask:
    """The mask without its last step: from made-up values it may have left nothing out."""
    if mask is None or not mask.ndim:
        return mask
    shortened = np.array(mask)
    shortened[..., -1] = False
    return shortened
