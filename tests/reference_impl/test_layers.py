"""All layers: the cases of the corpus, gradients by differences, and what belongs to no family of tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.cases import corpus
from conformance.cases.case import Case
from conformance.cases.data import make
from conformance.cases.expected import Refusal, Structure, Value
from conformance.reference_impl import layers
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.layer import Context, Layer
from conformance.reference_impl.tape import Tensor, variable, vjp
from tests.answers import answer
from tests.reference_impl.layer_calls import call, described, drawn, quickly, weights_for

QUICK = [
    case for case in corpus.load("quick") if case.subject.startswith("layers.") and not case.to_be_refused
]


def layer_of(case: Case) -> Layer:
    return layers.get(case.subject.partition(".")[2]).from_config(case.config)


# Every case of the corpus


def asking(*observables: str) -> list[Case]:
    """The cases that ask all of these."""
    return [case for case in QUICK if set(observables) <= set(case.observables)]


def test_inferred_shape_is_the_shape_of_the_output() -> None:
    for case in asking("shape/concrete", "output/0"):
        found = answer(case, make(case), None)
        inferred = found["shape/concrete"]
        assert isinstance(inferred, Structure), case
        outputs = [found[f"output/{i}"] for i in range(len(inferred.value))]
        assert [list(o.tensor.shape) for o in outputs if isinstance(o, Value)] == inferred.value, case


def test_unknown_dimensions_are_unknown_or_right() -> None:
    for case in asking("shape/concrete"):
        found = answer(case, make(case), None)
        concrete = found["shape/concrete"]
        assert isinstance(concrete, Structure)
        for name in {"shape/unknown_batch", "shape/unknown"}.intersection(case.observables):
            partial = found[name]
            assert isinstance(partial, Structure), case
            for known, full in zip(partial.value, concrete.value, strict=True):
                assert all(a in (None, b) for a, b in zip(known, full, strict=True)), case


def test_no_float64_leaks_into_float32() -> None:
    for case in QUICK:
        for name, expected in answer(case, make(case), None).items():
            assert not isinstance(expected, Refusal), (case, expected)
            if isinstance(expected, Value):
                assert expected.tensor.dtype != np.float64, (case, name)


def test_configuration_makes_the_same_layer() -> None:
    for case in QUICK:
        layer = layer_of(case)
        again = type(layer).from_config(layer.get_config())
        assert again.get_config() == layer.get_config(), case
        unsaid = {n for n in layer.config if n not in layer.get_config()}
        assert {n: v for n, v in again.config.items() if n not in unsaid} == {
            n: v for n, v in layer.config.items() if n not in unsaid
        }, case


def test_same_case_gives_the_same_bits() -> None:
    for case in QUICK[::7]:
        first, second = (answer(case, make(case), None) for _ in range(2))
        for name, expected in first.items():
            if isinstance(expected, Value):
                other = second[name]
                assert isinstance(other, Value)
                assert expected.tensor.value.tobytes() == other.tensor.value.tobytes(), (case, name)


# Drawn configurations


@quickly
@given(st.data())
def test_dense_shape(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=2, max_size=4)))
    dense = layers.Dense(data.draw(st.integers(1, 6)), use_bias=data.draw(st.booleans()))
    result = call(dense, [drawn(shape)], weights_for(dense, shape))
    assert dense.output_shapes([shape]) == (result.outputs[0].shape,)
    assert dense.output_shapes([(None, *shape[1:])]) == ((None, *result.outputs[0].shape[1:]),)


@pytest.mark.parametrize(("old", "new"), [(4, 8), (8, 4), (5, 3), (3, 7), (1, 4), (4, 1)])
def test_bilinear_resizing_is_interpolation_between_centres(old: int, new: int) -> None:
    x = drawn((old,))
    (out,) = call(layers.Resizing(new, 1), [x.reshape(old, 1, 1)], {}).outputs
    centres = (np.arange(new) + 0.5) * old / new - 0.5
    np.testing.assert_allclose(out.value.ravel(), np.interp(centres, np.arange(old), x), atol=1e-12)


@pytest.mark.parametrize(("old", "new"), [(4, 8), (8, 4), (5, 3), (1, 4), (4, 1)])
def test_nearest_resizing_takes_the_pixel_that_holds_the_centre(old: int, new: int) -> None:
    x = drawn((old,))
    layer = layers.Resizing(1, new, interpolation="nearest")
    (out,) = call(layer, [x.reshape(1, old, 1)], {}).outputs
    holding = [int((i + 0.5) * old / new) for i in range(new)]
    np.testing.assert_array_equal(out.value.ravel(), x[holding])


def test_antialiased_resizing_to_a_larger_size_is_bilinear() -> None:
    x = drawn((2, 3, 4, 2))
    plain, smooth = (call(layers.Resizing(6, 5, antialias=a), [x], {}).outputs[0] for a in (False, True))
    np.testing.assert_allclose(smooth.value, plain.value, atol=1e-12)


def test_image_in_proportion_is_cut_or_padded_in_the_middle() -> None:
    x = drawn((8, 4, 1))
    (cut,) = call(layers.Resizing(4, 4, crop_to_aspect_ratio=True), [x], {}).outputs
    np.testing.assert_allclose(cut.value, x[2:6], atol=1e-15)
    padding = layers.Resizing(8, 8, pad_to_aspect_ratio=True, fill_value=0.25)
    (padded,) = call(padding, [x], {}).outputs
    expected = np.pad(x, ((0, 0), (2, 2), (0, 0)), constant_values=0.25)
    np.testing.assert_allclose(padded.value, expected, atol=1e-15)


def test_slope_of_prelu_is_shared_along_axes() -> None:
    layer, x = layers.PReLU(shared_axes=[1]), drawn((2, 3, 4))
    weights = weights_for(layer, x.shape)
    (out,) = call(layer, [x], weights).outputs
    np.testing.assert_array_equal(out.value, np.where(x > 0, x, x * weights["alpha"]))


# Gradients

DIFFERENTIABLE: dict[str, tuple[Layer, tuple[tuple[int, ...], ...], dict[str, Any]]] = {
    "dense": (layers.Dense(3, activation="tanh"), ((2, 4),), {}),
    "dense_low_rank": (layers.Dense(3, lora_rank=2, lora_alpha=3), ((2, 4),), {}),
    "conv2d": (layers.Conv2D(4, (3, 2), padding="same", strides=(1, 2), groups=2), ((2, 4, 5, 2),), {}),
    "conv2d_dilated": (
        layers.Conv2D(2, 2, dilation_rate=(2, 1), data_format="channels_first"),
        ((2, 3, 5, 4),),
        {},
    ),
    "conv1d_causal": (layers.Conv1D(2, 3, padding="causal", strides=2), ((2, 5, 2),), {}),
    "conv3d": (layers.Conv3D(2, (2, 1, 2), padding="same", groups=2), ((1, 3, 2, 3, 2),), {}),
    "depthwise_conv2d": (
        layers.DepthwiseConv2D(2, strides=2, dilation_rate=2, depth_multiplier=2),
        ((2, 5, 4, 2),),
        {},
    ),
    "separable_conv1d": (layers.SeparableConv1D(3, 2, padding="same"), ((2, 4, 2),), {}),
    "conv2d_transpose": (
        layers.Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=0),
        ((2, 2, 3, 2),),
        {},
    ),
    "conv1d_transpose": (layers.Conv1DTranspose(2, 2, strides=3), ((2, 3, 2),), {}),
    "batch_normalization": (layers.BatchNormalization(), ((5, 3),), {"training": True}),
    "batch_normalization_inference": (layers.BatchNormalization(axis=1), ((2, 3, 4),), {}),
    "batch_normalization_masked": (
        layers.BatchNormalization(),
        ((2, 4, 3),),
        {"training": True, "masks": (np.array([[1, 1, 0, 1], [1, 0, 1, 1]], bool),)},
    ),
    "lstm": (layers.LSTM(3, return_sequences=True, return_state=True), ((2, 4, 2),), {}),
    "lstm_masked": (
        layers.LSTM(3, go_backwards=True),
        ((2, 3, 2),),
        {"masks": (np.array([[1, 0, 1], [1, 1, 0]], bool),)},
    ),
    "simple_rnn": (layers.SimpleRNN(3, return_sequences=True), ((2, 4, 2),), {}),
    "gru": (layers.GRU(3, return_sequences=True, return_state=True), ((2, 4, 2),), {}),
    "gru_reset_before": (layers.GRU(3, reset_after=False, go_backwards=True), ((2, 3, 2),), {}),
    "conv_lstm2d": (
        layers.ConvLSTM2D(2, (2, 1), strides=(1, 2), padding="same", return_sequences=True),
        ((2, 2, 3, 4, 2),),
        {},
    ),
    "conv_lstm2d_dilated": (
        layers.ConvLSTM2D(2, 2, dilation_rate=2, data_format="channels_first", go_backwards=True),
        ((2, 2, 2, 4, 3),),
        {"masks": (np.array([[1, 0], [1, 1]], bool),)},
    ),
    "stacked_rnn_cells": (
        layers.RNN(
            [described(layers.LSTMCell(3)), described(layers.GRUCell(2))],
            return_sequences=True,
            return_state=True,
        ),
        ((2, 3, 4),),
        {},
    ),
    "time_distributed": (layers.TimeDistributed(described(layers.Dense(3))), ((2, 3, 4),), {}),
    "bidirectional": (
        layers.Bidirectional(described(layers.GRU(2, return_sequences=True))),
        ((2, 3, 2),),
        {"masks": (np.array([[1, 0, 1], [1, 1, 0]], bool),)},
    ),
    "flatten": (layers.Flatten(data_format="channels_first"), ((2, 3, 4),), {}),
    "max_pooling": (layers.MaxPooling2D((2, 3), strides=1, padding="same"), ((2, 4, 5, 3),), {}),
    "average_pooling": (
        layers.AveragePooling3D(2, padding="same", data_format="channels_first"),
        ((2, 2, 3, 4, 3),),
        {},
    ),
    "global_max_pooling": (layers.GlobalMaxPooling2D(keepdims=True), ((2, 3, 4, 2),), {}),
    "global_average_pooling": (
        layers.GlobalAveragePooling3D(data_format="channels_first"),
        ((2, 2, 3, 2, 3),),
        {},
    ),
    "global_average_pooling_masked": (
        layers.GlobalAveragePooling1D(),
        ((2, 3, 2),),
        {"masks": (np.array([[1, 0, 1], [1, 1, 0]], bool),)},
    ),
    "zero_padding": (layers.ZeroPadding2D(((1, 0), (2, 1))), ((2, 2, 3, 2),), {}),
    "cropping": (layers.Cropping2D(1, data_format="channels_first"), ((2, 2, 3, 4),), {}),
    "up_sampling": (layers.UpSampling3D((1, 2, 3)), ((2, 2, 2, 2, 2),), {}),
    "softmax": (layers.Softmax(axis=[1, 2]), ((2, 3, 4),), {}),
    "softmax_masked": (layers.Softmax(), ((2, 3),), {"masks": (np.array([[1, 0, 1], [1, 1, 1]], bool),)}),
    "concatenate": (layers.Concatenate(axis=1), ((2, 3), (2, 1), (2, 4)), {}),
    "activation": (layers.Activation("gelu"), ((2, 5),), {}),
    "add": (layers.Add(), ((2, 3, 4), (2, 4), (2, 3, 1)), {}),
    "subtract": (layers.Subtract(), ((2, 1, 4), (2, 3, 1)), {}),
    "multiply": (layers.Multiply(), ((2, 3, 4), (2, 4), (2, 3, 1)), {}),
    "multiply_masked": (
        layers.Multiply(),
        ((2, 3, 2), (2, 3, 2)),
        {"masks": (np.array([[1, 0, 1], [0, 1, 0]], bool), np.array([[1, 1, 0], [0, 0, 1]], bool))},
    ),
    "average": (layers.Average(), ((2, 3), (2, 1), (2, 3)), {}),
    "maximum": (layers.Maximum(), ((2, 3, 4), (2, 4), (2, 3, 1)), {}),
    "minimum": (layers.Minimum(), ((2, 1, 4), (2, 3, 1)), {}),
    "dot": (layers.Dot((2, 3)), ((2, 3, 4, 5), (2, 3, 2, 4)), {}),
    "dot_normalized": (layers.Dot(-1, normalize=True), ((3, 4), (3, 2, 4)), {}),
    "reshape": (layers.Reshape((4, -1)), ((2, 3, 4),), {}),
    "permute": (layers.Permute((3, 1, 2)), ((2, 3, 4, 5),), {}),
    "repeat_vector": (layers.RepeatVector(3), ((2, 4),), {}),
    "masking": (layers.Masking(), ((2, 3, 4),), {}),
    "dropout": (layers.Dropout(0.5), ((3, 4),), {"training": True}),
    "alpha_dropout": (layers.AlphaDropout(0.5, noise_shape=(None, 1)), ((3, 4),), {"training": True}),
    "gaussian_noise": (layers.GaussianNoise(0.5), ((3, 4),), {"training": True}),
    "gaussian_dropout": (layers.GaussianDropout(0.5), ((3, 4),), {"training": True}),
    "elu": (layers.ELU(0.5), ((2, 5),), {}),
    "layer_normalization": (layers.LayerNormalization(axis=[1, 3]), ((2, 3, 4, 5),), {}),
    "layer_normalization_rms": (layers.LayerNormalization(rms_scaling=True), ((3, 5),), {}),
    "group_normalization": (layers.GroupNormalization(2, axis=1), ((2, 4, 3),), {}),
    "unit_normalization": (layers.UnitNormalization(axis=[1, 2]), ((2, 3, 4),), {}),
    "rms_normalization": (layers.RMSNormalization(axis=1), ((2, 3, 4),), {}),
    "normalization": (layers.Normalization(axis=[1, -1]), ((2, 3, 4),), {}),
    "normalization_inverted": (
        layers.Normalization(axis=[1, 2], mean=[0.5, 2.0], variance=[4.0, 0.3], invert=True),
        ((3, 4, 2),),
        {},
    ),
    "rescaling": (layers.Rescaling(0.5, offset=[1.0, 2.0]), ((3, 2),), {}),
    "center_crop_stretched": (layers.CenterCrop(5, 4), ((2, 3, 6, 2),), {}),
    "resizing": (layers.Resizing(3, 5, data_format="channels_first"), ((2, 2, 4, 3),), {}),
    "resizing_padded": (layers.Resizing(2, 4, pad_to_aspect_ratio=True, fill_value=0.5), ((2, 6, 3, 1),), {}),
    "resizing_antialiased": (layers.Resizing(2, 3, antialias=True), ((2, 5, 4, 1),), {}),
    "resizing_bicubic": (layers.Resizing(3, 7, interpolation="bicubic"), ((2, 5, 4, 1),), {}),
    "resizing_lanczos": (layers.Resizing(3, 7, interpolation="lanczos3"), ((5, 4, 2),), {}),
    "resizing_area": (layers.Resizing(3, 2, interpolation="area"), ((1, 4, 5, 2),), {}),
    "random_width": (layers.RandomWidth([0.5, 0.5]), ((2, 3, 4, 2),), {}),
    "up_sampling2d": (layers.UpSampling2D((1, 3), "channels_first", "lanczos5"), ((1, 2, 3, 2),), {}),
}
"""Layers with smooth outputs: the layer, the shapes of its inputs, and the circumstances of the call."""


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradient_is_the_central_difference(name: str) -> None:
    layer, shapes, context = DIFFERENTIABLE[name]
    arrays = {f"input/{i}": drawn(shape, 100 + i) for i, shape in enumerate(shapes)}
    arrays |= weights_for(layer, *shapes)
    inputs = list(arrays)[: len(shapes)]

    def outputs(values: dict[str, Array]) -> tuple[Tensor, ...]:
        weights = {n: variable(v) for n, v in values.items() if n not in inputs}
        return layer.call([variable(values[n]) for n in inputs], weights, Context(**context)).outputs

    tensors = {n: variable(v) for n, v in arrays.items()}
    weights = {n: t for n, t in tensors.items() if n not in inputs}
    found = layer.call([tensors[n] for n in inputs], weights, Context(**context)).outputs
    cotangents = [drawn(out.shape, 7 + i) for i, out in enumerate(found)]
    gradients = vjp(found, [variable(c, tracked=False) for c in cotangents], list(tensors.values()))
    for (n, array), gradient in zip(arrays.items(), gradients, strict=True):
        direction, step = drawn(array.shape, 31), 1e-6
        ahead, behind = (outputs(arrays | {n: array + s * direction}) for s in (step, -step))
        slope = sum(
            float((c * (a.value - b.value)).sum()) / (2 * step)
            for c, a, b in zip(cotangents, ahead, behind, strict=True)
        )
        scale = float((np.abs(gradient.value) * np.abs(direction)).sum()) + 1e-3
        assert slope == pytest.approx(float((gradient.value * direction).sum()), abs=1e-7 * scale), n


def test_gradient_of_embedding_adds_up_repeated_rows() -> None:
    layer = layers.Embedding(4, 2)
    table, indices = variable(drawn((4, 2))), np.array([[1, 1, 3]], np.int32)
    (out,) = layer.call([variable(indices)], {"embeddings": table}, Context()).outputs
    cotangent = drawn(out.shape)
    (gradient,) = vjp([out], [variable(cotangent, tracked=False)], [table])
    expected = np.zeros((4, 2))
    for position, row in enumerate(indices[0]):
        expected[row] += cotangent[0, position]
    np.testing.assert_allclose(gradient.value, expected, rtol=1e-14)


def test_alpha_of_a_low_rank_update_is_told_with_its_rank_alone() -> None:
    """As Keras does: without a rank there is nothing that it scales."""
    assert "lora_alpha" not in layers.Dense(3, lora_alpha=8).get_config()
    assert layers.Dense(3, lora_rank=2, lora_alpha=8).get_config()["lora_alpha"] == 8.0
    assert layers.Dense(3, lora_rank=2).get_config()["lora_alpha"] == 2.0
