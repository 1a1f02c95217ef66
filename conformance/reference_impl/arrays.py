"""The array module: NumPy, or CuPy where a CUDA device is asked for.

Everything else in the specification writes `xp.add(...)` and never names a library. CuPy is imported
only by `use_device("gpu")`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

VECTOR = 64
"""Bytes of the widest vector register, and of a line of the cache."""


class ArrayModule:
    """Has every attribute of the library in use, so that `xp` can be imported once."""

    def __init__(self) -> None:
        self.library: Any = np

    def use(self, library: Any) -> None:
        """Forget the attributes of the library in use, and take those of another."""
        self.__dict__.clear()
        self.library = library

    def __getattr__(self, name: str) -> Any:
        """Asked only for what is not there yet: on tiny arrays the look-up costs as much as the work."""
        attribute = getattr(self.library, name)
        self.__dict__[name] = attribute
        return attribute

    @property
    def on_host(self) -> bool:
        """Whether arrays live in this process's own memory."""
        return self.library is np

    def as_strided(self, x: Array, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
        """A view of `x`. CuPy's own sliding windows synchronise the device; this does not."""
        view: Array = self.library.lib.stride_tricks.as_strided(x, shape=shape, strides=strides)
        return view

    def aligned(self, shape: Sequence[int], dtype: Any) -> Array:
        """An array of no particular values that begins where a vector register's content may: of any other,
        half the vectors lie in two lines of the cache, and what is done element by element takes up to twice
        the time."""
        if not self.on_host:
            held: Array = self.library.empty(shape, dtype)
            return held
        size = math.prod(shape) * np.dtype(dtype).itemsize
        room = np.empty(size + VECTOR, np.uint8)
        start = -room.ctypes.data % VECTOR
        return room[start : start + size].view(dtype).reshape(shape)

    def aligned_copy(self, x: Array) -> Array:
        """A copy of x that is `aligned`."""
        copied = self.aligned(x.shape, x.dtype)
        copied[...] = x
        return copied

    def einsum_into(self, out: Array, *operands: Any) -> None:
        """`out[...] = einsum(*operands)`. CuPy's own takes no `out`."""
        if self.on_host:
            np.einsum(*operands, out=out, casting="same_kind")
        else:
            out[...] = self.library.einsum(*operands)

    def matmul_into(self, out: Array, x: Array, y: Array) -> None:
        """`out[...] = matmul(x, y)`, whose rows need not lie one after the other in memory. NumPy writes them
        in place; of CuPy that is not asked."""
        if self.on_host:
            np.matmul(x, y, out=out)
        else:
            out[...] = self.library.matmul(x, y)

    def scatter_add(self, target: Array, indices: Array, updates: Array) -> None:
        """`target[indices] += updates`, with repeated indices added up, in place."""
        if self.on_host:
            np.add.at(target, indices, updates)
        else:
            self.library.add.at(target, indices, updates)

    def erf(self, x: Array) -> Array:
        """The error function to an ULP of float64; NumPy has none."""
        if self.on_host:
            values = np.fromiter(map(math.erf, x.ravel().tolist()), np.float64, x.size)
            return values.reshape(x.shape).astype(x.dtype)
        from cupyx.scipy.special import erf  # type: ignore[import-not-found,unused-ignore]

        return erf(x)

    def to_host(self, x: Any) -> Array:
        """The array as NumPy's, copied from the device where it lives on one."""
        return np.asarray(x.get() if hasattr(x, "get") else x)


xp = ArrayModule()


class DeviceUnavailable(RuntimeError):
    """No CUDA device can be used; the message says why and what to install."""


def load_cupy() -> Any:
    """CuPy, if it is installed and sees a device.

    Raises:
        DeviceUnavailable: CuPy is not installed, or finds no usable CUDA device.
    """
    try:
        import cupy  # type: ignore[import-not-found,import-untyped,unused-ignore]  # no stubs
    except ImportError as error:
        raise DeviceUnavailable(
            "device 'gpu' needs CuPy: pip install 'layers-conformance[cuda12]' (or [cuda13])"
        ) from error
    if not cupy.is_available():
        raise DeviceUnavailable("CuPy is installed, but finds no usable CUDA device")
    return cupy


@contextmanager
def use_device(device: str) -> Iterator[None]:
    """Run the specification on `"cpu"` or `"gpu"` within the block.

    Raises:
        DeviceUnavailable: `"gpu"` was asked for and cannot be had.
        ValueError: any other name.
    """
    if device not in ("cpu", "gpu"):
        raise ValueError(f"unknown device {device!r}; the devices are 'cpu' and 'gpu'")
    previous = xp.library
    xp.use(np if device == "cpu" else load_cupy())
    try:
        yield
    finally:
        xp.use(previous)
