"""Faults of training runs: batches that count otherwise, data that are trained on or not, weights, penalties
and statistics that are forgotten, callbacks in another order."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.verdicts import Verdict

from .fault import Fault
from .stated import failing_inside

TRAINING = "conformance.reference_impl.training"
COMPILED = f"{TRAINING}.compiled:Compiled"
CALLBACKS = f"{TRAINING}.callbacks"


def every_batch_counts_once(original: Any, compiled: Any, batch: Any, *args: Any, **kwargs: Any) -> Any:
    """The loss is the mean of the batches' losses, whatever their sizes."""
    update = compiled.loss.update_state
    compiled.loss.update_state = lambda value, size: update(value, np.asarray(4.0))
    try:
        return original(compiled, batch, *args, **kwargs)
    finally:
        compiled.loss.update_state = update


def trained_on_validation(original: Any, compiled: Any, batch: Any) -> Any:
    """What is held out is trained on, where there is training."""
    return original(compiled, batch) if compiled.history is None else compiled.train_step(batch)


def classes_unweighted(original: Any, ys: Any, class_weight: Any) -> Any:
    """Weights of classes are ignored."""
    return np.ones(len(ys[0]), np.float32)


def forgotten_in_evaluation(original: Any, penalties: Any, training: bool) -> Any:
    return penalties if training else []


def statistics_kept(original: Any, compiled: Any, outcome: Any) -> None:
    """Moving averages do not move."""
    before = {path: dict(own) for path, own in compiled.weights.items()}
    original(compiled, outcome)
    for path, own in before.items():
        compiled.weights[path] |= {name: w for name, w in own.items() if name.startswith("moving_")}


def logs_of_the_last_batch(original: Any, compiled: Any, *args: Any) -> Any:
    """An epoch's logs are those of its last batch alone."""
    step = compiled.train_step

    def alone(batch: Any) -> Any:
        compiled.reset_metrics()
        return step(batch)

    compiled.train_step = alone
    try:
        return original(compiled, *args)
    finally:
        del compiled.train_step


def batches_end_before_they_begin(case: Case, observable: str, answer: Any) -> Any:
    if observable != "fit/callbacks":
        return answer
    swapped = {"on_train_batch_begin": "on_train_batch_end", "on_train_batch_end": "on_train_batch_begin"}
    return [[swapped.get(name, name), *others] for name, *others in answer]


def uneven_left_out(original: Any, data: Any, number: int) -> Any:
    """Of a dataset, only batches that are as large as the first are given."""
    batches = list(original(data, number))
    return iter([batch for batch in batches if data.whole or batch.size == batches[0].size])


def scheduled_too_late(original: Any, callback: Any, epoch: int, logs: Any = None) -> None:
    """The rate of an epoch is made by the factor of the one before."""
    original(callback, max(epoch - 1, 0), logs)


def impatient(original: Any, callback: Any, epoch: int, logs: Any = None) -> None:
    """A plateau is one epoch shorter than it has to be."""
    callback.wait += 1
    original(callback, epoch, logs)


def looked_away(original: Any, callback: Any, batch: int, logs: Any = None) -> None:
    """A loss that is not a number ends nothing."""


def where_complete(original: Any, complete: bool) -> bool:
    return complete


def overwritten(case: Case, observable: str, answer: Any) -> Any:
    """Only the last of the files is there."""
    return answer[-1:] if observable == "fit/files" else answer


def saved_without_its_biases(original: Any, compiled: Any) -> Any:
    """A file has zeros in the place of biases."""
    held = compiled.get_weights()
    compiled.set_weights([w if w.ndim > 1 else np.zeros_like(w) for w in held])
    try:
        return original(compiled)
    finally:
        compiled.set_weights(held)


def rounded_rows(case: Case, observable: str, answer: Any) -> Any:
    """Three digits of a number are written."""
    return np.round(answer, 3) if observable.endswith("/rows") else answer


def classes_in_a_circle(original: Any, x: Any, labels: Any) -> Any:
    """After the last class comes the first again."""
    return original(x, labels % x.shape[-1])


OF_ANY_CLASS = {"conformance.reference_impl.losses.crossentropy:at_labels": classes_in_a_circle}

FAULTS = (
    Fault(
        "last-batch-counts-as-full", "fit", "training.*", {f"{COMPILED}._objective": every_batch_counts_once}
    ),
    Fault(
        "last-batch-evaluated-as-full", "evaluate", "training.*",
        {f"{COMPILED}._objective": every_batch_counts_once},
    ),
    Fault(
        "validation-data-trained-on", "fit", "training.*", {f"{COMPILED}.test_step": trained_on_validation}
    ),
    Fault(
        "classes-unweighted", "fit", "training.*",
        {f"{TRAINING}.batches:_weights_of_classes": classes_unweighted},
    ),
    Fault(
        "penalties-not-evaluated", "evaluate", "training.*",
        {"training.counted_penalties": forgotten_in_evaluation},
    ),
    Fault("statistics-not-moved", "fit", "training.*", {f"{COMPILED}._keep": statistics_kept}),
    Fault(
        "epoch-of-the-last-batch", "fit", "training.*", {f"{COMPILED}._one_epoch": logs_of_the_last_batch}
    ),
    Fault("batches-end-first", "callbacks", "training.*", said=batches_end_before_they_begin),
    Fault(
        "uneven-batches-left-out", "evaluate", "training.*",
        {f"{TRAINING}.batches:Data.epoch": uneven_left_out},
    ),
    Fault(
        "rate-scheduled-late", "fit", "callbacks.*",
        {f"{CALLBACKS}:LearningRateScheduler.on_epoch_begin": scheduled_too_late},
    ),
    Fault(
        "plateau-seen-early", "fit", "callbacks.*", {f"{CALLBACKS}:ReduceLROnPlateau.on_epoch_end": impatient}
    ),
    Fault(
        "nan-goes-on", "callbacks", "callbacks.*", {f"{CALLBACKS}:TerminateOnNaN.on_batch_end": looked_away}
    ),
    Fault(
        "stopped-epoch-not-validated", "callbacks", "callbacks.*",
        {"training.validates_after": where_complete},
    ),
    Fault("checkpoints-overwritten", "callbacks", "callbacks.*", said=overwritten),
    Fault(
        "checkpoints-without-biases", "callbacks", "callbacks.*",
        {f"{CALLBACKS}:saved": saved_without_its_biases},
    ),
    Fault("rows-rounded", "callbacks", "callbacks.*", said=rounded_rows),
    Fault("any-class-in-losses", "errors", "losses.*", OF_ANY_CLASS, verdict=Verdict.ACCEPTS),
    Fault("any-class-in-training", "errors", "training.*", OF_ANY_CLASS, verdict=Verdict.ACCEPTS),
    Fault("run-failing-inside", "errors", "training.*", said=failing_inside),
)  # fmt: skip
