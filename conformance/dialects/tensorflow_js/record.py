"""What all entries of the dialect share: where sources are, and of which version they are true."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.dialects.deviation import Deviation, Effect, Scope

LAYERS = "@tensorflow/tfjs-layers@4.22.0 dist"
CORE = "@tensorflow/tfjs-core@4.22.0 dist"
CPU = "@tensorflow/tfjs-backend-cpu@4.22.0 dist"
WASM = "@tensorflow/tfjs-backend-wasm@4.22.0 dist"

FIRST = "tfjs-layers 0.0.2 (2018)"
"""The first release of the Layers API that its history tells of: since then, what was never otherwise."""

NUMERIC = ("output/*", "again/*", "training/*", "gradient/*", "dtype", "mask/*", "reconstructed/output/*")
"""The observables that need a call."""

CALLED = tuple(name for name in NUMERIC if name != "mask/*")
"""The same without the masks, which are found without calling."""

RECURRENT = ("layers.GRU", "layers.LSTM", "layers.RNN", "layers.SimpleRNN")
"""The layers that repeat a cell."""

CELLS = ("layers.GRUCell", "layers.LSTMCell", "layers.SimpleRNNCell")
"""The cells that those repeat."""

CONV_LSTM = ("layers.ConvLSTM2D", "layers.ConvLSTM2DCell")
"""The recurrent layer whose products are convolutions, and its cell."""


def issue(number: int) -> str:
    """The address of a thread of TensorFlow.js."""
    return f"https://github.com/tensorflow/tfjs/issues/{number}"


def pull(number: int, repository: str = "tfjs") -> str:
    """The address of a pull request of TensorFlow.js; until 2019 packages had repositories of their own, as
    `tfjs-layers`."""
    return f"https://github.com/tensorflow/{repository}/pull/{number}"


def searched(what: str) -> str:
    """The words for a search of GitHub's issues that found no thread of TensorFlow.js about it."""
    return f"none found (GitHub issues searched for: tensorflow/tfjs {what})"


ADAMAX_SEARCHED = searched("adamax getWeights() is not implemented for Adamax yet setWeights save optimizer")
"""Of the state of Adamax, which is neither told nor set."""


def deviation(
    name: str,
    summary: str,
    *,
    kind: str,
    source: str,
    scope: Scope,
    effect: Effect,
    witnesses: tuple[Case, ...],
    upstream: str,
    remedy: str = "",
    converted: str = "",
    since: str = "",
) -> Deviation:
    """An entry about the package and version that `source` begins with."""
    package, _, version = source.partition(" ")[0].rpartition("@")
    return Deviation(
        name, summary, kind, source, upstream, f"{package}=={version}", scope, effect, witnesses,
        remedy=remedy, converted=converted, since=since,
    )  # fmt: skip
