"""Weights in fewer bits: how TensorFlow.js restores them, and how its Python converter makes them.

Source: `decodeWeight` of `tfjs-core/src/io/io_utils.ts`, and `tensorflowjs/quantization.py`.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.reference_impl.arrays import Array
from conformance.reference_impl.saving.located import Located, quoted
from conformance.reference_impl.saving.saved_model import PIECE, JSONObject, StoredArray


class NotQuantizable(ValueError):
    """A weight has elements that fewer bits cannot hold."""


Quantization = Mapping[str, Sequence[str]]
"""By dtype (`DTYPES`), patterns of the names of weights (`conv*/kernel`); none stands for all the rest."""

DTYPES = ("float16", "uint8", "uint16")

_RESTORED = {"float32": np.float32, "int32": np.int32}


@dataclass(frozen=True)
class Restoration:
    """How numbers in few bits become the weight: v ↦ v · scale + min for whole ones, computed in float64.

    Attributes:
        stored: the dtype in the file.
        scale, minimum: of whole numbers.
    """

    stored: np.dtype[Any]
    scale: float = 1.0
    minimum: float = 0.0

    @classmethod
    def read(cls, located: Located, dtype: str) -> Restoration:
        """What a manifest says of a weight of that dtype.

        Raises:
            FormatError: TensorFlow.js does not restore such a weight, or not to numbers of its dtype.
        """
        kind = located.member("dtype")
        if kind.text() not in DTYPES:
            raise kind.fault(f"unknown dtype {quoted(kind.text())}; there are {', '.join(DTYPES)}")
        stored = np.dtype(kind.text()).newbyteorder("<")
        restored = ("float32",) if stored.kind == "f" else tuple(_RESTORED)
        if dtype not in restored:
            raise kind.fault(f"{kind.text()} is restored to {' or '.join(restored)}, not to {dtype}")
        if stored.kind == "f":
            return cls(stored)
        scale, minimum = located.member("scale").number(), located.member("min").number()
        limits = np.iinfo(dtype) if dtype == "int32" else np.finfo(dtype)
        ends = minimum, np.iinfo(stored).max * scale + minimum
        if not all(float(limits.min) <= end <= float(limits.max) for end in ends):
            raise located.fault(f"scale {scale:g} and min {minimum:g} give numbers beyond {dtype}")
        return cls(stored, scale, minimum)

    def apply(self, content: memoryview, dtype: str) -> Array:
        numbers = np.frombuffer(content, self.stored)
        if self.stored.kind == "f":
            return numbers.astype(np.float32)
        restored = numbers * np.float64(self.scale) + np.float64(self.minimum)
        return (_rounded(restored) if dtype == "int32" else restored).astype(_RESTORED[dtype])


def _rounded(x: Array) -> Array:
    """JavaScript's `Math.round`: halves go up."""
    below = np.floor(x)
    return below + (x - below >= 0.5)


@dataclass(frozen=True)
class Quantized:
    """An array that is in its file in fewer bits."""

    stored: StoredArray
    dtype: str
    restoration: Restoration

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stored.shape

    def pieces(self) -> Iterator[memoryview]:
        part = PIECE // np.dtype(self.dtype).itemsize * self.restoration.stored.itemsize
        for content in self.stored.pieces():
            for start in range(0, len(content), part):
                restored = self.restoration.apply(content[start : start + part], self.dtype)
                yield restored.astype(restored.dtype.newbyteorder("<"), copy=False).view(np.uint8).data


def chosen(names: Collection[str], quantization: Quantization) -> dict[str, str]:
    """The dtype in which each of these weights is stored, without those that stay as they are.

    Raises:
        ValueError: a dtype is unknown, a weight has two, two are for all the rest, or a pattern matches
            nothing.

    >>> chosen(["conv/kernel", "dense/kernel"], {"uint8": ["conv*"], "float16": []})
    {'conv/kernel': 'uint8', 'dense/kernel': 'float16'}
    """
    if unknown := quantization.keys() - set(DTYPES):
        raise ValueError(f"weights are quantized to {', '.join(DTYPES)}, not to {', '.join(sorted(unknown))}")
    rest = [dtype for dtype, patterns in quantization.items() if not patterns]
    if len(rest) > 1:
        raise ValueError(f"{' and '.join(rest)} are both for all weights that no pattern matches")
    found: dict[str, str] = {}
    for dtype, patterns in quantization.items():
        for pattern in patterns:
            matched = fnmatch.filter(names, pattern)
            if not matched:
                raise ValueError(f"no weight's name matches {pattern!r}; there are {', '.join(names)}")
            for name in matched:
                if found.setdefault(name, dtype) != dtype:
                    raise ValueError(f"{name!r} is to be quantized both to {found[name]} and to {dtype}")
    return {name: found.get(name) or rest[0] for name in names if name in found or rest}


@dataclass(frozen=True)
class Reduced:
    """An array of float32 as it is written in fewer bits."""

    array: StoredArray
    restoration: Restoration

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> str:
        return self.restoration.stored.name

    @property
    def description(self) -> JSONObject:
        """What the manifest says of it."""
        dtype = {"dtype": self.dtype}
        if self.restoration.stored.kind == "f":
            return dtype | {"original_dtype": "float32"}
        affine = {"min": self.restoration.minimum, "scale": self.restoration.scale}
        return dtype | affine | {"original_dtype": "float32"}

    def pieces(self) -> Iterator[memoryview]:
        stored, scale, minimum = self.restoration.stored, self.restoration.scale, self.restoration.minimum
        for content in self.array.pieces():
            numbers: Array = np.frombuffer(content, "<f4")
            if stored.kind == "u":
                # Zero being a level moves the ends by up to half a step: what is beyond goes to the last one.
                levels = np.round((numbers.astype(np.float64) - minimum) / scale)
                numbers = levels.clip(0, np.iinfo(stored).max)
            yield numbers.astype(stored).view(np.uint8).data


def reduced(array: StoredArray, dtype: str) -> Reduced:
    """An array of float32 in the bits of that dtype.

    Whole numbers go linearly from the least to the largest element, shifted so that zero, where it lies
    between them, is one of the values that are restored.

    Raises:
        NotQuantizable: an element is NaN or infinite, or too large for float16.
    """
    stored = np.dtype(dtype).newbyteorder("<")
    least, largest = np.inf, -np.inf
    for content in array.pieces():
        numbers = np.frombuffer(content, "<f4")
        least, largest = float(np.minimum(least, numbers.min())), float(np.maximum(largest, numbers.max()))
    if not (np.isfinite(least) and np.isfinite(largest)):
        raise NotQuantizable(f"has NaN or infinity, and cannot be quantized to {dtype}")
    if stored.kind == "f":
        if (beyond := max(-least, largest)) >= _FLOAT16_OVERFLOWS:
            raise NotQuantizable(f"has {beyond:g}, which is too large for float16")
        return Reduced(array, Restoration(stored))
    return Reduced(array, _affine(stored, least, largest))


_FLOAT16_OVERFLOWS = 65520.0
"""Half a step above the largest number, from where on rounding gives infinity."""


def _affine(stored: np.dtype[Any], least: float, largest: float) -> Restoration:
    if least == largest:
        return Restoration(stored, 1.0, least)
    scale = (largest - least) / np.iinfo(stored).max
    if least <= 0 <= largest:
        least = -round(-least / scale) * scale
    return Restoration(stored, scale, least)
