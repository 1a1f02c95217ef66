"""The rules applied to a model, as often as one of them applies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.interchange.rewriting import (
    activations,
    applications,
    convolutions,
    flattening,
    merging,
    normalization,
    one_dimension,
    operations,
    pooling,
    recurrence,
    scaling,
    training_only,
)
from conformance.interchange.rewriting.rule import Constant, Operand, Piece, Replacement, Rule, Site
from conformance.reference_impl import layers
from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.layers.layer import Layer, Shape
from conformance.reference_impl.models import Model
from conformance.reference_impl.models.graph import (
    Call,
    Graph,
    Reference,
    graph,
    is_model,
    is_operation,
    references,
)
from conformance.reference_impl.models.operations import Operation
from conformance.reference_impl.saving.configuration.known import Program
from conformance.reference_impl.saving.configuration.masks import Masks
from conformance.reference_impl.saving.saved_model import (
    JSONObject,
    LayerPath,
    SavedModel,
    StoredArray,
)

RULES: tuple[Rule, ...] = (
    *operations.RULES,
    *activations.RULES,
    *applications.RULES,
    *one_dimension.RULES,
    *pooling.RULES,
    *convolutions.RULES,
    *normalization.RULES,
    *training_only.RULES,
    *merging.RULES,
    *flattening.RULES,
    *recurrence.RULES,
    *scaling.RULES,
)
"""Of those for one layer, the first that applies is applied first."""


@dataclass(frozen=True)
class Rewrite:
    """What became of a layer.

    Attributes:
        layer: its name in the model as it was, after those of the models around it and slashes.
        what: `layers.Dense`, or `ops.Add` for an operation; in a layer rewritten before, what that had left.
        why: the id of a deviation, or the argument that the target has no words for; `inputs` for what the
            layer is given.
        how: what computes the same, in a few words.
        made: the names of the layers in its place; the last one has its own, and gives its output.
        counts_on: the path of the last one where it computes the same because of the deviation `why`, in
            whose scope it is still; else empty.
    """

    layer: str
    what: str
    why: str
    how: str
    made: tuple[str, ...]
    counts_on: LayerPath = ()


def counted_on(rewrites: Iterable[Rewrite]) -> dict[LayerPath, frozenset[str]]:
    """By layer, ids of the deviations because of which it computes what it should."""
    return {rewrite.counts_on: frozenset((rewrite.why,)) for rewrite in rewrites if rewrite.counts_on}


def rewritten(
    saved: SavedModel, target: Program, source: Program = "keras3", shared: Collection[str] = ()
) -> tuple[SavedModel, tuple[Rewrite, ...]]:
    """A model with the layers that the target has, as far as there are rules, and what was done.

    What cannot be rewritten stays as it is: layers that other layers hold, those that are given masks, and
    those that nothing is equal to. In training BatchNormalization for Normalization would
    normalize by the batch; freeze what is not to be trained. The optimizer's variables are left out where
    weights were changed.

    Args:
        saved: a model; its weights are not read but for the statistics of Normalization.
        target: what is to read it.
        source: what it computes as it does in.
        shared: ids of the target's deviations that the program which wrote the model has too.

    Raises:
        ValueError: the model's graph is broken.
    """
    rewriter = _Rewriter(target, source, shared, dict(saved.weights))
    configuration = rewriter.model(saved.configuration, ())
    if not rewriter.rewrites:
        return saved, ()
    optimizer = {} if rewriter.moved else saved.optimizer
    made = replace(saved, configuration=configuration, weights=rewriter.weights, optimizer=optimizer)
    return made, tuple(rewriter.rewrites)


@dataclass
class _Rewriter:
    target: Program
    source: Program
    shared: Collection[str]
    weights: dict[LayerPath, Mapping[str, StoredArray]]
    rewrites: list[Rewrite] = field(default_factory=list)
    origins: dict[LayerPath, LayerPath] = field(default_factory=dict)
    counted_on: dict[LayerPath, set[str]] = field(default_factory=dict)
    """By layer, the deviations because of which it computes the same."""
    moved: bool = False
    """Whether weights are other ones now, or those of other layers."""

    def model(self, description: JSONObject, around: LayerPath) -> JSONObject:
        """A model, those inside it first."""
        description = self.inner_models(description, around)
        while replacements := self.replacements(description, around):
            description = self.replaced(description, replacements, around)
        return description

    def inner_models(self, description: JSONObject, around: LayerPath) -> JSONObject:
        entries = description["config"]["layers"]
        made = [self.inner_model(entry, around) for entry in entries]
        if all(new is old for new, old in zip(made, entries, strict=True)):
            return description
        turned = {
            _name(new)
            for new, old in zip(made, entries, strict=True)
            if old["class_name"] == "Sequential" != new["class_name"]
        }
        config = {**description["config"], "layers": made}
        if "output_layers" in config:
            config["output_layers"] = _counted_on(config["output_layers"], turned)
        return {**description, "config": config}

    def inner_model(self, entry: JSONObject, around: LayerPath) -> JSONObject:
        """A layer that is a model, or has one in it."""
        path = (*around, _name(entry))
        if is_model(entry):
            return self.model(entry, path)
        inner = entry["config"].get("layer") if entry["class_name"] == "TimeDistributed" else None
        if not isinstance(inner, Mapping) or not is_model(inner):
            return entry
        made = self.model(dict(inner), (*path, _name(inner)))
        return entry if made == inner else {**entry, "config": {**entry["config"], "layer": made}}

    def replacements(self, description: JSONObject, around: LayerPath) -> dict[str, Replacement]:
        """By layer, what takes its place."""
        found = graph(description)
        masks, shapes = Masks(found).handed, _shapes(found)
        calls: dict[str, list[Call]] = {}
        for call in found.calls:
            calls.setdefault(call.layer, []).append(call)
        replacements = {}
        for name, own in calls.items():
            entry = found.layers[name]
            if is_model(entry):
                continue
            masked = any(masks.get(r) is not None for call in own for r in call.references)
            operands = None if masked else _operands(own, shapes)
            kind = "ops" if is_operation(entry) else "layers"
            path = (*around, name)
            site = Site(
                f"{kind}.{entry['class_name']}",
                entry["config"],
                *(operands or ((), ())),
                self.weights.get(path, {}),
                self.target,
                self.source,
                any(call.kwargs.get("training") for call in own),
            )
            replacement = self.replacement(site, path)
            if replacement is not None:
                replacements[name] = replacement
        return replacements

    def replacement(self, site: Site, path: LayerPath) -> Replacement | None:
        """That of the first rule that applies; none where a layer is not what the specification allows. Where
        nothing is known of what the layer is given, only rules apply that keep its calls."""
        rules = [
            rule
            for rule in RULES
            if site.subject in rule.subjects
            and self.target in rule.targets
            and (rule.whatever_training or not site.training)
            and (rule.in_place or site.operands)
        ]
        if not rules or not _is_allowed(site):
            return None
        seen_to = {*self.shared, *self.counted_on.get(path, ())}
        for rule in rules:
            found = rule.apply(site)
            if found is not None and found.why not in seen_to:
                return replace(found, in_place=rule.in_place)
        return None

    def replaced(
        self, description: JSONObject, replacements: Mapping[str, Replacement], around: LayerPath
    ) -> JSONObject:
        """The model with the pieces in the place of the layers."""
        found = graph(description)
        taken = set(found.layers)
        entries: list[JSONObject] = []
        chain = True
        for name, entry in found.layers.items():
            if name not in replacements:
                entries.append(entry)
                continue
            replacement = replacements[name]
            pieces = _named(name, replacement.pieces, taken)
            calls = sorted((c for c in found.calls if c.layer == name), key=lambda call: call.index)
            made = [_entry(piece, own, pieces, entry, calls) for own, piece in pieces.items()]
            if replacement.in_place:
                made = [{**made[0], "inbound_nodes": entry.get("inbound_nodes", [])}]
            entries += made
            chain = chain and all(_follows(piece, i) for i, piece in enumerate(replacement.pieces))
            self.note(entry, replacement, pieces, (*around, name))
        config = description["config"]
        if description["class_name"] != "Sequential":
            return {**description, "config": {**config, "layers": entries}}
        if chain:
            bare = [{k: v for k, v in entry.items() if k != "inbound_nodes"} for entry in entries]
            return {**description, "config": {**config, "layers": bare}}
        return _functional(description, found, entries)

    def note(
        self,
        entry: JSONObject,
        replacement: Replacement,
        pieces: Mapping[str, Piece],
        path: LayerPath,
    ) -> None:
        """Keeps what is done to the layer at a path, and gives its weights to the pieces."""
        origin = self.origins.get(path, path)
        made = tuple((*path[:-1], name) for name in pieces)
        self.origins |= dict.fromkeys(made, origin)
        kind = "ops" if is_operation(entry) else "layers"
        what = f"{kind}.{entry['class_name']}"
        names = tuple("/".join(place) for place in made)
        counts_on = path if replacement.counts_on else ()
        self.rewrites.append(
            Rewrite("/".join(origin), what, replacement.why, replacement.how, names, counts_on)
        )
        if counts_on:
            self.counted_on.setdefault(path, set()).add(replacement.why)
        held = {(*path[:-1], name): piece.weights for name, piece in pieces.items() if piece.weights}
        if not held and path not in self.weights:
            return
        self.moved = True
        before = self.weights if path in self.weights else {**self.weights, path: {}}
        self.weights = {}
        for place, weights in before.items():
            self.weights |= held if place == path else {place: weights}


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("name") or entry["config"]["name"])


def _is_allowed(site: Site) -> bool:
    """Whether the layer takes its arguments, and what it is given; one that is not known may."""
    known = Layer.registered.keys() | Layer.unlisted.keys()
    if not site.subject.startswith("layers.") or site.class_name not in known:
        return True
    shapes = [operand for operand in site.operands if isinstance(operand, tuple)]
    try:
        layer = site.layer
        if shapes and len(shapes) == len(site.operands):
            layer.check_inputs(shapes)
            layer.output_shapes(shapes)
    except (TypeError, ValueError):
        return False
    return True


def _shapes(found: Graph) -> dict[Reference, Shape]:
    """Those of all tensors that the specification can tell."""
    known: dict[Reference, Shape] = {
        r: tuple(found.layers[r.layer]["config"]["batch_shape"]) for r in found.inputs
    }
    for call in found.calls:
        entry = found.layers[call.layer]
        try:
            made = _made(entry, call, known)
        except (KeyError, TypeError, ValueError):
            continue
        known |= {Reference(call.layer, call.index, i): shape for i, shape in enumerate(made)}
    return known


def _made(entry: JSONObject, call: Call, known: Mapping[Reference, Shape]) -> tuple[Shape, ...]:
    """The shapes of what a call gives; raises where they are not known."""
    if is_operation(entry):
        given = [known[x] if isinstance(x, Reference) else () for x in _leaves(call.args)]
        return (Operation(entry["class_name"], entry["config"]).output_shape(given),)
    shapes = [known[r] for r in references(call.args[:1])]
    if is_model(entry):
        return Model.from_config(entry).output_shapes(shapes)
    layer = layers.get(entry["class_name"]).from_config(entry["config"])
    layer.check_inputs(shapes)
    return layer.output_shapes(shapes)


def _leaves(args: Sequence[Any]) -> Iterator[Any]:
    """References and constants, those of lists one after the other."""
    for value in args:
        if isinstance(value, list | tuple) and not isinstance(value, Reference):
            yield from _leaves(value)
        else:
            yield value


def _operands(
    calls: Sequence[Call], shapes: Mapping[Reference, Shape]
) -> tuple[tuple[Operand, ...], tuple[int, ...]] | None:
    """What all the calls of a layer are given, and where the same tensor came first; None where they have
    arguments by name, or differ."""
    told = []
    for call in calls:
        if any(value is not None for name, value in call.kwargs.items() if name != "training"):
            return None
        leaves = list(_leaves(call.args))
        operands = tuple(shapes.get(x) if isinstance(x, Reference) else Constant(x) for x in leaves)
        # Constants may be arrays, which are not compared.
        firsts = tuple(leaves.index(x) if isinstance(x, Reference) else i for i, x in enumerate(leaves))
        told.append((operands, firsts))
    first = told[0]
    return first if first[0] and all(repr(other) == repr(first) for other in told[1:]) else None


def _named(name: str, pieces: Sequence[Piece], taken: set[str]) -> dict[str, Piece]:
    """Pieces by their names in the model: the layer's for the last, and made from it for the others."""
    named = {}
    for piece in pieces[:-1]:
        stem = own = f"{name}_{snake_case(piece.class_name)}"
        number = 0
        while own in taken:
            number += 1
            own = f"{stem}_{number}"
        taken.add(own)
        named[own] = piece
    return named | {name: pieces[-1]}


