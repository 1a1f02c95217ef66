"""Data as batches: arrays are cut up, anything else that can be iterated gives batches itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.spelling import suggestion

BATCH_SIZE = 32
"""Keras's, where none is given."""

Arrays = tuple[Array, ...]


@dataclass(frozen=True)
class Batch:
    """What one step is given.

    Attributes:
        x: an array for each input of the model.
        y: an array for each output that has a loss or a metric; empty where none is given.
        sample_weight: none, one for all outputs, or one for each.
    """

    x: Arrays
    y: Arrays = ()
    sample_weight: Arrays = ()

    @property
    def size(self) -> int:
        return int(self.x[0].shape[0])


@dataclass(frozen=True)
class Names:
    """The names of a model's inputs and outputs, by which dictionaries are put in order."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def batch(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None) -> Batch:
        """The arrays in order, of one number of samples.

        Raises:
            ValueError: names that the model has not, another number of inputs than it has, arrays of
                different numbers of samples, or weights of samples and of classes.
        """
        xs = arrays(x, self.inputs, "x")
        if len(xs) != len(self.inputs):
            raise ValueError(
                f"argument `x`: expected an array for each of the inputs {list(self.inputs)}, got {len(xs)}"
            )
        ys, weights = arrays(y, self.outputs, "y"), arrays(sample_weight, self.outputs, "sample_weight")
        if class_weight is not None:
            if weights:
                raise ValueError("only one of `sample_weight` and `class_weight` is allowed, got both")
            weights = (_weights_of_classes(ys, class_weight),)
        given = {"x": xs, "y": ys, "sample_weight": weights}
        sizes = {name: sorted({a.shape[0] for a in some}) for name, some in given.items() if some}
        if len({n for some in sizes.values() for n in some}) > 1:
            raise ValueError(f"all arrays must have the same number of samples, got {sizes}")
        if not xs[0].shape[0]:
            raise ValueError("argument `x`: expected at least one sample, got none")
        return Batch(xs, ys, weights)


def arrays(given: Any, names: Sequence[str], argument: str) -> Arrays:
    """The arrays that are given alone, in a list, or by name.

    >>> [len(a) for a in arrays({"b": [1, 2], "a": [3]}, ("a", "b"), "x")]
    [1, 2]
    """
    if given is None:
        return ()
    several = isinstance(given, Mapping | tuple) or _of_arrays(given)
    if isinstance(given, Mapping):
        for name in given:
            if name not in names:
                raise ValueError(f"argument `{argument}`: there is no {name!r}; {suggestion(name, names)}")
        given = [given[name] for name in names if name in given]
    made = tuple(map(xp.asarray, given if several else [given]))
    for a in made:
        if not a.ndim:
            raise ValueError(f"argument `{argument}`: expected arrays of samples, got the scalar {a}")
    return made


def _of_arrays(given: Any) -> bool:
    """Whether it is a list of arrays, one for each input or output, rather than of samples."""
    return isinstance(given, list) and bool(given) and all(hasattr(a, "shape") for a in given)


def _weights_of_classes(ys: Arrays, class_weight: Mapping[int, float]) -> Array:
    """A weight for each sample, by the classes of the labels, which are numbers or one-hot."""
    if len(ys) != 1:
        raise ValueError(f"`class_weight` is for models of one output; {len(ys)} arrays of labels are given")
    y = xp.to_host(ys[0])
    classes = y.argmax(-1) if y.ndim > 1 and y.shape[-1] != 1 else y.reshape(len(y), -1)[:, 0]
    each = [class_weight.get(int(c), 1.0) for c in np.round(classes).astype(int).ravel()]
    if len(each) != len(y):
        raise ValueError(f"`class_weight` is for one class a sample; the labels' shape is {y.shape}")
    return xp.asarray(np.array(each, np.float32))


@patchable("training.begins_again")
def begins_again() -> bool:
    """Whether a dataset that has run out in an epoch of so many steps begins again with the next: it does"""
    return True


class Data:
    """Batches for any number of epochs.

    Args:
        x: arrays, or an iterable of batches, each x or (x, y) or (x, y, sample_weight).
        steps: how many batches an epoch has; all that there are for None.
        shuffled: from a number of an epoch to the order of this many samples; None keeps their order.
    """

    def __init__(
        self,
        names: Names,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        batch_size: int | None = None,
        steps: int | None = None,
        class_weight: Mapping[int, float] | None = None,
        shuffled: Any = None,
    ) -> None:
        self.names = names
        self.steps = steps
        self.class_weight = class_weight
        self.shuffled = shuffled
        self.whole: Batch | None = None
        self._left: list[Batch] = []
        self._going: Iterator[Any] | None = None
        self.batch_size = BATCH_SIZE if batch_size is None else batch_size
        if isinstance(self.batch_size, bool) or not isinstance(self.batch_size, int) or self.batch_size < 1:
            raise ValueError(f"argument `batch_size`: expected an integer of 1 or more, got {batch_size!r}")
        if steps is not None and steps < 1:
            raise ValueError(f"argument `steps`: expected an integer of 1 or more, or None, got {steps}")
        if _is_dataset(x):
            self._refuse_beside_dataset(y=y, sample_weight=sample_weight, batch_size=batch_size)
            self.dataset: Iterable[Any] = x
        else:
            self.whole = names.batch(x, y, sample_weight, class_weight)

    @staticmethod
    def _refuse_beside_dataset(**given: Any) -> None:
        for name, value in given.items():
            if value is not None:
                raise ValueError(f"argument `{name}`: a dataset gives it itself, got {value!r}")

    def reset(self) -> None:
        """Begin with the first batch again."""
        self._left, self._going = [], None

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of an epoch; the last may be smaller. Where an epoch was cut short, the next goes on
        from there."""
        if self.whole is not None:
            yield from self._cut(self.whole, number) if self.steps is None else self._next(self.whole, number)
            return
        yield from map(self._batch, self.dataset if self.steps is None else self._next_of_dataset(self.steps))

    def _next_of_dataset(self, steps: int) -> Iterator[Any]:
        """The next batches, so many or as many as are left; the first again, where none is left."""
        begun = self._going is not None
        going = self._going = iter(self.dataset) if self._going is None else self._going
        taken = 0
        for batch in itertools.islice(going, steps):
            taken += 1
            yield batch
        if taken < steps and begins_again():
            self._going = None
            if begun and not taken:
                yield from self._next_of_dataset(steps)

    def _next(self, whole: Batch, number: int) -> list[Batch]:
        """The next `steps` batches, or as many as are left."""
        left = self._left or list(self._cut(whole, number))
        self._left = left[self.steps :]
        return left[: self.steps]

    def _cut(self, whole: Batch, number: int) -> Iterator[Batch]:
        order = None if self.shuffled is None else self.shuffled(number, whole.size)
        for start in range(0, whole.size, self.batch_size):
            stop = min(start + self.batch_size, whole.size)
            which: Any = slice(start, stop) if order is None else order[start:stop]
            yield Batch(*(tuple(a[which] for a in some) for some in (whole.x, whole.y, whole.sample_weight)))

    def _batch(self, given: Any) -> Batch:
        if isinstance(given, tuple):
            if not 1 <= len(given) <= 3:
                raise ValueError(
                    f"a dataset gives x, (x, y) or (x, y, sample_weight), got a tuple of {len(given)}"
                )
            x, y, sample_weight = (*given, None, None)[:3]
            return self.names.batch(x, y, sample_weight, self.class_weight)
        return self.names.batch(given, class_weight=self.class_weight)


def _is_dataset(x: Any) -> bool:
    return not isinstance(x, Mapping | list | tuple) and not hasattr(x, "shape") and isinstance(x, Iterable)


def split(names: Names, x: Any, y: Any, sample_weight: Any, share: float) -> tuple[Any, Any]:
    """The first samples for training, and the last share of them for validation, as (x, y, sample_weight).

    Raises:
        ValueError: the share leaves nothing for one of them, or a dataset is given.
    """
    if _is_dataset(x):
        raise ValueError("argument `validation_split`: a dataset cannot be split, give `validation_data`")
    whole = names.batch(x, y, sample_weight)
    kept = int(whole.size * (1.0 - share))
    if not 0 < kept < whole.size:
        raise ValueError(
            f"argument `validation_split`: {share} of {whole.size} samples leaves {kept} for training and "
            f"{whole.size - kept} for validation"
        )
    parts = (whole.x, whole.y, whole.sample_weight)
    return tuple(
        tuple(tuple(a[which] for a in some) or None for some in parts)
        for which in (slice(None, kept), slice(kept, None))
    )  # type: ignore[return-value]  # two of them
