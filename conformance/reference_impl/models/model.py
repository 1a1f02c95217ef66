"""Sequential and functional models: layers that are called on one another's outputs."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers import Bidirectional, InputLayer, TimeDistributed, get
from conformance.reference_impl.layers.layer import (
    Context,
    Layer,
    Result,
    Shape,
    Weight,
    given_weights,
    output_masks,
)
from conformance.reference_impl.layers.recurrent import Recurrent
from conformance.reference_impl.models.graph import (
    DEEPEST,
    Call,
    Graph,
    JSONObject,
    Reference,
    graph,
    is_model,
    is_operation,
    references,
)
from conformance.reference_impl.models.operations import Operation
from conformance.reference_impl.saving.saved_model import LayerPath
from conformance.reference_impl.tape import Tensor, constant

STREAMS = 2**40
"""How many streams of random numbers a call of a layer draws from at most; each call draws anew."""

MOST_CALLS = 10**5
"""How many calls of layers a model may consist of: models in models, each called twice, double them at
every depth."""

ASIDE = frozenset(("mask", "training", "initial_state"))
"""The arguments of a call that may be given by name."""

Mask = Array | None
Weights = Mapping[LayerPath, Mapping[str, Tensor]]


@dataclass(frozen=True)
class LayerCall:
    """A layer as it was called within a model.

    Attributes:
        path: of the layer.
        index: of the call, among those of this layer in the model around it; where that is called again, its
            layers are, from the first call on.
        layer: the layer or operation.
        inputs: what it was given, and then its initial states.
        masks: of the inputs.
        outputs: what it gave.
        output_masks: what it hands on.
    """

    path: LayerPath
    index: int
    layer: Layer | Operation
    inputs: tuple[Tensor, ...]
    masks: tuple[Mask, ...]
    outputs: tuple[Tensor, ...]
    output_masks: tuple[Mask, ...]


@dataclass(frozen=True)
class Outcome:
    """What a call of a model gives.

    Attributes:
        outputs: the output tensors.
        masks: of the outputs, one each.
        state: by layer, the new values of weights that the call itself changes.
        carried: by layer, the last states of recurrent ones.
    """

    outputs: tuple[Tensor, ...]
    masks: tuple[Mask, ...]
    state: Weights = field(default_factory=dict)
    carried: Mapping[LayerPath, tuple[Tensor, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Shapes:
    """The shapes in a model: of what each call of a layer is given, but for states, and of what it gives."""

    inputs: Mapping[tuple[LayerPath, int], tuple[Shape, ...]]
    outputs: Mapping[tuple[LayerPath, int], tuple[Shape, ...]]
    of_model: tuple[Shape, ...]


@dataclass(frozen=True)
class _Given:
    """What a call is given, taken apart.

    Attributes:
        inputs: references and, for operations, constants.
        states: the initial states.
        masks: those that are given by name; empty where none is.
    """

    inputs: tuple[Any, ...]
    states: tuple[Reference, ...]
    masks: tuple[Any, ...]


class Model:
    """A graph of layers, pure in (inputs, weights, context) as they are.

    Weights are named by the path of their layer: the names of the models around it, from the outside in and
    without the outermost, and its own; a layer that is called several times has one set.

    >>> dense = {"class_name": "Dense", "config": {"units": 3, "name": "dense"}}
    >>> inputs = {"class_name": "InputLayer", "config": {"batch_shape": [None, 4], "name": "x"}}
    >>> config = {"name": "model", "layers": [inputs, dense]}
    >>> model = Model.from_config({"class_name": "Sequential", "config": config})
    >>> model.output_shapes()
    ((None, 3),)
    >>> [(path, [w.name for w in weights]) for path, weights in model.declare_weights().items()]
    [(('dense',), ['kernel', 'bias'])]
    """

    def __init__(self, graph: Graph, members: Mapping[str, Layer | Operation | Model]) -> None:
        self.graph = graph
        self.members = members
        self.given = {
            (call.layer, call.index): _taken_apart(call, members[call.layer]) for call in graph.calls
        }
        self.size: int = sum(
            member.size if isinstance(member := members[call.layer], Model) else 1 for call in graph.calls
        )
        if self.size > MOST_CALLS:
            raise ValueError(
                f"model {graph.name} calls layers {self.size} times; at most {MOST_CALLS} are computed"
            )

    @classmethod
    def from_config(cls, description: Mapping[str, Any], depth: int = 0) -> Model:
        """The model that a description in the form of Keras 3 is of.

        Raises:
            ValueError: the graph is broken, or a layer is not known or not allowed so; the message names it.
        """
        if depth > DEEPEST:
            raise ValueError(f"models are nested deeper than {DEEPEST}")
        found = graph(description)
        members: dict[str, Layer | Operation | Model] = {}
        for name, layer in found.layers.items():
            try:
                if is_model(layer):
                    members[name] = cls.from_config(layer, depth + 1)
                else:
                    members[name] = _member(layer)
            except (TypeError, ValueError) as error:
                raise ValueError(f"layer {name} of model {found.name}: {error}") from error
        return cls(found, members)

    @property
    def name(self) -> str:
        return self.graph.name

    @property
    def input_layers(self) -> tuple[InputLayer, ...]:
        """The layers that tell the shapes and dtypes of the inputs."""
        found = [self.members[reference.layer] for reference in self.graph.inputs]
        return tuple(layer for layer in found if isinstance(layer, InputLayer))

    def layers(self, around: LayerPath = ()) -> Iterator[tuple[LayerPath, Layer | Operation]]:
        """Every layer by its path, those of models inside too."""
        for name, member in self.members.items():
            if isinstance(member, Model):
                yield from member.layers((*around, name))
            else:
                yield (*around, name), member

    # Shapes and weights

    def shapes(self, shapes: Sequence[Shape] | None = None) -> Shapes:
        """The shapes of what every layer is given and gives, for inputs of these shapes, or else of those
        that the input layers tell.

        Raises:
            ValueError: a layer does not take what it is given; the message names it.
        """
        inputs: dict[tuple[LayerPath, int], tuple[Shape, ...]] = {}
        outputs: dict[tuple[LayerPath, int], tuple[Shape, ...]] = {}
        given = [tuple(layer.batch_shape) for layer in self.input_layers] if shapes is None else shapes
        return Shapes(inputs, outputs, self._infer(given, (), inputs, outputs))

    def _infer(
        self,
        shapes: Sequence[Shape],
        around: LayerPath,
        inputs: dict[tuple[LayerPath, int], tuple[Shape, ...]],
        outputs: dict[tuple[LayerPath, int], tuple[Shape, ...]],
    ) -> tuple[Shape, ...]:
        known: dict[Reference, Shape] = {}
        for reference, layer, shape in zip(
            self.graph.inputs, self.input_layers, self._counted(shapes), strict=True
        ):
            with _naming(around, reference.layer):
                layer.check_inputs([shape])
            known[reference] = tuple(shape)
        for call in self.graph.calls:
            member, given = self.members[call.layer], self.given[call.layer, call.index]
            path = (*around, call.layer)
            with _naming(around, call.layer):
                taken = tuple(_shape(item, known) for item in given.inputs)
                if isinstance(member, Model):
                    made = member._infer(taken, path, inputs, outputs)
                elif isinstance(member, Operation):
                    made = (member.output_shape(taken),)
                else:
                    member.check_inputs(taken)
                    made = member.output_shapes(taken)
            inputs[path, call.index], outputs[path, call.index] = taken, made
            known |= {Reference(call.layer, call.index, i): shape for i, shape in enumerate(made)}
        return tuple(self._at_end(known))

    def output_shapes(self, shapes: Sequence[Shape] | None = None) -> tuple[Shape, ...]:
        """The shapes of the outputs; raises as `shapes` does."""
        return self.shapes(shapes).of_model

    def declare_weights(self, shapes: Sequence[Shape] | None = None) -> dict[LayerPath, tuple[Weight, ...]]:
        """The weights of every layer that has some, for inputs of these shapes, in the model's order; that of
        the layers' calls. Raises as `shapes` does."""
        found: dict[LayerPath, tuple[Weight, ...]] = {}
        layers = dict(self.layers())
        for (path, _), given in self.shapes(shapes).inputs.items():
            layer = layers.get(path)
            if isinstance(layer, Layer) and path not in found:
                with _naming(path[:-1], path[-1]):
                    declared = layer.declare_weights(given)
                trained = layer.trainable
                found[path] = tuple(replace(w, trainable=w.trainable and trained) for w in declared)
        return {path: weights for path, weights in found.items() if weights}

    # Calls

    def call(self, inputs: Sequence[Tensor], weights: Weights, context: Context) -> Outcome:
        """The outputs and the new state."""
        steps = self.steps(inputs, weights, context)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome

    def steps(
        self, inputs: Sequence[Tensor], weights: Weights, context: Context, around: LayerPath = ()
    ) -> Generator[LayerCall, None, Outcome]:
        """Every call of a layer, as it is made, those in models inside too; in the end, the outcome.

        Args:
            inputs: of the model, in its order.
            weights: by layer and by name, at least those that the layers declare.
            context: the masks are those of the inputs; initial states are given to layers within the graph.

        Raises:
            ValueError: a layer does not take what it is given, or a weight is missing; the message names it.
        """
        masks_given = context.masks or (None,) * len(inputs)
        if len(masks_given) != len(inputs):
            raise ValueError(f"model {self.name} takes a mask or None for each input, got {len(masks_given)}")
        values: dict[Reference, Tensor] = {}
        masks: dict[Reference, Mask] = {}
        for reference, layer, x, mask in zip(
            self.graph.inputs, self.input_layers, self._counted(inputs), masks_given, strict=True
        ):
            with _naming(around, reference.layer):
                layer.check_inputs([x.shape])
            values[reference], masks[reference] = _as_declared(layer, x), mask
        state: dict[LayerPath, Mapping[str, Tensor]] = {}
        carried: dict[LayerPath, tuple[Tensor, ...]] = {}
        drawn = 0
        for call in self.graph.calls:
            member, given = self.members[call.layer], self.given[call.layer, call.index]
            path = (*around, call.layer)
            with _naming(around, call.layer):
                taken = tuple(_of(values, item) for item in given.inputs)
                states = tuple(_of(values, item) for item in given.states)
            handed = tuple(masks.get(item) if isinstance(item, Reference) else None for item in given.inputs)
            asked = _asked(given, values, handed)
            own = replace(context, rng_key=context.rng_key + STREAMS * drawn, masks=asked, initial_state=())
            if isinstance(member, Model):
                changed = {layer: {**weights[layer], **updated} for layer, updated in state.items()}
                outcome = yield from member.steps(_tensors(taken), {**weights, **changed}, own, path)
                drawn += member.size
                outputs, made = outcome.outputs, outcome.masks
                state |= outcome.state
                carried |= outcome.carried
            else:
                drawn += 1
                with _naming(around, call.layer):
                    if isinstance(member, Operation):
                        outputs, made = (member.call(taken),), (None,)
                    else:
                        tensors = _tensors(taken)
                        held = {**held_by(path, member, weights), **state.get(path, {})}
                        own = replace(own, initial_state=states)
                        result = _called(member, tensors, held, own)
                        outputs = result.outputs
                        before = asked if any(m is not None for m in asked) else handed
                        made = output_masks(member, [x.value for x in tensors], before)
                        if result.state:
                            state[path] = {**state.get(path, {}), **result.state}
                        if result.carried:
                            carried[path] = result.carried
                yield LayerCall(path, call.index, member, (*_tensors(taken), *states), asked, outputs, made)
            for i, (output, mask) in enumerate(zip(outputs, made, strict=True)):
                values[Reference(call.layer, call.index, i)] = output
                masks[Reference(call.layer, call.index, i)] = mask
        return Outcome(
            tuple(self._at_end(values)), tuple(masks.get(r) for r in self.graph.outputs), state, carried
        )

    def _at_end(self, known: Mapping[Reference, Any]) -> list[Any]:
        """What the model's outputs lead to."""
        try:
            return [_of(known, reference) for reference in self.graph.outputs]
        except ValueError as error:
            raise ValueError(f"model {self.name}: {error}") from error

    def _counted(self, given: Sequence[Any]) -> Sequence[Any]:
        if len(given) != len(self.graph.inputs):
            names = ", ".join(reference.layer for reference in self.graph.inputs)
            raise ValueError(
                f"model {self.name} takes {len(self.graph.inputs)} inputs ({names}), {len(given)} were given"
            )
        return given


