"""Drafts about callbacks: what one does to a short training run, and what it writes of it.

The quick corpus has each once; the standard corpus has their arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from conformance.cases.case import Case, Literal, Source
from conformance.cases.drafts.models.sketch import JSONObject
from conformance.cases.drafts.training import LINE, SAMPLES, SGD, draft, numbers, optimizer

WORSENING = optimizer("SGD", learning_rate=2.0)
"""With it every epoch is worse than the one before."""

LOWEST: JSONObject = {"monitor": "loss", "mode": "min"}

HELD_OUT = (numbers(4, samples=3), numbers(1, samples=3))
"""Data for validation."""


def called(
    name: str,
    arguments: JSONObject,
    *,
    y: Source | None = None,
    optimizer: JSONObject = SGD,
    metrics: Sequence[str] = (),
    validated: bool = False,
    batch_size: int = SAMPLES,
    **fit: Any,
) -> Case:
    """A case about a callback, in a run on one batch an epoch where no other size is given."""
    compiled: JSONObject = {"optimizer": optimizer, "loss": "mean_squared_error"}
    return draft(
        LINE,
        [numbers(4)],
        [numbers(1) if y is None else y],
        compiled | ({"metrics": [*metrics]} if metrics else {}),
        validation=[[x] for x in HELD_OUT] if validated else (),
        callback=(name, arguments),
        fit={"batch_size": batch_size, **fit},
    )


def stopping(*, epochs: int = 4, batch_size: int = SAMPLES, **arguments: Any) -> Case:
    """Training that gets worse."""
    return called(
        "EarlyStopping", LOWEST | arguments, optimizer=WORSENING, epochs=epochs, batch_size=batch_size
    )


def stopping_early() -> Case:
    """Patience for one epoch."""
    return stopping(epochs=5, batch_size=4, patience=1)


def best_weights_restored() -> Case:
    return stopping(patience=1, restore_best_weights=True)


def stopping_by_held_out() -> Case:
    """What is watched is what comes of validation, the higher the better: it improves, and is not stopped."""
    highest = {"monitor": "val_mae", "mode": "max", "min_delta": 2.0**-10}
    return called("EarlyStopping", highest, optimizer=WORSENING, metrics=["mae"], validated=True, epochs=3)


def reduced_rate(*, epochs: int = 4, **arguments: Any) -> Case:
    given = LOWEST | {"patience": 1, "factor": 0.25} | arguments
    return called("ReduceLROnPlateau", given, optimizer=WORSENING, epochs=epochs)


def scheduled(*factors: float) -> Case:
    """A rate for each epoch, which is made of the one before."""
    return called("LearningRateScheduler", {"schedule": [*factors]}, epochs=len(factors))


def logged(*, metrics: Sequence[str] = (), epochs: int = 2, **more: Any) -> Case:
    """A file with a row for each epoch; of what is not validated it has "NA"."""
    return called("CSVLogger", {"filename": "log.csv"}, metrics=metrics, batch_size=4, epochs=epochs, **more)


def logged_apart() -> Case:
    return called("CSVLogger", {"filename": "log.csv", "separator": ";"}, epochs=2, validated=True)


def saved(filepath: str, *, epochs: int = 2, batch_size: int = SAMPLES, **arguments: Any) -> Case:
    """Files whose names say when they were written, and that have the weights of then."""
    return called(
        "ModelCheckpoint",
        {"filepath": filepath, "save_weights_only": filepath.endswith(".weights.h5"), **arguments},
        optimizer=WORSENING,
        epochs=epochs,
        batch_size=batch_size,
    )


WEIGHTS = "{epoch}.weights.h5"


def best_saved(filepath: str, **arguments: Any) -> Case:
    """A file is written where the loss is better than it was."""
    return saved(filepath, save_best_only=True, **{**LOWEST, **arguments})


def ended(occasion: str, **more: Any) -> Case:
    """A function of the user's ends the training; an epoch comes to its end all the same."""
    return called("LambdaCallback", {occasion: "stop"}, validated=True, epochs=3, **more)


def terminated(place: int) -> Case:
    """A label that is not a number."""
    y = Literal((SAMPLES, 1), tuple("nan" if i == place else i / 4 for i in range(SAMPLES)))
    return called("TerminateOnNaN", {}, y=y, batch_size=4, epochs=2)


QUICK: tuple[Callable[[], Case], ...] = (
    stopping_early,
    partial(reduced_rate, patience=2),
    partial(scheduled, 1.0, 0.5, 4.0),
    logged,
    partial(saved, WEIGHTS),
    partial(ended, "on_train_batch_end", batch_size=4),
    partial(terminated, 1),
)

STANDARD: tuple[Callable[[], Case], ...] = (
    partial(stopping, patience=0),
    partial(stopping, patience=2),
    partial(stopping, patience=1, baseline=2.0**-10),
    partial(stopping, patience=1, start_from_epoch=2),
    best_weights_restored,
    stopping_by_held_out,
    partial(reduced_rate, epochs=5, cooldown=1),
    partial(reduced_rate, min_lr=1.0),
    partial(reduced_rate, patience=2, min_delta=0.5),
    partial(scheduled, 2.0, 2.0),
    partial(logged, metrics=("mae",), epochs=3, validated=True, validation_freq=2),
    logged_apart,
    partial(best_saved, "best.weights.h5"),
    partial(best_saved, WEIGHTS, mode="max"),
    partial(best_saved, WEIGHTS, initial_value_threshold=2.0**-10),
    partial(saved, "{epoch}-{batch}.weights.h5", save_freq=3, epochs=3, batch_size=4),
    partial(saved, "{epoch:02d}.keras"),
    partial(ended, "on_train_batch_end"),
    partial(ended, "on_epoch_end", batch_size=4),
    partial(terminated, 6),
)  # fmt: skip


def drafts() -> Iterator[Case]:
    return (drafted() for drafted in QUICK)


def more() -> Iterator[Case]:
    """What the standard corpus has beyond them."""
    return (drafted() for drafted in STANDARD)
