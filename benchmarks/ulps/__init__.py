"""Largest errors, in units in the last place, of the functions that a backend computes in float32.

    python -m benchmarks.ulps keras-tensorflow                     # a stratified sample: some 2 minutes
    python -m benchmarks.ulps keras-tensorflow tanh log --full     # all 2³² inputs of two functions

It asks the backend's own functions in a child process with the environment and settings of its runner,
compares with float64, and puts what it saw into `reports/ulps.json`, from which the ULP entries of
`conformance/runners/keras_adapter/identity.py` and `conformance/runners/tfjs/arithmetic.mjs` are made.
A full sweep may be interrupted at any time, and goes on where it stopped when repeated.
"""
