"""Carries a saved model, or a live one, from one program's format into another's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from conformance.dialects.deviation import Value
from conformance.interchange import barring
from conformance.interchange.preflight import Met
from conformance.interchange.rewriting import Rewrite, calls_counted, counted_on, rewritten, uniquely_named
from conformance.interchange.training import Lost, carried
from conformance.interchange.verdict import Objection
from conformance.reference_impl.models import Model
from conformance.reference_impl.saving import formats, legacy_h5, model_json
from conformance.reference_impl.saving.configuration import Untranslatable, legacy, modern
from conformance.reference_impl.saving.configuration.known import Program
from conformance.reference_impl.saving.configuration.legacy import NAMES
from conformance.reference_impl.saving.formats import TENSORFLOW_JS, Format
from conformance.reference_impl.saving.keras_order import in_keras_order
from conformance.reference_impl.saving.legacy_h5 import Generation
from conformance.reference_impl.saving.quantization import Quantization
from conformance.reference_impl.saving.saved_model import FormatError, JSONObject, LayerPath, SavedModel


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
        deviating: what it refuses or computes otherwise, and was allowed to.
        notes: what else there is to know, a line each: deviations that no output shows, or that some backends
            alone have.
        lost: what of its training is not carried.
    """

    source: str
    target: str
    out: Path
    rewrites: tuple[Rewrite, ...] = ()
    left_out: tuple[Objection, ...] = ()
    deviating: tuple[Objection, ...] = ()
    notes: tuple[str, ...] = ()
    lost: tuple[Lost, ...] = ()


class Refused(FormatError):
    """The target cannot have the model as it is: says every layer and argument, a line each."""

    def __init__(self, file: str | PathLike[str], why: Sequence[Objection]) -> None:
        super().__init__(file, f"layer {why[0].layer}", why[0].reason)
        self.why = tuple(why)


@dataclass(frozen=True)
class Wanted:
    """How a model is to be written.

    Attributes:
        quantization: weights that TensorFlow.js is to have in fewer bits.
        shard_size: bytes of a file of weights for TensorFlow.js.
        generation: the Keras that reads an HDF5 file.
        allow_deviations: whether what the target has no words for is left out, and what it refuses or
            computes otherwise is written, in place of refusing the model.
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
        Refused: the target has no words for what the model says, refuses it, or computes something else.
        FormatError: a file is not of its format, or is not safe.
        ValueError: a wish that the target does not know.
    """
    wanted = wanted or Wanted()

    def against(fitted: Fitted) -> tuple[Objection, ...]:
        return () if wanted.allow_deviations else (*fitted.left_out, *fitted.deviating)

    return converted(model, out, wanted, against)


def converted(
    model: str | PathLike[str] | LiveModel,
    out: str | PathLike[str],
    wanted: Wanted,
    against: Callable[[Fitted], Sequence[Objection]],
) -> Conversion:
    """As `convert`, where somebody else says what of a model bars it.

    Args:
        against: what is to be refused for.
    """
    target = formats.format_of(out)
    refuse_others(wanted, target)
    with saved(model) as path:
        source = formats.format_of(path)
        with source.opened(path) as read:
            fitted = fit(read, program_of(source, read.made_by), program_for(target, wanted))
            if why := against(fitted):
                raise Refused(path, why)
            trained, lost = carried(read, fitted.model, target, wanted.generation, path)
            write(replace(fitted, model=trained), target, Path(out), wanted)
    return Conversion(
        source=source.name,
        target=target.name,
        out=Path(out),
        rewrites=fitted.rewrites,
        left_out=fitted.left_out,
        deviating=fitted.deviating,
        notes=fitted.notes,
        lost=lost,
    )


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


def program_for(target: Format, wanted: Wanted) -> Program:
    """The program that is to read what is written."""
    if target is TENSORFLOW_JS:
        return "tfjs"
    return "keras2" if ".h5" in target.endings and wanted.generation == 2 else "keras3"


def program_of(source: Format, made_by: str) -> Program:
    """The program that a file computes as it does in."""
    if source is TENSORFLOW_JS:
        return "tfjs"
    return "keras2" if made_by.startswith("Keras 2.") else "keras3"


@dataclass(frozen=True)
class Fitted:
    """A model as a program can read it, and what stands against that.

    Attributes:
        model: with the layers that the program has, as far as there are rules.
        topology: its configuration in the program's form; None where that is the model's.
        rewrites, left_out, deviating, notes: as of a `Conversion`.
    """

    model: SavedModel
    topology: JSONObject | None = None
    rewrites: tuple[Rewrite, ...] = ()
    left_out: tuple[Objection, ...] = ()
    deviating: tuple[Objection, ...] = ()
    notes: tuple[str, ...] = ()


