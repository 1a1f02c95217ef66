"""Places where a dialect may put another function or default than the specification's."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

TARGETS: dict[str, str] = {}
"""Every function that can be patched, by name, with its first line of documentation."""


@dataclass
class Patched:
    """The patches in force, and those that have been reached."""

    patches: Mapping[str, Any]
    reached: set[str] = field(default_factory=set)


_in_force: ContextVar[Patched | None] = ContextVar("patches", default=None)


@contextmanager
def patched(patches: Mapping[str, Any]) -> Iterator[set[str]]:
    """Replace targets within the block; gives the set of those that were reached.

    Args:
        patches: by target, a function that takes the original function and then its arguments, or for
            `default:layers.X.field` the other default.
    """
    force = Patched(patches)
    token = _in_force.set(force)
    try:
        yield force.reached
    finally:
        _in_force.reset(token)


def patchable(target: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Marks a function as a target of patches."""

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        TARGETS[target] = (function.__doc__ or "").partition("\n")[0]

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            force = _in_force.get()
            if force is None or target not in force.patches:
                return function(*args, **kwargs)
            force.reached.add(target)
            replaced: R = force.patches[target](function, *args, **kwargs)
            return replaced

        return call

    return mark


def default(subject: str, argument: str, value: Any) -> Any:
    """The default of an argument of a constructor, unless a patch says another."""
    force = _in_force.get()
    if force is None:
        return value
    key = f"default:{subject}.{argument}"
    if key not in force.patches:
        return value
    force.reached.add(key)
    return force.patches[key]
