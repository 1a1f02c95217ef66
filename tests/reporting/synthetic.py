"""Invented results that look like those of a real run: every verdict, every effect, all three backends.

`python -m tests.reporting.synthetic DIR` writes them, to look at the page; with `DIR large`, as many as it
has to bear.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from conformance.cases.case import JSON, Case, Recipe
from conformance.reference_impl.activations import ACTIVATIONS as ACTIVATION_TABLE
from conformance.reference_impl.layers import Layer
from conformance.reporting.journal import JournalWriter
from conformance.reporting.recording import render_again
from conformance.reporting.results import BackendRecord, DeviationRecord, Suite, UnavailableRecord
from conformance.reporting.store import Report, conclude
from conformance.verdicts import Check, Rung, Verdict

PYTHON = {"keras": "3.15.1", "tensorflow": "2.21.0", "numpy": "2.3.1", "python": "3.11.9"}
JAVASCRIPT = {"@tensorflow/tfjs": "4.22.0", "node": "18.4.0"}
PLATFORM = {"system": "Linux", "machine": "x86_64", "features": "avx2 fma"}

BACKENDS = (
    BackendRecord(
        "keras-tensorflow", "python", PYTHON, {"onednn": "off", "threads": "1"}, PLATFORM,
        {"base": "ieee-float32", "subnormals": "either", "ulps": {"tanh": 5.6, "log": 3.3}},
        {"layers.Dense": ["*"]}, "5d1f" * 16,
    ),
    BackendRecord(
        "tfjs-cpu", "javascript", JAVASCRIPT, {"threads": "1"}, PLATFORM, {"base": "ieee-float32"},
        {"layers.Dense": ["*"]}, "77ab" * 16,
    ),
    BackendRecord(
        "tfjs-wasm", "javascript", JAVASCRIPT, {"simd": "on", "threads": "1"}, PLATFORM,
        {"base": "ieee-float32", "ulps": {"exp": 6.0}, "algorithms": {"variance": "one-pass"}},
        {"layers.Dense": ["*"]}, "77ab" * 16,
    ),
)  # fmt: skip
NAMES = tuple(backend.name for backend in BACKENDS)

SUITE = Suite("0.1.0", "quick", "c0" * 32, "0" * 64, 1, None, {}, None)
UNAVAILABLE = (
    UnavailableRecord("mine", "ModuleNotFoundError: No module named 'mine'\nexit status 1"),
)  # fmt: skip

DEVIATIONS = (
    DeviationRecord(
        "keras-lstm-implementation", "keras-tensorflow", "intentional", "metadata",
        "get_config of LSTM has no `implementation`, which Keras 3 dropped.",
        "keras/src/layers/rnn/lstm.py:415 (3.15.1)", "none found (keras issues: lstm implementation)",
        ("6b1f00aa6b1f00aa",), True, 12,
    ),
    DeviationRecord(
        "tfjs-gelu-tanh", "tfjs-cpu", "bug", "value",
        "`gelu` uses the tanh approximation with 0.044715 whatever `approximate` says.",
        "tfjs-layers/src/activations.ts:219 (4.22.0)", "https://github.com/tensorflow/tfjs/issues/8406",
        ("0f3a9b0c11223344", "9f3a9b0c11223344"), True, 9,
    ),
    DeviationRecord(
        "wasm-conv-gradient", "tfjs-wasm", "bug", "raises",
        "No WebAssembly kernel for the gradient of a convolution's filter.",
        "tfjs-backend-wasm/src/kernels/all_kernels.ts (4.22.0)",
        "none found (tfjs issues: wasm filter gradient)",
        ("00aa00aa00aa00aa",), False, 0,
    ),
    DeviationRecord(
        "wasm-empty-batch", "tfjs-wasm", "bug", "unpredictable",
        "An empty batch reads memory that was never written.",
        "tfjs-backend-wasm/src/backend_wasm.ts:120 (4.22.0)", "none found (tfjs issues: wasm empty tensor)",
        ("11aa00aa00aa00aa",), None, 0,
    ),
)  # fmt: skip

LAYERS: dict[str, dict[str, JSON]] = {
    "layers.Dense": {"units": 5, "activation": "tanh", "use_bias": True},
    "layers.Conv2D": {"filters": 4, "kernel_size": [3, 2], "strides": [2, 2], "padding": "same"},
    "layers.BatchNormalization": {"axis": -1, "epsilon": 0.0009765625},
    "layers.LSTM": {"units": 3, "return_sequences": True, "go_backwards": False},
    "layers.Embedding": {"input_dim": 7, "output_dim": 4, "mask_zero": True},
    "layers.Flatten": {},
    "layers.Softmax": {"axis": -1},
    "layers.Concatenate": {"axis": 1},
    "layers.Activation": {"activation": "softsign"},
}
ACTIVATIONS = ("celu", "elu", "gelu", "hard_sigmoid", "log_softmax", "mish", "relu6", "selu", "silu", "tanh")
PROPERTIES = {
    "forward": ("output/0",),
    "training-forward": ("training/output/0", "training/state/moving_mean"),
    "input-gradients": ("gradient/input/0",),
    "weight-gradients": ("gradient/weight/kernel", "gradient/weight/bias"),
    "inferred-shape": ("shape/concrete", "shape/unknown_batch"),
    "dtype": ("dtype",),
    "weights": ("weights",),
    "config-round-trip": ("config", "reconstructed/output/0"),
    "constructor": ("signature",),
    "identifiers": ("identifier",),
}
STRUCTURAL = ("inferred-shape", "dtype", "weights", "constructor", "identifiers")

FAULTS = {
    ("layers.LSTM", "weight-gradients", "tfjs-wasm"): (
        Verdict.RAISES, "missing-kernel at gradient: Kernel 'Elu Grad' not registered for backend 'wasm'",
    ),
    ("layers.Conv2D", "forward", "tfjs-wasm"): (
        Verdict.DIVERGES, "output[0, 1, 0, 2] is 1.25 and should be −0.3125 ± 2.1e-06",
    ),
    ("layers.Embedding", "config-round-trip", "tfjs-cpu"): (
        Verdict.ACCEPTS, "a negative input_dim is taken; the specification refuses it at construction",
    ),
    ("layers.Softmax", "forward", "tfjs-wasm"): (Verdict.CRASHED, "the process ended with signal 11"),
    ("layers.Softmax", "input-gradients", "tfjs-wasm"): (Verdict.TIMED_OUT, "no answer within 20 s"),
    ("layers.Softmax", "dtype", "tfjs-wasm"): (Verdict.PROTOCOL_ERROR, "answered id 7 to request 6"),
    ("activations.gelu", "forward", "tfjs-cpu"): (Verdict.DEVIATES, ""),
    ("layers.LSTM", "config-round-trip", "keras-tensorflow"): (Verdict.DEVIATES, ""),
    ("activations.celu", "forward", "tfjs-cpu"): (Verdict.UNSUPPORTED, ""),
    ("activations.celu", "forward", "tfjs-wasm"): (Verdict.UNSUPPORTED, ""),
    ("layers.Embedding", "input-gradients", "keras-tensorflow"): (Verdict.UNSPECIFIED, ""),
    ("layers.Flatten", "weight-gradients", "tfjs-wasm"): (Verdict.NOT_RUN, ""),
}  # fmt: skip
"""By subject, property and backend."""

AGREED = ("layers.BatchNormalization", "training-forward", "training/state/moving_mean")
"""Here all backends agree with each other, and not with the specification."""


def cases(per_subject: int = 4) -> Iterator[Case]:
    """Cases of every synthetic subject."""
    for number in range(per_subject):
        for subject, config in LAYERS.items():
            inputs = (Recipe("normal", (2, 3 + number, 5), 40 + number),)
            yield Case(subject, config, inputs, cotangents=inputs, observables=("output/0",))
        for name in ACTIVATIONS:
            yield Case(f"activations.{name}", {}, (Recipe("ties", (7 + number, 3), number),))


def checks(case: Case) -> tuple[Check, ...]:
    """Checks of all three backends on the case; the same for the same case."""
    chance = random.Random(case.id)
    made = []
    for property_, observables in PROPERTIES.items():
        if case.subject.startswith("activations.") and property_ in ("weight-gradients", "weights"):
            continue
        for observable in observables:
            for backend in NAMES:
                made.append(_check(case, backend, property_, observable, chance))
    return tuple(made)


def _check(case: Case, backend: str, property_: str, observable: str, chance: random.Random) -> Check:
    others = tuple(name for name in NAMES if name != backend)
    verdict, message = FAULTS.get((case.subject, property_, backend), (Verdict.CONFORMS, ""))
    if (case.subject, property_, observable) == AGREED:
        verdict, message = Verdict.DIVERGES, "moving_mean[2] is 0.4375 and should be 0.4375 ± 0"
    answered = verdict in (Verdict.CONFORMS, Verdict.DEVIATES, Verdict.DIVERGES)
    rung = Rung.STRUCTURE if property_ in STRUCTURAL else chance.choice((Rung.EXACT, Rung.ULP, Rung.BOUND))
    margin: float | str | None = None
    if answered and rung is not Rung.STRUCTURE:
        margin = 0.0 if rung is Rung.EXACT else round(chance.random() ** 3, 6)
    if verdict is Verdict.DIVERGES:
        rung, margin = Rung.NONE, "infinite" if observable == AGREED[2] else 3141.5
    return Check(
        case=case.id,
        backend=backend,
        subject=case.subject,
        property=property_,
        observable=observable,
        verdict=verdict,
        required_rung=Rung.STRUCTURE if property_ in STRUCTURAL else Rung.BOUND,
        rung=rung if answered else None,
        margin=margin,
        deviations=("tfjs-gelu-tanh",) if (verdict, backend) == (Verdict.DEVIATES, "tfjs-cpu") else (),
        agrees_with=others if verdict in (Verdict.CONFORMS, Verdict.DIVERGES) else (),
        message=message,
    )


def journal(directory: Path, judged: Iterable[tuple[Case, Sequence[Check]]] | None = None) -> None:
    """The journal of a run that saw all the synthetic checks, or these."""
    with JournalWriter(directory) as writer:
        writer.begin(SUITE, {})
        for backend in BACKENDS:
            writer.started(backend)
        for gone in UNAVAILABLE:
            writer.unavailable(gone)
        for case, found in judged if judged is not None else ((case, checks(case)) for case in cases()):
            writer.judge(case, found)
        for deviation in DEVIATIONS:
            writer.deviation(deviation)


def write(directory: Path) -> Report:
    """A results directory of all the synthetic checks, page included."""
    journal(directory)
    conclude(directory, "complete")
    return render_again(directory)


def write_large(directory: Path, subjects: int = 170, properties: int = 20, backends: int = 6) -> Report:
    """A results directory with a cell for each subject, property and backend: 20,400 of them."""
    records = [msgspec.structs.replace(BACKENDS[i % 3], name=f"backend-{i + 1}") for i in range(backends)]
    names = tuple(record.name for record in records)
    known = *(f"layers.{n}" for n in Layer.registered), *(f"activations.{n}" for n in ACTIVATION_TABLE)
    everything = (*known, *(f"losses.Invented{i}" for i in range(subjects)))[:subjects]
    with JournalWriter(directory) as writer:
        writer.begin(SUITE, {})
        for record in records:
            writer.started(record)
        for number, subject in enumerate(everything):
            case, chance = Case(subject, {}, (Recipe("normal", (2, 3), number),)), random.Random(subject)
            writer.judge(
                case, tuple(_many(case, [f"property-{i + 1}" for i in range(properties)], names, chance))
            )
    conclude(directory, "complete")
    return render_again(directory)


def _many(
    case: Case, properties: list[str], names: tuple[str, ...], chance: random.Random
) -> Iterator[Check]:
    """Two checks for each property and backend."""
    kinds = (Verdict.CONFORMS, Verdict.DEVIATES, Verdict.UNSUPPORTED, Verdict.UNSPECIFIED)
    for property_ in properties:
        for name in names:
            for observable in ("output/0", "gradient/input/0"):
                (verdict,) = chance.choices(kinds, (70, 20, 8, 2))
                answered = verdict in (Verdict.CONFORMS, Verdict.DEVIATES)
                yield Check(
                    case.id, name, case.subject, property_, observable, verdict,
                    required_rung=Rung.BOUND,
                    rung=Rung.BOUND if answered else None,
                    margin=chance.random() ** 3 if answered else None,
                    deviations=(f"deviation-{chance.randrange(400)}",) if verdict is Verdict.DEVIATES else (),
                )  # fmt: skip


if __name__ == "__main__":
    make = write_large if sys.argv[2:] == ["large"] else write
    print(make(Path(sys.argv[1])).results.suite)