class _InLayer(ValueError):
    """An error whose message names the layer."""


@contextmanager
def _naming(around: LayerPath, layer: str) -> Iterator[None]:
    """Puts the layer before the message of a ValueError raised within."""
    try:
        yield
    except _InLayer:
        raise
    except ValueError as error:
        raise _InLayer(f"layer {'/'.join((*around, layer))}: {error}") from error


W = TypeVar("W")


def held_by(
    path: LayerPath, layer: Layer | Operation, weights: Mapping[LayerPath, Mapping[str, W]]
) -> dict[str, W]:
    """The weights of a layer at a path; those of the layers of a model in TimeDistributed by their own paths
    there, without the model's name."""
    held = dict(weights.get(path, {}))
    if isinstance(layer, TimeDistributed):
        depth = len(path)
        for inner, named in weights.items():
            if inner[:depth] == path and len(inner) > depth + 1:
                held |= {"/".join((*inner[depth + 1 :], name)): w for name, w in named.items()}
    return held


def _member(description: JSONObject) -> Layer | Operation:
    if is_operation(description):
        return Operation(description["class_name"], description["config"])
    return get(description["class_name"]).from_config(description["config"])


def _taken_apart(call: Call, member: Layer | Operation | Model) -> _Given:
    unknown = call.kwargs.keys() - ASIDE
    if isinstance(member, Operation):
        if unknown:
            raise ValueError(f"{call}: arguments by name are not known: {', '.join(sorted(unknown))}")
        return _Given(tuple(_operands(call.args)), (), ())
    if unknown:
        raise ValueError(
            f"{call} has the arguments {', '.join(sorted(unknown))}; {', '.join(sorted(ASIDE))} are known"
        )
    inputs, *others = call.args or ((),)
    states = list(references(call.kwargs.get("initial_state")))
    if isinstance(member, Recurrent | Bidirectional):
        states += list(references(others[:1]))
        others = others[1:]
    if any(True for _ in references(others)) or (
        states and not isinstance(member, Recurrent | Bidirectional)
    ):
        raise ValueError(f"{call} is given more than its inputs: {[str(r) for r in call.references]}")
    mask = call.kwargs.get("mask")
    return _Given(
        tuple(references(inputs)), tuple(states), tuple(_operands([mask])) if mask is not None else ()
    )


