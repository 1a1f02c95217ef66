"""What every layer is: arguments, weights, shapes, masks, and a call that is pure in all that it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import jax
import msgspec

from jax_layers.arguments import Dtype, Positive, Regularizer

Shape = tuple[int | None, ...]
"""Of an array; None is a dimension that is not known."""

Mask = jax.Array | None


@dataclass(frozen=True)
class Weight:
    """A weight as a layer has it."""

    name: str
    shape: tuple[int, ...]
    trainable: bool = True


@dataclass(frozen=True)
class Call:
    """What a layer is called with."""

    inputs: Sequence[jax.Array]
    weights: Mapping[str, jax.Array]
    masks: Sequence[jax.Array] = ()
    initial_state: Sequence[jax.Array] = ()
    training: bool = False


@dataclass(frozen=True)
class Result:
    """What a call gives.

    Attributes:
        state: the new values of the weights that a call in training mode moves.
        carried: the last states of a recurrent layer, from which a stateful one goes on.
    """

    outputs: tuple[jax.Array, ...]
    state: Mapping[str, jax.Array] = field(default_factory=dict)
    carried: tuple[jax.Array, ...] = ()


class Layer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A layer. Its fields are Keras's arguments with Keras's defaults, and what their types do not allow is
    refused."""

    unsaid: ClassVar[frozenset[str]] = frozenset({"autocast", "input_shape", "input_dim"})
    """The arguments that the configuration does not tell."""
    ndim: ClassVar[int | None] = None
    min_ndim: ClassVar[int] = 1
    """How many dimensions an input has, and how many at least."""
    keeps_masks: ClassVar[bool] = False

    name: str | None = None
    trainable: bool = True
    dtype: Dtype | None = None
    autocast: bool = True
    activity_regularizer: Regularizer | None = None
    input_shape: tuple[int | None, ...] | None = None
    input_dim: Positive | None = None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """The layer that a configuration describes.

        Raises:
            ValueError: an argument is missing, unknown, or has a value that is not allowed.
        """
        try:
            return msgspec.convert(config, cls)
        except msgspec.ValidationError as error:
            raise ValueError(f"{cls.__name__}: {error}") from error

    @property
    def config(self) -> dict[str, Any]:
        return {name: x for name, x in msgspec.to_builtins(self).items() if name not in self.unsaid}

    def __call__(self, call: Call) -> Result:
        """Call the layer, if inputs and weights fit.

        Raises:
            ValueError: they do not.
        """
        shapes = [x.shape for x in call.inputs]
        self.inferred(shapes)
        for weight in self.weights_for(shapes):
            given = call.weights[weight.name].shape
            if given != weight.shape:
                raise ValueError(f"{weight.name} of shape {given} does not fit inputs of shapes {shapes}")
        return self.computed(call)

    def inferred(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        """The shapes of the outputs.

        Raises:
            ValueError: the layer does not take such inputs.
        """
        self.check(shapes)
        return self.output_shapes(shapes)

    def check(self, shapes: Sequence[Shape]) -> None:
        """Whether inputs of these shapes are taken; raises ValueError where they are not."""
        own, wanted = type(self).__name__, self.ndim or f"{self.min_ndim} or more"
        if len(shapes) != 1 or len(shapes[0]) < self.min_ndim or self.ndim not in (None, len(shapes[0])):
            raise ValueError(
                f"{own} takes one input, of rank {wanted}; the shapes of the inputs are {shapes}"
            )

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (shapes[0],)

    def output_masks(self, inputs: Sequence[jax.Array], masks: Sequence[Mask]) -> tuple[Mask, ...]:
        """The mask of each output for the layers behind."""
        _, *others = self.output_shapes([x.shape for x in inputs])
        return (masks[0] if self.keeps_masks else None, *(None for _ in others))

    def weights_for(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        """The weights that the layer has for such inputs, in Keras's order."""
        return ()

    def fixed_axes(self) -> tuple[int, ...]:
        """The axes of the input along which its size has to be known before the weights can be made."""
        return ()

    def computed(self, call: Call) -> Result:
        """The outputs of a call that was checked."""
        raise NotImplementedError(type(self).__name__)
