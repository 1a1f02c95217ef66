"""Largest errors, in units in the last place, of the functions that a backend computes in float32.

    python -m benchmarks.ulps keras-tensorflow                     # every function, over a sample
    python -m benchmarks.ulps keras-tensorflow tanh log --full     # two functions, over all 2³² inputs

It asks the backend's own functions in a child process with the environment and settings of its runner,
compares with float64, and puts what it saw into `reports/ulps.json`: from there come the ULP entries of
`conformance/runners/keras_adapter/identity.py` and `conformance/runners/tfjs/arithmetic.mjs`, rounded up to
a tenth after a full sweep, and by 0.1 to 0.3 ULP more after a sample.

A sample is every 64th input and all inputs near the kinks, 138 million, and takes 5 to 20 seconds a
function on one core of 2.5 GHz; a full sweep, at 8 to 25 million inputs a second, 3 to 9 minutes. It runs at
the lowest priority, may be interrupted at any time, and goes on where it stopped when repeated.
Tensors smaller than a vector are asked apart, over a sample, since they may take another path, and so are
subnormal operands and results, which are no errors but kept or flushed.
"""
