"""The adapter as a process: who it is, its pipes, its memory, and how it ends."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import numpy as np
import pytest

from conformance.reference_impl.arithmetic import declared
from conformance.runners.node import find_node
from conformance.runners.protocol import WireError
from tests.runners.adapter import Adapter
from tests.runners.tfjs.adapter import ADAPTER, NORMALIZATION, ramp, started

pytestmark = pytest.mark.node


def test_the_identity_says_who_answers_with_what(adapter: Adapter) -> None:
    identity = adapter.identity
    assert identity.versions["tfjs"] == "4.22.0"
    assert identity.settings["threads"] == "1"
    assert declared(identity.arithmetic).unit_roundoff == 2.0**-24
    assert "training/*" in identity.capabilities["layers.LSTM"]
    assert "identifier" in identity.capabilities["activations.hard_sigmoid"]
    assert not {"layers.Model", "layers.Sequential"} & identity.capabilities.keys()
    callbacks = {name for name in identity.capabilities if name.startswith("callbacks.")}
    assert callbacks == {"callbacks.EarlyStopping", "callbacks.LambdaCallback"}


def test_large_tensors_pass_the_pipe_whole(cpu: Adapter) -> None:
    x = np.arange(2_000_000, dtype=np.float32).reshape(1, 1000, 2000)
    np.testing.assert_array_equal(cpu.observe("layers.Flatten", "output/0", x)["output/0"], x.reshape(1, -1))


def test_what_tensorflow_js_prints_stays_off_standard_output(modules: Path, tmp_path: Path) -> None:
    adapter = started(modules, "tfjs-cpu", tmp_path / "stderr")
    answer = adapter.observe(
        "layers.LSTM",
        "output/0",
        ramp(1, 2, 1),
        config={"units": 1, "unroll": True},
        weights={"kernel": ramp(1, 4), "recurrent_kernel": ramp(1, 4), "bias": ramp(4)},
    )
    assert answer["output/0"].shape == (1, 1)
    assert adapter.stop() == 0
    printed = adapter.log.read_text()
    assert "running TensorFlow.js in Node.js" in printed
    assert "unroll = true" in printed


def test_two_hundred_cases_leave_no_tensor_behind(adapter: Adapter) -> None:
    """The fixture's end finds a report of any tensor that stayed, which the adapter gives after each case."""
    weights = {"kernel": ramp(1, 4), "recurrent_kernel": ramp(1, 4), "bias": ramp(4)}
    for index in range(200):
        match index % 4:
            case 0:
                adapter.observe(
                    "layers.LSTM",
                    "training/output/0 gradient/weight/kernel reconstructed/output/0",
                    ramp(2, 2, 1),
                    config={"units": 1, "stateful": True, "dropout": 0.5, "recurrent_dropout": 0.5},
                    weights=weights,
                    cotangents=[ramp(2, 1)],
                )
            case 1:
                # Its gradient fails halfway, with the tape full of kept tensors.
                adapter.observe(
                    "layers.BatchNormalization",
                    "gradient/input/0 training/output/0",
                    ramp(4, 2),
                    config={"scale": False},
                    weights={name: value for name, value in NORMALIZATION.items() if name != "gamma"},
                    cotangents=[ramp(4, 2)],
                )
            case 2:
                adapter.observe("layers.Dense", "output/0", ramp(1, 3), config={"units": 2})
            case 3:
                adapter.observe("activations.gelu", "gradient/input/0", ramp(1, 3), cotangents=[ramp(1, 3)])


@pytest.mark.parametrize(
    ("arguments", "request_", "message"),
    [
        (
            ["--modules", "."],
            {"command": "start", "protocol": 1, "backend": "tfjs-webgl"},
            "tfjs-cpu, tfjs-wasm",
        ),
        (["--modules", "."], {"command": "start", "protocol": 0, "backend": "tfjs-cpu"}, "protocol 0"),
        (["--modules", "/"], {"command": "start", "protocol": 1, "backend": "tfjs-cpu"}, "cannot load"),
        ([], {"command": "stop"}, "--modules DIR"),
    ],
)
def test_what_the_adapter_cannot_do_is_one_clear_fatal_error(
    arguments: list[str], request_: dict[str, str | int], message: str
) -> None:
    done = subprocess.run(
        [find_node().path, ADAPTER, *arguments],
        input=msgspec.json.encode(request_) + b"\n",
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stdout == b""
    first, *_ = done.stderr.decode().splitlines()
    assert first.startswith("fatal: ")
    assert message in first


def test_after_a_trap_of_webassembly_the_backend_starts_anew(wasm: Adapter) -> None:
    """No window of four fits into three: the kernel writes where it should not, and hits others' memory."""
    pooling = "layers.AveragePooling1D"
    trapping = {"pool_size": 4, "data_format": "channels_first"}
    for _ in range(4):
        trapped = wasm.observe(pooling, "output/0", ramp(2, 3, 7), config=trapping)["output/0"]
        assert isinstance(trapped, WireError)
        assert (trapped.kind, trapped.message) == ("internal", "memory access out of bounds")
        answer = wasm.observe(pooling, "output/0", ramp(3, 33, 8), config={"pool_size": 3})["output/0"]
        assert not isinstance(answer, WireError), answer
        assert answer.shape == (3, 11, 8)
