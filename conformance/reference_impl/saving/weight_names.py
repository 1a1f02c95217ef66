"""The names of weights in a manifest, and the layers and weights of the specification that they mean.

TensorFlow.js finds a weight by its name alone: the name of its layer, that of the part of the layer which has
it (`forward_lstm`, `RNNCell_0`), and its own. Models around a layer add nothing. Keras 2 names the cell of a
recurrent layer too, and the models that were built with it. Sources: `Container.loadWeights`, `nameScope` in
`Layer.apply`, `Bidirectional.build` and `StackedRNNCells.build` of tfjs-layers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike

from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.layers import Bidirectional, Layer, StackedRNNCells, TimeDistributed
from conformance.reference_impl.layers.recurrent import Recurrent
from conformance.reference_impl.saving.configuration.known import naming
from conformance.reference_impl.saving.keras_layers import Configured, joined, leaves, outermost
from conformance.reference_impl.saving.located import Located, quoted
from conformance.reference_impl.saving.saved_model import FormatError, JSONObject, LayerPath, StoredArray

OF_KERAS_2 = {"DepthwiseConv1D": {"kernel": "depthwise_kernel"}}
"""By class that TensorFlow.js has not, weights that Keras 2 names otherwise than the specification."""

VALID_NAME = re.compile(r"[A-Za-z0-9][-A-Za-z0-9._/]*")
"""What TensorFlow.js takes as the name of a layer or weight."""

LONGEST_NAME = 1024
"""Characters of the name of a weight."""

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
        read: what else may stand there.
    """

    class_name: str
    scope: str = ""
    written: str = ""
    read: tuple[str, ...] = ()

    @property
    def own_names(self) -> Mapping[str, str]:
        """The names of its weights in the file, where the specification has others."""
        renamed: Mapping[str, str] = (naming()["weights"] | OF_KERAS_2).get(self.class_name, {})
        return renamed

    def own_name(self, name: str) -> str:
        """The name in the file of a weight by the specification's."""
        return self.own_names.get(name, name)

    def specified_name(self, name: str) -> str:
        """The specification's name of a weight by that in the file."""
        return next((specified for specified, own in self.own_names.items() if own == name), name)

    def inside(self, scope: str, written: str, *read: str) -> Part:
        """The part as one of a layer around it."""
        scopes = [joined(around, own) for around in (written, *read) for own in (self.written, *self.read)]
        return Part(self.class_name, joined(scope, self.scope), scopes[0], tuple(scopes[1:]))


def parts(layer: Layer) -> Iterator[Part]:
    """What of a layer has weights of its own, in the specification's order."""
    match layer:
        case TimeDistributed():
            yield from parts(layer.inner)
        case Bidirectional():
            stem = layer.forward.name.removeprefix("forward_")
            for prefix, direction in zip(("forward", "backward"), layer.directions, strict=True):
                for part in parts(direction):
                    # The last where TensorFlow.js was given a layer that was named after a direction already.
                    yield part.inside(
                        direction.name, f"{prefix}_{stem}", direction.name, f"{prefix}_forward_{stem}"
                    )
        case Recurrent():
            yield from parts(layer.repeated)
        case StackedRNNCells():
            for i, (cell, scope) in enumerate(zip(layer.stack, layer.scopes, strict=True)):
                name = cell.name or snake_case(type(cell).__name__)
                around = layer.name or "stacked_rnn_cells"
                for part in parts(cell):
                    yield part.inside(scope, f"RNNCell_{i}", f"{around}/{name}")
        case _:
            yield Part(type(layer).__name__)


@dataclass(frozen=True)
class Leaf:
    """A layer that is no model.

    Attributes:
        layer: as the specification has it, if it has it.
    """

    configured: Configured
    layer: Layer | None
    parts: tuple[Part, ...]

    @property
    def path(self) -> LayerPath:
        return self.configured.path

    @classmethod
    def of(cls, configured: Configured) -> Leaf:
        layer = configured.specified()
        own = (Part(configured.class_name),) if layer is None else tuple(parts(layer))
        return cls(configured, layer, own)

    @property
    def weightless(self) -> bool:
        """Whether the layer declares no weights."""
        if self.layer is None:
            return False
        try:
            return not self.configured.declared(self.layer, {})
        except FormatError:
            return False

    def written(self, name: str) -> str:
        """The name under which TensorFlow.js looks for a weight that the layer declares."""
        if self.layer is None:
            return f"{self.path[-1]}/{name}"
        scope, _, own = name.rpartition("/")
        part = next(part for part in self.parts if part.scope == scope)
        return joined(self.path[-1], part.written, part.own_name(own))

    def in_order(self, stored: Mapping[str, StoredArray]) -> Mapping[str, StoredArray]:
        """The weights in the specification's order.

        Raises:
            FormatError: they are not those that the layer declares.
        """
        if self.layer is None:
            return stored
        for name, array in stored.items():
            # Whatever dtype a layer computes in, TensorFlow.js has no other numbers.
            if array.dtype != "float32":
                raise self.configured.fault(f"weight {quoted(name)} is of {array.dtype}, and not of float32")
        return {weight.name: stored[weight.name] for weight in self.configured.declared(self.layer, stored)}


