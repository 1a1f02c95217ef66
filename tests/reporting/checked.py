"""Invented answers of `conformance check`, of every outcome.

`python -m tests.reporting.checked DIR` writes their pages, to look at them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from conformance.interchange.structure import Structure, structure
from conformance.interchange.verdict import (
    Checked,
    Departure,
    End,
    Expected,
    Failure,
    Input,
    Judged,
    Objection,
    OfKeras,
    OnBackend,
    Outcome,
    Recorded,
    Rewritten,
)
from conformance.reference_impl.models import Model
from conformance.reporting.model_page import render
from conformance.verdicts import Rung, Verdict

COMMAND = "conformance check model.keras --backend tfjs-wasm --backend tfjs-cpu"

KERAS = OfKeras("keras-tensorflow", {"keras": "3.15.1", "tensorflow": "2.21.0"}, None, (0.31, 0.02, 0.019))
VERSIONS = {"tfjs-core": "4.22.0", "node": "18.4.0"}

POOLING = Recorded(
    "tfjs-average-ignores-mask", "bug", "Masked steps count in the mean; write the masked mean out.",
    "@tensorflow/tfjs-layers@4.22.0 dist/layers/pooling.js:441 (`call`)",
    "https://github.com/tensorflow/tfjs/issues/8406",
)  # fmt: skip
PRODUCT = Recorded(
    "tfjs-masked-step-is-a-product", "bug", "What a masked step computes is multiplied by 0.",
    "@tensorflow/tfjs-layers@4.22.0 dist/layers/recurrent.js:183", "none found (tfjs issues: rnn mask)",
)  # fmt: skip


def layer(class_name: str, name: str, *calls: Any, **config: Any) -> dict[str, Any]:
    """A layer of a functional model, called on outputs of others, which are named by layer and call."""
    nodes = []
    for call in calls:
        tensors = [
            {
                "class_name": "__keras_tensor__",
                "config": {"shape": [], "dtype": "float32", "keras_history": [*source, 0]},
            }
            for source in call
        ]
        nodes.append({"args": [tensors if len(tensors) > 1 else tensors[0]], "kwargs": {}})
    return {
        "class_name": class_name,
        "name": name,
        "config": {"name": name, **config},
        "inbound_nodes": nodes,
    }


def functional(name: str, inputs: list[str], outputs: list[tuple[str, int]], *layers: Any) -> dict[str, Any]:
    config = {
        "name": name,
        "layers": list(layers),
        "input_layers": [[one, 0, 0] for one in inputs],
        "output_layers": [[*one, 0] for one in outputs],
    }
    return {"class_name": "Functional", "name": name, "config": config}


def tower() -> Structure:
    """Two inputs through one tower, whose outputs are subtracted; that as −y, and x + it."""
    inside = functional(
        "tower",
        ["x"],
        [("narrow", 0)],
        layer("InputLayer", "x", batch_shape=[None, 7]),
        layer("Dense", "wide", [("x", 0)], units=6, activation="relu"),
        layer("Dense", "narrow", [("wide", 0)], units=4),
    )
    shared = layer("Functional", "tower", [("one", 0)], [("other", 0)])
    model = functional(
        "siamese",
        ["one", "other"],
        [("top", 0)],
        layer("InputLayer", "one", batch_shape=[None, 7]),
        layer("InputLayer", "other", batch_shape=[None, 7]),
        shared | {"config": inside["config"]},
        layer("Rescaling", "minus_rescaling", [("tower", 1)], scale=-1.0),
        layer("Add", "minus", [("tower", 0), ("minus_rescaling", 0)]),
        layer("Dense", "top", [("minus", 0)], units=1),
    )
    return structure(Model.from_config(model))


def chain(count: int) -> Structure:
    """As many layers, one after the other, each third one added to the third before it."""
    layers = [layer("InputLayer", "x", batch_shape=[None, 8])]
    before = ["x"]
    for number in range(count):
        sources = [(before[-1], 0), (before[-3], 0)] if number % 3 == 2 else [(before[-1], 0)]
        name = f"layer_{number}"
        class_name, config = ("Add", {}) if len(sources) > 1 else ("Dense", {"units": 8})
        layers.append(layer(class_name, name, sources, **config))
        before.append(name)
    return structure(Model.from_config(functional("deep", ["x"], [(before[-1], 0)], *layers)))


def conforming(path: str, margin: float = 0.25) -> Judged:
    return Judged(
        path,
        0,
        "output/0",
        Verdict.CONFORMS,
        Rung.BOUND,
        Rung.BOUND,
        margin,
        margin * 1e-6,
        2.0,
        (0, 1),
        1e-6,
    )


REWRITES = (
    Rewritten("minus", "layers.Subtract", "x + (−y)", "class_name", ("minus_rescaling", "minus")),
)  # fmt: skip

DEVIATING = Judged(
    "tower/narrow", 1, "output/0", Verdict.DEVIATES, Rung.BOUND, Rung.BOUND, 5e5, 0.5, 4.2e6, (0, 3), 1e-6,
    (POOLING.id,),
)  # fmt: skip
DIVERGING = Judged(
    "top", 0, "output/0", Verdict.DIVERGES, Rung.BOUND, Rung.NONE, "infinite", float("inf"), None, (1, 0),
    0.0, (), "NaN where there should be none",
)  # fmt: skip


def departure(check: Judged, class_name: str, remedy: str) -> Departure:
    return Departure(
        check.layer, class_name, check.call, check.observable, str(check.verdict), check.error, check.place,
        check.limit, check.margin, check.deviations, check.message, remedy,
    )  # fmt: skip


def answer(*backends: OnBackend, **others: Any) -> Checked:
    told: dict[str, Any] = {
        "model": "/home/user/model.keras", "format": "Keras 3", "made_by": "Keras 3.15.1", "name": "siamese",
        "layers": 8, "parameters": 12345, "keras": KERAS, "backends": backends, "preflight_s": 0.5,
        "inputs": (Input("one", (2, 7), "float32"), Input("other", (2, 7), "float32")),
        "rewrites": REWRITES, "structure": tower(), "deviations": (POOLING, PRODUCT),
    }  # fmt: skip
    return Checked(**told | others)


PATHS = ("tower/wide", "tower/narrow", "minus_rescaling", "minus", "top")

SAME = OnBackend(
    "tfjs-cpu", Outcome.SAME, VERSIONS, (Expected(PRODUCT.id, "computed otherwise", ("top",)),), None, 5, 5,
    tuple(map(conforming, PATHS)), None, (), (), 0.25,
    (End("top", 2.0, 1e-7, 1e-6, 2e-7, True),), (0.1, 0.01),
)  # fmt: skip


def departing() -> Checked:
    """As recorded and otherwise on one backend, the same on the other."""
    departures = (
        departure(DEVIATING, "Dense", POOLING.summary),
        departure(DIVERGING, "Dense", "report it to the backend's maintainers"),
    )
    checks = (*map(conforming, PATHS[:2]), DEVIATING, *map(conforming, PATHS[2:4]), DIVERGING)
    wasm = OnBackend(
        "tfjs-wasm", Outcome.DEPARTS, VERSIONS, (), None, 5, 3, checks, departures[0], departures, (), 0.25,
        (End("top", 2.0, float("nan"), 1e-6, 0.5, False),), (0.2, 0.02, 0.03),
    )  # fmt: skip
    return answer(wasm, SAME)


def of_outcomes() -> dict[str, Checked]:
    """By outcome, an answer."""
    failure = Failure("load", "Dense takes no <b>bias</b>", ("top",), (POOLING.id,), POOLING.summary)
    objections = (
        Objection("top", "class_name", "'Dense'", "write it out"),
        Objection("narrow", "units", "4", "leave it out"),
    )
    expected = (Expected(POOLING.id, "refused", ("tower/wide",)),)
    unjudged = OnBackend(
        "tfjs-wasm", Outcome.UNSPECIFIED, VERSIONS, layers=5, conforming=4, unjudged=("top",)
    )
    return {
        "departs": departing(),
        "same": answer(SAME),
        "unspecified": answer(unjudged),
        "connected-otherwise": answer(
            OnBackend("tfjs-wasm", Outcome.DEPARTS, VERSIONS, layers=5, conforming=5)
        ),
        "not-loaded": answer(OnBackend("tfjs-wasm", Outcome.NOT_LOADED, VERSIONS, expected, failure)),
        "fails": answer(
            OnBackend("tfjs-wasm", Outcome.FAILS, VERSIONS, (), Failure("crashed", "it exited with code 1"))
        ),
        "not-converted": answer(
            OnBackend("tfjs-wasm", Outcome.NOT_CONVERTED, {}, expected, Failure("convert", "no words")),
            keras=None,
            objections=objections,
            rewrites=(),
        ),
        "unavailable": answer(
            OnBackend(
                "tfjs-wasm", Outcome.UNAVAILABLE, failure=Failure("start", "no Node", remedy="install it.")
            ),
            keras=OfKeras("keras-tensorflow", failure=Failure("start", "no Keras", remedy="install it.")),
        ),
    }


def large(count: int = 800) -> Checked:
    """As many layers, one of which departs."""
    checks = tuple(conforming(f"layer_{number}", 0.1) for number in range(count))
    middle = count // 2
    deviating = Judged(
        f"layer_{middle}", 0, "output/0", Verdict.DEVIATES, Rung.BOUND, Rung.BOUND, 9.0, 9e-6, 7.0, (0,),
        1e-6, (POOLING.id,),
    )  # fmt: skip
    wasm = OnBackend(
        "tfjs-wasm", Outcome.DEVIATES, VERSIONS, (), None, count, count - 1,
        (*checks[:middle], deviating, *checks[middle + 1 :]), departure(deviating, "Dense", POOLING.summary),
        (departure(deviating, "Dense", POOLING.summary),), (), 0.1,
    )  # fmt: skip
    return answer(wasm, structure=chain(count), rewrites=(), layers=count + 1)


if __name__ == "__main__":
    for name, checked in {**of_outcomes(), "large": large()}.items():
        (Path(sys.argv[1]) / f"{name}.html").write_text(render(checked, COMMAND), "utf-8")
