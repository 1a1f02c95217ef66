"""The layers of a configuration as Keras counts them, and the weights that the specification has for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, TypeVar

from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.layers import (
    Bidirectional,
    Layer,
    StackedRNNCells,
    TimeDistributed,
    Weight,
    nested,
)
from conformance.reference_impl.layers.layer import Shape
from conformance.reference_impl.layers.recurrent import Recurrent
from conformance.reference_impl.models.graph import graph, is_model, is_operation
from conformance.reference_impl.saving.hdf5_guard import printable
from conformance.reference_impl.saving.saved_model import FormatError, JSONObject, LayerPath, StoredArray

RANKS = range(2, 8)

DEEPEST = 8
"""Layers in layers: making one takes twice as long for each around it."""

UNFIT = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What the specification raises where what a file says of a layer, or its input's shape, fits none."""

Fit = TypeVar("Fit")


@dataclass(frozen=True)
class Configured:
    """A layer, or a model, in the configuration of a model.

    Attributes:
        path: its own and those of the models around it; () for the outermost model.
        class_name: the name of its class.
        config: the arguments of its constructor.
        file: that the configuration is from, for errors.
        description: what the configuration says of it: `{"class_name", "config", …}`.
        trainable: whether none of the models around it is frozen.
    """

    path: LayerPath
    class_name: str
    config: JSONObject
    file: str | PathLike[str]
    description: JSONObject
    trainable: bool = True

    @property
    def name(self) -> str:
        return str(self.config["name"])

    @property
    def is_model(self) -> bool:
        return is_model(self.description)

    def fault(self, reason: str) -> FormatError:
        return fault(self.file, self.path, reason)

    def layers(self) -> list[Configured]:
        """The layers of a model, in the order in which Keras has them in `model.layers`: without the
        operations between them.

        Raises:
            FormatError: the configuration is none, or names two layers alike.
        """
        given = self.config.get("layers")
        if not isinstance(given, list):
            raise self.fault("the configuration has no list of layers")
        trainable = self.trainable and self.config.get("trainable", True) is not False
        layers = [_configured(self.file, self.path, layer, trainable) for layer in given]
        names = set[str]()
        for layer in layers:
            if layer.name in names:
                raise layer.fault("two layers of the model have this name")
            names.add(layer.name)
        # Sequential does not count its input layer.
        counted = layers[1:] if self._hides_input(layers) else layers
        return [layer for layer in counted if not is_operation(layer.description)]

    def _hides_input(self, layers: Sequence[Configured]) -> bool:
        return self.class_name == "Sequential" and bool(layers) and layers[0].class_name == "InputLayer"

    def distributed(self) -> Configured | None:
        """The model that TimeDistributed applies, if that is what the layer is."""
        inner = self.config.get("layer") if self.class_name == "TimeDistributed" else None
        if isinstance(inner, dict) and is_model(inner):
            trainable = self.trainable and self.config.get("trainable", True) is not False
            return _configured(self.file, self.path, inner, trainable)
        return None

    def specified(self) -> Layer | None:
        """The layer in the specification; None if it has no such class.

        Raises:
            FormatError: the specification's does not take the configuration.
        """
        ours = self.description.get("registered_name") in (None, self.class_name)
        module = str(self.description.get("module") or "keras").split(".")[0]
        known = {**Layer.unlisted, **Layer.registered}
        if self.class_name not in known or not ours or module not in ("keras", "tf_keras"):
            return None
        if _depth(self.config) > DEEPEST:
            raise self.fault(f"layers in the layer are nested deeper than {DEEPEST}")
        try:
            return known[self.class_name].from_config(self.config)
        except UNFIT as error:
            raise self.fault(printable(str(error))[:300]) from None

    def fitted(
        self,
        layer: Layer,
        stored: Mapping[str, Sequence[int]],
        fit: Callable[[tuple[Weight, ...]], Fit | None],
    ) -> Fit:
        """What `fit` makes of the weights that the layer declares for the input that it was built for; if the
        configuration does not say which, for the first one of which it makes anything.

        Args:
            stored: the shapes of the weights that there are, by names for errors.

        Raises:
            FormatError: it makes nothing of any.
        """
        first = None
        for declared in self._declarations(layer, [*stored.values()]):
            first = first or declared
            # How many weights there are does not depend on the input.
            if len(declared) != len(stored):
                break
            found = fit(declared)
            if found is not None:
                return found
        raise self._mismatch(first or (), stored)

    def declared(self, layer: Layer, given: Mapping[str, StoredArray]) -> tuple[Weight, ...]:
        """What the layer declares, if that are the weights given.

        Raises:
            FormatError: they have other names, or shapes that do not go together.
        """
        shapes = {name: array.shape for name, array in given.items()}

        def same(declared: tuple[Weight, ...]) -> tuple[Weight, ...] | None:
            return declared if {w.name: w.shape for w in declared} == shapes else None

        return self.fitted(layer, shapes, same)

    def _declarations(self, layer: Layer, stored: Sequence[Sequence[int]]) -> Iterator[tuple[Weight, ...]]:
        for shapes in self._built_for() or _conceivable(layer, stored):
            try:
                yield layer.declare_weights(shapes)
            except UNFIT:
                continue

    def _mismatch(self, declared: Sequence[Weight], stored: Mapping[str, Sequence[int]]) -> FormatError:
        # Which shapes they should have is known only if it is known for what input the layer was built.
        if self._built_for():
            expected = ", ".join(f"{w.name} {w.shape}" for w in declared)
        else:
            expected = ", ".join(w.name for w in declared)
        found = ", ".join(f"{name} {tuple(shape)}" for name, shape in stored.items())
        return self.fault(
            f"expected the weights {expected or 'of none'}, in shapes that go together; "
            f"found {printable(found)[:300] or 'none'}"
        )

    def _built_for(self) -> list[tuple[Shape, ...]] | None:
        built = self.description.get("build_config")
        shape: Any = built.get("input_shape") if isinstance(built, dict) else None
        if _is_shape(shape):
            return [(tuple(shape),)]
        if isinstance(shape, list) and shape and all(map(_is_shape, shape)):
            return [tuple(tuple(one) for one in shape)]
        return None


