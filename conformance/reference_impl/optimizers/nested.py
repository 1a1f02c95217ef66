"""Optimizers inside others: how they are named, and their share of the state."""

from __future__ import annotations

from typing import Any

from conformance.reference_impl.optimizers.optimizer import Optimizer, State, get
from conformance.reference_impl.tape import Tensor


def inner_optimizer(value: Any) -> Optimizer:
    """The optimizer that is given or described; raises ValueError where it is none."""
    if isinstance(value, str):
        raise ValueError
    return get(value)


def part_of(state: State, prefix: str) -> dict[str, Tensor]:
    """The slots whose keys begin so, by the rest of these."""
    return {
        key.removeprefix(f"{prefix}/"): slot for key, slot in state.items() if key.startswith(f"{prefix}/")
    }


def with_part(state: State, prefix: str, part: State) -> dict[str, Tensor]:
    """The state with those slots replaced."""
    return {**state, **{f"{prefix}/{key}": slot for key, slot in part.items()}}
