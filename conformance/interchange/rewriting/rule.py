"""What a rule is: it is shown a layer as it stands in a model, and gives the layers that take its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.reference_impl import layers
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.layer import Layer, Shape
from conformance.reference_impl.saving.configuration.known import Program
from conformance.reference_impl.saving.saved_model import InMemory, JSONObject, StoredArray

LARGEST = 2**24
"""The most elements of a weight that a rule makes: a small file may ask for kernels that fill the memory."""


@dataclass(frozen=True)
class Constant:
    """An operand that is no tensor: a number, or nested lists of numbers."""

    value: Any


Operand = Shape | Constant | None
"""What a call is given: a tensor by its shape, None where that is not known, or a constant."""


@dataclass(frozen=True)
class Site:
    """A layer, or an operation, as it stands in a model.

    Attributes:
        subject: `layers.Dense`, or `ops.Add` for an operation.
        config: its arguments.
        operands: what every call of it is given.
        firsts: for each operand, the number of the first one that is the same tensor.
        weights: by their names in the specification, where that has the layer.
        target: what the model is rewritten for.
        source: what the model computes as it does in.
        training: whether a call of it says that it acts as in training.
    """

    subject: str
    config: Mapping[str, Any]
    operands: tuple[Operand, ...]
    firsts: tuple[int, ...]
    weights: Mapping[str, StoredArray]
    target: Program
    source: Program
    training: bool

    @property
    def class_name(self) -> str:
        return self.subject.partition(".")[2]

    @property
    def layer(self) -> Layer:
        """The specification's, where it has one; it knows defaults too."""
        return layers.get(self.class_name).from_config(self.config)

    @property
    def shape(self) -> Shape | None:
        """That of the first operand, where it is a tensor of known rank."""
        first = self.operands[0]
        return None if isinstance(first, Constant) else first


@dataclass(frozen=True)
class Piece:
    """One of the layers that take the place of another.

    Attributes:
        class_name: of a layer.
        config: its arguments but name, dtype and trainable, which are those of the layer replaced.
        of: what it is called on: operands of the site by number, pieces by label. By default the piece
            before, or the first operand.
        label: by which other pieces name it.
        weights: what it holds.
    """

    class_name: str
    config: JSONObject = field(default_factory=dict)
    of: tuple[int | str, ...] = ()
    label: str = ""
    weights: Mapping[str, StoredArray] = field(default_factory=dict)

    def on(self, *of: int | str) -> Piece:
        """The same, called on these."""
        return replace(self, of=of)

    def labelled(self, label: str) -> Piece:
        """The same, with a label."""
        return replace(self, label=label)


@dataclass(frozen=True)
class Replacement:
    """What takes the place of a layer: the last piece gives its output.

    Attributes:
        pieces: in the order of their calls.
        why: the id of a deviation of the target, or the argument that it has no words for; `inputs` for what
            it is given.
        how: in a few words, what computes the same.
        counts_on: whether the last piece computes the same because of the deviation `why`, in whose scope it
            is still.
        in_place: whether the only piece is called as the layer was; as its rule says.
    """

    pieces: tuple[Piece, ...]
    why: str
    how: str
    counts_on: bool = False
    in_place: bool = False


@dataclass(frozen=True)
class Rule:
    """Where it applies, and what it does there.

    Attributes:
        subjects: `layers.NAME` or `ops.NAME`, each.
        apply: None where the layer may stay, or nothing computes the same.
        targets: those that it is for.
        whatever_training: whether it applies also where a call says that the layer acts as in training. Keras
            writes that of some layers, though `predict` has the last word.
        in_place: whether it gives one piece that is called as the layer was, with masks and states too. It
            looks at no operand.
    """

    subjects: tuple[str, ...]
    apply: Callable[[Site], Replacement | None]
    targets: tuple[Program, ...] = ("tfjs",)
    whatever_training: bool = False
    in_place: bool = False


def rescaling(scale: Any = 1.0, offset: Any = 0.0) -> Piece:
    """scale·x + offset."""
    return Piece("Rescaling", {"scale": scale, "offset": offset})


NEGATED = rescaling(-1.0)


def rectified(max_value: float | None = None) -> Piece:
    """max(x, 0), at most `max_value`."""
    return Piece("ReLU", {"max_value": max_value, "negative_slope": 0.0, "threshold": 0.0})


def activation(name: str) -> Piece:
    return Piece("Activation", {"activation": name})


def reshaped(shape: Sequence[int | None]) -> Piece:
    """Samples in this shape, of which one dimension may be unknown."""
    return Piece("Reshape", {"target_shape": [-1 if n is None else n for n in shape]})


def permuted(*dims: int) -> Piece:
    return Piece("Permute", {"dims": [*dims]})


def itself(site: Site, class_name: str = "", **changes: Any) -> Piece:
    """The layer of a site with its weights, and other arguments."""
    config = {key: value for key, value in site.config.items() if key != "name"}
    return Piece(class_name or site.class_name, config | changes, weights=site.weights)


@dataclass(frozen=True)
class Derived:
    """An array made from another one when it is asked for."""

    shape: tuple[int, ...]
    dtype: str
    made: Callable[[], Array]

    def pieces(self) -> Iterator[memoryview]:
        return InMemory(self.made()).pieces()


@dataclass(frozen=True)
class Reshaped:
    """An array with its elements in the same order, in another shape."""

    stored: StoredArray
    shape: tuple[int, ...]

    @property
    def dtype(self) -> str:
        return self.stored.dtype

    def pieces(self) -> Iterator[memoryview]:
        return self.stored.pieces()
