"""The memory that a forward pass of Conv2D takes at its peak, with its input and output: as NumPy asked
for it, and as the process grew, which counts what the libraries take for themselves. Prints it as JSON."""

from __future__ import annotations

import json
import resource
import sys
import tracemalloc

import numpy as np
import psutil

from benchmarks.layers.workloads import WORKLOADS
from conformance.reference_impl.layers import Conv2D
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.tape import variable

MIB = 2**20


def largest_size() -> float:
    """The largest that the process has been, in MiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB


def main() -> None:
    workload = WORKLOADS["Conv2D"]
    layer = Conv2D.from_config(workload.config)
    declared = layer.declare_weights([workload.shape])
    before = psutil.Process().memory_info().rss / MIB
    x, weights = workload.numbers([(weight.name, weight.shape) for weight in declared])
    held = {
        weight.name: variable(array, tracked=False) for weight, array in zip(declared, weights, strict=True)
    }
    tracemalloc.start()
    (output,) = layer.call([variable(x, tracked=False)], held, Context()).outputs
    _, traced = tracemalloc.get_traced_memory()
    figures = {
        "input_mib": x.nbytes / MIB,
        "output_mib": output.value.nbytes / MIB,
        "traced_mib": (traced + x.nbytes) / MIB,
        "resident_mib": largest_size() - before,
    }
    assert output.dtype == np.float32
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
