"""What a script has to do to ask for one observable: the words in which its template decides."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.cases.case import Case
from conformance.reference_impl import layers
from conformance.reference_impl.layers.cell import Cell


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
    """

    subject: str
    name: str
    kind: str
    of: str
    training: bool
    reconstructed: bool
    stateful: bool

    @classmethod
    def about(cls, case: Case, observable: str) -> Question:
        """The question that the observable of the case is."""
        kind_of_subject, _, name = case.subject.partition(".")
        mode, *rest = observable.split("/")
        training, reconstructed = mode == "training", mode == "reconstructed"
        kind, *of = rest if training or reconstructed else (mode, *rest)
        return cls(
            subject=kind_of_subject,
            name=name,
            kind=kind,
            of="/".join(of),
            training=training,
            reconstructed=reconstructed,
            stateful=bool(case.config.get("stateful")),
        )

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
