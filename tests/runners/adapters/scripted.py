"""An adapter in the standard library alone, that does with each case what the case's config says.

Its first argument names the function below that answers `start`, its second the file by which that knows
a second start. A case is answered with its seed, so that no two answers can be mixed up unseen, unless its
config's `do` names another function below. That is done whatever is asked or, with `at`, only where that
observable is; and every time or, with `marker`, only until there is a file of that name. A model is answered
by the function that its location names.
"""

import base64
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

Message = dict[str, Any]
"""An object of JSON."""

IDENTITY: Message = {
    "name": "scripted",
    "language": "python",
    "versions": {},
    "settings": {"device": "gpu"},
    "platform": {},
    "arithmetic": {"base": "ieee-float32"},
    "capabilities": {"*": ["*"]},
}


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def reply(message: Message) -> None:
    say(json.dumps(message) + "\n")


def tensor(*values: float) -> Message:
    data = base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
    return {"type": "tensor", "dtype": "float32", "shape": [len(values)], "data": data}


def own(case: Message) -> Message:
    """The answer to a case: its seed, twice, for a single number does not tell whose it is."""
    return tensor(case["seed"], case["seed"])


def observed(request: Message, value: Message | None = None, number: int | None = None) -> None:
    value = value or own(request["case"])
    observables = dict.fromkeys(request["case"]["observables"], value)
    reply({"reply": "observed", "id": number or request["id"], "observables": observables})


# Not to answer


def hang(request: Message) -> NoReturn:
    while True:
        signal.pause()


def late(request: Message) -> None:
    time.sleep(2)
    observed(request)


def half_a_line(request: Message) -> None:
    say('{"reply": "observed", ')
    hang(request)


def close_output(request: Message) -> None:
    os.close(1)
    hang(request)


# To die


def segfault(request: Message) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def killed(request: Message) -> None:
    """As the kernel ends a process when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def abort(request: Message) -> None:
    """As Node ends when its heap is full, with a stack below the reason."""
    print("FATAL ERROR: JavaScript heap out of memory\n 1: 0xb7 node", file=sys.stderr)
    sys.stderr.flush()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.abort()


def out_of_memory(request: Message) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))
    bytearray(1 << 29)


def leave(request: Message) -> None:
    print("out of ideas", file=sys.stderr)
    sys.exit(3)


def leave_in_a_line(request: Message) -> None:
    say('{"reply": "observed", ')
    sys.exit(0)


def heir(request: Message) -> None:
    """Leave the output to a process of the same session, and die."""
    subprocess.Popen([sys.executable, "-S", "-c", "import signal; signal.pause()"])
    segfault(request)


# To write what is no answer


def garbage(request: Message) -> None:
    say("Loading weights... done\n")
    hang(request)


def bytes_of_another_encoding(request: Message) -> None:
    os.write(1, b'{"reply": "\xff\xfe"}\n')
    hang(request)


def long_line(request: Message) -> None:
    for _ in range(100):
        say("x" * 1_000_000)
    observed(request)


def flood_output(request: Message) -> None:
    while True:
        say("progress: 99 %\n" * 10_000)


def flood_errors(request: Message) -> None:
    while True:
        sys.stderr.write("warning: deprecated\n" * 10_000)


def nan(request: Message) -> None:
    observed(request, {"type": "json", "value": float("nan")})


def started_again(request: Message) -> None:
    reply({"reply": "started", "protocol": 1, "identity": IDENTITY})


# To answer another question


def wrong_id(request: Message) -> None:
    observed(request, number=request["id"] + 1000)


def answer_the_next(request: Message) -> None:
    observed(request, number=request["id"] + 1)


def answer_before(request: Message) -> None:
    """Answer the case before this one once more, as a backend does that lost count."""
    observed(request, number=request["id"] - 1)


def twice(request: Message) -> None:
    observed(request)
    observed(request)


def swap(request: Message) -> None:
    """Answer the next request before this one."""
    observed(json.loads(sys.stdin.readline()))
    observed(request)


def repeat(request: Message) -> None:
    """Give the answer to the request before once more, if there was one."""
    observed(request, own(before[-2]["case"]) if len(before) > 1 else None)


# To answer wrongly


def surplus(request: Message) -> None:
    number = own(request["case"])
    reply({"reply": "observed", "id": request["id"], "observables": {"output/0": number, "dtype": number}})


def short_tensor(request: Message) -> None:
    observed(request, {**tensor(1.0), "shape": [2]})


def unknown_dtype(request: Message) -> None:
    observed(request, {**tensor(1.0), "dtype": "float31"})


def negative_shape(request: Message) -> None:
    observed(request, {**tensor(1.0), "shape": [-1]})


def odd_error(request: Message) -> None:
    observed(request, {"type": "error", "kind": "bad-luck", "at": "call", "message": "no"})


# To do well


def chatter(request: Message) -> None:
    """Write far more to standard error than a pipe holds, and answer."""
    for _ in range(64):
        sys.stderr.write("chatter " * 131_072 + "\n")
    sys.stderr.flush()
    observed(request)


def one(request: Message) -> None:
    observed(request, tensor(1.0, 1.0))


def give(request: Message) -> None:
    """Answer what the config says."""
    what = request["case"]["config"]["what"]
    observables = {name: what[name] for name in request["case"]["observables"]}
    reply({"reply": "observed", "id": request["id"], "observables": observables})


def pid(request: Message) -> None:
    observed(request, {"type": "json", "value": os.getpid()})


SLEEPER = "import os, signal; print(os.getpid(), flush=True); signal.pause()"

DAEMON = f"import os; os.fork() and os._exit(0); os.setsid(); {SLEEPER}"
"""Leaves its parent and its session, as a program does that wants to survive both."""


def family(request: Message) -> None:
    """Start a process in this session, one in another, and one that is nobody's child, and tell their ids."""
    pids = []
    for program, new in ((SLEEPER, False), (SLEEPER, True), (DAEMON, False)):
        command = [sys.executable, "-S", "-c", program]
        sleeper = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=new)
        assert sleeper.stdout is not None
        pids.append(int(sleeper.stdout.readline()))
    observed(request, {"type": "json", "value": pids})


