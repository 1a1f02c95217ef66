"""Where makers of hostile files are gathered, with what the refusal of each has to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Hostile:
    """A maker of a file.

    Attributes:
        suffix: of the file's name.
        make: writes the file; the second argument is a file elsewhere, with secrets, which it may point to.
        said: what the refusal has to say.
    """

    suffix: str
    make: Callable[[Path, Path], None]
    said: tuple[str, ...]


HOSTILE: dict[str, Hostile] = {}


def hostile(
    suffix: str, *said: str
) -> Callable[[Callable[[Path, Path], None]], Callable[[Path, Path], None]]:
    def add(make: Callable[[Path, Path], None]) -> Callable[[Path, Path], None]:
        HOSTILE[make.__name__] = Hostile(suffix, make, said)
        return make

    return add
