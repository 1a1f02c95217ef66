"""Messages keep every bit, say what is wrong with them, and have a schema; an adapter keeps its output."""

import json
import subprocess
import sys
from importlib.resources import files
from typing import Any

import jsonschema
import msgspec
import numpy as np
import pytest

from conformance.runners.protocol import (
    DTYPES,
    PROTOCOL_VERSION,
    ArrayForm,
    ConcreteCase,
    ConcreteModel,
    Identity,
    Inspect,
    Inspected,
    LayerCall,
    ModelLayer,
    ModelTensor,
    ModelWeight,
    Observation,
    Observe,
    Piece,
    Reply,
    Request,
    Start,
    Started,
    Stop,
    WireError,
    WireJSON,
    WireTensor,
    decode_reply,
    decode_request,
    encode,
    from_wire,
    schema,
    to_wire,
)
from conformance.runners.validation import validate_observation

CASE = ConcreteCase(
    subject="layers.Dense",
    config={"units": 2, "activation": None},
    inputs=(to_wire(np.ones((1, 3), np.float32)),),
    weights={"kernel": to_wire(np.ones((3, 2), np.float32))},
    masks=(to_wire(np.array([True, False])),),
    initial_state=(),
    cotangents=(),
    observables=("output/0",),
    seed=1,
)
IDENTITY = Identity(
    "mine", "python", {"mine": "1"}, {}, {"machine": "x"}, {"base": "ieee-float32"}, {"*": ["*"]}
)
MODEL = ConcreteModel("/models/mine.keras", CASE.inputs, layers=True, weights=False, repeats=3)
CALL = LayerCall(("tower", "dense"), (0,), (None,), (), {"training": False}, (1,), (None,))
INSPECTED = Inspected(
    2,
    error=WireError("internal", "call", "no"),
    inputs=(ModelTensor("x", (None, 3), "float32"),),
    layers=(
        ModelLayer(
            ("tower", "dense"), "layers.Dense", {"units": 2}, (ModelWeight("bias", (2,), "float32", True),)
        ),
    ),
    arrays=(ArrayForm("float32", (1, 3)), ArrayForm("float32", (1, 2))),
    calls=(CALL,),
    seconds=(0.25,),
)
REQUESTS = [Start(PROTOCOL_VERSION, "mine"), Observe(1, CASE), Inspect(2, MODEL), Stop()]
REPLIES = [
    Started(PROTOCOL_VERSION, IDENTITY),
    Piece(2, 0, "AAAA"),
    INSPECTED,
    Observation(1, {"a": CASE.inputs[0], "b": WireJSON([None]), "c": WireError("type", "call", "no")}),
]


@pytest.mark.parametrize("message", REQUESTS, ids=lambda message: type(message).__name__)
def test_a_request_survives_the_wire_and_fits_the_schema(message: Request) -> None:
    text = encode(message)
    assert b"\n" not in text
    assert decode_request(text) == message
    jsonschema.validate(json.loads(text), schema())


@pytest.mark.parametrize("message", REPLIES, ids=lambda message: type(message).__name__)
def test_a_reply_survives_the_wire_and_fits_the_schema(message: Reply) -> None:
    text = encode(message)
    assert decode_reply(text) == message
    jsonschema.validate(json.loads(text), schema())


def test_the_committed_schema_is_that_of_the_messages() -> None:
    committed = files("conformance.runners").joinpath("protocol.schema.json").read_text("utf-8")
    assert committed == json.dumps(schema(), indent=2) + "\n", "write it anew, so"


