"""Training runs of Keras that come to something else than they say."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts import datasets
from conformance.cases.drafts.training import several_outputs
from conformance.cases.training import SUBJECTS
from conformance.dialects.deviation import Metadata, Value, subject
from conformance.dialects.keras_record import KERAS, in_keras, searched
from conformance.dialects.scopes import all_of
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.tape import Tensor


def counts_once(original: Any, predictions: Tensor) -> Array:
    """Every batch counts the same."""
    one: Array = xp.asarray(1.0)
    return one


def several_losses(case: Case, data: Data) -> bool:
    """More than one output has a loss."""
    loss = case.config["compile"].get("loss")
    return isinstance(loss, list) and sum(one is not None for one in loss) > 1


def runs_out(case: Case, data: Data) -> bool:
    """The data can be gone through once, and end before a number of steps does."""
    steps = (
        case.config.get(method, {}).get(name)
        for method, name in (("fit", "steps_per_epoch"), ("evaluate", "steps"))
    )
    return bool(case.config["data"].get("once")) and not any(steps)


def one_more_begins(case: Case, expected: list[Any]) -> list[Any]:
    """After the last batch another one begins, and does not end."""
    seen = []
    for occasion, following in zip(expected, [*expected[1:], [""]], strict=True):
        seen.append(occasion)
        name, *numbers, _ = occasion
        beginning = name.replace("_end", "_begin")
        if name.endswith("_batch_end") and following[0] != beginning:
            seen.append([beginning, numbers[0] + 1, []])
    return seen


DEVIATIONS = (
    in_keras(
        id="keras-losses-of-outputs-by-batches",
        summary=(
            "The losses of several outputs are averaged over batches without regard to their sizes: the "
            "last, smaller batch counts as much as the others. What a batch counts is the static size of "
            "the predictions, which is unknown once the step is traced for batches of any size. Their sum, "
            "`loss`, is right."
        ),
        kind="bug",
        source=(
            "keras 3.15.1, keras/src/trainers/compile_utils.py:CompileLoss.call, "
            "`sample_weight=tree.flatten(y_p)[0].shape[0]`"
        ),
        upstream=f"{KERAS}/pull/19363, which has mended it for `loss`, by the size in the graph",
        remedy="Choose a batch size that divides the samples, or read `loss` alone.",
        since="keras 3.8.0 (2025)",
        scope=all_of(subject("training.Functional"), several_losses),
        effect=Value(
            {"training.samples_of_batch": counts_once},
            ("fit/step/*/log/*_loss", "fit/history/*_loss", "evaluate/log/*_loss"),
        ),
        witnesses=(several_outputs(),),
    ),
    in_keras(
        id="keras-batch-begins-that-is-not-there",
        summary=(
            "Where data do not say how many batches they have, as a generator, callbacks are told of one "
            "more at the end of every epoch and evaluation, which begins and does not end: it is asked for "
            "only then."
        ),
        kind="bug",
        source=(
            "keras@3.15.1 src/backend/tensorflow/trainer.py:fit, evaluate: `on_train_batch_begin` comes "
            "before `train_function(iterator)`, which ends the loop by StopIteration"
        ),
        upstream=searched(
            "keras fit generator on_train_batch_begin called extra time before StopIteration end of epoch"
        ),
        remedy="Give steps_per_epoch, or count the batches that end.",
        since="keras 2.6.0 (2021)",
        scope=all_of(subject(*SUBJECTS), runs_out),
        effect=Metadata(("fit/callbacks", "evaluate/callbacks"), one_more_begins),
        witnesses=(datasets.generated(),),
    ),
)
