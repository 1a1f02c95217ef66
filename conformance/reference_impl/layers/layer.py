"""What every layer is: fields, weights, shapes, and a pure call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from conformance.reference_impl import activations, fields
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.configured import Configured
from conformance.reference_impl.fields import Serialized
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.spelling import suggestion
from conformance.reference_impl.tape import Tensor

Shape = tuple[int | None, ...]

ACTIVATING = ("Activation", "ELU", "LeakyReLU", "ReLU", "Softmax")
"""The layers that may stand for an activation function: they are one, and have no weights."""


@dataclass(frozen=True)
class Weight:
    """A weight as a layer declares it; `initializer` is in canonical form, and its dtype the layer's."""

    name: str
    shape: tuple[int, ...]
    initializer: dict[str, Any] | None = None
    trainable: bool = True
    dtype: str | None = None


@dataclass(frozen=True)
class Result:
    """What a call gives.

    Attributes:
        outputs: the output tensors.
        state: the new values of weights that the call itself changes (moving statistics).
        carried: the last states of a recurrent layer, from which a stateful one goes on.
    """

    outputs: tuple[Tensor, ...]
    state: Mapping[str, Tensor] = field(default_factory=dict)
    carried: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class Context:
    """The circumstances of a call, apart from inputs and weights.

    Attributes:
        training: whether statistics of the batch are used and dropout acts.
        masks: one boolean array or None per input.
        initial_state: of a recurrent layer; empty for zeros.
        rng_key: of the random bits that dropout draws.
    """

    training: bool = False
    masks: tuple[Array | None, ...] = ()
    initial_state: tuple[Tensor, ...] = ()
    rng_key: int = 0


