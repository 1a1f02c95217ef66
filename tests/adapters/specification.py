"""An adapter that answers with the specification itself, in one of several ways.

Its argument says how: `float32`, computed in the precision of the data; `rounded`, in double precision and
rounded once; `shifted`, with outputs that are one too large; `leaky`, with a relu that leaks, as the dialect
`tests.certificates.leaky` says; `weak`, which declares float16; `half`, which supports no more than outputs.
"""

import sys

import numpy as np

from conformance.cases.data import make
from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from conformance.reference_impl.patches import patched
from conformance.runners.protocol import (
    ConcreteCase,
    Identity,
    Observed,
    Start,
    WireTensor,
    from_wire,
    to_wire,
)
from conformance.runners.serve import serve
from tests.answers import answer
from tests.certificates.leaky import leaking
from tests.wrong_backends.reference_backend import as_case, as_observed

HOW = sys.argv[1]
SUBJECTS = ("activations.relu", "activations.softsign", "layers.Dense")


def start(request: Start) -> Identity:
    capabilities = {subject: ["output/*" if HOW == "half" else "*"] for subject in SUBJECTS}
    arithmetic = {"base": "float16" if HOW == "weak" else "ieee-float32"}
    return Identity(HOW, "python", {"specification": "1"}, {}, {}, arithmetic, capabilities)


def observe(concrete: ConcreteCase) -> dict[str, Observed]:
    case = as_case(concrete)
    with patched({"activations.relu": leaking} if HOW == "leaky" else {}):
        answers = answer(case, make(case), IEEE_FLOAT32 if HOW == "rounded" else None)
    observed = {name: as_observed(case, name, answers) for name in answers}
    return {name: adapted(name, one) for name, one in observed.items()}


def adapted(name: str, observed: Observed) -> Observed:
    """What is rounded to the precision in which a backend answers, and shifted where that is asked for."""
    if not isinstance(observed, WireTensor):
        return observed
    array = from_wire(observed)
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    return to_wire(array + np.float32(1) if HOW == "shifted" and name == "output/0" else array)


serve(start, observe)
