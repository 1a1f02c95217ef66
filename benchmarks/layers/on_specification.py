"""The side of the specification: layers in float32 without bounds, in float64 with them and without."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from typing import Any

import numpy as np

from benchmarks.layers.side import Computation, serve
from benchmarks.layers.workloads import Array, Workload, cotangent
from conformance.reference_impl import layers
from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.tape import Tensor, error_bounds, variable, vjp


def computations(workload: Workload) -> dict[str, Computation]:
    """Forward, forward and backward, and forward in float64 without and with bounds."""
    layer = layers.get(workload.layer).from_config(workload.config)
    declared = layer.declare_weights([workload.shape])
    x, weights = workload.numbers([(weight.name, weight.shape) for weight in declared])
    c = cotangent(layer.output_shapes([workload.shape])[0])  # type: ignore[arg-type]  # none is unknown
    context = Context(training=workload.training)

    def called(tracked: bool, dtype: Any) -> tuple[list[Tensor], Tensor]:
        def of(array: Array) -> Tensor:
            return variable(array.astype(dtype, copy=False), tracked=tracked)

        held = {weight.name: of(array) for weight, array in zip(declared, weights, strict=True)}
        sources = [of(x)]
        (output,) = layer.call(sources, held, context).outputs
        return [*sources, *(held[weight.name] for weight in declared if weight.trainable)], output

    def forward(dtype: Any = np.float32) -> Iterable[Any]:
        return [called(False, dtype)[1].value]

    def forward_and_backward() -> Iterable[Any]:
        sources, output = called(True, np.float32)
        return [output.value, *(g.value for g in vjp([output], [Tensor(c)], sources))]

    def with_bounds() -> Iterable[Any]:
        with error_bounds(IEEE_FLOAT32):
            return forward(np.float64)

    return {
        "forward": forward,
        "forward and backward": forward_and_backward,
        "forward in float64": lambda: forward(np.float64),
        "forward with bounds": with_bounds,
    }


if __name__ == "__main__":
    serve(computations, {"python": platform.python_version(), "numpy": np.__version__})