class Layer(Configured):
    """A layer: its arguments are fields, its `call` is pure in inputs, weights and context.

    >>> from conformance.reference_impl.layers import Dense
    >>> Dense(3, activation="relu").config["units"]
    3
    """

    family = "layers"
    registered: ClassVar[dict[str, type[Layer]]] = {}
    """The layers of the interfaces of Keras and of TensorFlow.js, by name."""
    unlisted: ClassVar[dict[str, type[Layer]]] = {}
    """Those that are no part of an interface, and stand in models nevertheless."""
    minimum_rank: ClassVar[int] = 1
    exact_rank: ClassVar[int | None] = None
    supports_masking: ClassVar[bool] = False
    gives_single_steps: ClassVar[bool] = False
    """Whether the layer inside it, if there is one, is given one time step after the other."""
    mirrors: ClassVar[Mapping[str, str]] = {}
    """Arguments that are a layer, and by default one like that of another argument."""
    activates_itself: ClassVar[bool] = True
    """Whether the field `activation`, if there is one, is what `activate` applies."""
    activating: Layer | None = None
    """The layer that stands for the activation function, where a model was made with one."""
    refuses_in_call: ClassVar[bool] = False
    """Whether a call may be refused for what the inputs' shapes do not tell: their values, or a mask."""
    indices: ClassVar[str | None] = None
    """The argument that says how many integers an input may hold, those from 0 on; None where it may hold any
    number."""
    stateful: bool = False
    """Whether a call goes on from the states in which the one before it ended."""

    activity_regularizer = fields.field(
        fields.regularizer, None, "penalty on the output", serialized=Serialized.IF_SET
    )
    trainable = fields.field(fields.boolean, True, "whether training changes the weights")
    dtype = fields.field(fields.dtype, None, "dtype of computations and weights")
    autocast = fields.field(fields.boolean, True, "whether inputs are cast", serialized=Serialized.NEVER)
    name = fields.field(fields.optional(fields.text), None, "a name, made up where none is given")
    input_shape = fields.hidden(fields.unknown_sizes, "shape of a sample, told to a model's first layer")
    input_dim = fields.hidden(fields.positive_integer, "the same for samples of one dimension")

    def __init_subclass__(cls, registered: bool = True, listed: bool = True) -> None:
        super().__init_subclass__()
        if registered:
            (Layer.registered if listed else Layer.unlisted)[cls.__name__] = cls

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        """Whether inputs of these shapes are accepted; raises ValueError naming layer and shapes."""
        own = type(self).__name__
        if len(shapes) != 1:
            raise ValueError(f"{own} takes one input, {len(shapes)} were given: {list(shapes)}")
        rank = len(shapes[0])
        if self.exact_rank is not None and rank != self.exact_rank:
            raise ValueError(
                f"{own} takes inputs of rank {self.exact_rank}; the input's shape is {shapes[0]}"
            )
        if rank < self.minimum_rank:
            raise ValueError(
                f"{own} takes inputs of rank {self.minimum_rank} or more; the input's shape is {shapes[0]}"
            )

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        """The weights that the layer has for inputs of these shapes, in its order."""
        return ()

    def known(self, dimensions: Shape, shape: Shape) -> tuple[int, ...]:
        """Dimensions of an input's shape, on which a weight's shape depends.

        Raises:
            ValueError: one of them is not known.
        """
        if None in dimensions:
            raise ValueError(
                f"{type(self).__name__} needs to know the dimensions that its weights have; the input's "
                f"shape is {shape}"
            )
        return tuple(n for n in dimensions if n is not None)

    def fixed_axes(self, shapes: Sequence[Shape]) -> list[frozenset[int]]:
        """For each input, the axes along which it has to be of one size once the layer is built: those that a
        weight's shape depends on, unless a layer is less strict, as Keras's is."""

        def depends_on(which: int, axis: int) -> bool:
            trial = list(shapes)
            trial[which] = tuple(None if i == axis else n for i, n in enumerate(shapes[which]))
            try:
                self.check_inputs(trial)
                self.declare_weights(trial)
            except ValueError:
                return True
            return False

        return [
            frozenset(axis for axis in range(len(shape)) if depends_on(which, axis))
            for which, shape in enumerate(shapes)
        ]

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        """The shapes of the outputs for inputs of these shapes; None is an unknown dimension."""
        return (tuple(shapes[0]),)

    def state_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        """The shapes of the states that a call with inputs of these shapes begins with."""
        return ()

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        """The dtypes of the outputs."""
        return (self.dtype,)

    def output_masks(
        self, inputs: Sequence[Array], masks: Sequence[Array | None]
    ) -> tuple[Array | None, ...]:
        """The mask that each output hands on to the layers behind, from the inputs and their masks, one each;
        None where there is none. That of the input goes on to the first where the layer supports masking."""
        _, *others = self.output_shapes([x.shape for x in inputs])
        return (masks[0] if self.supports_masking else None, *(None for _ in others))

    def dtype_taken(self, dtype: str) -> str:
        """The dtype in which the layer takes an input: a floating one is cast to the layer's."""
        return str(self.dtype) if self.autocast and "float" in dtype else dtype

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        """The outputs and the new state."""
        raise NotImplementedError  # every layer has its own

    def get_config(self) -> dict[str, Any]:
        """The configuration by which `from_config` makes the same layer, in canonical form."""
        config = super().get_config()
        if self.activating is not None:
            described = {"class_name": type(self.activating).__name__, "config": self.activating.get_config()}
            return config | {"activation": described}
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The layer that a configuration describes; raises as the constructor does. Its activation function
        may be a layer without weights."""
        described = config.get("activation")
        if described is None or not cls.may_be_activated_by(described):
            return super().from_config(config)
        layer = super().from_config({**config, "activation": "linear"})
        layer.activating = get(described["class_name"]).from_config(described["config"])
        return layer

    @classmethod
    def may_be_activated_by(cls, described: Any) -> bool:
        """Whether the value of the field `activation` describes a layer that can stand for a function."""
        return (
            isinstance(described, Mapping)
            and described.get("class_name") in ACTIVATING
            and "activation" in cls.arguments
            and cls.activates_itself
        )

    def activate(self, x: Tensor, identifier: str | None = None) -> Tensor:
        """The activation function applied, that of the field `activation` unless another is named."""
        if identifier is None and self.activating is not None:
            (y,) = self.activating.call([x], {}, Context()).outputs
            return y
        return activations.get(identifier or self.activation).function(x)  # type: ignore[attr-defined]  # a field of the layers that ask


def refuse_integers(layer: Layer, x: Tensor) -> None:
    """Raises ValueError where a layer that computes with floats alone is given something else."""
    if x.dtype.kind != "f":
        raise ValueError(f"{type(layer).__name__} takes inputs of floats, got {x.dtype.name}")


@patchable("layers.given_weights")
def given_weights(layer: Layer, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The weights that a layer holds when it has been given some: those, with no constraint applied"""
    return weights


@patchable("layers.output_masks")
def output_masks(
    layer: Layer, inputs: Sequence[Array], masks: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """The masks that the outputs of a layer hand on"""
    return layer.output_masks(inputs, masks)


def get(name: str) -> type[Layer]:
    """The class of a layer by its name.

    Raises:
        ValueError: the specification has no such layer; the message names the nearest.
    """
    known = {**Layer.unlisted, **Layer.registered}
    if name not in known:
        raise ValueError(f"unknown layer {name!r}; {suggestion(name, Layer.registered)}")
    return known[name]
