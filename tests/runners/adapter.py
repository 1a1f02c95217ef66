"""An adapter as a child of the tests, asked over its standard input as the suite asks it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.reference_impl.arrays import Array
from conformance.runners import protocol
from conformance.runners.inspection import Inspection, Pieces
from conformance.runners.protocol import (
    ConcreteCase,
    ConcreteModel,
    Observed,
    WireError,
    WireJSON,
    WireTensor,
)


class Adapter:
    """The child, and its answers with tensors as arrays and JSON as values.

    Attributes:
        log: the file that has its standard error.
    """

    def __init__(self, command: Sequence[str | Path], backend: str, log: Path, **environment: str) -> None:
        self.log = log
        self.asked = 0
        with log.open("w") as stderr:
            self.child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=os.environ | environment,
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
        weights: Mapping[str, Array] | None = None,
        **others: Sequence[Array],
    ) -> dict[str, Any]:
        """The answers to one case.

        Args:
            observables: with spaces between them.
            others: the other arrays of the case, by the names of their fields.
        """
        case = ConcreteCase(
            subject=subject,
            config=config or {},
            inputs=tuple(map(protocol.to_wire, inputs)),
            weights={name: protocol.to_wire(value) for name, value in (weights or {}).items()},
            masks=tuple(map(protocol.to_wire, others.get("masks", ()))),
            initial_state=tuple(map(protocol.to_wire, others.get("initial_state", ()))),
            cotangents=tuple(map(protocol.to_wire, others.get("cotangents", ()))),
            observables=tuple(observables.split()),
            seed=1,
        )
        self.asked += 1
        observation = self.ask(protocol.Observe(self.asked, case))
        assert isinstance(observation, protocol.Observation)
        assert observation.id == self.asked
        assert list(observation.observables) == list(case.observables)
        return {name: unwrapped(value) for name, value in observation.observables.items()}

    def inspect(self, location: str | Path, *inputs: Array, repeats: int = 1) -> Inspection:
        """What it tells of a saved model, its layers and weights too."""
        self.asked += 1
        model = ConcreteModel(str(location), tuple(map(protocol.to_wire, inputs)), True, True, repeats)
        pieces = Pieces(2**30)
        reply = self.ask(protocol.Inspect(self.asked, model))
        while isinstance(reply, protocol.Piece):
            assert reply.id == self.asked
            pieces.add(reply)
            reply = protocol.decode_reply(self.replies.readline())
        assert isinstance(reply, protocol.Inspected)
        assert reply.id == self.asked
        return pieces.assemble(reply)

    def stop(self) -> int:
        """Its exit code, once it is told to stop."""
        self.send(protocol.Stop())
        code = self.child.wait(timeout=60)
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
