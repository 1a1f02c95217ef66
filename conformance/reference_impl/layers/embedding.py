"""Embedding: integers to rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.fields import Serialized, field
from conformance.reference_impl.layers.layer import Context, Result, Shape, Weight
from conformance.reference_impl.layers.low_rank import LowRank
from conformance.reference_impl.layers.quantizable import Quantizable
from conformance.reference_impl.primitives import take
from conformance.reference_impl.tape import Tensor


class Embedding(LowRank, Quantizable):
    """embeddings[x]: input (batch, …) of integers in [0, input_dim), output (batch, …, output_dim).

    Source: `keras.layers.Embedding`. An index out of range is an error.
    """

    refuses_in_call = True
    indices = "input_dim"

    input_dim = field(fields.positive_integer, doc="number of rows")
    output_dim = field(fields.positive_integer, doc="length of a row")
    embeddings_initializer = field(fields.initializer, "uniform")
    embeddings_regularizer = field(fields.regularizer, None)
    embeddings_constraint = field(fields.constraint, None)
    mask_zero = field(fields.boolean, False, "whether 0 stands for nothing, in the mask")
    weights = field(fields.optional(fields.array), None, "the first values of the table", Serialized.NEVER)

    input_length = fields.hidden(fields.positive_integer, "how many indices a sample has")

    def check(self) -> None:
        self.check_low_rank(self.embeddings_constraint)

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        table = (self.input_dim, self.output_dim)
        return (
            Weight("embeddings", table, self.embeddings_initializer, trainable=not self.lora_rank),
            *self.low_rank_weights("embeddings", table),
        )

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return ((*shapes[0], self.output_dim),)

    def output_masks(
        self, inputs: Sequence[Array], masks: Sequence[Array | None]
    ) -> tuple[Array | None, ...]:
        return (inputs[0] != 0 if self.mask_zero else None,)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        indices = inputs[0].value.astype(xp.int32)
        if indices.size and not (int(indices.min()) >= 0 and int(indices.max()) < self.input_dim):
            raise ValueError(
                f"Embedding takes indices in [0, {self.input_dim}), got "
                f"{int(indices.min())} to {int(indices.max())}"
            )
        return Result((take(self.adapted(weights, "embeddings"), indices=indices),))
