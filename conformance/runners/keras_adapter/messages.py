"""The messages of `runners/protocol.py` as plain dictionaries, and the loop that answers them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from conformance.runners.wire import PROTOCOL_VERSION, Array, pack, reserve_standard_streams, unpack

Message = dict[str, Any]


@dataclass(frozen=True)
class ConcreteCase:
    """`protocol.ConcreteCase` with its tensors as arrays, which are read-only."""

    subject: str
    config: dict[str, Any]
    inputs: tuple[Array, ...]
    weights: dict[str, Array]
    masks: tuple[Array, ...]
    initial_state: tuple[Array, ...]
    cotangents: tuple[Array, ...]
    observables: tuple[str, ...]
    seed: int
    files: dict[str, bytes]

    @classmethod
    def of(cls, message: Message) -> ConcreteCase:
        """The case of a message.

        Raises:
            ValueError: a tensor in it is malformed.
        """
        lists = {
            name: tuple(map(_to_array, message[name]))
            for name in ("inputs", "masks", "initial_state", "cotangents")
        }
        return cls(
            subject=message["subject"],
            config=message["config"],
            weights={name: _to_array(tensor) for name, tensor in message["weights"].items()},
            observables=tuple(message["observables"]),
            seed=message["seed"],
            files={name: base64.b64decode(data) for name, data in message.get("files", {}).items()},
            **lists,
        )


@dataclass(frozen=True)
class ConcreteModel:
    """`protocol.ConcreteModel` with its inputs as arrays."""

    location: str
    inputs: tuple[Array, ...]
    layers: bool
    weights: bool
    repeats: int

    @classmethod
    def of(cls, message: Message) -> ConcreteModel:
        """The model of a message.

        Raises:
            ValueError: an input is malformed.
        """
        return cls(**{**message, "inputs": tuple(map(_to_array, message["inputs"]))})


def _to_array(tensor: Message) -> Array:
    return unpack(tensor["dtype"], tensor["shape"], tensor["data"])


def of_value(value: Any) -> Message:
    """A tensor for an array, and anything else as JSON.

    Raises:
        KeyError: no message can hold an array of this dtype.
        TypeError: JSON cannot hold the value.
        ValueError: nor can it hold a NaN or infinity.
    """
    if isinstance(value, np.ndarray):
        dtype, shape, data = pack(value)
        return {"type": "tensor", "dtype": dtype, "shape": shape, "data": data}
    return {"type": "json", "value": json.loads(json.dumps(value, allow_nan=False))}


def of_error(kind: str, at: str, message: str) -> Message:
    """A `protocol.WireError`."""
    return {"type": "error", "kind": kind, "at": at, "message": message}


Send = Callable[[Message], None]


def serve(
    start: Callable[[str], Message],
    observe: Callable[[ConcreteCase], Message],
    inspect: Callable[[ConcreteModel, Send], Message],
) -> None:
    """Answer requests from standard input on standard output until `stop` or the end of the input.

    Args:
        start: the identity of the backend of this name; the place to import the runtime.
        observe: each observable of a case, a message for each.
        inspect: the answer about a saved model; the pieces of its arrays are sent before.

    Raises:
        SystemExit: the suite speaks another version of the protocol, or no request of it.
    """
    requests, replies = reserve_standard_streams()

    def write(reply: Message) -> None:
        replies.write(json.dumps(reply, separators=(",", ":")).encode())
        replies.write(b"\n")
        replies.flush()

    def write_piece(number: int, piece: Message) -> None:
        write({"reply": "piece", "id": number, **piece})

    for line in requests:
        match json.loads(line):
            case {"command": "start", "protocol": protocol} if protocol != PROTOCOL_VERSION:
                raise SystemExit(f"the suite speaks protocol {protocol}, this adapter {PROTOCOL_VERSION}")
            case {"command": "start", "backend": backend}:
                write({"reply": "started", "protocol": PROTOCOL_VERSION, "identity": start(backend)})
            case {"command": "observe", "id": number, "case": case}:
                write({"reply": "observed", "id": number, "observables": observe(ConcreteCase.of(case))})
            case {"command": "inspect", "id": number, "model": model}:
                answer = inspect(ConcreteModel.of(model), partial(write_piece, number))
                write({"reply": "inspected", "id": number, **answer})
            case {"command": "stop"}:
                return
            case request:
                raise SystemExit(f"{request!r} is no request of the protocol")