@pytest.mark.parametrize(
    ("observed", "problem"),
    [
        ({"type": "tensor", "dtype": "float31", "shape": [1], "data": "AACAPw=="}, "float31"),
        ({"type": "tensor", "dtype": "float32", "shape": [-1], "data": ""}, "-1"),
        ({"type": "error", "kind": "sorrow", "at": "call", "message": "no"}, "sorrow"),
    ],
)
def test_the_schema_refuses_what_the_suite_does(observed: dict[str, Any], problem: str) -> None:
    message = {"reply": "observed", "id": 1, "observables": {"a": observed}}
    (found,) = validate_observation(
        msgspec.structs.replace(CASE, observables=("a",)), decode_reply(json.dumps(message))
    ).values()
    assert problem in found
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(message, schema())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b'{"reply": "observed", "id": 1}',
        b'{"reply": "observed", "id": 1, "observables": {}, "extra": 0}',
        b'{"reply": "observed", "id": "1", "observables": {}}',
        b'{"reply": "observed", "id": 1, "observables": {"a": 1}}',
        b'{"reply": "observed", "id": 1, "observables": {"a": {"type": "tensor", "dtype": "float32"}}}',
        b'{"reply": "unheard", "id": 1}',
    ],
)
def test_what_is_no_reply_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_reply(text)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (2, 3, 4)])
def test_a_tensor_keeps_every_bit(dtype: str, shape: tuple[int, ...]) -> None:
    bits = np.random.default_rng(1).integers(0, 256, (*shape, np.dtype(dtype).itemsize), np.uint8)
    array = (bits % 2 if dtype == "bool" else bits).view(dtype)[..., 0]
    back = from_wire(to_wire(array))
    assert back.dtype == array.dtype
    assert back.shape == shape
    assert back.tobytes() == array.tobytes()


def test_strided_and_big_endian_arrays_are_sent_in_order() -> None:
    array = np.arange(12, dtype=">f4").reshape(3, 4).T[::2]
    np.testing.assert_array_equal(from_wire(to_wire(array)), array)


@pytest.mark.parametrize(
    "tensor",
    [
        WireTensor("float31", (1,), "AACAPw=="),
        WireTensor("float32", (2,), "AACAPw=="),
        WireTensor("float32", (1,), "AACAP"),
        WireTensor("float32", (1,), "AACA?w=="),
    ],
    ids=["dtype", "size", "padding", "alphabet"],
)
def test_a_tensor_that_is_none_is_refused(tensor: WireTensor) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_wire(tensor)


ADAPTER = """
import os
from conformance.runners.protocol import Identity, WireJSON
from conformance.runners.serve import serve

def start(request):
    print("a print"); os.write(1, b"a write\\n"); os.system("echo a child")
    return Identity(request.backend, "python", {}, {}, {}, {}, {})

def observe(case):
    return {name: WireJSON(os.read(0, 9).decode()) for name in case.observables}

serve(start, observe)
"""


def converse(*messages: Request) -> subprocess.CompletedProcess[bytes]:
    lines = b"".join(encode(message) + b"\n" for message in messages)
    return subprocess.run([sys.executable, "-c", ADAPTER], input=lines, capture_output=True, timeout=60)


def test_neither_prints_nor_reads_of_a_library_get_between_the_messages() -> None:
    done = converse(Start(PROTOCOL_VERSION, "mine"), Observe(5, CASE), Observe(6, CASE), Stop(), Stop())
    first, *others = (decode_reply(line) for line in done.stdout.splitlines())
    assert isinstance(first, Started)
    assert first.identity.name == "mine"
    assert others == [Observation(number, {"output/0": WireJSON("")}) for number in (5, 6)]
    assert set(done.stderr.split(b"\n")) >= {b"a print", b"a write", b"a child"}
    assert done.returncode == 0


def test_the_end_of_the_input_ends_the_adapter() -> None:
    assert converse().returncode == 0


def test_another_version_of_the_protocol_is_refused() -> None:
    done = converse(Start(PROTOCOL_VERSION + 1, "mine"))
    assert done.returncode == 1
    assert b"the suite speaks protocol 2, this adapter 1" in done.stderr


def test_an_adapter_that_offers_no_models_says_so_when_it_is_asked_about_one() -> None:
    done = converse(Start(PROTOCOL_VERSION, "mine"), Inspect(1, MODEL))
    assert done.returncode == 1
    assert b"this adapter can be asked about no saved model" in done.stderr