def fault(file: str | PathLike[str], path: LayerPath, reason: str) -> FormatError:
    """What is wrong with a layer."""
    place = f"layer {printable('/'.join(path))!r}" if path else "the model"
    return FormatError(file, place, reason)


def outermost(configuration: JSONObject, file: str | PathLike[str]) -> Configured:
    """The model that a configuration is of; FormatError if it is of something else."""
    model = _configured(file, (), configuration, True)
    if not model.is_model:
        raise model.fault(f"expected a Sequential or Functional model, found {printable(model.class_name)!r}")
    return Configured((), model.class_name, model.config, file, configuration)


def check(model: Configured) -> None:
    """Raises FormatError where the layers of the model, at any depth, are not described as layers are, or are
    not connected to one another."""
    if model.class_name != "Sequential":
        try:
            graph(model.description)
        except UNFIT as error:
            raise model.fault(printable(str(error))[:300]) from None
    for layer in model.layers():
        if layer.is_model:
            check(layer)
        elif inner := layer.distributed():
            check(inner)


def _configured(
    file: str | PathLike[str], around: LayerPath, description: Any, trainable: bool
) -> Configured:
    def is_text(value: Any) -> bool:
        return isinstance(value, str) and value != ""

    if not isinstance(description, dict) or not is_text(description.get("class_name")):
        raise fault(file, around, "a layer without a `class_name`")
    config = description.get("config")
    if not isinstance(config, dict):
        raise fault(file, around, f"a layer {printable(description['class_name'])!r} without a `config`")
    if not is_text(config.get("name")):
        name = description.get("name")
        config = config | {"name": name if is_text(name) else snake_case(description["class_name"])}
    return Configured(
        (*around, config["name"]), description["class_name"], config, file, description, trainable
    )


def leaves(layer: Configured) -> Iterator[Configured]:
    """The layers of a model, and of the models in it, that are no models; a layer that is none by itself."""
    inner = layer if layer.is_model else layer.distributed()
    if inner is None:
        yield layer
    else:
        for below in inner.layers():
            yield from leaves(below)


def _depth(config: Mapping[str, Any]) -> int:
    """How many layers are inside each other in the configuration of one."""
    values = [item for value in config.values() for item in (value if isinstance(value, list) else [value])]
    inner = [value["config"] for value in values if nested.names_layer(value)]
    return max((1 + _depth(one) for one in inner if isinstance(one, dict)), default=0)


def _is_shape(value: Any) -> bool:
    return isinstance(value, list) and all(n is None or (type(n) is int and n >= 0) for n in value)


def _conceivable(layer: Layer, stored: Sequence[Sequence[int]]) -> Iterator[tuple[Shape, ...]]:
    """Shapes of inputs for which a layer may have weights of the shapes `stored`: one size along all axes,
    which one of the weights has, or is the shape of a weight."""
    groups = layer.config.get("groups") or 1
    sizes = sorted({n * m for shape in stored for n in shape for m in (1, groups)} or {1})
    for rank in RANKS:
        for size in sizes:
            yield ((None, *(size,) * (rank - 1)),)
    for shape in {tuple(shape) for shape in stored}:
        for before in ((), (1,)):
            yield ((None, *before, *shape),)


def numbered(names: Sequence[str]) -> list[str]:
    """The names, each with a number from its second time on.

    >>> numbered(["dense", "relu", "dense", "dense"])
    ['dense', 'relu', 'dense_1', 'dense_2']
    """
    seen = Counter[str]()
    unique = []
    for name in names:
        unique.append(f"{name}_{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return unique


@dataclass(frozen=True)
class Holder:
    """What of a layer has weights: itself, one of its cells, the layer that it wraps.

    Attributes:
        attributes: the path to it by the names of Keras's attributes: `forward_layer/cell`.
        scope: what the specification puts before the names of its weights.
    """

    attributes: str
    scope: str

    def owns(self, weight: str) -> bool:
        return weight.startswith(f"{self.scope}/") if self.scope else True


def holders(layer: Layer, attributes: str = "", scope: str = "") -> Iterator[Holder]:
    """What of a layer has weights, in the specification's order."""
    match layer:
        case Bidirectional():
            for attribute, direction in zip(
                ("forward_layer", "backward_layer"), layer.directions, strict=True
            ):
                yield from holders(direction, joined(attributes, attribute), joined(scope, direction.name))
        case TimeDistributed():
            yield from holders(layer.inner, joined(attributes, "layer"), scope)
        case Recurrent():
            yield from holders(layer.repeated, joined(attributes, "cell"), scope)
        case StackedRNNCells():
            keys = numbered([snake_case(type(cell).__name__) for cell in layer.stack])
            for key, cell, inner in zip(keys, layer.stack, layer.scopes, strict=True):
                yield from holders(cell, joined(attributes, "cells", key), joined(scope, inner))
        case _:
            yield Holder(attributes, scope)


def joined(*parts: str) -> str:
    """The parts as a path, without those that are empty."""
    return "/".join(part for part in parts if part)
