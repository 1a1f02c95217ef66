"""Relations of what is linear, or scales: floating point multiplies by powers of two, and by −1, exactly."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from conformance.cases.case import Case
from conformance.cases.relations.relation import (
    Derivation,
    Relation,
    arrays,
    as_they_are,
    asking,
    class_of,
    weights,
)
from conformance.reference_impl.arrays import Array


def of_ranks(*names: str) -> list[str]:
    return [f"{name}{rank}D" for name in names for rank in (1, 2, 3)]


KERNELS = [
    "Dense",
    *of_ranks("Conv"),
    *(f"Conv{rank}DTranspose" for rank in (1, 2, 3)),
    *(f"{kind}Conv{rank}D" for kind in ("Depthwise", "Separable") for rank in (1, 2)),
]
"""Linear in the input and the bias together."""

SUMS = [
    *of_ranks("AveragePooling", "GlobalAveragePooling", "Cropping", "ZeroPadding", "UpSampling"),
    *of_ranks("SpatialDropout"), "Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout",
    "Reshape", "Flatten", "Permute", "RepeatVector", "Identity", "ActivityRegularization",
    "Concatenate", "Add", "Subtract", "Average", "CenterCrop", "Resizing",
]  # fmt: skip
"""Linear in all inputs together."""

PRODUCTS = ["Multiply", "Dot"]
"""Linear in each input."""

CHOICES = [*of_ranks("MaxPooling", "GlobalMaxPooling"), "Maximum", "Minimum", "PReLU", "LeakyReLU"]
"""Scaled with their inputs, but not where signs change."""

ODD = ("tanh", "softsign", "hard_tanh", "soft_shrink", "hard_shrink", "tanh_shrink")
"""Functions of which f(−x) = −f(x)."""

MODERATE = 2.0**40


def moderate(xs: Iterable[Array]) -> bool:
    """Whether no number overflows or becomes subnormal, also after some products."""
    sizes = [np.abs(x[x != 0]) for x in xs]
    return all(((size > 1 / MODERATE) & (size < MODERATE)).all() for size in sizes)


def multiple(case: Case) -> Derivation | None:
    """Everything that the output is linear in is multiplied by −4, or by 4 where signs matter."""
    name, activation = class_of(case), case.config.get("activation")
    inputs, given = arrays(case.inputs), weights(case)
    if not case.subject.startswith("layers.") or name not in [*KERNELS, *SUMS, *PRODUCTS, *CHOICES]:
        return None
    if activation not in (None, "linear", "relu") or case.config.get("normalize"):
        return None
    if any(x.dtype.kind != "f" for x in inputs) or not moderate([*inputs, *given.values()]):
        return None
    factor = np.float32(4 if name in CHOICES or activation == "relu" else -4)
    scaled = [factor * x if i == 0 or name not in PRODUCTS else x for i, x in enumerate(inputs)]
    moved = {key: factor * w if key == "bias" else w for key, w in given.items()}
    times = asking(case, inputs=scaled, weights=moved)
    return Derivation((times,), as_they_are, 1 / float(factor), exact=True)


def odd(case: Case) -> Derivation | None:
    if case.subject not in {f"activations.{name}" for name in ODD}:
        return None
    return Derivation((asking(case, inputs=[-x for x in arrays(case.inputs)]),), as_they_are, -1.0)


RELATIONS = (
    Relation(
        "multiple",
        "Four times the input and the bias, or minus four times, give as many times the output, bit for bit.",
        multiple,
    ),
    Relation("odd", "An odd function gives the negative for the negative.", odd),
)