def fit(read: SavedModel, source: Program, target: Program) -> Fitted:
    """Make a model fit for a program: rewrite and translate it, and ask the program's dialect; for Keras 3,
    that of the program which wrote the model, for what that computes otherwise.

    Raises:
        FormatError: its graph is broken.
    """
    if source == target == "keras3":
        return Fitted(read)
    shared = () if "keras3" in (source, target) else barring.shared(target, source)
    model, rewrites = rewritten(read, target, source, shared)
    if target == "keras3":
        return _asked(Fitted(model, rewrites=rewrites), model.configuration, source, target)
    if target == "tfjs":
        model, rewrites = calls_counted(*uniquely_named(model, rewrites))
    else:
        model = replace(model, configuration=in_keras_order(model.configuration, "configuration"))
    left_out: list[Untranslatable] = []
    topology = legacy(model.configuration, target, left_out.append)
    fitted = Fitted(model, topology, rewrites, tuple(map(_wordless, left_out)))
    return _asked(fitted, topology, target, source)


def _asked(fitted: Fitted, configuration: JSONObject, program: Program, other: Program) -> Fitted:
    """What the dialect of a program has against a model that another one has written or is to read."""
    try:
        model = Model.from_config(modern(configuration))
        verdict = barring.judged(model, fitted.model.weights, program, other, counted_on(fitted.rewrites))
    except ValueError as error:
        return replace(fitted, notes=(f"what {NAMES[program]} computes otherwise is not known: {error}",))
    # What a program refuses is no matter where it has written the model.
    barring_here = [
        met for met in verdict.barring if fitted.topology or isinstance(met.deviation.effect, Value)
    ]
    return replace(
        fitted,
        deviating=tuple(objection for met in barring_here for objection in _deviating(met)),
        notes=tuple(_harmless(verdict.harmless)),
    )


def _wordless(what: Untranslatable) -> Objection:
    if what.argument == "class_name":
        remedy = f"write out what it does with layers that {NAMES[what.target]} has"
    elif what.argument.startswith("call "):
        remedy = "call the layer without it, or write out what it does with other layers"
    else:
        remedy = f"leave {what.argument} at its default, or write out what it does with other layers"
    return Objection(what.layer, what.argument, f"{what.value!r:.120}", remedy, what.reason)


def _harmless(harmless: Iterable[tuple[Met, str]]) -> Iterator[str]:
    """A line for each layer, and for what becomes of it."""
    known: dict[tuple[LayerPath, str], list[str]] = {}
    for met, where in harmless:
        for path in met.layers:
            known.setdefault((path, f"{met.effect} {where}"), []).append(met.deviation.id)
    for (path, what), names in known.items():
        yield f"layer {'/'.join(path)}: {what} ({', '.join(names)})"


def _deviating(met: Met) -> Iterator[Objection]:
    """What a deviation has against each layer."""
    deviation = met.deviation
    for path, argument in met.because.items():
        why = f" because of {argument}" if argument else ""
        reason = f"{met.effect}{why} ({deviation.id})"
        yield Objection("/".join(path), argument, "", deviation.description, reason, deviation.id)


def refuse_others(wanted: Wanted, target: Format) -> None:
    """A ValueError for wishes that only another format knows."""
    if target is not TENSORFLOW_JS:
        if wanted.quantization:
            raise ValueError(f"only TensorFlow.js has quantized weights, not {target.name}")
        if wanted.shard_size != model_json.SHARD_SIZE:
            raise ValueError(f"only TensorFlow.js has shards, not {target.name}")
    if wanted.generation == 2 and ".h5" not in target.endings:
        raise ValueError(f"Keras 2 reads .h5, not {target.name}")


def write(fitted: Fitted, target: Format, out: Path, wanted: Wanted) -> None:
    """The model in the target's format; what it has no words for is left out."""
    if target is TENSORFLOW_JS:
        model_json.write(
            fitted.model,
            formats.directory_of(out),
            shard_size=wanted.shard_size,
            quantization=wanted.quantization,
            topology=fitted.topology,
        )
    elif wanted.generation == 2:
        legacy_h5.write(fitted.model, out, generation=2, topology=fitted.topology)
    else:
        target.write(fitted.model, out)
