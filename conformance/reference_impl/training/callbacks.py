"""What is called while a model is trained or evaluated. Source: `keras.callbacks`."""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from conformance.reference_impl.patches import patchable
from conformance.reference_impl.saving import formats
from conformance.reference_impl.spelling import suggestion
from conformance.reference_impl.training.saved import saved

if TYPE_CHECKING:
    from conformance.reference_impl.training.compiled import Compiled

Logs = dict[str, Any]
"""By the name of a loss or metric: a float, or an array where a metric has several numbers."""


class Callback:
    """Does nothing at any of the occasions; a subclass overrides what it wants to see.

    Attributes:
        model: what is trained; it may be changed, and `model.stop_training` set.
        params: `epochs` and `steps`, where they are known.
    """

    model: Compiled
    params: dict[str, Any]

    def on_train_begin(self, logs: Logs | None = None) -> None: ...
    def on_train_end(self, logs: Logs | None = None) -> None: ...
    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None: ...
    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None: ...
    def on_test_begin(self, logs: Logs | None = None) -> None: ...
    def on_test_end(self, logs: Logs | None = None) -> None: ...
    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.on_batch_end(batch, logs)


OCCASIONS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class CallbackList:
    """Callbacks, called one after the other; a history is the last where none is among them."""

    def __init__(self, callbacks: Iterable[Callback], model: Compiled, params: dict[str, Any]) -> None:
        self.callbacks = list(callbacks)
        found = [callback for callback in self.callbacks if isinstance(callback, History)]
        self.history = found[-1] if found else History()
        if not found:
            self.callbacks.append(self.history)
        for callback in self.callbacks:
            callback.model, callback.params = model, params

    def __getattr__(self, occasion: str) -> Callable[..., None]:
        """Calls all of them at an occasion: (its number, if it has one, the logs, if there are some)."""
        if occasion not in OCCASIONS:
            raise AttributeError(f"there is no occasion {occasion!r}")
        numbered = 1 if "epoch" in occasion or "batch" in occasion else 0

        def call(*given: Any) -> None:
            logs = dict(sorted(given[numbered].items())) if len(given) > numbered else {}
            for callback in self.callbacks:
                getattr(callback, occasion)(*given[:numbered], logs)

        return call


class History(Callback):
    """What the logs were at the end of each epoch, by name, and the numbers of the epochs."""

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class Monitor(Callback):
    """Watches one of the logs.

    Args:
        monitor: its name.
        mode: "min" or "max" for what is better, or "auto" by what it is.
        min_delta: by how much a value has to be better.

    Raises:
        ValueError: another mode; or in training, one that cannot be told.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        if mode not in ("auto", "min", "max"):
            warnings.warn(f"mode {mode!r} is unknown, 'auto' is taken", stacklevel=3)
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best: float | None = None

    def better(self, value: float, than: float | None) -> bool:
        """Whether a value is better than another one, or the first."""
        if than is None:
            return True
        if self._direction() == "min":
            return value + self.min_delta < than
        return value - self.min_delta > than

    def _direction(self) -> str:
        if self.mode != "auto":
            return self.mode
        name = self.monitor.removeprefix("val_")
        for metric in self.model.metrics.metrics:
            if metric.config["name"] == name:
                return "max" if metric.direction == "up" else "min"
        if name == "loss":
            return "min"
        raise ValueError(
            f"whether {self.monitor!r} is to be high or low cannot be told; give mode 'max' or 'min'"
        )

    def watched(self, logs: Logs | None) -> float | None:
        """The value; with a warning None where the logs have none."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            warnings.warn(
                f"{type(self).__name__} watches {self.monitor!r}, which is not among "
                f"{', '.join(logs or {}) or 'the logs, which are empty'}",
                stacklevel=3,
            )
        return value


@patchable("training.may_stop_after")
def may_stop_after(epoch: int) -> bool:
    """Whether training may be stopped early after an epoch: after all but the first"""
    return epoch > 0


@patchable("training.first_to_be_better_than")
def first_to_be_better_than(baseline: float | None) -> float | None:
    """What the first value watched for early stopping has to be better than: nothing"""
    return None


@patchable("training.watches")
def watches(epoch: int, first: int) -> bool:
    """Whether early stopping looks at an epoch: at those from the one on that it is to start with"""
    return epoch >= first


class EarlyStopping(Monitor):
    """Ends training once a value has not become better for `patience` epochs. Arguments as Keras's."""

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = first_to_be_better_than(self.baseline)
        self.best_weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        current = self.watched(logs)
        if current is None or not watches(epoch, self.start_from_epoch):
            return
        improved = self.better(current, self.best)
        if self.restore_best_weights and (improved or self.best_weights is None):
            self.best_weights = self.model.get_weights()
            self.best_epoch = epoch
        self.wait += 1
        if improved:
            self.best, self.best_epoch = current, epoch
            if self.baseline is None or self.better(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and may_stop_after(epoch):
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)


