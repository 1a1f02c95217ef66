"""A layer that its user defines stands in models, is trained, saved and refused as any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from conformance.reference_impl import fields, optimizers
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers import Layer
from conformance.reference_impl.layers.layer import Context, Result, Shape, Weight
from conformance.reference_impl.models import Model, summary
from conformance.reference_impl.primitives import concatenate, multiply, negative, relu
from conformance.reference_impl.tape import Tensor
from conformance.reference_impl.training import Compiled


class Antirectifier(Layer, listed=False):
    """The guide's custom layer, relu(x) beside relu(-x), with a factor that is trained."""

    factor = field(fields.number, 1.0, "what the factor begins with")

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        initial = {"class_name": "Constant", "config": {"value": self.factor}}
        return (Weight("factor", (), initial),)

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        *outer, features = shapes[0]
        return ((*outer, None if features is None else 2 * features),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        both = concatenate(relu(inputs[0]), relu(negative(inputs[0])), axis=-1)
        return Result((multiply(both, weights["factor"]),))


def described(**config: Any) -> dict[str, Any]:
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 3]}},
        {"class_name": "Antirectifier", "config": {"name": "both", **config}},
    ]
    return {"class_name": "Sequential", "config": {"name": "model", "layers": layers}}


X = np.array([[1.0, -2.0, 3.0], [-1.0, 0.5, 0.0]])
BOTH = np.array([[1.0, 0.0, 3.0, 0.0, 2.0, 0.0], [0.0, 0.5, 0.0, 1.0, 0.0, 0.0]])


def test_it_is_called_within_a_model() -> None:
    model = Compiled(Model.from_config(described(factor=2.0)), dtype="float64")
    np.testing.assert_array_equal(model.predict(X), 2 * BOTH)
    assert "(None, 6)" in summary(model.model)


def test_its_weight_is_trained_by_its_own_gradient() -> None:
    model = Compiled(
        Model.from_config(described()), optimizer=optimizers.SGD(0.25), loss="mse", dtype="float64"
    )
    y = 3 * BOTH
    model.train_on_batch(X, y)
    gradient = np.mean(2 * (BOTH - y) * BOTH)
    np.testing.assert_allclose(model.weights["both",]["factor"].value, 1 - 0.25 * gradient, rtol=1e-15)


def test_its_arguments_are_checked_and_named_as_those_of_every_layer() -> None:
    with pytest.raises(ValueError, match=r"layer both .*no argument `facto`; did you mean factor"):
        Model.from_config(described(facto=2.0))
    with pytest.raises(ValueError, match=r"`factor`.*got 'two'"):
        Model.from_config(described(factor="two"))


def test_training_goes_on_from_what_was_kept_of_it() -> None:
    through, first, second = (
        Compiled(Model.from_config(described()), optimizer="adam", loss="mse") for _ in range(3)
    )
    through.fit(X, 3 * BOTH, epochs=4)
    first.fit(X, 3 * BOTH, epochs=2)
    second.weights, second.slots, second.steps = first.weights, first.slots, first.steps
    second.fit(X, 3 * BOTH, epochs=4, initial_epoch=2)
    assert second.get_weights()[0].tobytes() == through.get_weights()[0].tobytes()
