"""The inputs that a model is checked on: the user's own, or drawn to suit the layers that take them."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers import CategoryEncoding, Embedding, InputLayer, Masking
from conformance.reference_impl.layers.layer import Layer, Shape
from conformance.reference_impl.models import Model, Reference
from conformance.reference_impl.saving.saved_model import FormatError, LayerPath
from conformance.runners.wire import DTYPES

SIZES = (8, 16, 32, 64, 128, 256)
"""What is tried, one after the other, for dimensions that the model leaves open."""

SAMPLES = 2
"""How many are drawn where nobody says."""

MOST_BYTES = 2**30
"""Of all arrays in a file of inputs, and of any array in a model."""


class BadInputs(ValueError):
    """The model cannot be given such inputs; the message says why."""


@dataclass(frozen=True)
class Taken:
    """What the layers that take an input want of its values.

    Attributes:
        below: integers from 0 and below this one; None where anything will do.
        left_out: the value that stands for nothing, which a mask leaves out; None where there is no mask.
    """

    below: int | None = None
    left_out: float | None = None


def drawn(model: Model, samples: int, seed: int) -> tuple[Array, ...]:
    """An array for each input of the model, the same for the same seed.

    Integers where a layer looks them up, below its number of rows; where a layer makes a mask, every other
    sample ends early; other numbers are normal.

    Args:
        samples: the size of the batch, where the model leaves it open.

    Raises:
        BadInputs: the model takes no inputs that could be drawn.
    """
    random = np.random.default_rng(seed)
    shapes = _sizes(model, samples)
    taken = _taken(model)
    return tuple(
        _drawn(layer, shape, taken.get(Reference(layer_name), Taken()), random)
        for layer_name, layer, shape in zip(names(model), model.input_layers, shapes, strict=True)
    )


def of_several_kinds(model: Model, inputs: Sequence[Array]) -> Iterator[tuple[Array, ...]]:
    """Inputs of a model as they are; with no number above zero; and with large ones. What its layers look up
    or leave out stays as it is."""
    taken = _taken(model)
    free = [
        x.dtype.kind == "f" and Reference(n) not in taken for n, x in zip(names(model), inputs, strict=True)
    ]
    for kind in (np.asarray, lambda x: -np.abs(x), lambda x: 8 * x):
        yield tuple(kind(x) if varies else x for x, varies in zip(inputs, free, strict=True))


def names(model: Model) -> tuple[str, ...]:
    """Of the model's inputs, in order."""
    return tuple(reference.layer for reference in model.graph.inputs)


def _sizes(model: Model, samples: int) -> list[tuple[int, ...]]:
    """Shapes that the model can be called with; the smallest of `SIZES` where it leaves one open."""
    refused: ValueError | None = None
    for size in SIZES:
        shapes = [_closed(layer.batch_shape, samples, size) for layer in model.input_layers]
        try:
            _refuse_huge(model, shapes)
        except BadInputs:
            raise
        except ValueError as error:
            refused = refused or error
        else:
            return shapes
    raise BadInputs(f"no inputs could be drawn: {refused}; give some by --inputs")


def _refuse_huge(model: Model, inputs: Sequence[Shape]) -> None:
    """Before any memory is taken for them: the shapes are a file's.

    Raises:
        BadInputs: an array in the model would be larger than `MOST_BYTES`.
        ValueError: a layer does not take what it is given; the message names it.
    """
    made: list[tuple[LayerPath, Sequence[Shape]]] = [
        ((name,), [shape]) for name, shape in zip(names(model), inputs, strict=True)
    ]
    made += [(path, shapes) for (path, _), shapes in model.shapes(inputs).outputs.items()]
    for path, shapes in made:
        for shape in shapes:
            if 4 * math.prod(1 if n is None else n for n in shape) > MOST_BYTES:
                given = f"layer {'/'.join(path)} gives an array of shape {list(shape)}"
                raise BadInputs(f"{given}; {MOST_BYTES:,} bytes are allowed")


def _closed(shape: Shape, samples: int, size: int) -> tuple[int, ...]:
    first, *others = shape
    return (samples if first is None else first, *(size if n is None else n for n in others))


