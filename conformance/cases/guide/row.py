"""What a row of the guides is: a statement, and the facts that are seen where it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.cases.case import Case, Source
from conformance.reference_impl.tape import Tensor

PREFIX = "guide/"

BROWSER = "a browser, and no backend here runs in one"
"""What some facts need."""


@dataclass(frozen=True)
class Fact:
    """One thing that a backend shows where a statement holds.

    Attributes:
        language: that of the backends that it is about.
        name: of the function of the adapter's program that shows it.
        shows: what is done, and seen, in words.
        expected: what the program answers where the statement holds: what JSON holds or, of an array, what
            computes it from the row's inputs as the specification does.
        needs: what the backends of the suite have not, and it takes.
    """

    language: str
    name: str
    shows: str
    expected: Any | Callable[[Sequence[Tensor]], Tensor] = None
    needs: str = ""

    @property
    def observable(self) -> str:
        """
        >>> Fact("javascript", "loads", "a model is loaded", True).observable
        'guide/javascript/loads'
        """
        return f"{PREFIX}{self.language}/{self.name}"


@dataclass(frozen=True)
class Row:
    """A statement of the guides.

    Attributes:
        inputs: arrays for its programs.
        given: what its programs are given beside them (`conformance.guide`): printed programs by name, and
            models that Keras has saved.
    """

    id: str
    statement: str
    facts: tuple[Fact, ...]
    inputs: tuple[Source, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def case(self) -> Case:
        """The case that asks for all facts."""
        observables = tuple(fact.observable for fact in self.facts)
        return Case(f"guide.{self.id}", dict(self.given), self.inputs, observables=observables)


def javascript(name: str, shows: str, expected: Any = None, needs: str = "") -> Fact:
    """A fact about backends of TensorFlow.js."""
    return Fact("javascript", name, shows, expected, needs)


def python(name: str, shows: str, expected: Any = None) -> Fact:
    """A fact about backends of Keras."""
    return Fact("python", name, shows, expected)


def both(name: str, shows: str, expected: Any = None) -> tuple[Fact, Fact]:
    """A fact about both."""
    return python(name, shows, expected), javascript(name, shows, expected)


def speaks_of(observable: str, language: str) -> bool:
    """Whether an observable of a case is one that backends in a language are asked about.

    >>> speaks_of("guide/python/loads", "javascript"), speaks_of("output/0", "javascript")
    (False, True)
    """
    return not observable.startswith(PREFIX) or observable.split("/")[1] == language