class ReduceLROnPlateau(Monitor):
    """Multiplies the learning rate by `factor` once a value has not become better for `patience` epochs.
    Arguments as Keras's."""

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if factor >= 1.0:
            raise ValueError(f"argument `factor`: expected a number below 1, got {factor}")
        self.factor = factor
        self.patience = patience
        self.cooldown = cooldown
        self.min_lr = min_lr

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.best = None
        self.wait = self.resting = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        rate = self.model.learning_rate
        if logs is not None:
            logs["learning_rate"] = rate
        current = self.watched(logs)
        if current is None:
            return
        if self.resting:
            self.resting -= 1
            self.wait = 0
        if self.better(current, self.best):
            self.best, self.wait = current, 0
        elif not self.resting:
            self.wait += 1
            if self.wait >= self.patience and rate > self.min_lr:
                self.model.learning_rate = max(rate * self.factor, self.min_lr)
                self.resting, self.wait = self.cooldown, 0


class LearningRateScheduler(Callback):
    """Sets the learning rate of each epoch: (epoch, rate so far) → rate."""

    def __init__(self, schedule: Callable[[int, float], float]) -> None:
        self.schedule = schedule

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        rate = self.schedule(epoch, self.model.learning_rate)
        if not isinstance(rate, float):
            raise ValueError(f"a schedule has to give a float, got {rate!r} for epoch {epoch}")
        self.model.learning_rate = rate

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = self.model.learning_rate


class ModelCheckpoint(Monitor):
    """Saves the model after every epoch, or so many batches; or where a value has become better. Arguments as
    Keras's; the name of the file may have fields such as `{epoch:02d}` and `{val_loss:.2f}`.

    Raises:
        ValueError: no file has such a name, or `save_freq` is another one.
    """

    def __init__(
        self,
        filepath: str | Path,
        monitor: str = "val_loss",
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, 0.0)
        self.filepath = str(filepath)
        self.best = initial_value_threshold
        self.save_best_only = save_best_only
        self.save_freq = save_freq
        self.batches = 0
        endings = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith(endings):
            raise ValueError(
                f"argument `filepath`: expected a name that ends in {' or '.join(endings)}, got {filepath}"
            )
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(f"argument `save_freq`: expected 'epoch' or an integer, got {save_freq!r}")

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.batches += 1
        if self.save_freq != "epoch" and self.batches >= int(self.save_freq):
            self.batches = 0
            self._save({"batch": batch + 1} | (logs or {}))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(logs or {})

    def _save(self, logs: Logs) -> None:
        if self.save_best_only:
            value = self.watched(logs)
            if value is not None and not self.better(value, self.best):
                return
            self.best = value
        try:
            path = Path(self.filepath.format(epoch=self.epoch + 1, **logs))
        except KeyError as error:
            raise KeyError(f"{self.filepath} names {error}, logged are {', '.join(logs)}") from error
        path.parent.mkdir(parents=True, exist_ok=True)
        formats.format_of(path).write(saved(self.model), path)


class TerminateOnNaN(Callback):
    """Ends training where the loss is NaN or infinite; with `raise_error` by a RuntimeError."""

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"the loss is {loss} at batch {batch}")
        self.model.stop_training = True


class CSVLogger(Callback):
    """Writes the logs of each epoch into a file, a row for each. Arguments as Keras's."""

    def __init__(self, filename: str | Path, separator: str = ",", append: bool = False) -> None:
        self.path = Path(filename)
        self.separator = separator
        self.append = append
        self.file: IO[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        goes_on = self.append and self.path.exists() and self.path.stat().st_size > 0
        self.file = self.path.open("a" if self.append else "w", newline="")
        self.writer: csv.DictWriter[str] | None = None
        self.headed = goes_on

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        assert self.file is not None
        logs = logs or {}
        if self.writer is None:
            names = sorted(logs)
            if not any(name.startswith("val_") for name in names):
                names += [f"val_{name}" for name in names]
            self.writer = csv.DictWriter(
                self.file, ["epoch", *names], delimiter=self.separator, restval="NA", extrasaction="ignore"
            )
            if not self.headed:
                self.writer.writeheader()
        self.writer.writerow({"epoch": epoch} | logs)
        self.file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.file is not None:
            self.file.close()


class LambdaCallback(Callback):
    """Functions for some of the occasions, by their names: `on_epoch_end=…`.

    Raises:
        TypeError: there is no such occasion.
    """

    def __init__(self, **functions: Callable[..., Any]) -> None:
        for occasion, function in functions.items():
            if occasion not in OCCASIONS:
                raise TypeError(f"unknown occasion {occasion!r}; {suggestion(occasion, OCCASIONS)}")
            setattr(self, occasion, function)


CALLBACKS: dict[str, type[Callback]] = {
    cls.__name__: cls
    for cls in (
        CSVLogger,
        EarlyStopping,
        LambdaCallback,
        LearningRateScheduler,
        ModelCheckpoint,
        ReduceLROnPlateau,
        TerminateOnNaN,
    )
}
"""Those that can be given to `fit`, by Keras's names; a history every run has."""