def _taken(model: Model) -> dict[Reference, Taken]:
    """By input, what the layers want that it goes to, those in models inside too."""
    found: dict[Reference, Taken] = {}
    for call in model.graph.calls:
        member, given = model.members[call.layer], model.given[call.layer, call.index].inputs
        if isinstance(member, Model):
            inside = _taken(member)
            wants = [inside.get(reference, Taken()) for reference in member.graph.inputs]
        else:
            wants = [_wanted(member)] * len(given) if isinstance(member, Layer) else []
        for item, want in zip(given, wants, strict=False):
            if isinstance(item, Reference) and item in model.graph.inputs and want != Taken():
                found[item] = want
    return found


def _wanted(layer: Layer) -> Taken:
    match layer:
        case Embedding():
            return Taken(layer.input_dim, 0 if layer.mask_zero else None)
        case CategoryEncoding():
            return Taken(layer.num_tokens)
        case Masking():
            return Taken(left_out=layer.mask_value)
    return Taken()


def _drawn(layer: InputLayer, shape: tuple[int, ...], taken: Taken, random: np.random.Generator) -> Array:
    dtype = np.dtype(DTYPES[_dtype(layer)])
    below = 2 if taken.below is None and dtype.kind in "biu" else taken.below
    x = (random.standard_normal(shape) if below is None else random.integers(0, below, shape)).astype(dtype)
    if taken.left_out is not None and x.ndim > 1 and x.shape[1] > 1:
        x[::2, -(x.shape[1] // 3 or 1) :] = taken.left_out
    return x


def _dtype(layer: InputLayer) -> str:
    """Raises BadInputs: nothing of its dtype can be given to a backend."""
    dtype = str(layer.dtype or "float32")
    if dtype not in DTYPES:
        raise BadInputs(f"input {layer.name} is of {dtype}; backends can be given {', '.join(DTYPES)}")
    return dtype


def read(file: Path, model: Model) -> tuple[Array, ...]:
    """The arrays of an `.npz` file, by the names of the model's inputs, or else in the file's order.

    Raises:
        FormatError: it is no such file, or its arrays do not fit the model.
    """
    wanted = names(model)
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MOST_BYTES:
            raise FormatError(file, "", f"holds {size:,} bytes; {MOST_BYTES:,} are allowed")
        with np.load(file, allow_pickle=False) as arrays:
            order = wanted if set(wanted) <= set(arrays.files) else tuple(arrays.files)
            if len(order) != len(wanted):
                raise FormatError(
                    file,
                    "",
                    f"the model has the inputs {', '.join(wanted)}; "
                    f"the file holds {', '.join(order) or 'none'}",
                )
            given = {name: np.asarray(arrays[key]) for name, key in zip(wanted, order, strict=True)}
    except FormatError:
        raise
    except OSError as error:
        raise FormatError(file, "", error.strerror or str(error)) from error
    except (ValueError, EOFError, KeyError, MemoryError, NotImplementedError, zipfile.BadZipFile) as error:
        raise FormatError(file, "", f"is no .npz file of arrays: {error}") from error
    inputs = tuple(_cast(file, *pair) for pair in _with_layers(given, model))
    try:
        _refuse_huge(model, [x.shape for x in inputs])
    except ValueError as error:
        raise FormatError(file, "", str(error)) from error
    return inputs


def _with_layers(given: Mapping[str, Array], model: Model) -> Iterator[tuple[str, InputLayer, Array]]:
    for name, layer in zip(names(model), model.input_layers, strict=True):
        yield name, layer, given[name]


def _cast(file: Path, name: str, layer: InputLayer, x: Array) -> Array:
    """In the input's dtype, where that loses no more than precision."""
    dtype = np.dtype(DTYPES[_dtype(layer)])
    if x.dtype.kind not in "biuf":
        raise FormatError(file, name, f"is of {x.dtype}, and numbers are wanted")
    with np.errstate(all="ignore"):
        cast = x.astype(dtype)
    if dtype.kind in "biu" and not np.array_equal(cast, x):
        raise FormatError(file, name, f"has values that the input's {dtype.name} cannot hold")
    return cast


def summary(model: Model, inputs: Sequence[Array]) -> list[tuple[str, tuple[int, ...], str]]:
    """Name, shape and dtype of each input."""
    return [(name, x.shape, x.dtype.name) for name, x in zip(names(model), inputs, strict=True)]
