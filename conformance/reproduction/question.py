"""What a script has to do to ask for one observable: the words in which its template decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.cases.case import Case
from conformance.reference_impl import layers
from conformance.reference_impl.layers.cell import Cell
from conformance.reference_impl.layers.nested import names_layer


@dataclass(frozen=True)
class Question:
    """An observable of a case, taken apart.

    Attributes:
        kind: `output`, `gradient`, `state`, `shape`, `dtype`, `mask`, `weights`, `memory`, `refusal`,
            `config`, `signature` or `identifier`.
        of: which output or mask, by what a gradient is, the state's weight, what is known of a shape, what
            becomes of the inputs before a second call.
        training: asked in training mode.
        reconstructed: asked of the layer that the configuration makes.
        again: asked after other calls.
        holder: the layer whose weights they are: that inside a wrapper of one.
    """

    subject: str
    name: str
    kind: str
    of: str
    training: bool
    reconstructed: bool
    again: bool
    stateful: bool
    holder: str

    @classmethod
    def about(cls, case: Case, observable: str) -> Question:
        """The question that the observable of the case is."""
        kind_of_subject, _, name = case.subject.partition(".")
        mode, *rest = observable.split("/")
        training, reconstructed, again = (mode == m for m in ("training", "reconstructed", "again"))
        inner: Any = case.config.get("layer")
        kind, *of = rest if training or reconstructed or again else (mode, *rest)
        return cls(
            subject=kind_of_subject,
            name=name,
            kind=kind,
            of="/".join(of),
            training=training,
            reconstructed=reconstructed,
            again=again,
            stateful=kind_of_subject == "layers" and is_stateful(name, case.config),
            holder=inner["class_name"] if names_layer(inner) else name,
        )

    @property
    def repeats(self) -> bool:
        """Whether the answer has to be the one that such a layer gives where it was not called before."""
        return self.again and not self.stateful

    @property
    def is_layer(self) -> bool:
        return self.subject == "layers"

    @property
    def is_cell(self) -> bool:
        """Whether the subject is a cell, which takes its states with its input."""
        return self.is_layer and issubclass(layers.get(self.name), Cell)

    @property
    def calls(self) -> bool:
        """Whether the subject is called with the inputs."""
        return self.kind in ("output", "gradient", "state", "dtype", "mask", "refusal")

    @property
    def builds(self) -> bool:
        """Whether a layer has to be built before it can answer, and is not by its first call."""
        by_itself = self.kind == "refusal" and not self.is_cell
        return self.is_layer and (self.calls or self.kind in ("shape", "weights")) and not by_itself

    @property
    def source(self) -> tuple[str, str]:
        """By what a gradient is: `("input", "0")`, `("weight", "kernel")`."""
        kind, _, name = self.of.partition("/")
        return kind, name


def is_stateful(layer: str, config: Mapping[str, Any]) -> bool:
    """Whether the layer goes on from its last states, if there is such a layer."""
    try:
        return layers.get(layer).from_config(config).stateful
    except (TypeError, ValueError):
        return False
