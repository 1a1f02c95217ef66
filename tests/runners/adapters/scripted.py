"""An adapter in the standard library alone, that does with each case what the case's config says.

Its one argument says how it starts. The config's `do` names a function below; a `marker` is a file
that makes it misbehave only the first time.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

Message = dict[str, Any]
"""An object of JSON."""

ONE: Message = {"type": "tensor", "dtype": "float32", "shape": [1], "data": "AACAPw=="}
IDENTITY: Message = {
    "name": "scripted",
    "language": "python",
    "versions": {},
    "settings": {},
    "platform": {},
    "arithmetic": {"base": "ieee-float32"},
    "capabilities": {"*": ["*"]},
}


def reply(message: Message) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def observed(request: Message, value: Message = ONE, number: int | None = None) -> None:
    number = request["id"] if number is None else number
    observables = dict.fromkeys(request["case"]["observables"], value)
    reply({"reply": "observed", "id": number, "observables": observables})


def pid(request: Message) -> None:
    observed(request, {"type": "json", "value": os.getpid()})


def hang(request: Message) -> None:
    signal.pause()


def die(request: Message) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(request: Message) -> None:
    print("out of ideas", file=sys.stderr)
    sys.exit(3)


def close_output(request: Message) -> None:
    os.close(1)
    signal.pause()


def garbage(request: Message) -> None:
    print("Loading weights... done", flush=True)
    signal.pause()


def wrong_id(request: Message) -> None:
    observed(request, number=request["id"] + 1)
    signal.pause()


def long_line(request: Message) -> None:
    sys.stdout.write("x" * 300_000)
    sys.stdout.flush()
    signal.pause()


def started_again(request: Message) -> None:
    reply({"reply": "started", "protocol": 1, "identity": IDENTITY})


def late(request: Message) -> None:
    """Answer the case before this one once more, as a backend does that lost count."""
    observed(request, number=request["id"] - 1)


def surplus(request: Message) -> None:
    reply({"reply": "observed", "id": request["id"], "observables": {"output/0": ONE, "dtype": ONE}})


def short_tensor(request: Message) -> None:
    observed(request, {**ONE, "shape": [2]})


def chatter(request: Message) -> None:
    """Write far more to standard error than a pipe holds."""
    for _ in range(64):
        sys.stderr.write("chatter " * 1024 + "\n")
    sys.stderr.flush()
    observed(request)


SLEEPER = "import os, signal; print(os.getpid(), flush=True); signal.pause()"


def family(request: Message) -> None:
    """Start one process in this session and one in another, and tell who they are."""
    pids = []
    for new in (False, True):
        command = [sys.executable, "-S", "-c", SLEEPER]
        sleeper = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=new)
        assert sleeper.stdout is not None
        pids.append(int(sleeper.stdout.readline()))
    observed(request, {"type": "json", "value": pids})


def heir(request: Message) -> None:
    """Leave the output to a process of the same session, and die."""
    subprocess.Popen([sys.executable, "-S", "-c", "import signal; signal.pause()"])
    die(request)


def start(how: str) -> None:
    if how == "refuse":
        print("ModuleNotFoundError: No module named 'keras'", file=sys.stderr)
        sys.exit(1)
    if how == "hang":
        signal.pause()
    if how == "garbage":
        print("hello", flush=True)
    marker = Path(how)
    if marker.is_absolute():
        if marker.exists():
            sys.exit("not a second time")
        marker.touch()
    reply({"reply": "started", "protocol": 2 if how == "newer" else 1, "identity": IDENTITY})


def main(how: str) -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if request["command"] == "start":
            start(how)
        elif request["command"] == "stop":
            return
        else:
            config = request["case"]["config"]
            marker = config.get("marker")
            if "do" not in config or (marker and Path(marker).exists()):
                observed(request)
                continue
            if marker:
                Path(marker).touch()
            globals()[config["do"]](request)


main(sys.argv[1])
