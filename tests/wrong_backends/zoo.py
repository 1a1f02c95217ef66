"""The zoo: every deliberately wrong backend, and every correct one that computes in its own way, by name.

`python -m tests.wrong_backends NAME` is one of them as a program that speaks the protocol.
"""

from __future__ import annotations

import sys
from pathlib import Path

from conformance.runners.registry import BackendSpec

from . import (
    claims,
    computed,
    layouts,
    losing,
    measuring,
    optimizing,
    precision,
    randomness,
    sequences,
    stated,
    tails,
    training,
    values,
)
from .correct import VARIANTS, Variant
from .fault import Fault

FAMILIES = (
    computed,
    layouts,
    sequences,
    precision,
    tails,
    losing,
    optimizing,
    measuring,
    values,
    randomness,
    training,
    stated,
    claims,
)
"""The modules of faults."""

FAULTS: tuple[Fault, ...] = tuple(fault for family in FAMILIES for fault in family.FAULTS)

EVERY: tuple[Fault | Variant, ...] = (*FAULTS, *VARIANTS)

BACKENDS = {backend.name: backend for backend in EVERY}
"""Every backend of the zoo by its name."""


def spec(name: str) -> BackendSpec:
    """How to start one of them as a program.

    Raises:
        KeyError: there is none of that name.
    """
    backend, root = BACKENDS[name], Path(__file__).parents[2]
    return BackendSpec(
        name,
        f"of the zoo, meant for {backend.property}" if isinstance(backend, Fault) else "of the zoo, correct",
        lambda progress: [sys.executable, "-m", __name__.rpartition(".")[0], name],
        environment={"PYTHONPATH": str(root)},
    )
