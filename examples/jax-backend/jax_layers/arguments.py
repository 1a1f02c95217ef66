"""The types of Keras's arguments: what a configuration may hold."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from msgspec import Meta, Struct

from jax_layers.activations import ACTIVATIONS

Positive = Annotated[int, Meta(ge=1)]
Count = Annotated[int, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, le=1)]

# msgspec 0.22 ends the process where a bounded number may also be a tuple of a fixed length.
Pair = Positive | Annotated[tuple[Positive, ...], Meta(min_length=2, max_length=2)]
"""Of the height and of the width, or the same of both."""

Dtype = Literal["float32", "float64"]
DataFormat = Literal["channels_last", "channels_first"]
Padding = Literal["valid", "same"]

ActivationName = Annotated[str, Meta(pattern=f"^({'|'.join(ACTIVATIONS)})$")]


def named(*names: str) -> Meta:
    """One of the names, which Keras takes in snake_case and in CamelCase."""
    return Meta(pattern=f"(?i)^({'|'.join(name.replace('_', '_?') for name in names)})$")


Name = TypeVar("Name")


class Described(Struct, Generic[Name], frozen=True, forbid_unknown_fields=True):
    """A class by its name, and its arguments."""

    class_name: Name
    config: dict[str, Any] = {}


InitializerName = Annotated[
    str,
    named(
        "zeros", "ones", "constant", "random_normal", "normal", "truncated_normal", "random_uniform",
        "uniform", "orthogonal", "identity", "variance_scaling", "glorot_uniform", "glorot_normal",
        "he_uniform", "he_normal", "lecun_uniform", "lecun_normal",
    ),
]  # fmt: skip
RegularizerName = Annotated[str, named("l1", "l2", "l1_l2", "orthogonal_regularizer")]
ConstraintName = Annotated[str, named("max_norm", "min_max_norm", "non_neg", "unit_norm")]

Initializer = InitializerName | Described[InitializerName]
Regularizer = RegularizerName | Described[RegularizerName]
Constraint = ConstraintName | Described[ConstraintName]
"""What acts when weights are made or trained, which is not done here: told again, and no more."""
