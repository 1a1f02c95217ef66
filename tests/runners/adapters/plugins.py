"""Backends in Python, hosted by `plugin_host`: a good one, and some with faults."""

import importlib
import os

import numpy as np

from conformance.runners.plugin import Answer, PythonCase, observe_each, stage
from conformance.runners.protocol import Identity


class Doubling:
    """Answers twice its input, noisily; each other observable shows one kind of answer."""

    def __init__(self) -> None:
        os.write(1, b"made by C code\n")

    def identity(self) -> Identity:
        print("who, me?")
        return Identity("doubling", "python", {}, {}, {}, {"base": "ieee-float32"}, {"*": ["*"]})

    def observe(self, case: PythonCase) -> dict[str, Answer]:
        def one(name: str) -> Answer:
            match name:
                case "output/0":
                    os.system("echo from a child")
                    return case.inputs[0] * case.weights["factor"]
                case "config":
                    return {**case.config, "seed": case.seed}
                case "gradient/input/0":
                    raise NotImplementedError("no gradient yet\nsecond line")
                case "shape/concrete":
                    with stage("construction"):
                        raise TypeError
                case "dtype":
                    return {1 + 2j}
                case "training/output/0":
                    return np.zeros(1, complex)
                case "weights":
                    importlib.import_module("conformance.reference_impl.arrays")
            raise ValueError(name)

        return observe_each(case, one)


class Unmakeable:
    def __init__(self) -> None:
        raise RuntimeError("the library is not installed")


class Silent:
    def identity(self) -> Identity:
        return Identity("silent", "python", {}, {}, {}, {"base": "ieee-float32"}, {"*": ["*"]})


class Nameless(Silent):
    def identity(self) -> Identity:
        return {"name": "nameless"}  # type: ignore[return-value]  # which is the fault

    def observe(self, case: PythonCase) -> dict[str, Answer]:
        return {}


class Numbered(Nameless):
    def identity(self) -> Identity:
        return Identity("numbered", "python", {"numpy": 2}, {}, {}, {}, {})  # type: ignore[dict-item]  # so is this


class Listing(Silent):
    def observe(self, case: PythonCase) -> dict[str, Answer]:
        return [case.inputs]  # type: ignore[return-value]  # and this
