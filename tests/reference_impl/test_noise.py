"""Dropouts and noise: what holds of them in the mean, and along which axes they draw together."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.reference_impl import layers
from conformance.reference_impl.layers.layer import Layer
from tests.reference_impl.layer_calls import call, drawn

NOISY: dict[str, tuple[Layer, float]] = {
    "dropout": (layers.Dropout(0.25), (0.25 / 0.75) ** 0.5),
    "spatial_dropout": (layers.SpatialDropout2D(0.25, data_format="channels_first"), (0.25 / 0.75) ** 0.5),
    "gaussian_dropout": (layers.GaussianDropout(0.25), (0.25 / 0.75) ** 0.5),
    "gaussian_noise": (layers.GaussianNoise(0.5), 0.5),
}
"""Layers that are random in training, and the standard deviation of what they make of ones."""


@pytest.mark.parametrize("name", NOISY)
def test_noise_has_its_mean_and_deviation_and_follows_the_key(name: str) -> None:
    layer, deviation = NOISY[name]
    x = np.ones((60, 100, 2, 2))
    first, again, other = (
        call(layer, [x], {}, training=True, rng_key=key).outputs[0].value for key in (1, 1, 2)
    )
    # Six standard errors of the 6000 numbers that are drawn at least; of the deviation's, far more than six.
    assert first.mean() == pytest.approx(1, abs=6 * deviation / 6000**0.5)
    assert first.std() == pytest.approx(deviation, rel=0.1)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(call(layer, [x], {}).outputs[0].value, x)


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = drawn((200, 200))
    out = call(layers.AlphaDropout(0.25), [x], {}, training=True).outputs[0].value
    assert out.mean() == pytest.approx(0, abs=0.03)
    assert out.std() == pytest.approx(1, abs=0.03)


def test_dropout_drops_together_along_the_noise_shape() -> None:
    x = np.ones((50, 3, 4))
    rows = call(layers.Dropout(0.5, (None, 1, None)), [x], {}, training=True).outputs[0].value
    channels = call(layers.SpatialDropout1D(0.5), [x], {}, training=True).outputs[0].value
    for out in (rows, channels):
        assert set(out.ravel()) == {0.0, 2.0}
        assert (out == out[:, :1]).all()


def test_time_distributed_dropout_drops_anew_at_every_time() -> None:
    layer = layers.TimeDistributed({"class_name": "Dropout", "config": {"rate": 0.5}})
    out = call(layer, [np.ones((50, 3, 4))], {}, training=True).outputs[0].value
    assert set(out.ravel()) == {0.0, 2.0}
    for t in range(2):
        assert 0.25 < (out[:, t] == out[:, t + 1]).mean() < 0.75
