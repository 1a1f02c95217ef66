"""Normalizations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.cases.case import Case, Literal
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.settings import L1L2, L2, MAX_NORM, NON_NEG, UNIFORM


def batch_normalization() -> Iterator[Case]:
    positive: dict[str, str] = {
        "moving_variance": "positive",
        "moving_stddev": "positive",
        "renorm_stddev": "positive",
    }

    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        asked: dict[str, Any] = {"weights": positive, "training": True} | more
        return draft_layer("layers.BatchNormalization", config, [recipe(regime, *shape)], **asked)

    yield case({}, 6, 3, once=True)
    for shape in ((5, 4), (3, 5, 4), (2, 3, 5, 4), (2, 2, 3, 2, 4)):
        for regime in ("normal", "small_variance", "large_mean"):
            yield case({}, *shape, regime=regime)
    small = {"": "normal", "moving_variance": "small_positive"}
    for shape in ((5, 4), (2, 3, 5, 4)):
        yield case({}, *shape, weights=small, regime="small_variance")
        yield case({"epsilon": 0.0009765625}, *shape, weights=small, regime="small_variance")
        yield case({"epsilon": 0.0625, "momentum": 0.5}, *shape)
        yield case({"scale": False}, *shape)
        yield case({"center": False}, *shape)
        yield case({"scale": False, "center": False}, *shape)
        yield case({"trainable": False}, *shape)
    yield case({"axis": 1}, 2, 3, 5, 4)
    yield case({"axis": 1}, 3, 4, 5, regime="large_mean")
    yield case({"axis": 2}, 2, 3, 4, 5)
    yield case({"axis": -2}, 3, 4, 5)
    yield case({}, 4, 5, 3, masks=[recipe("mask", 4, 5, dtype="bool")])
    yield case({}, 4, 5, 3, masks=[recipe("mask_all_true", 4, 5, dtype="bool")])
    for clipping in (None, {"rmax": 2.0, "rmin": 0.5, "dmax": 1.0}):
        yield case({"renorm": True, "renorm_clipping": clipping, "renorm_momentum": 0.75}, 6, 3)
    yield case({"synchronized": True}, 4, 3)
    yield case({}, 1, 4)
    yield case({}, 4, 3, regime="one_nan")
    yield case(
        {
            "beta_initializer": "ones",
            "gamma_initializer": UNIFORM,
            "moving_mean_initializer": "ones",
            "moving_variance_initializer": {"class_name": "Constant", "config": {"value": 2.0}},
            "beta_regularizer": L2,
            "gamma_regularizer": L1L2,
            "beta_constraint": NON_NEG,
            "gamma_constraint": MAX_NORM,
        },
        3,
        4,
    )


NORMALIZING = ("normal", "small_variance", "large_mean")
"""Regimes in which a wrong epsilon and another algorithm of the variance show."""

CENTRE_AND_SCALE = {
    "beta_initializer": "ones",
    "gamma_initializer": UNIFORM,
    "beta_regularizer": L2,
    "gamma_regularizer": L1L2,
    "beta_constraint": NON_NEG,
    "gamma_constraint": MAX_NORM,
}


def layer_normalization() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.LayerNormalization", config, [recipe(regime, *shape)], **more)

    yield case({}, 3, 6, training=True, once=True)
    for shape in ((5, 4), (2, 3, 5), (2, 3, 5, 4)):
        for regime in NORMALIZING:
            yield case({}, *shape, regime=regime)
    yield case({"epsilon": 0.0009765625}, 5, 4, regime="small_variance")
    yield case({"epsilon": 0.0625}, 5, 4, regime="small_variance")
    for axis in (1, -2, [1], [1, 2], [-1, -2], [2, 1], [1, 2, 3]):
        yield case({"axis": axis}, 2, 3, 4, 5)
    yield case({"axis": [1, 2]}, 2, 3, 4, regime="large_mean")
    for config in ({"scale": False}, {"center": False}, {"scale": False, "center": False}):
        yield case(config, 3, 5)
    for config in ({"rms_scaling": True}, {"rms_scaling": True, "scale": False}):
        yield case(config, 3, 5)
    yield case({"rms_scaling": True, "axis": [1, 2]}, 2, 3, 4)
    for odd in ((3, 1), (1, 1), (1, 17), (2, 2, 3, 2, 4), (0, 4)):
        yield case({}, *odd)
    for regime in ("one_nan", "one_infinity"):
        yield case({}, 4, 3, regime=regime)
    yield case({"trainable": False}, 3, 4)
    yield case(CENTRE_AND_SCALE, 3, 4)


def group_normalization() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.GroupNormalization", config, [recipe(regime, *shape)], **more)

    yield case({}, 2, 32, training=True, once=True)
    yield case({}, 2, 3, 64)
    for shape in ((3, 6), (2, 3, 6), (2, 3, 5, 6), (2, 2, 3, 2, 6)):
        for regime in NORMALIZING:
            yield case({"groups": 2}, *shape, regime=regime)
    for groups in (1, 3, 6, -1):
        yield case({"groups": groups}, 2, 3, 4, 6)
    for axis in (1, 2, -2):
        yield case({"groups": 2, "axis": axis}, 2, 4, 6, 5)
    yield case({"groups": 2, "epsilon": 0.0009765625}, 3, 6, regime="small_variance")
    yield case({"groups": 3, "epsilon": 0.0625}, 3, 6, regime="small_variance")
    for config in ({"scale": False}, {"center": False}, {"scale": False, "center": False}):
        yield case({"groups": 2} | config, 3, 2, 6)
    yield case({"groups": 1}, 1, 1)
    yield case({"groups": 2}, 0, 4)
    yield case({"groups": 2}, 3, 4, regime="one_nan")
    yield case({"groups": 2, "trainable": False}, 3, 4)
    yield case({"groups": 2} | CENTRE_AND_SCALE, 3, 4)


def unit_normalization() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.UnitNormalization", config, [recipe(regime, *shape)], **more)

    yield case({}, 3, 5, training=True, once=True)
    for shape in ((4,), (2, 3, 5), (2, 3, 5, 4), (1, 1), (3, 1), (0, 4), (2, 17)):
        yield case({}, *shape)
    for regime in ("large_mean", "small_variance", "one_nan"):
        yield case({}, 4, 6, regime=regime)
    yield case({}, 4, 6, regime="one_infinity", gradients=False)
    for axis in (1, -2, [1], [1, 2], [-1, -2], [1, 3]):
        yield case({"axis": axis}, 2, 3, 4, 5)
    zeros = Literal((3, 2), (0.0, 0.0, 3.0, -4.0, 0.0, -0.5))
    yield draft_layer("layers.UnitNormalization", {}, [zeros], gradients=False)


def rms_normalization() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.RMSNormalization", config, [recipe(regime, *shape)], **more)

    yield case({}, 3, 5, training=True, once=True)
    for shape in ((2, 3, 5), (2, 3, 5, 4), (1, 1), (3, 1), (0, 4), (2, 17)):
        yield case({}, *shape)
    for regime in ("large_mean", "small_variance", "tiny", "one_nan"):
        yield case({}, 4, 6, regime=regime)
    yield case({}, 4, 6, regime="one_infinity", gradients=False)
    for epsilon in (0.0009765625, 0.0625):
        yield case({"epsilon": epsilon}, 3, 5, regime="small_variance")
    for axis in ([2], [1, 2], [-1, -2], [2, 1], 1, -2):
        yield case({"axis": axis}, 2, 3, 4)
    yield case({"axis": 1}, 2, 4, 4)
    yield case({"trainable": False}, 3, 4)


def normalization() -> Iterator[Case]:
    statistics = {"": "normal", "variance": "positive", "count": "indices:9"}

    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        asked: dict[str, Any] = {"weights": statistics} | more
        return draft_layer("layers.Normalization", config, [recipe(regime, *shape)], **asked)

    yield case({}, 3, 5, training=True, once=True)
    for invert in (False, True):
        for shape in ((2, 3, 5), (2, 3, 4, 5), (1, 1), (0, 4)):
            yield case({"invert": invert}, *shape)
        for axis in (1, -2, [1], [1, 2], [-1, -2], [3, 1], None):
            yield case({"axis": axis, "invert": invert}, 2, 3, 4, 5)
        for mean, variance in ((0.5, 2.25), (-1000.0, 0.0001), (0.0, 0.0), (3.0, 2.0**-60), (1, 4)):
            for regime in ("normal", "large_mean"):
                given = {"mean": mean, "variance": variance, "invert": invert}
                yield case(given, 4, 3, regime=regime)
        each = {"mean": [0.5, -2.0, 0.1], "variance": [4.0, 0.3, 2.0**-50], "invert": invert}
        yield case(each, 5, 3)
        yield case({"axis": 1} | each, 2, 3, 4)
        yield case({"axis": [1, 3]} | each, 2, 4, 2, 3)
        table = {"mean": [[0.5], [-2.0]], "variance": [[4.0], [0.25]], "invert": invert}
        yield case({"axis": [1, 2]} | table, 3, 2, 4)
        yield case({"axis": None, "mean": 0.5, "variance": 4.0, "invert": invert}, 7)
        for regime in ("small_variance", "wide_exponents", "one_nan", "one_infinity", "subnormals"):
            yield case(each, 4, 3, regime=regime)
        pixels = recipe("indices:256", 2, 3, 4, dtype="int32")
        yield draft_layer(
            "layers.Normalization", {"mean": 127.5, "variance": 5418.75, "invert": invert}, [pixels]
        )
    yield case({}, 4, 3, regime="small_variance", weights=statistics | {"variance": "small_positive"})
    yield case({}, 4, 5, 3, masks=[recipe("mask", 4, 5, dtype="bool")])
    yield case({"trainable": False}, 3, 4)
