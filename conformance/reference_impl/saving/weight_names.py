"""The names of weights in a manifest, and the layers and weights of the specification that they mean.

TensorFlow.js finds a weight by its name alone: the name of its layer, that of the part of the layer which has
it (`forward_lstm`, `RNNCell_0`), and its own. Models around a layer add nothing. Keras 2 names the cell of a
recurrent layer too, and the models that were built with it. Sources: `Container.loadWeights`, `nameScope` in
`Layer.apply`, `Bidirectional.build` and `StackedRNNCells.build` of tfjs-layers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.layers import Layer
from conformance.reference_impl.saving.located import Located, quoted
from conformance.reference_impl.saving.saved_model import LayerPath, StoredArray

MODELS = ("Sequential", "Functional", "Model", "LayersModel")
"""The classes that are models: `Model` in older files of Keras 2 and TensorFlow.js."""

OWN_NAMES = {
    "DepthwiseConv1D": {"kernel": "depthwise_kernel"},
    "DepthwiseConv2D": {"kernel": "depthwise_kernel"},
}
"""By class, weights that Keras 2 and TensorFlow.js name otherwise than the specification."""

VALID_NAME = re.compile(r"[A-Za-z0-9][-A-Za-z0-9._/]*")
"""What TensorFlow.js takes as the name of a weight."""

LONGEST_NAME = 1024
"""Characters of the name of a layer or weight."""

Place = tuple[int, int]
"""Which layer of a model, and which part of it."""

Weights = Mapping[LayerPath, Mapping[str, StoredArray]]


@dataclass(frozen=True)
class Part:
    """What of a layer has weights of its own: one direction, one cell, or the layer itself.

    Attributes:
        class_name: of the layer that the part is.
        scope: what the specification puts before the names of its weights, or nothing.
        written: what TensorFlow.js puts there.
        read: what else Keras 2 does.
    """

    class_name: str
    scope: str = ""
    written: str = ""
    read: tuple[str, ...] = ()

    def own_name(self, name: str) -> str:
        """The name in the file of a weight by the specification's."""
        return OWN_NAMES.get(self.class_name, {}).get(name, name)

    def specified_name(self, name: str) -> str:
        """The specification's name of a weight by that in the file."""
        specified = {own: name for name, own in OWN_NAMES.get(self.class_name, {}).items()}
        return specified.get(name, name)

    def inside(self, scope: str, written: str, read: tuple[str, ...] = ()) -> Part:
        """The part as one of a layer around it."""
        return Part(
            self.class_name,
            _joined(scope, self.scope),
            _joined(written, self.written),
            tuple(
                _joined(around, inner)
                for around in (written, *read)
                for inner in (self.written, *self.read)
                if (around, inner) != (written, self.written)
            ),
        )


@dataclass(frozen=True)
class Leaf:
    """A layer that is no model, and where it stands."""

    path: LayerPath
    class_name: str
    parts: tuple[Part, ...]
    located: Located

    @property
    def known(self) -> bool:
        """Whether the specification has such a layer."""
        return self.class_name in Layer.registered

    def written(self, name: str) -> str:
        """The name under which TensorFlow.js looks for a weight.

        Raises:
            FormatError: the layer has no part with such a weight.
        """
        if not self.known:
            return f"{self.path[-1]}/{name}"
        scope, _, own = name.rpartition("/")
        for part in self.parts:
            if part.scope == scope:
                return _joined(self.path[-1], part.written, part.own_name(own))
        raise self.located.fault(
            f"a {self.class_name} has no part {quoted(scope)}, and no weight {quoted(name)}"
        )


