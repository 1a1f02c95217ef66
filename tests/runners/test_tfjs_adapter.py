"""The TensorFlow.js adapter as the suite meets it: a Node child that answers JSON lines."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from conformance.reference_impl.arithmetic import declared
from conformance.reference_impl.arrays import Array
from conformance.runners import protocol
from conformance.runners.node import find_node
from conformance.runners.protocol import ConcreteCase, Observed, WireError, WireJSON, WireTensor

pytestmark = pytest.mark.node

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

ADAPTER = Path(protocol.__file__).parent / "tfjs" / "adapter.mjs"


@pytest.fixture(scope="module")
def modules() -> Path:
    """The folder that holds the `node_modules` with TensorFlow.js."""
    named = os.environ.get("CONFORMANCE_TFJS_MODULES")
    if named:
        return Path(named)
    from conformance.runners.provision import ensure_package

    return ensure_package()


class Adapter:
    """The child, and its answers with tensors as arrays and JSON as values."""

    def __init__(self, modules: Path, backend: str, log: Path) -> None:
        self.log = log
        with log.open("w") as stderr:
            self.child = subprocess.Popen(
                [find_node().path, ADAPTER, "--modules", modules],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.requests, self.replies = self.child.stdin, self.child.stdout
        reply = self.ask(protocol.Start(protocol.PROTOCOL_VERSION, backend))
        assert isinstance(reply, protocol.Started)
        self.identity = reply.identity

    def send(self, request: protocol.Request) -> None:
        self.requests.write(protocol.encode(request) + b"\n")
        self.requests.flush()

    def ask(self, request: protocol.Request) -> protocol.Reply:
        self.send(request)
        reply: protocol.Reply = protocol.decode_reply(self.replies.readline())
        return reply

    def observe(
        self,
        subject: str,
        observables: str,
        *inputs: Array,
        config: dict[str, Any] | None = None,
        weights: dict[str, F32] | None = None,
        **others: Sequence[Array],
    ) -> dict[str, Any]:
        case = ConcreteCase(
            subject=subject,
            config=config or {},
            inputs=tuple(map(protocol.to_wire, inputs)),
            weights={name: protocol.to_wire(value) for name, value in (weights or {}).items()},
            masks=tuple(map(protocol.to_wire, others.get("masks", ()))),
            initial_state=tuple(map(protocol.to_wire, others.get("initial_state", ()))),
            cotangents=tuple(map(protocol.to_wire, others.get("cotangents", ()))),
            observables=tuple(observables.split()),
            seed=0,
        )
        observation = self.ask(protocol.Observe(7, case))
        assert isinstance(observation, protocol.Observation)
        assert observation.id == 7
        assert list(observation.observables) == list(case.observables)
        return {name: unwrapped(value) for name, value in observation.observables.items()}

    def stop(self) -> int:
        self.send(protocol.Stop())
        code = self.child.wait(timeout=20)
        self.requests.close()
        self.replies.close()
        return code


def unwrapped(value: Observed) -> Any:
    match value:
        case WireTensor():
            return protocol.from_wire(value)
        case WireJSON(value=value):
            return value
        case WireError():
            return value


@pytest.fixture(scope="module", params=["tfjs-cpu", "tfjs-wasm"])
def adapter(
    request: pytest.FixtureRequest, modules: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Adapter]:
    started = Adapter(modules, request.param, tmp_path_factory.mktemp(request.param) / "stderr")
    yield started
    assert started.stop() == 0
    assert "not disposed" not in started.log.read_text()


@pytest.fixture(scope="module")
def cpu(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adapter]:
    started = Adapter(modules, "tfjs-cpu", tmp_path_factory.mktemp("cpu") / "stderr")
    yield started
    assert started.stop() == 0


@pytest.fixture(scope="module")
def wasm(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adapter]:
    started = Adapter(modules, "tfjs-wasm", tmp_path_factory.mktemp("wasm") / "stderr")
    yield started
    assert started.stop() == 0


def f32(values: ArrayLike) -> F32:
    return np.array(values, np.float32)


def ramp(*shape: int) -> F32:
    """Small, pairwise different values of both signs."""
    size = int(np.prod(shape))
    return (f32(range(size)).reshape(shape) - f32(size // 2)) / f32(8)


DENSE = {"kernel": f32([[1, -1], [2, -2], [3, -3]]), "bias": f32([0.5, 0.25])}
NORMALIZATION = {
    "gamma": f32([2, 3]),
    "beta": f32([1, -1]),
    "moving_mean": f32([0.5, 0.25]),
    "moving_variance": f32([1, 4]),
}


def refused(answer: object, kind: str, at: str) -> bool:
    assert isinstance(answer, WireError), answer
    assert (answer.kind, answer.at) == (kind, at), answer
    return True


def test_the_identity_says_who_answers_with_what(adapter: Adapter) -> None:
    identity = adapter.identity
    assert identity.versions["tfjs"] == "4.22.0"
    assert identity.settings["threads"] == "1"
    assert declared(identity.arithmetic).unit_roundoff == 2.0**-24
    assert "training/*" in identity.capabilities["layers.LSTM"]
    assert "identifier" in identity.capabilities["activations.hard_sigmoid"]
    assert not {"layers.Model", "layers.Sequential"} & identity.capabilities.keys()


def test_dense_by_hand(adapter: Adapter) -> None:
    answer = adapter.observe(
        "layers.Dense",
        "output/0 training/output/0 gradient/input/0 gradient/weight/kernel gradient/weight/bias dtype",
        f32([[1, 2, 3]]),
        config={"units": 2, "activation": "relu"},
        weights=DENSE,
        cotangents=[f32([[2, 5]])],
    )
    np.testing.assert_array_equal(answer["output/0"], [[14.5, 0]])
    np.testing.assert_array_equal(answer["training/output/0"], [[14.5, 0]])
    np.testing.assert_array_equal(answer["gradient/input/0"], [[2, 4, 6]])
    np.testing.assert_array_equal(answer["gradient/weight/kernel"], [[2, 0], [4, 0], [6, 0]])
    np.testing.assert_array_equal(answer["gradient/weight/bias"], [2, 0])
    assert answer["dtype"] == ["float32"]


def test_conv2d_by_hand(cpu: Adapter) -> None:
    image, kernel = ramp(1, 3, 3, 1), ramp(2, 2, 1, 1)
    answer = cpu.observe(
        "layers.Conv2D",
        "output/0 gradient/input/0 gradient/weight/kernel gradient/weight/bias shape/unknown",
        image,
        config={"filters": 1, "kernel_size": [2, 2], "data_format": "channels_last"},
        weights={"kernel": kernel, "bias": f32([1])},
        cotangents=[f32([1, 0, 0, 2]).reshape(1, 2, 2, 1)],
    )
    x, k = image[0, :, :, 0], kernel[:, :, 0, 0]
    windows = [[x[i : i + 2, j : j + 2] for j in range(2)] for i in range(2)]
    expected = [[(window * k).sum() + 1 for window in row] for row in windows]
    np.testing.assert_array_equal(answer["output/0"][0, :, :, 0], expected)
    np.testing.assert_array_equal(
        answer["gradient/weight/kernel"][:, :, 0, 0], windows[0][0] + 2 * windows[1][1]
    )
    np.testing.assert_array_equal(answer["gradient/weight/bias"], [3])
    gradient = np.zeros((3, 3))
    gradient[:2, :2] += k
    gradient[1:, 1:] += 2 * k
    np.testing.assert_array_equal(answer["gradient/input/0"][0, :, :, 0], gradient)
    assert answer["shape/unknown"] == [[None, None, None, 1]]


def test_lstm_starts_from_the_given_state_and_steps_over_masked_inputs(adapter: Adapter) -> None:
    kernel, recurrent, bias = ramp(1, 4), ramp(1, 4), ramp(4)
    x, h, c = ramp(2, 3, 1), f32([[0.5], [-0.5]]), f32([[0.25], [1.0]])
    mask = np.array([[True, False, True], [True, True, True]])
    answer = adapter.observe(
        "layers.LSTM",
        "output/0 output/1 output/2 gradient/weight/recurrent_kernel shape/concrete shape/unknown",
        x,
        config={"units": 1, "return_state": True, "recurrent_activation": "sigmoid"},
        weights={"kernel": kernel, "recurrent_kernel": recurrent, "bias": bias},
        masks=[mask],
        initial_state=[h, c],
        cotangents=[f32([[1], [2]]), f32([[0], [0]]), f32([[3], [0]])],
    )

    def forward(recurrent: F64) -> tuple[F64, F64]:
        state, carry = h.astype(np.float64), c.astype(np.float64)
        for step in range(3):
            i, f, g, o = np.split(x[:, step] @ kernel + state @ recurrent + bias, 4, axis=-1)
            i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
            new_carry = f * carry + i * np.tanh(g)
            keep = mask[:, step, None]
            state, carry = np.where(keep, o * np.tanh(new_carry), state), np.where(keep, new_carry, carry)
        return state, carry

    state, carry = forward(recurrent.astype(np.float64))
    np.testing.assert_allclose(answer["output/0"], state, rtol=1e-5)
    np.testing.assert_array_equal(answer["output/1"], answer["output/0"])
    np.testing.assert_allclose(answer["output/2"], carry, rtol=1e-5)
    difference = []
    for gate in range(4):
        sides = []
        for step in (1e-6, -1e-6):
            shifted = recurrent.astype(np.float64)
            shifted[0, gate] += step
            state, carry = forward(shifted)
            sides.append(state[0, 0] + 2 * state[1, 0] + 3 * carry[0, 0])
        difference.append((sides[0] - sides[1]) / 2e-6)
    np.testing.assert_allclose(answer["gradient/weight/recurrent_kernel"][0], difference, rtol=1e-4)
    assert answer["shape/concrete"] == [[2, 1]] * 3
    assert answer["shape/unknown"] == [[None, 1]] * 3


def test_training_changes_the_moving_statistics_and_nothing_after_it(adapter: Adapter) -> None:
    x = f32([[0, 2], [4, 6]])
    answer = adapter.observe(
        "layers.BatchNormalization",
        "training/output/0 training/state/moving_mean training/state/moving_variance "
        "training/gradient/weight/beta output/0 training/state/gamma weights",
        x,
        config={"momentum": 0.5, "epsilon": 0.0009765625},
        weights=NORMALIZATION,
        cotangents=[f32([[1, 2], [3, 4]])],
    )
    np.testing.assert_array_equal(answer["training/state/moving_mean"], [1.25, 2.125])
    np.testing.assert_array_equal(answer["training/state/moving_variance"], [2.5, 4])
    np.testing.assert_array_equal(answer["training/gradient/weight/beta"], [4, 6])
    np.testing.assert_allclose(answer["training/output/0"], [[-1, -4], [3, 2]], rtol=1e-3)
    inference = (x - [0.5, 0.25]) / np.sqrt(f32([1, 4]) + 0.0009765625) * [2, 3] + [1, -1]
    np.testing.assert_allclose(answer["output/0"], inference, rtol=1e-6)
    assert refused(answer["training/state/gamma"], "invalid-argument", "call")
    assert [(weight["name"], weight["trainable"]) for weight in answer["weights"]] == [
        ("gamma", True),
        ("beta", True),
        ("moving_mean", False),
        ("moving_variance", False),
    ]


def test_a_missing_kernel_fails_only_the_gradient_that_needs_it(wasm: Adapter) -> None:
    answer = wasm.observe(
        "layers.Conv2D",
        "output/0 gradient/input/0 gradient/weight/kernel gradient/weight/bias",
        ramp(1, 3, 3, 1),
        config={"filters": 1, "kernel_size": 2, "activation": "relu"},
        weights={"kernel": ramp(2, 2, 1, 1), "bias": f32([1])},
        cotangents=[ramp(1, 2, 2, 1)],
    )
    assert refused(answer["gradient/weight/kernel"], "missing-kernel", "gradient")
    assert "Conv2DBackpropFilter" in answer["gradient/weight/kernel"].message
    for observable, shape in [("output/0", (1, 2, 2, 1)), ("gradient/input/0", (1, 3, 3, 1))]:
        assert answer[observable].shape == shape
    assert answer["gradient/weight/bias"].shape == (1,)


def test_a_stateful_layer_starts_anew_for_every_observable(cpu: Adapter) -> None:
    answer = cpu.observe(
        "layers.LSTM",
        "output/0 training/output/0 reconstructed/output/0",
        ramp(2, 3, 1),
        config={"units": 1, "stateful": True},
        weights={"kernel": ramp(1, 4), "recurrent_kernel": ramp(1, 4), "bias": ramp(4)},
    )
    np.testing.assert_array_equal(answer["training/output/0"], answer["output/0"])
    np.testing.assert_array_equal(answer["reconstructed/output/0"], answer["output/0"])


def test_integers_stay_integers_and_are_not_differentiated(cpu: Adapter) -> None:
    answer = cpu.observe(
        "layers.Embedding",
        "output/0 gradient/weight/embeddings gradient/input/0 shape/unknown",
        np.array([[1, 1, 2]], np.int32),
        config={"input_dim": 3, "output_dim": 2},
        weights={"embeddings": ramp(3, 2)},
        cotangents=[ramp(1, 3, 2)],
    )
    np.testing.assert_array_equal(answer["output/0"], ramp(3, 2)[[[1, 1, 2]]])
    cotangent = ramp(1, 3, 2)[0]
    np.testing.assert_array_equal(
        answer["gradient/weight/embeddings"], [[0, 0], cotangent[0] + cotangent[1], cotangent[2]]
    )
    assert refused(answer["gradient/input/0"], "invalid-argument", "gradient")
    assert answer["shape/unknown"] == [[None, None, 2]]


def test_several_inputs(adapter: Adapter) -> None:
    left, right, cotangent = ramp(2, 3), ramp(2, 2), ramp(2, 5)
    answer = adapter.observe(
        "layers.Concatenate",
        "output/0 gradient/input/0 gradient/input/1 shape/concrete shape/unknown_batch shape/unknown",
        left,
        right,
        cotangents=[cotangent],
    )
    np.testing.assert_array_equal(answer["output/0"], np.concatenate([left, right], axis=-1))
    np.testing.assert_array_equal(answer["gradient/input/0"], cotangent[:, :3])
    np.testing.assert_array_equal(answer["gradient/input/1"], cotangent[:, 3:])
    assert answer["shape/concrete"] == [[2, 5]]
    assert answer["shape/unknown_batch"] == [[None, 5]]
    assert answer["shape/unknown"] == [[None, None]]


def test_the_signature_of_dense_is_read_from_its_constructor(cpu: Adapter) -> None:
    arguments = cpu.observe("layers.Dense", "signature", config={"units": 3})["signature"]["arguments"]
    assert arguments["units"] == {"required": True}
    assert arguments["use_bias"] == {"default": True}
    assert arguments["activation"] == {"default": "linear"}
    assert arguments["bias_initializer"] == {"default": {"class_name": "Zeros", "config": {}}}
    assert arguments["kernel_initializer"]["default"]["config"]["distribution"] == "normal"
    assert arguments["name"] == {"default": None}
    assert arguments["input_dim"] == {"read": True}
    assert "lora_rank" not in arguments


def test_an_argument_that_the_constructor_makes_itself_is_none_of_its_arguments(cpu: Adapter) -> None:
    arguments = cpu.observe("layers.LSTM", "signature", config={"units": 3})["signature"]["arguments"]
    assert "cell" not in arguments
    assert arguments["recurrent_activation"] == {"default": "hard_sigmoid"}


def test_a_configuration_comes_back_by_keras_names(cpu: Adapter) -> None:
    config = {
        "units": 2,
        "name": "some_layer",
        "activation": "hard_sigmoid",
        "use_bias": False,
        "kernel_initializer": {
            "module": "keras.initializers",
            "class_name": "VarianceScaling",
            "config": {"scale": 2.0, "mode": "fan_in", "distribution": "uniform", "seed": None},
            "registered_name": None,
        },
        "bias_initializer": "lecun_normal",
        "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.5}},
        "kernel_constraint": {"class_name": "MaxNorm", "config": {"max_value": 3, "axis": 0}},
        "no_such_argument": "some_value",
    }
    answer = cpu.observe(
        "layers.Dense",
        "config reconstructed/config reconstructed/output/0 output/0",
        ramp(2, 3),
        config=config,
        weights={"kernel": ramp(3, 2)},
    )
    assert answer["config"] == {
        "units": 2,
        "name": "some_layer",
        "trainable": True,
        "activation": "hard_sigmoid",
        "use_bias": False,
        "kernel_initializer": {
            "class_name": "VarianceScaling",
            "config": {"scale": 2, "mode": "fan_in", "distribution": "uniform", "seed": None},
        },
        "bias_initializer": {
            "class_name": "VarianceScaling",
            "config": {"scale": 1, "mode": "fan_in", "distribution": "normal", "seed": None},
        },
        "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0, "l2": 0.5}},
        "bias_regularizer": None,
        "activity_regularizer": None,
        "kernel_constraint": {"class_name": "MaxNorm", "config": {"max_value": 3, "axis": 0}},
        "bias_constraint": None,
    }
    assert answer["reconstructed/config"] == answer["config"]
    np.testing.assert_array_equal(answer["reconstructed/output/0"], answer["output/0"])


@pytest.mark.parametrize("name", ["hard_sigmoid", "gelu_new", "log_softmax", "relu6"])
def test_activations_by_their_snake_case_names(cpu: Adapter, name: str) -> None:
    answer = cpu.observe(f"activations.{name}", "identifier", config={"identifier": name})
    assert answer == {"identifier": name}
    x = f32([[-4, 1, 8]])
    value = cpu.observe(f"activations.{name}", "output/0 gradient/input/0", x, cotangents=[x])
    assert value["output/0"].shape == value["gradient/input/0"].shape == (1, 3)


@pytest.mark.parametrize(
    ("subject", "config", "kind", "at"),
    [
        ("layers.Dense", {"units": -1}, "invalid-argument", "construction"),
        (
            "layers.Conv2D",
            {"filters": 1, "kernel_size": 1, "padding": "no"},
            "invalid-argument",
            "construction",
        ),
        ("layers.Flatten", {}, "invalid-argument", "build"),
        ("layers.Dense", {"units": 2}, "invalid-argument", "build"),
        ("layers.Softmax", {"axis": 0}, "not-implemented", "call"),
        ("activations.relu", {"max_value": 6}, "not-implemented", "construction"),
        ("layers.NoSuchLayer", {}, "not-implemented", "construction"),
    ],
)
def test_errors_are_classified_by_what_and_where(
    cpu: Adapter, subject: str, config: dict[str, Any], kind: str, at: str
) -> None:
    assert refused(cpu.observe(subject, "output/0", ramp(2, 3), config=config)["output/0"], kind, at)


def test_other_weights_than_the_layers_are_refused_by_name(cpu: Adapter) -> None:
    answer = cpu.observe(
        "layers.Dense", "output/0", ramp(1, 3), config={"units": 2}, weights={"k": ramp(3, 2)}
    )
    assert refused(answer["output/0"], "invalid-argument", "build")
    assert answer["output/0"].message == "the layer's weights are: kernel, bias; given: k"


def test_a_dtype_that_tensorflow_js_lacks_is_refused(cpu: Adapter) -> None:
    answer = cpu.observe(
        "layers.Activation", "output/0 config", np.zeros((1, 2)), config={"activation": "relu"}
    )
    assert refused(answer["output/0"], "type", "call")
    assert answer["config"]["activation"] == "relu"


def test_large_tensors_pass_the_pipe_whole(cpu: Adapter) -> None:
    x = np.arange(2_000_000, dtype=np.float32).reshape(1, 1000, 2000)
    np.testing.assert_array_equal(cpu.observe("layers.Flatten", "output/0", x)["output/0"], x.reshape(1, -1))


def test_what_tensorflow_js_prints_stays_off_standard_output(modules: Path, tmp_path: Path) -> None:
    adapter = Adapter(modules, "tfjs-cpu", tmp_path / "stderr")
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
