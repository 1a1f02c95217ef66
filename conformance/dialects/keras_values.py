"""Initializers and regularizers of Keras 3.15 that differ: what their configuration forgets, and names."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import recipe
from conformance.cases.drafts.values import draft_value, sizes
from conformance.dialects.deviation import CONFIGURATIONS, Metadata, Raises, Scope, Value, subject
from conformance.dialects.keras_record import in_keras, searched
from conformance.dialects.scopes import all_of
from conformance.reference_impl.tape import Tensor

CONFIGURED = ("config", "reconstructed/config", "reconstructed/output/0")

IN_FLOAT32 = {"regularizers.L1": "l1", "regularizers.OrthogonalRegularizer": "factor"}
"""By class, the argument that is kept as a tensor."""


def named(*identifiers: str) -> Scope:
    """One of these is to be resolved."""
    return lambda case, data: case.config.get("identifier") in identifiers


def without_gain(case: Case, config: Any) -> Any:
    return {name: value for name, value in config.items() if name != "gain"}


def of_gain_one(original: Any, shape: tuple[int, ...], like: Tensor, gain: float) -> Tensor:
    diagonal: Tensor = original(shape, like, 1.0)
    return diagonal


def rounded(case: Case, config: Any) -> Any:
    """The argument that is kept as a tensor, as float32 has it."""
    name = IN_FLOAT32[case.subject]
    return config | {name: float(np.float32(config[name]))}


def to_resolve(name: str, identifier: str) -> Case:
    return Case(name, {"identifier": identifier}, observables=("identifier",))


def gains(case: Case, data: Data) -> bool:
    """The gain is not 1."""
    return bool(case.config.get("gain", 1.0) != 1)


KERNEL = recipe("normal", 4, 5)

DEVIATIONS = (
    in_keras(
        id="keras-identity-forgets-gain",
        summary="Identity does not tell `gain` in its configuration.",
        kind="bug",
        source="keras 3.15.1, keras/src/initializers/constant_initializers.py, Identity (no get_config)",
        upstream=searched("keras initializers Identity get_config missing gain serialization"),
        remedy="Add the key to the configuration yourself.",
        since="keras 3.0.0 (2023)",
        scope=subject("initializers.Identity"),
        effect=Metadata(CONFIGURATIONS, without_gain),
        witnesses=(draft_value("initializers.Identity", {"gain": 0.5}, sizes(5, 5), more=CONFIGURED),),
    ),
    in_keras(
        id="keras-identity-reconstructed-without-gain",
        summary="An Identity made from its own configuration has a gain of 1.",
        kind="bug",
        source="keras 3.15.1, keras/src/initializers/constant_initializers.py, Identity (no get_config)",
        upstream=searched("keras initializers Identity get_config missing gain serialization"),
        remedy="Make it anew with the gain.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("initializers.Identity"), gains),
        effect=Value({"initializers.identity": of_gain_one}, ("reconstructed/output/*",)),
        witnesses=(draft_value("initializers.Identity", {"gain": 0.5}, sizes(5, 5), more=CONFIGURED),),
    ),
    in_keras(
        id="keras-constant-by-name",
        summary="The name `constant` alone fails with a KeyError, though the constructor has a default for "
        "`value`.",
        kind="bug",
        source="keras 3.15.1, keras/src/initializers/constant_initializers.py, Constant.from_config",
        upstream=searched("keras initializers Constant from_config KeyError 'value' get constant"),
        remedy="Describe it as {'class_name': 'Constant', 'config': {'value': 0.0}}.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("initializers.Constant"), named("constant", "Constant")),
        effect=Raises("internal", "construction", ("identifier",), "value"),
        witnesses=(to_resolve("initializers.Constant", "constant"),),
        stands="Keras documents 0 for the value of Constant, and its constructor keeps to it; the failure is "
        "a KeyError that nobody has written. TensorFlow.js wants a value of everybody, and says so.",
    ),
    in_keras(
        id="keras-l1-l2-by-name",
        summary="`keras.regularizers.get` does not know `l1_l2`, the name that `keras.regularizers` has for "
        "the class.",
        kind="bug",
        source="keras 3.15.1, keras/src/regularizers/__init__.py, ALL_OBJECTS_DICT (to_snake_case)",
        upstream=searched("keras.regularizers.get l1_l2 Could not interpret regularizer identifier"),
        remedy="Write l1l2.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("regularizers.L1L2"), named("l1_l2")),
        effect=Raises(
            "invalid-argument", "construction", ("identifier",), "Could not interpret regularizer identifier"
        ),
        witnesses=(to_resolve("regularizers.L1L2", "l1_l2"),),
    ),
    in_keras(
        id="keras-penalty-told-in-float32",
        summary="L1 and OrthogonalRegularizer tell their factor as float32 has it: 0.009999999776482582 "
        "for 0.01.",
        kind="precision",
        source="keras 3.15.1, keras/src/regularizers/regularizers.py, L1, OrthogonalRegularizer "
        "(convert_to_tensor in the constructor)",
        upstream=searched("keras regularizers L1 get_config float32 precision 0.009999999776482582"),
        remedy="Round the number to seven digits when you read it.",
        since="keras 3.0.0 (2023)",
        scope=subject(*IN_FLOAT32),
        effect=Metadata(CONFIGURATIONS, rounded),
        witnesses=(
            draft_value("regularizers.L1", {}, KERNEL, more=CONFIGURED),
            draft_value("regularizers.OrthogonalRegularizer", {}, KERNEL, more=CONFIGURED),
        ),
    ),
)