class Names:
    """The names that the weights of a model have in a manifest.

    Raises:
        FormatError: the configuration, in the form of Keras 3, is not that of a model.
    """

    def __init__(self, configuration: JSONObject, file: str | PathLike[str]) -> None:
        self.model = outermost(configuration, file)
        self.leaves = [Leaf.of(configured) for configured in leaves(self.model)]
        self.by_scope: dict[str, set[Place]] = {}
        for i, leaf in enumerate(self.leaves):
            for j, part in enumerate(leaf.parts):
                for scope in (part.written, *part.read):
                    self.by_scope.setdefault(joined(leaf.path[-1], scope), set()).add((i, j))

    def sorted(self, weights: Iterable[tuple[str, Located, StoredArray]]) -> Weights:
        """The weights of a manifest by layer, in the order of the model.

        Raises:
            FormatError: no layer has such a weight, several could be meant, two weights are one, or a layer's
                are not those that it declares.
        """
        found: list[dict[str, StoredArray]] = [{} for _ in self.leaves]
        for name, located, array in weights:
            if len(name) > LONGEST_NAME:
                raise located.fault(f"its name has {len(name)} characters; {LONGEST_NAME} are allowed")
            (i, j), own = self._meaning(name, located)
            specified = joined(self.leaves[i].parts[j].scope, own)
            if specified in found[i]:
                path = "/".join(self.leaves[i].path)
                raise located.fault(
                    f"{quoted(name)} is another {quoted(specified)} of the layer {quoted(path)}"
                )
            found[i][specified] = array
        ordered = ((leaf.path, leaf.in_order(own)) for leaf, own in zip(self.leaves, found, strict=True))
        return {path: own for path, own in ordered if own}

    def written(self, weights: Weights) -> dict[str, StoredArray]:
        """The weights by the names under which TensorFlow.js looks for them.

        Raises:
            FormatError: the model has no such layer, a layer's weights are not those that it declares, or
                TensorFlow.js cannot tell two weights apart, or does not take a name.
        """
        for leaf in self.leaves:
            for name in leaf.path:
                if not VALID_NAME.fullmatch(name):
                    raise leaf.configured.fault(
                        f"TensorFlow.js does not take the name {quoted(name)}; rename it: letters of ASCII "
                        "and digits, and behind the first also . _ - /"
                    )
        by_path = {leaf.path: leaf for leaf in self.leaves}
        found: dict[str, StoredArray] = {}
        for path, own in weights.items():
            if path not in by_path:
                raise self.model.fault(f"has no layer {quoted('/'.join(path))}, whose weights are given")
            leaf = by_path[path]
            if leaf.layer is not None:
                leaf.configured.declared(leaf.layer, own)
            for name, array in own.items():
                written = leaf.written(name)
                if written in found:
                    raise leaf.configured.fault(
                        f"TensorFlow.js looks for weights of two layers under the name {quoted(written)}; "
                        "rename one of the layers"
                    )
                found[written] = array
        return found

    def _meaning(self, name: str, located: Located) -> tuple[Place, str]:
        """The part of a layer, and the weight's name there."""
        scope, _, own = name.rpartition("/")
        if place := self._only(scope, name, located):
            return place, self._part(place).specified_name(own)
        shortened = scope.rpartition("/")[0]
        # TensorFlow.js leaves out the last scope, too: the cell's, which Keras 2 numbers as it likes.
        if (place := self._only(shortened, name, located)) and self.leaves[place[0]].layer is not None:
            return place, self._part(place).specified_name(own)
        while scope:
            scope = scope.rpartition("/")[0]
            if (place := self._only(scope, name, located)) and self.leaves[place[0]].layer is None:
                return place, name.removeprefix(f"{scope}/")
        raise located.fault(f"no layer of the model has a weight {quoted(name)}")

    def _only(self, scope: str, name: str, located: Located) -> Place | None:
        """The part of a layer that a scope is of, which may begin with models around the layer: Keras 2 names
        those that were built together with it."""
        boundaries = (i + 1 for i, character in enumerate(scope) if character == "/")
        for start in (0, *boundaries):
            models = scope[: max(start - 1, 0)]
            places = {p for p in self.by_scope.get(scope[start:], set()) if self._inside(p, models)}
            if len(places) > 1:
                places = {(i, j) for i, j in places if not self.leaves[i].weightless} or places
            if len(places) > 1:
                paths = (quoted("/".join(self.leaves[i].path)) for i, _ in sorted(places)[:2])
                raise located.fault(f"{quoted(name)} could be a weight of {' and '.join(paths)}")
            if places:
                return places.pop()
        return None

    def _part(self, place: Place) -> Part:
        return self.leaves[place[0]].parts[place[1]]

    def _inside(self, place: Place, models: str) -> bool:
        around = "/".join((self.model.name, *self.leaves[place[0]].path[:-1]))
        return not models or f"/{around}".endswith(f"/{models}")
