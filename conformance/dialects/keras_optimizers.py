"""Optimizers of Keras that compute something else than they say."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.optimizers import SAID, asking, draft_optimizer
from conformance.dialects.deviation import CONFIGURATIONS, Metadata, Raises, Value, subject
from conformance.dialects.keras_record import in_keras, searched
from conformance.dialects.scopes import all_of
from conformance.reference_impl.optimizers import Optimizer
from conformance.reference_impl.tape import Tensor


def mean_by_the_new_z(original: Any, optimizer: Any, y: Tensor, before: Tensor, z: Tensor) -> Tensor:
    """The mean as if z had been what it is after the update."""
    mean: Tensor = original(optimizer, y, z, z)
    return mean


def has_no_float32(case: Case, data: Data) -> bool:
    """The learning rate is a number that float32 does not have."""
    rate = case.config.get("learning_rate")
    return isinstance(rate, float) and float(np.float32(rate)) != rate


def rate_in_float32(case: Case, config: Any) -> Any:
    return config | {"learning_rate": float(np.float32(config["learning_rate"]))}


DEVIATIONS = (
    in_keras(
        id="keras-learning-rate-told-in-float32",
        summary="An optimizer tells its learning rate as float32 has it: 0.10000000149011612 for 0.1.",
        kind="precision",
        source="keras 3.15.1, keras/src/optimizers/base_optimizer.py, get_config, of the variable "
        "`_learning_rate`",
        upstream=searched("keras optimizer get_config learning_rate float32 0.0010000000474974513"),
        remedy="Round the number to seven digits when you read it.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject(*(f"optimizers.{name}" for name in Optimizer.registered)), has_no_float32),
        effect=Metadata(CONFIGURATIONS, rate_in_float32),
        witnesses=(asking(draft_optimizer("SGD", {"learning_rate": 0.1}), *SAID),),
    ),
    in_keras(
        id="keras-lamb-has-no-name",
        summary=(
            'Lamb is known by no name: `compile(optimizer="lamb")` is refused, and so is a configuration in '
            "`keras.optimizers.get` and `deserialize`."
        ),
        kind="bug",
        source="keras 3.15.1, keras/src/optimizers/__init__.py, where `ALL_OBJECTS` does not have it",
        upstream=searched('keras Lamb optimizer ALL_OBJECTS missing optimizers.get "lamb" unknown optimizer'),
        remedy="Give an instance of the class.",
        since="keras 3.5.0 (2024)",
        scope=subject("optimizers.Lamb"),
        effect=Raises(
            "invalid-argument", "construction", ("identifier",), "Could not interpret optimizer identifier"
        ),
        witnesses=(Case("optimizers.Lamb", {"identifier": "lamb"}, observables=("identifier",)),),
    ),
    in_keras(
        id="keras-schedule-free-forgets-old-z",
        summary=(
            "ScheduleFreeAdamW finds the mean of its iterates again from the updated slot `momentum`, "
            "where it has to be the one before the update: what it keeps as `momentum_old` is the "
            "variable itself, which TensorFlow updates in place. Training with it is not that of the "
            "paper."
        ),
        kind="bug",
        source="keras 3.15.1, keras/src/optimizers/schedule_free_adamw.py, update_step, "
        "`momentum_old = momentum.value`",
        upstream=searched(
            "keras ScheduleFreeAdamW momentum_old momentum.value in place tensorflow wrong update"
        ),
        remedy="Use another backend of Keras, or AdamW.",
        since="keras 3.14.0 (2026)",
        scope=subject("optimizers.ScheduleFreeAdamW"),
        effect=Value(
            {"optimizers.ScheduleFreeAdamW.mean_before": mean_by_the_new_z},
            ("update/*", "slot/*/average"),
        ),
        witnesses=(
            draft_optimizer("ScheduleFreeAdamW", {"learning_rate": 0.125, "beta_1": 0.75, "beta_2": 0.875}),
        ),
    ),
)
