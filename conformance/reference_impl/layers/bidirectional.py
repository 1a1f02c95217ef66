"""Bidirectional: a recurrent layer in both directions of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.fields import Serialized, field
from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.layers import nested
from conformance.reference_impl.layers.layer import (
    Context,
    Layer,
    Result,
    Shape,
    Weight,
    get,
    given_weights,
)
from conformance.reference_impl.layers.recurrent import Recurrent
from conformance.reference_impl.primitives import add, concatenate, flip, multiply
from conformance.reference_impl.tape import Tensor

MERGES: dict[str | None, Callable[[Tensor, Tensor], tuple[Tensor, ...]]] = {
    "sum": lambda y, z: (add(y, z),),
    "mul": lambda y, z: (multiply(y, z),),
    "ave": lambda y, z: (multiply(add(y, z), 0.5),),
    "concat": lambda y, z: (concatenate(y, z, axis=-1),),
    None: lambda y, z: (y, z),
}
"""What becomes of the outputs of both directions, by merge mode."""

ELEMENT_BY_ELEMENT = ("sum", "mul", "ave")
"""The merge modes in which an element comes of one element of each output, which broadcast."""


class Bidirectional(Layer):
    """Two recurrent layers, first time first and last time first, their outputs merged (Schuster 1997).

    The second is `backward_layer`, or the first with `go_backwards`. Where sequences are returned, that of
    the second is put into the order of the first, and masked times are zeros in both. The output is
    followed by the states of the first and then of the second, where they return states; an initial state
    has them in this order. Weights are those of the first and then of the second, by their names.
    Source: `keras.layers.Bidirectional`.

    >>> from conformance.reference_impl.layers import Bidirectional
    >>> gru = {"class_name": "GRU", "config": {"units": 3, "name": "gru"}}
    >>> [w.name for w in Bidirectional(gru).declare_weights([(2, 4, 5)])][::3]
    ['forward_gru/kernel', 'backward_gru/kernel']
    """

    exact_rank = 3
    mirrors: ClassVar[Mapping[str, str]] = {"backward_layer": "layer"}

    layer = field(nested.layer, doc="the recurrent layer, and the first direction")
    merge_mode = field(fields.one_of(*MERGES), "concat", "what becomes of the two outputs")
    weights = field(fields.optional(fields.array), None, "the weights to begin with", Serialized.NEVER)
    backward_layer = field(fields.optional(nested.layer), None, "the second direction")

    def check(self) -> None:
        given = self.layer["config"]
        name = given["name"] or snake_case(self.layer["class_name"])
        mirrored = {"go_backwards": True, "name": f"backward_{name.removeprefix('backward_')}"}
        self.forward = self.direction(
            "layer", self.layer, {"name": f"forward_{name.removeprefix('forward_')}"}
        )
        if self.backward_layer is None:
            self.backward = self.direction("backward_layer", self.layer, mirrored)
        else:
            self.backward = self.direction("backward_layer", self.backward_layer, {})
        if self.forward.go_backwards is self.backward.go_backwards:
            raise ValueError("arguments `layer` and `backward_layer`: one of them must have `go_backwards`")
        for argument in ("stateful", "return_sequences", "return_state"):
            if self.forward.config[argument] is not self.backward.config[argument]:
                raise ValueError(f"arguments `layer` and `backward_layer`: `{argument}` must be the same")

    def direction(self, argument: str, given: Mapping[str, Any], changed: Mapping[str, Any]) -> Recurrent:
        """The layer of one direction, which the configuration tells by that argument."""
        if not issubclass(get(given["class_name"]), Recurrent):
            raise ValueError(f"argument `{argument}`: expected a recurrent layer, got {given['class_name']}")
        config = {**given["config"], **changed}
        masked = {"zero_output_for_mask": config.get("return_sequences")}
        description = {"class_name": given["class_name"], "config": config | masked}
        self.config[argument] = description
        layer = nested.made(description)
        assert isinstance(layer, Recurrent)
        return layer

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        sizes = [layer.output_shapes(shapes)[0][-1] for layer in self.directions]
        if self.merge_mode in ELEMENT_BY_ELEMENT and len({*sizes} - {1}) > 1:
            raise ValueError(
                f"arguments `layer` and `backward_layer`: with merge_mode={self.merge_mode!r} outputs of one "
                f"size are allowed, got {sizes[0]} and {sizes[1]} units"
            )

    @property
    def stateful(self) -> bool:  # type: ignore[override]  # that of its layers
        return self.forward.stateful

    @property
    def directions(self) -> tuple[Recurrent, Recurrent]:
        return self.forward, self.backward

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        return tuple(
            weight
            for layer in self.directions
            for weight in nested.scoped(layer.name, layer, layer.declare_weights(shapes))
        )

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        (y, *states), (z, *others) = (layer.output_shapes(shapes) for layer in self.directions)
        match self.merge_mode, y[-1], z[-1]:
            case "concat", int(first), int(second):
                outputs: tuple[Shape, ...] = ((*y[:-1], first + second),)
            case None, *_:
                outputs = y, z
            case _, first, second:
                outputs = ((*y[:-1], second if first == 1 else first),)
        return (*outputs, *states, *others)

    def state_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return tuple(shape for layer in self.directions for shape in layer.state_shapes(shapes))

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        (y, *states), (z, *others) = (layer.output_dtypes(dtypes) for layer in self.directions)
        return (*((y, z) if self.merge_mode is None else (y,)), *states, *others)

    def output_masks(
        self, inputs: Sequence[Array], masks: Sequence[Array | None]
    ) -> tuple[Array | None, ...]:
        (forward, _), count = self.directions, len(self.output_shapes([x.shape for x in inputs]))
        sequences = 1 if self.merge_mode else 2
        mask = masks[0] if forward.return_sequences else None
        return (mask,) * sequences + (None,) * (count - sequences)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        half = len(context.initial_state) // 2
        begins = context.initial_state[:half], context.initial_state[half:]
        results = [
            layer.call(
                inputs,
                given_weights(layer, nested.weights_under(layer.name, weights)),
                replace(context, initial_state=begin),
            )
            for layer, begin in zip(self.directions, begins, strict=True)
        ]
        (y, *states), (z, *others) = (result.outputs for result in results)
        if self.forward.return_sequences:
            z = flip(z, axis=1)
        carried = tuple(state for result in results for state in result.carried)
        return Result((*MERGES[self.merge_mode](y, z), *states, *others), carried=carried)
