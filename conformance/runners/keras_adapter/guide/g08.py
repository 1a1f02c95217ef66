"""A layer is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def printed(stage: Stage) -> Any:
    lines, _ = stage.run("apply", keras=keras)
    return lines