def leaves(model: Located, path: LayerPath = ()) -> Iterator[Leaf]:
    """The layers of a model, and of the models in it, in the order of its configuration.

    Args:
        model: `{"class_name": …, "config": …}`.

    Raises:
        FormatError: it is no configuration of a model, or two layers of one model have one name.
    """
    config = model.member("config")
    # The oldest files of Sequential models have a list of layers.
    layers = config if isinstance(config.value, list) else config.member("layers")
    names: set[str] = set()
    for layer in layers.items():
        name = _name(layer)
        if name in names:
            raise layer.fault(f"two layers of the model are named {quoted(name)}")
        names.add(name)
        yield from _within(layer, (*path, name))


def _within(layer: Located, path: LayerPath) -> Iterator[Leaf]:
    class_name = layer.member("class_name").text()
    if class_name in MODELS:
        yield from leaves(layer, path)
        return
    inner = _inner(layer, "layer") if class_name == "TimeDistributed" else None
    if inner is not None and inner.member("class_name").text() in MODELS:
        yield from leaves(inner, (*path, _name(inner)))
        return
    yield Leaf(path, class_name, tuple(_parts(layer)), layer)


def _parts(layer: Located) -> Iterator[Part]:
    match layer.member("class_name").text():
        case "TimeDistributed":
            yield from _parts(_member(layer, "layer"))
        case "Bidirectional":
            yield from _directions(layer)
        case _:
            yield from _recurrent(layer)


def _directions(layer: Located) -> Iterator[Part]:
    forward, backward = _member(layer, "layer"), _inner(layer, "backward_layer")
    name = _name(forward)
    for direction, given in (("forward", None), ("backward", backward)):
        prefix = f"{direction}_"
        bare = prefix + name.removeprefix(prefix)
        own = bare if given is None else _name(given)
        others = {bare, own} - {prefix + name}
        for part in _recurrent(forward if given is None else given):
            yield part.inside(own, prefix + name, tuple(sorted(others)))


def _recurrent(layer: Located) -> Iterator[Part]:
    if layer.member("class_name").text() == "RNN":
        yield from _cells(_member(layer, "cell"))
    else:
        yield _part(layer)


def _cells(cell: Located) -> Iterator[Part]:
    stack = "stacked_rnn_cells"
    if isinstance(cell.value, list):
        cells = cell.items()
    elif cell.member("class_name").text() == "StackedRNNCells":
        cells, stack = _member(cell, "cells").items(), _name(cell)
    else:
        yield _part(cell)
        return
    before: Counter[str] = Counter()
    for place, cell in enumerate(cells):
        name = _name(cell)
        numbered = f"{name}_{before[name]}" if before[name] else name
        before[name] += 1
        scope = "" if len(cells) == 1 else numbered
        yield _part(cell).inside(scope, f"RNNCell_{place}", (f"{stack}/{name}", numbered))


def _part(layer: Located) -> Part:
    return Part(layer.member("class_name").text())


def _name(layer: Located) -> str:
    """A layer's name, as the specification has it where none is given."""
    config = layer.member("config")
    given = (config.optional("name") if isinstance(config.value, dict) else None) or layer.optional("name")
    name = given.text() if given is not None else snake_case(layer.member("class_name").text())
    if len(name) > LONGEST_NAME:
        raise layer.fault(f"its name has {len(name)} characters; {LONGEST_NAME} are allowed")
    return name


def _inner(layer: Located, argument: str) -> Located | None:
    return layer.member("config").optional(argument)


def _member(layer: Located, argument: str) -> Located:
    return layer.member("config").member(argument)


def _joined(*scopes: str) -> str:
    return "/".join(scope for scope in scopes if scope)


