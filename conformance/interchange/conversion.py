"""Carries a saved model, or a live one, from one program's format into another's."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from conformance.interchange.rewriting import Rewrite, rewritten
from conformance.interchange.training import Lost, carried
from conformance.reference_impl.saving import formats, legacy_h5, model_json
from conformance.reference_impl.saving.configuration import Untranslatable, legacy
from conformance.reference_impl.saving.configuration.known import Target
from conformance.reference_impl.saving.formats import TENSORFLOW_JS, Format
from conformance.reference_impl.saving.legacy_h5 import Generation
from conformance.reference_impl.saving.quantization import Quantization
from conformance.reference_impl.saving.saved_model import FormatError, SavedModel


@runtime_checkable
class LiveModel(Protocol):
    """A model of Keras, in memory."""

    def save(self, filepath: str) -> Any: ...


@dataclass(frozen=True)
class Conversion:
    """What has been written, and what became of the model.

    Attributes:
        source: the name of the format that was read.
        target: that of the format that was written.
        out: where it was written.
        rewrites: layers that are others now, and compute the same.
        left_out: what the target has no words for, and was allowed to be left out.
        lost: what of its training is not carried.
    """

    source: str
    target: str
    out: Path
    rewrites: tuple[Rewrite, ...] = ()
    left_out: tuple[Untranslatable, ...] = ()
    lost: tuple[Lost, ...] = ()


class Refused(FormatError):
    """The target cannot have the model as it is: says every layer and argument, a line each."""

    def __init__(self, file: str | PathLike[str], why: Sequence[Untranslatable]) -> None:
        super().__init__(file, why[0].place, why[0].reason)
        self.why = tuple(why)


@dataclass(frozen=True)
class Wanted:
    """How a model is to be written.

    Attributes:
        quantization: weights that TensorFlow.js is to have in fewer bits.
        shard_size: bytes of a file of weights for TensorFlow.js.
        generation: the Keras that reads an HDF5 file.
        allow_deviations: whether what the target has no words for is left out, not refused.
    """

    quantization: Quantization = field(default_factory=dict)
    shard_size: int = model_json.SHARD_SIZE
    generation: Generation = 3
    allow_deviations: bool = False


def quantization(wishes: Iterable[str]) -> Quantization:
    """What to quantize, from words as the command line has them.

    >>> quantization(["uint8=conv*,dense/kernel", "float16"])
    {'uint8': ['conv*', 'dense/kernel'], 'float16': []}
    """
    found: dict[str, list[str]] = {}
    for wish in wishes:
        dtype, _, patterns = wish.partition("=")
        found.setdefault(dtype, []).extend(filter(None, patterns.split(",")))
    return found


def convert(
    model: str | PathLike[str] | LiveModel, out: str | PathLike[str], wanted: Wanted | None = None
) -> Conversion:
    """Write a model in another format: any of `formats.FORMATS`, by the path's ending; a path without one is
    TensorFlow.js's directory. Nothing of the model is run.

    Args:
        model: a file or directory; or a model of Keras, which saves itself into a temporary directory first.
        out: replaced where it is there, and only if all has gone well.

    Raises:
        Refused: the target has no words for what the model says.
        FormatError: a file is not of its format, or is not safe.
        ValueError: a wish that the target does not know.
    """
    wanted = wanted or Wanted()
    target = formats.format_of(out)
    refuse_others(wanted, target)
    with saved(model) as path:
        source = formats.format_of(path)
        with source.opened(path) as read:
            reader = target_of(target, wanted)
            fitted, rewrites = rewritten(read, reader) if reader else (read, ())
            left_out = objections(fitted, reader) if reader else []
            if left_out and not wanted.allow_deviations:
                raise Refused(path, left_out)
            fitted, lost = carried(read, fitted, target, wanted.generation, path)
            write(fitted, target, Path(out), wanted)
    return Conversion(source.name, target.name, Path(out), tuple(rewrites), tuple(left_out), lost)


@contextmanager
def saved(model: str | PathLike[str] | LiveModel) -> Iterator[Path]:
    """The file of a model, which a live one has for as long as the block lasts."""
    if isinstance(model, str | PathLike):
        yield Path(fspath(model))
        return
    if not isinstance(model, LiveModel):
        raise TypeError(f"a model is a path or has a method `save`, as those of Keras; got {type(model)}")
    with tempfile.TemporaryDirectory(prefix="conformance-") as directory:
        path = Path(directory) / "model.keras"
        model.save(fspath(path))
        yield path


def target_of(target: Format, wanted: Wanted) -> Target | None:
    """The program for whose form of configurations the model has to be translated; None for Keras 3."""
    if target is TENSORFLOW_JS:
        return "tfjs"
    return "keras2" if ".h5" in target.endings and wanted.generation == 2 else None


def objections(model: SavedModel, target: Target) -> list[Untranslatable]:
    """What the target has no words for."""
    found: list[Untranslatable] = []
    legacy(model.configuration, target, found.append)
    return found


def refuse_others(wanted: Wanted, target: Format) -> None:
    """A ValueError for wishes that only another format knows."""
    if target is not TENSORFLOW_JS:
        if wanted.quantization:
            raise ValueError(f"only TensorFlow.js has quantized weights, not {target.name}")
        if wanted.shard_size != model_json.SHARD_SIZE:
            raise ValueError(f"only TensorFlow.js has shards, not {target.name}")
    if wanted.generation == 2 and ".h5" not in target.endings:
        raise ValueError(f"Keras 2 reads .h5, not {target.name}")


def write(model: SavedModel, target: Format, out: Path, wanted: Wanted) -> None:
    """The model in the target's format; what it has no words for is left out."""
    if target is TENSORFLOW_JS:
        model_json.write(
            model,
            formats.directory_of(out),
            shard_size=wanted.shard_size,
            quantization=wanted.quantization,
            on_untranslatable=lambda what: None,
        )
    elif wanted.generation == 2:
        legacy_h5.write(model, out, generation=2)
    else:
        target.write(model, out)