def _operands(args: Sequence[Any]) -> Iterator[Any]:
    """References and constants, those of lists one after the other."""
    for value in args:
        if isinstance(value, list | tuple) and not isinstance(value, Reference):
            yield from _operands(value)
        else:
            yield value


def _of(known: Mapping[Reference, Any], item: Any) -> Any:
    """What a reference leads to; a constant is itself."""
    if isinstance(item, Reference) and item not in known:
        raise ValueError(f"there is no {item}")
    return known[item] if isinstance(item, Reference) else item


def _shape(item: Any, known: Mapping[Reference, Shape]) -> Shape:
    shape: Shape = _of(known, item) if isinstance(item, Reference) else np.shape(item)
    return shape


def _tensors(taken: Sequence[Any]) -> tuple[Tensor, ...]:
    return tuple(x if isinstance(x, Tensor) else constant(x) for x in taken)


def _asked(given: _Given, values: Mapping[Reference, Tensor], handed: tuple[Mask, ...]) -> tuple[Mask, ...]:
    """The masks that a call is given: by name, or else those handed on with the inputs. As in Keras, none is
    handed on to a recurrent layer that is given states too."""
    by_name = tuple(values[item].value if isinstance(item, Reference) else item for item in given.masks)
    if any(mask is not None for mask in by_name):
        return by_name
    return tuple(None for _ in handed) if given.states else handed


def _as_declared(layer: InputLayer, x: Tensor) -> Tensor:
    """An input in the dtype of its layer; floats have the precision of the whole computation."""
    if "float" in layer.dtype or x.dtype.name == layer.dtype:
        return x
    return Tensor(x.value.astype(layer.dtype))


def _called(
    layer: Layer, inputs: tuple[Tensor, ...], weights: Mapping[str, Tensor], context: Context
) -> Result:
    """A layer's call, with the weights that it declares."""
    shapes = [x.shape for x in inputs]
    layer.check_inputs(shapes)
    own = {}
    for weight in layer.declare_weights(shapes):
        if weight.name not in weights:
            raise ValueError(f"weight {weight.name} is missing; given are {', '.join(weights) or 'none'}")
        if weights[weight.name].shape != weight.shape:
            raise ValueError(
                f"weight {weight.name} is of shape {weight.shape}, {weights[weight.name].shape} was given"
            )
        own[weight.name] = weights[weight.name]
    return layer.call(inputs, given_weights(layer, own), context)
