"""The example of linear regression, as it is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def predicted(stage: Stage) -> Any:
    """What the last line says: `[[8.99]]`."""
    lines, _ = stage.run("linear_regression")
    return round(float(lines[-1].strip("[]")))