def _follows(piece: Piece, place: int) -> bool:
    """Whether a piece is called on what stands before it alone."""
    return not piece.of or (place == 0 and piece.of == (0,))


def _entry(
    piece: Piece, name: str, pieces: Mapping[str, Piece], replaced: JSONObject, calls: Sequence[Call]
) -> JSONObject:
    """The description of a piece, and of its calls."""
    names = list(pieces)
    before = names.index(name) - 1
    labels = {other.label: own for own, other in pieces.items() if other.label}
    nodes = []
    for call in calls:
        operands = list(_leaves(call.args))
        of = piece.of or ((names[before],) if before >= 0 else (0,))
        tensors = [
            _tensor(operands[x] if isinstance(x, int) else Reference(labels.get(x, x), call.index))
            for x in of
        ]
        nodes.append({"args": [tensors[0] if len(tensors) == 1 else tensors], "kwargs": {}})
    kept = {key: replaced["config"][key] for key in ("trainable", "dtype") if key in replaced["config"]}
    return {
        "module": "keras.layers",
        "class_name": piece.class_name,
        "config": {"name": name, **kept, **piece.config},
        "registered_name": None,
        "name": name,
        "inbound_nodes": nodes,
    }


def _tensor(reference: Reference) -> JSONObject:
    config = {"shape": [], "dtype": "float32", "keras_history": [*reference]}
    return {"class_name": "__keras_tensor__", "config": config}


def _functional(description: JSONObject, found: Graph, entries: Sequence[JSONObject]) -> JSONObject:
    """A Sequential model as a functional one, for layers that do not follow one another only."""
    nodes = {
        call.layer: [{"args": [_tensor(r) for r in call.references], "kwargs": {}}] for call in found.calls
    }
    config = {key: value for key, value in description["config"].items() if key != "build_input_shape"}
    return {
        **description,
        "class_name": "Functional",
        "config": {
            **config,
            "layers": [
                {"name": _name(entry), "inbound_nodes": nodes.get(_name(entry), []), **entry}
                for entry in entries
            ],
            "input_layers": [[*reference] for reference in found.inputs],
            "output_layers": [[*reference] for reference in found.outputs],
        },
    }


def _counted_on(ends: Any, turned: set[str]) -> Any:
    """The ends of a model, where Keras counts the own graph of models that have become functional as their
    first call."""
    match ends:
        case [str(layer), int(call), int(output)]:
            return [layer, call + (layer in turned), output]
        case list():
            return [_counted_on(end, turned) for end in ends]
        case dict():
            return {key: _counted_on(end, turned) for key, end in ends.items()}
    return ends
