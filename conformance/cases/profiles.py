"""The profiles: named sets of properties that belong together, and that certificates are about."""

from __future__ import annotations

INFERENCE = (
    "forward",
    "determinism",
    "shape",
    "dtype",
    "masks",
    "weights",
    "config",
    "errors",
    "metamorphic",
)

PROFILES: dict[str, tuple[str, ...]] = {
    "inference": INFERENCE,
    "training": (
        *INFERENCE,
        "training-forward",
        "gradients",
        "metrics",
        "optimizer-steps",
        "fit",
        "evaluate",
        "predict",
        "callbacks",
    ),
    "interchange": ("config", "config-round-trip", "interchange"),
    "api": ("constructor", "identifiers", "methods", "guide"),
}
"""The names of a profile's properties, of those that the suite has."""

KINDS = {
    "inference": ("layers", "activations"),
    "training": ("layers", "activations", "losses", "metrics", "optimizers", "training", "callbacks"),
    "interchange": ("layers", "losses", "models"),
    "api": ("layers", "activations", "losses", "optimizers", "guide"),
}
"""The kinds of subjects that a profile is about."""

WEAKEST = {"inference": "ieee-float32", "training": "ieee-float32", "interchange": None, "api": None}
"""The weakest arithmetic that a profile's certificates grant, by name; None where nothing is computed."""
