"""Arrays and linear algebra, by NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


A, B = np.array([[1, 2], [3, 4]]), np.array([[5, 6], [7, 8]])


def algebra(stage: Stage) -> Any:
    return {
        "product": (A @ B).tolist(),
        "transposed": A.T.tolist(),
        "dot": int(np.dot([1, 2], [3, 4])),
        "outer": np.outer([1, 2], [3, 4]).tolist(),
        "sum": A.sum(0).tolist(),
        "norm": float(np.linalg.norm([3, 4])),
    }