# To answer about a model


def piece(request: Message, array: int, *values: float, data: str | None = None) -> None:
    data = tensor(*values)["data"] if data is None else data
    reply({"reply": "piece", "id": request["id"], "array": array, "data": data})


def inspected(request: Message, *sizes: int, results: tuple[int, ...] = (0,), **others: Any) -> None:
    arrays = [{"dtype": "float32", "shape": [size]} for size in sizes]
    reply({"reply": "inspected", "id": request["id"], "arrays": arrays, "results": results, **others})


def in_pieces(request: Message) -> None:
    """Three arrays, their pieces between one another's."""
    piece(request, 1, 5)
    piece(request, 0, 1, 2)
    piece(request, 1, 6)
    inspected(request, 2, 2, 0, results=(1, 0, 2), seconds=[0.5])


def refused_model(request: Message) -> None:
    inspected(request, results=(), error={"type": "error", "kind": "type", "at": "load", "message": "no"})


def too_few_bytes(request: Message) -> None:
    piece(request, 0, 1)
    inspected(request, 2)


def number_of_no_array(request: Message) -> None:
    inspected(request, results=(3,))


def piece_of_no_array(request: Message) -> None:
    piece(request, 2, 1)
    inspected(request, 0)


def no_base64(request: Message) -> None:
    piece(request, 0, data="!!!!")
    inspected(request, 1)


def endless_pieces(request: Message) -> None:
    while True:
        piece(request, 0, *range(10_000))


def odd_model_error(request: Message) -> None:
    inspected(request, results=(), error={"type": "error", "kind": "luck", "at": "load", "message": "no"})


def dies_between(request: Message) -> None:
    piece(request, 0, 1)
    segfault(request)


def as_a_case(request: Message) -> None:
    reply({"reply": "observed", "id": request["id"], "observables": {}})


def model_of_another(request: Message) -> None:
    reply({"reply": "inspected", "id": request["id"] + 7})


def as_a_model(request: Message) -> None:
    """Answer a case as if it were a model."""
    reply({"reply": "inspected", "id": request["id"]})


# To start


def well(request: Message) -> None:
    reply({"reply": "started", "protocol": 1, "identity": IDENTITY})


def refuse(request: Message) -> None:
    print("ModuleNotFoundError: No module named 'keras'\n\nPython 3", file=sys.stderr)
    sys.exit(1)


def newer(request: Message) -> None:
    reply({"reply": "started", "protocol": 2, "identity": IDENTITY})


def newest(request: Message) -> None:
    reply({"reply": "started", "protocol": 3, "who": "one with other fields"})


def behind(request: Message) -> None:
    """Start well, and answer each request with what was due to the one before it."""
    well(request)
    for line in sys.stdin:
        before.append(json.loads(line))
        if before[-1]["command"] == "stop":
            sys.exit()
        source = before[-2] if len(before) > 1 else before[-1]
        observables = dict.fromkeys(source["case"]["observables"], own(source["case"]))
        reply({"reply": "observed", "id": before[-1]["id"], "observables": observables})


def once(marker: Path, request: Message) -> None:
    if marker.exists():
        sys.exit("not a second time")
    marker.touch()
    well(request)


def stumble(marker: Path, request: Message) -> None:
    """Fail to start the second time, and no other."""
    starts = len(marker.read_text()) if marker.exists() else 0
    marker.write_text("." * (starts + 1))
    if starts == 1:
        sys.exit("busy")
    well(request)


def turncoat(marker: Path, request: Message) -> None:
    device = "cpu" if marker.exists() else "gpu"
    marker.touch()
    reply({"reply": "started", "protocol": 1, "identity": {**IDENTITY, "settings": {"device": device}}})


before: list[Message] = []
"""The requests so far, this one included."""


def answer(request: Message) -> None:
    before.append(request)
    if request["command"] == "inspect":
        globals()[request["model"]["location"]](request)
        return
    config = request["case"]["config"]
    marker = Path(config.get("marker", "/no/such/file"))
    asked = config.get("at") in (None, *request["case"]["observables"])
    if "do" not in config or not asked or marker.exists():
        observed(request)
        return
    if "marker" in config:
        marker.touch()
    globals()[config["do"]](request)


def main(how: str, *marker: str) -> None:
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        if request["command"] == "stop":
            return
        if request["command"] == "start":
            globals()[how](*map(Path, marker), request)
        else:
            answer(request)


main(*sys.argv[1:])
