"""The profiles: named sets of properties that belong together, and that certificates will be about."""

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
    "api": ("constructor", "identifiers", "guide"),
}
"""The names of a profile's properties, of those that the suite has."""