class Names:
    """The names that the weights of a model have in a manifest.

    Raises:
        FormatError: the configuration is not that of a model.
    """

    def __init__(self, model: Located) -> None:
        self.model, self.root = model, _name(model)
        self.leaves = list(leaves(model))
        self.by_scope: dict[str, list[Place]] = {}
        for i, leaf in enumerate(self.leaves):
            for j, part in enumerate(leaf.parts):
                for scope in (part.written, *part.read):
                    self.by_scope.setdefault(_joined(leaf.path[-1], scope), []).append((i, j))

    def sorted(self, weights: Iterable[tuple[str, Located, StoredArray]]) -> Weights:
        """The weights of a manifest by layer, in the order of the model.

        Raises:
            FormatError: no layer has such a weight, several could be meant, or two weights are one.
        """
        found: dict[tuple[int, int, str], StoredArray] = {}
        for name, located, array in weights:
            if len(name) > LONGEST_NAME:
                raise located.fault(f"its name has {len(name)} characters; {LONGEST_NAME} are allowed")
            i, j, own = self._meaning(name, located)
            key = i, j, _joined(self._part((i, j)).scope, own)
            if key in found:
                path = "/".join(self.leaves[i].path)
                raise located.fault(f"{quoted(name)} is another {quoted(key[2])} of the layer {quoted(path)}")
            found[key] = array
        result: dict[LayerPath, dict[str, StoredArray]] = {}
        for i, j, own in sorted(found, key=lambda key: key[:2]):
            result.setdefault(self.leaves[i].path, {})[own] = found[i, j, own]
        return result

    def written(self, weights: Weights) -> dict[str, StoredArray]:
        """The weights by the names under which TensorFlow.js looks for them.

        Raises:
            FormatError: the model has no such layer or part, or TensorFlow.js cannot tell two weights apart,
                or does not take a name.
        """
        by_path = {leaf.path: leaf for leaf in self.leaves}
        found: dict[str, StoredArray] = {}
        for path, own in weights.items():
            if path not in by_path:
                raise self.model.fault(
                    f"there are weights of a layer {quoted('/'.join(path))}, and no such layer"
                )
            for name, array in own.items():
                written = by_path[path].written(name)
                if not VALID_NAME.fullmatch(written):
                    raise by_path[path].located.fault(
                        f"TensorFlow.js does not take {quoted(written)} as the name of a weight; "
                        "rename the layer: letters and digits, then also . _ - /"
                    )
                if written in found:
                    raise by_path[path].located.fault(
                        f"TensorFlow.js looks for weights of two layers under the name {quoted(written)}; "
                        "rename one of the layers"
                    )
                found[written] = array
        return found

    def _meaning(self, name: str, located: Located) -> tuple[int, int, str]:
        """Layer, part, and the weight's name there."""
        scope, _, own = name.rpartition("/")
        if place := self._only(scope, name, located):
            return *place, self._part(place).specified_name(own)
        shortened = scope.rpartition("/")[0]
        # TensorFlow.js leaves out the last scope, too: the cell's, which Keras 2 numbers as it likes.
        if (place := self._only(shortened, name, located)) and self.leaves[place[0]].known:
            return *place, self._part(place).specified_name(own)
        while scope:
            scope = scope.rpartition("/")[0]
            if (place := self._only(scope, name, located)) and not self.leaves[place[0]].known:
                return *place, name.removeprefix(f"{scope}/")
        raise located.fault(f"no layer of the model has a weight {quoted(name)}")

    def _only(self, scope: str, name: str, located: Located) -> Place | None:
        """The part of a layer that a scope is of, which may begin with models around the layer: Keras 2 names
        those that were built together with it."""
        boundaries = (i + 1 for i, character in enumerate(scope) if character == "/")
        for start in (0, *boundaries):
            models = scope[: max(start - 1, 0)]
            places = {p for p in self.by_scope.get(scope[start:], ()) if self._inside(p, models)}
            if len(places) > 1:
                paths = (quoted("/".join(self.leaves[i].path)) for i, _ in sorted(places)[:2])
                raise located.fault(f"{quoted(name)} could be a weight of {' and '.join(paths)}")
            if places:
                return places.pop()
        return None

    def _part(self, place: Place) -> Part:
        return self.leaves[place[0]].parts[place[1]]

    def _inside(self, place: Place, models: str) -> bool:
        around = "/".join((self.root, *self.leaves[place[0]].path[:-1]))
        return not models or f"/{around}".endswith(f"/{models}")
