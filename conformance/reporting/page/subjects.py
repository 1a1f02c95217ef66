"""What the page tells of a subject beside the results: its family, and what the specification says of it.

A layer belongs to the family that its cases are drafted in (`conformance/cases/drafts/layers/`), any other
subject to its kind: `activations.gelu` to the activations.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

import msgspec

from conformance.cases.drafts.layers import LAYERS
from conformance.cases.guide import ROWS
from conformance.cases.subjects import CLASSES
from conformance.reference_impl.activations import ACTIVATIONS
from conformance.reference_impl.fields import REQUIRED


class Argument(msgspec.Struct, frozen=True):
    """An argument as the specification has it; one without a default is required."""

    name: str
    allowed: str
    required: bool
    default: Any
    doc: str


class Document(msgspec.Struct, frozen=True):
    """The paragraphs that say what a subject computes, its formula first, and its arguments."""

    paragraphs: tuple[str, ...]
    arguments: tuple[Argument, ...]


class Family(msgspec.Struct, frozen=True):
    """Subjects that are shown together."""

    name: str
    subjects: tuple[str, ...]


def families(subjects: Iterable[str]) -> tuple[Family, ...]:
    """The subjects by family: those of the layers in the order of their drafts, then the others by name.

    >>> families(["activations.tanh", "layers.MaxPooling1D", "layers.Dense", "layers.AveragePooling1D"])[1]
    Family(name='pooling', subjects=('layers.AveragePooling1D', 'layers.MaxPooling1D'))
    """
    drafted = _drafted()
    members: dict[str, list[str]] = {name: [] for name in dict.fromkeys(drafted.values())}
    for subject in sorted(subjects):
        members.setdefault(drafted.get(subject) or subject.partition(".")[0], []).append(subject)
    return tuple(Family(name, tuple(of_family)) for name, of_family in members.items() if of_family)


@cache
def _drafted() -> dict[str, str]:
    """The family of each layer that has drafts."""

    def family(draft: Callable[..., Any]) -> str:
        function = draft.func if isinstance(draft, partial) else draft
        return str(function.__module__.rpartition(".")[2]).replace("_", " ")

    return {next(iter(draft())).subject: family(draft) for draft in LAYERS}


def document(subject: str) -> Document | None:
    """What the specification documents of a subject; nothing where it does not know it."""
    kind, _, name = subject.partition(".")
    if name in CLASSES.get(kind, {}):
        documented = CLASSES[kind][name]
        arguments = tuple(
            Argument(
                n, f.kind.allowed, f.default is REQUIRED, None if f.default is REQUIRED else f.default, f.doc
            )
            for n, f in documented.arguments.items()
        )
        return Document(_paragraphs(documented), arguments)
    if kind == "guide" and name in ROWS:
        shown = (f"In {fact.language}: {fact.shows}." for fact in ROWS[name].facts)
        return Document((ROWS[name].statement, *shown), ())
    if kind == "activations" and name in ACTIVATIONS:
        entry = ACTIVATIONS[name]
        arguments = tuple(
            Argument(
                n, str(p.annotation), p.default is p.empty, None if p.default is p.empty else p.default, ""
            )
            for n, p in entry.arguments.items()
        )
        return Document(_paragraphs(entry.function), arguments)
    return None


def _paragraphs(documented: Any) -> tuple[str, ...]:
    """The docstring without its examples, a line for each paragraph."""
    told = (inspect.getdoc(documented) or "").partition(">>>")[0]
    return tuple(" ".join(paragraph.split()) for paragraph in told.split("\n\n") if paragraph.strip())
