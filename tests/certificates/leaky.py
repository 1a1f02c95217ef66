"""The dialect of a backend whose relu leaks, on purpose."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case, Literal
from conformance.dialects.deviation import Deviation, Dialect, Value, subject
from conformance.reference_impl.primitives import multiply, relu, subtract


def leaking(original: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    return subtract(relu(x), multiply(relu(multiply(x, -1.0)), 0.25))


X = Literal((2,), (-4.0, 3.0))
LEAK = Deviation(
    id="leaky-relu",
    summary="relu leaks a quarter | of what is below zero.",
    kind="intentional",
    source="leaky 1",
    upstream="none found (nobody else has it)",
    versions="",
    scope=subject("activations.relu"),
    effect=Value({"activations.relu": leaking}),
    witnesses=(Case("activations.relu", inputs=(X,), cotangents=(X,), observables=("output/0",)),),
)

DIALECTS = {"leaky": Dialect((LEAK,))}
