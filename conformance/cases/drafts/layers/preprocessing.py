"""Layers that prepare data: numbers, categories, images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from conformance.cases.case import Case, Literal
from conformance.cases.drafts.draft import configured, draft_layer, recipe

UNCALLED = ("shape/", "weights", "config", "reconstructed/config")
"""What a layer tells without being called."""


def rescaling() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Rescaling", config, [recipe(regime, *shape)], **more)

    yield case({"scale": 0.5}, 3, 5, training=True, once=True)
    for shape in ((4,), (2, 3, 4, 5), (1, 1), (0, 4)):
        yield case({"scale": 0.0078125, "offset": -1.0}, *shape)
    for scale, offset in ((2.0, 0.0), (-3.0, 0.25), (0.0, 1.0), (1.0, 0.0), (0.3125, 127.5)):
        yield case({"scale": scale, "offset": offset}, 3, 7)
    yield case({"scale": [0.5, 2.0, -1.0], "offset": [0.0, 1.0, 0.25]}, 2, 4, 5, 3)
    yield case({"scale": [0.5, 2.0, -1.0], "offset": 1.0}, 2, 3)
    for regime in ("large_mean", "wide_exponents", "signed_zeros", "one_nan", "one_infinity", "subnormals"):
        yield case({"scale": 0.3125, "offset": 0.5}, 4, 6, regime=regime)
    pixels = recipe("indices:256", 2, 3, 4, dtype="int32")
    yield draft_layer("layers.Rescaling", {"scale": 0.0078125, "offset": -1.0}, [pixels])


def category_encoding() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, **more: Any) -> Case:
        indices = recipe(f"indices:{config['num_tokens']}", *shape, dtype="int32")
        return draft_layer("layers.CategoryEncoding", config, [indices], **more)

    yield case({"num_tokens": 4}, 2, 3, training=True, once=True)
    for mode in ("multi_hot", "count"):
        for shape in ((5,), (4, 1), (1, 1), (3, 9), (7, 2)):
            yield case({"num_tokens": 5, "output_mode": mode}, *shape)
        repeated = Literal((2, 4), (1.0, 1.0, 1.0, 3.0, 3.0, 1.0, 0.0, 1.0), "int32")
        yield draft_layer("layers.CategoryEncoding", {"num_tokens": 6, "output_mode": mode}, [repeated])
        again = Literal((5,), (1.0, 1.0, 0.0, 3.0, 1.0), "int32")
        yield draft_layer("layers.CategoryEncoding", {"num_tokens": 4, "output_mode": mode}, [again])
        yield case({"num_tokens": 1, "output_mode": mode}, 3, 1)
        yield case({"num_tokens": 17, "output_mode": mode}, 6, 1)
    for shape in ((5,), (3, 2), (1,)):
        yield case({"num_tokens": 4, "output_mode": "one_hot"}, *shape)
    for column in ((4, 1), (1, 1)):
        asked = case({"num_tokens": 4, "output_mode": "one_hot"}, *column)
        # The rank of the output depends on a dimension that would be unknown.
        known = tuple(name for name in asked.observables if name != "shape/unknown")
        yield msgspec.structs.replace(asked, observables=known)
    yield configured(case({"num_tokens": 4, "sparse": True}, 2, 3))


def random_width() -> Iterator[Case]:
    """Where nothing is left to chance, what a call gives; else what is known without one."""

    def case(
        factor: float | list[float], *shape: int, regime: str = "normal", once: bool = False, **config: Any
    ) -> Case:
        determined = isinstance(factor, list) and factor[0] == factor[1]
        asked = draft_layer(
            "layers.RandomWidth",
            {"factor": factor} | config,
            [recipe(regime, *shape)],
            training=determined,
            gradients=determined,
            once=once,
        )
        kept = tuple(
            name
            for name in asked.observables
            if (not name.startswith("shape/") if determined else name.startswith(UNCALLED))
        )
        return msgspec.structs.replace(asked, observables=kept)

    yield case([0.5, 0.5], 2, 6, 6, 3, once=True)
    for interpolation in ("bilinear", "nearest"):
        how: dict[str, Any] = {"interpolation": interpolation}
        for by in (-1.0, -0.5, 0.0, 0.125, 1.0):
            yield case([by, by], 2, 5, 8, 3, **how)
        for shape in ((1, 4, 4, 2), (3, 7, 3), (0, 4, 6, 2), (1, 1, 1, 1), (2, 3, 5, 1)):
            yield case([0.5, 0.5], *shape, **how)
        for regime in ("large_mean", "one_nan", "wide_exponents", "signed_zeros"):
            yield case([1.0, 1.0], 1, 4, 4, 2, regime=regime, **how)
        random: tuple[float | list[float], ...] = (0.25, 1.0, [-0.5, 0.25], [0.0, 1.0])
        for factor in random:
            yield case(factor, 2, 5, 8, 3, seed=7, **how)
    yield case(0.5, 5, 8, 3)
    yield case([0.0, 0.25], 2, 5, 8, 3, seed=0, trainable=False)


def center_crop() -> Iterator[Case]:
    def case(height: int, width: int, *shape: int, regime: str = "normal", **more: Any) -> Case:
        config = {"height": height, "width": width} | more.pop("config", {})
        return draft_layer("layers.CenterCrop", config, [recipe(regime, *shape)], **more)

    yield case(3, 2, 2, 5, 4, 3, training=True, once=True)
    for shape in (
        (2, 6, 8, 3),
        (2, 7, 9, 1),
        (1, 5, 3, 2),
        (1, 3, 2, 4),
        (0, 5, 4, 3),
        (6, 8, 3),
        (2, 5, 2, 3),
        (2, 3, 6, 2),
    ):
        yield case(3, 2, *shape)
    for shape in ((2, 3, 6, 8), (3, 7, 5)):
        yield case(3, 2, *shape, config={"data_format": "channels_first"})
    yield case(4, 4, 2, 2, 2, 3)
    yield case(4, 8, 1, 2, 8, 3)
    yield case(8, 4, 1, 4, 8, 3)
    yield case(1, 1, 1, 3, 4, 2)
    yield case(3, 2, 1, 5, 4, 2, config={"bounding_box_format": "xyxy"})
    yield case(3, 2, 1, 5, 4, 2, regime="one_nan")
    yield case(3, 2, 1, 5, 4, 2, regime="signed_zeros")


def resizing() -> Iterator[Case]:
    def case(height: int, width: int, *shape: int, regime: str = "normal", **config: Any) -> Case:
        config = {"height": height, "width": width} | config
        # No runtime differentiates `area`.
        gradients = config.get("interpolation") != "area"
        return draft_layer("layers.Resizing", config, [recipe(regime, *shape)], gradients=gradients)

    yield draft_layer(
        "layers.Resizing",
        {"height": 4, "width": 2},
        [recipe("normal", 2, 8, 8, 3)],
        training=True,
        once=True,
    )
    sizes = ((4, 8), (2, 2), (8, 16), (1, 1), (4, 4))
    for interpolation in ("bilinear", "nearest"):
        for height, width in sizes:
            yield case(height, width, 2, 4, 4, 3, interpolation=interpolation)
        yield case(4, 2, 4, 8, 3, interpolation=interpolation)
        yield case(4, 2, 0, 8, 8, 3, interpolation=interpolation)
        yield case(4, 2, 1, 8, 8, 1, interpolation=interpolation, data_format="channels_last")
        yield case(4, 2, 2, 3, 8, 8, interpolation=interpolation, data_format="channels_first")
        yield case(4, 4, 2, 8, 4, 3, interpolation=interpolation, crop_to_aspect_ratio=True)
        yield case(2, 4, 2, 8, 4, 3, interpolation=interpolation, pad_to_aspect_ratio=True)
        yield case(3, 5, 1, 5, 7, 2, interpolation=interpolation)
    yield case(2, 4, 2, 8, 4, 3, pad_to_aspect_ratio=True, fill_value=0.5)
    for shape in ((2, 8, 8, 3), (1, 4, 2, 2)):
        yield case(4, 4, *shape, antialias=True)
    for interpolation in ("bicubic", "lanczos3", "lanczos5", "area"):
        of = {"interpolation": interpolation}
        for height, width in ((4, 8), (2, 2), (4, 4), (3, 5)):
            yield case(height, width, 2, 4, 4, 3, **of)
        yield case(6, 3, 9, 7, 2, **of)
        yield case(4, 2, 0, 8, 8, 3, **of)
        yield case(4, 2, 2, 3, 8, 8, data_format="channels_first", **of)
        yield case(4, 4, 2, 8, 4, 3, crop_to_aspect_ratio=True, **of)
        yield case(4, 8, 2, 8, 4, 3, pad_to_aspect_ratio=True, fill_value=-2.0, **of)
        yield case(4, 8, 1, 8, 4, 2, regime="large_mean", **of)
    for interpolation in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area"):
        yield case(4, 5, 2, 12, 11, 3, interpolation=interpolation, antialias=True)
        yield case(6, 9, 1, 3, 4, 2, interpolation=interpolation, antialias=True)
    # Sizes at which nothing lies in the middle between two integers.
    for interpolation in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area"):
        config = {"height": 12, "width": 9, "interpolation": interpolation}
        pixels = recipe("indices:256", 2, 4, 3, 3, dtype="int32")
        yield draft_layer("layers.Resizing", config, [pixels])
    yield case(4, 4, 1, 8, 8, 2, bounding_box_format="xyxy")
    yield case(4, 4, 1, 8, 8, 2, regime="large_mean")
