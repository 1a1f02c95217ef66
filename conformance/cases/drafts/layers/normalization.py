"""Normalizations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.cases.case import Case
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
