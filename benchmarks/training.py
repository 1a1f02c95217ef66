"""A step of training in the specification beside TensorFlow's compiled one, and the guide's thousand epochs.

`python -m benchmarks.training` compares a small CNN (images of 28×28×1, two convolutions, two dense layers,
batches of 32, Adam) in float32, with one thread on each side. The sides take turns; a ratio is the median
over the repeats of each repeat's own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sides import ROOT, child
from benchmarks.throughput import machine

REPORT = ROOT / "reports" / "training-speed.json"
STEPS = 20
EPOCHS = 1000
MOST_TIMES_TENSORFLOW = 3.0
MOST_SECONDS = 2.0


def layer(class_name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": config}


CNN = {
    "name": "cnn",
    "layers": [
        layer("InputLayer", name="x", batch_shape=[None, 28, 28, 1]),
        layer("Conv2D", name="first", filters=32, kernel_size=3, activation="relu"),
        layer("MaxPooling2D", name="first_pool"),
        layer("Conv2D", name="second", filters=64, kernel_size=3, activation="relu"),
        layer("MaxPooling2D", name="second_pool"),
        layer("Flatten", name="flat"),
        layer("Dense", name="hidden", units=128, activation="relu"),
        layer("Dense", name="classes", units=10, activation="softmax"),
    ],
}
LINE = {
    "name": "line",
    "layers": [layer("InputLayer", name="x", batch_shape=[None, 1]), layer("Dense", name="dense", units=1)],
}
COMPILED = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy"}
IMAGES = np.random.default_rng(1).random((32, 28, 28, 1), np.float32)
LABELS = np.arange(32) % 10


def specification() -> dict[str, Callable[[], object]]:
    from conformance.reference_impl.models import Model
    from conformance.reference_impl.training import Compiled

    def model(config: dict[str, Any], **compiled: Any) -> Compiled:
        return Compiled(Model.from_config({"class_name": "Sequential", "config": config}), **compiled)

    cnn = model(CNN, **COMPILED)
    x = np.array([[1.0], [2.0], [3.0], [4.0]], np.float32)

    def guide() -> None:
        line = model(LINE, optimizer={"class_name": "SGD", "config": {"learning_rate": 0.1}}, loss="mse")
        line.fit(x, 2 * x - 1, epochs=EPOCHS)

    return {"steps": lambda: [cnn.train_on_batch(IMAGES, LABELS) for _ in range(STEPS)], "guide": guide}


def tensorflow() -> dict[str, Callable[[], object]]:
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    cnn = keras.Sequential.from_config(CNN)
    cnn.compile(**COMPILED)
    return {"steps": lambda: [cnn.train_on_batch(IMAGES, LABELS) for _ in range(STEPS)]}


SIDES = {"specification": specification, "tensorflow": tensorflow}
ENVIRONMENTS = {"specification": {}, "tensorflow": {"KERAS_BACKEND": "tensorflow"}}


def serve(side: str) -> None:
    """Answer the name of a computation with the seconds that it took, on the wall and of processors."""
    computations = SIDES[side]()
    computations["steps"]()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        (name,) = json.loads(line)
        began = time.perf_counter(), time.process_time()
        computations[name]()
        taken = {"wall": time.perf_counter() - began[0], "processor": time.process_time() - began[1]}
        print(json.dumps(taken), flush=True)


def main() -> None:
    """Measure, write the report, and exit with 1 where a requirement is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument(
        "--clock", choices=("wall", "processor"), default="wall",
        help="what is compared: `processor` where others keep the machine busy",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, default=REPORT, metavar="FILE", help="where the figures go")
    arguments = parser.parse_args()
    if arguments.side:
        serve(arguments.side)
        return
    with ExitStack() as stack:
        sides = {
            name: stack.enter_context(
                child(sys.executable, "training", 1, "--side", name, **ENVIRONMENTS[name])
            )
            for name in SIDES
        }
        seconds: dict[str, list[float]] = {name: [] for name in SIDES}
        for _ in range(arguments.repeats):
            for name, side in sides.items():
                seconds[name].append(side.ask("steps")[arguments.clock])
        guide = sides["specification"].ask("guide")[arguments.clock]
    ratio = statistics.median(map(float.__truediv__, seconds["specification"], seconds["tensorflow"]))
    document = {
        "machine": machine(),
        "clock": arguments.clock,
        "repeats": arguments.repeats,
        "milliseconds of a step": {side: statistics.median(s) / STEPS * 1e3 for side, s in seconds.items()},
        "step / TensorFlow": {"ratio": ratio, "required": MOST_TIMES_TENSORFLOW},
        f"seconds of {EPOCHS} epochs of the guide": {"seconds": guide, "required": MOST_SECONDS},
    }
    print(json.dumps(document, indent=1))
    arguments.json.write_text(json.dumps(document, indent=1) + "\n")
    sys.exit(0 if ratio <= MOST_TIMES_TENSORFLOW and guide <= MOST_SECONDS else 1)


if __name__ == "__main__":
    main()
