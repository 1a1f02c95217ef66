"""The adapter's side of the protocol in Python: one loop that a backend's program calls and never leaves."""

from __future__ import annotations

from collections.abc import Callable

from conformance.runners.protocol import (
    PROTOCOL_VERSION,
    ConcreteCase,
    Identity,
    Inspect,
    Observation,
    Observe,
    Observed,
    Start,
    Started,
    Stop,
    decode_request,
    encode,
)
from conformance.runners.wire import reserve_standard_streams


def serve(start: Callable[[Start], Identity], observe: Callable[[ConcreteCase], dict[str, Observed]]) -> None:
    """Answer requests from standard input on standard output until `stop` or the end of the input.

    Call it before importing what may print. `start` is called once, and may take its time: it is the
    place to import the runtime. `observe` gives each observable a value or a `WireError` of its own; an
    exception from either is a fault of the adapter, and ends it with its traceback on standard error.

    Raises:
        SystemExit: the suite speaks another version of the protocol.
        msgspec.ValidationError: a request is not a message of the protocol.
    """
    requests, replies = reserve_standard_streams()
    for line in requests:
        reply: Started | Observation
        match decode_request(line):
            case Start(protocol=protocol) if protocol != PROTOCOL_VERSION:
                raise SystemExit(
                    f"the suite speaks protocol {protocol}, this adapter {PROTOCOL_VERSION}; "
                    "install the same version of layers-conformance on both sides"
                )
            case Start() as request:
                reply = Started(PROTOCOL_VERSION, start(request))
            case Observe(id=number, case=case):
                reply = Observation(number, observe(case))
            case Inspect():
                raise SystemExit("this adapter can be asked about no saved model, and has told so")
            case Stop():
                return
        replies.write(encode(reply))
        replies.write(b"\n")
        replies.flush()
