"""The TensorFlow.js adapter as a child of the tests, and the numbers that they ask it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from conformance.reference_impl.arrays import Array
from conformance.runners import protocol
from conformance.runners.node import find_node
from conformance.runners.protocol import ConcreteCase, Observed, WireError, WireJSON, WireTensor

F32 = NDArray[np.float32]

ADAPTER = Path(protocol.__file__).parent / "tfjs" / "adapter.mjs"


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
