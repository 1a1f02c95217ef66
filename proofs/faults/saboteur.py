"""Stands between a runner and an adapter, passes their lines on, and commits the faults of a schedule.

`python -S saboteur.py FOLDER COMMAND...`: the folder holds `schedule.json`, a list of [place, kind, pause]:
by how many answers to come, which function below, and a pause in seconds for those that wait for a random
moment. The saboteur is started anew with the adapter; what it has to remember is in the folder too.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

KINDS: dict[str, Callable[[Saboteur, bytes, float], None]] = {}
"""What a saboteur does in place of passing on an answer, by name."""


END = (math.inf, "", 0.0)
"""What comes after the schedule: nothing."""

TELLING = re.compile(rb'"config": ?\{"type": ?"json"|"data": ?"A*[^A="]')
"""What no two cases' answers have in common: see `process.Runner` on answers that are given again."""

TO_NOTICE_S = 0.2
"""How long a runner may take to notice an answer that it might as well take."""


def kind(function: Callable[[Saboteur, bytes, float], None]) -> Callable[[Saboteur, bytes, float], None]:
    KINDS[function.__name__] = function
    return function


def fingerprint(case: dict[str, Any]) -> str:
    """What is the same of a case whichever of its observables are asked."""
    told = {name: value for name, value in case.items() if name != "observables"}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


class Saboteur:
    """Between one child of a runner and its adapter."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self.folder = folder
        self.schedule = json.loads((folder / "schedule.json").read_text())
        self.memory = folder / "memory.json"
        self.answered, self.committed, self.stumble = 0, 0, False
        if self.memory.exists():
            self.answered, self.committed, self.stumble = json.loads(self.memory.read_text())
        if self.stumble:
            self.stumble = False
            self.remember()
            self.note("stumbled")
            sys.exit("a saboteur lets the start fail")
        self.unanswered: deque[dict[str, Any]] = deque()
        self.asked = threading.Condition()
        self.last = b""
        self.note("launched")
        self.adapter = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def remember(self) -> None:
        self.memory.write_text(json.dumps([self.answered, self.committed, self.stumble]))

    def note(self, event: str, **details: Any) -> None:
        with (self.folder / "log.jsonl").open("a") as log:
            log.write(json.dumps({"event": event, "time": time.monotonic(), **details}) + "\n")

    def serve(self) -> NoReturn:
        threading.Thread(target=self.pass_requests, daemon=True).start()
        assert self.adapter.stdout is not None
        for line in self.adapter.stdout:
            self.pass_reply(line)
        self.leave()

    def pass_requests(self) -> None:
        assert self.adapter.stdin is not None
        first = True
        for line in sys.stdin.buffer:
            if b'"observe"' in line[:64]:
                case = json.loads(line)["case"]
                if first:
                    first = False
                    self.note("asked", case=fingerprint(case))
                with self.asked:
                    self.unanswered.append(case)
                    self.asked.notify()
            with suppress(BrokenPipeError):
                self.adapter.stdin.write(line)
                self.adapter.stdin.flush()
        with suppress(BrokenPipeError):
            self.adapter.stdin.close()

    def pass_reply(self, line: bytes) -> None:
        if not self.unanswered:
            self.write(line)
            return
        self.answered += 1
        place, name, pause = [*self.schedule, END][self.committed]
        due = self.answered >= place and (name != "repeat" or TELLING.search(self.last))
        self.committed += bool(due)
        self.remember()
        if due:
            KINDS[name](self, line, pause)
        else:
            self.deliver(line)

    def deliver(self, line: bytes) -> None:
        """Pass on the answer to the oldest request."""
        self.write(line)
        self.note("answered")
        self.last = line
        self.unanswered.popleft()

    def strike(self) -> None:
        """Note the fault, and whom it hits: the oldest unanswered case, for which it waits if need be."""
        with self.asked:
            self.asked.wait_for(lambda: self.unanswered)
        name = self.schedule[self.committed - 1][1]
        self.note("fault", kind=name, case=fingerprint(self.unanswered[0]))

    def write(self, data: bytes, to: BinaryIO = sys.stdout.buffer) -> None:
        to.write(data)
        to.flush()

    def leave(self) -> NoReturn:
        """End as the adapter has ended."""
        code = self.adapter.wait()
        if code < 0:
            os.kill(os.getpid(), -code)
        os._exit(code)

    def signal_adapter(self, line: bytes, pause: float, number: signal.Signals) -> None:
        """End the adapter at a random moment, after what it has answered until then."""
        self.deliver(line)
        time.sleep(pause)
        self.adapter.send_signal(number)
        assert self.adapter.stdout is not None
        for answer in self.adapter.stdout.read().splitlines(keepends=True):
            if self.unanswered and answer.endswith(b"\n"):
                self.answered += 1
                self.deliver(answer)
        self.remember()
        self.strike()
        self.leave()

    def write_and_hang(self, data: bytes) -> NoReturn:
        self.write(data)
        self.hang()

    def hang(self) -> NoReturn:
        while True:
            signal.pause()


@kind
def segfault(it: Saboteur, line: bytes, pause: float) -> None:
    it.signal_adapter(line, pause, signal.SIGSEGV)


@kind
def kill(it: Saboteur, line: bytes, pause: float) -> None:
    it.signal_adapter(line, pause, signal.SIGKILL)


@kind
def abort(it: Saboteur, line: bytes, pause: float) -> None:
    it.signal_adapter(line, pause, signal.SIGABRT)


@kind
def kill_and_stumble(it: Saboteur, line: bytes, pause: float) -> None:
    """The adapter is killed, and does not start the next time either."""
    it.stumble = True
    it.signal_adapter(line, pause, signal.SIGKILL)


@kind
def orphan(it: Saboteur, line: bytes, pause: float) -> None:
    """The runner's child dies, and leaves the adapter behind."""
    it.strike()
    os.kill(os.getpid(), signal.SIGKILL)


@kind
def leave(it: Saboteur, line: bytes, pause: float) -> None:
    it.strike()
    os._exit(3)


@kind
def stop(it: Saboteur, line: bytes, pause: float) -> None:
    """The adapter hangs: it is stopped, and so does not answer what was asked."""
    it.strike()
    it.adapter.send_signal(signal.SIGSTOP)
    it.hang()


@kind
def close(it: Saboteur, line: bytes, pause: float) -> None:
    it.strike()
    os.close(1)
    it.hang()


@kind
def drop(it: Saboteur, line: bytes, pause: float) -> None:
    """The answer is lost; the one behind it comes early, if one is asked for."""
    it.strike()
    assert it.adapter.stdout is not None
    it.write_and_hang(it.adapter.stdout.readline())


@kind
def begin(it: Saboteur, line: bytes, pause: float) -> None:
    it.strike()
    it.write_and_hang(line[: len(line) // 2])


@kind
def break_off(it: Saboteur, line: bytes, pause: float) -> None:
    it.strike()
    it.write(line[: len(line) // 2])
    os._exit(0)


@kind
def garbage(it: Saboteur, line: bytes, pause: float) -> None:
    it.strike()
    it.write_and_hang(b"Loading weights... done\n" + line)


@kind
def flood_output(it: Saboteur, line: bytes, pause: float) -> None:
    it.strike()
    it.write_and_hang(b"progress: 99 %\n" * 1_000_000)


@kind
def flood_errors(it: Saboteur, line: bytes, pause: float) -> None:
    it.strike()
    it.write(b"warning: deprecated\n" * 1_000_000, sys.stderr.buffer)
    it.deliver(line)


@kind
def long_line(it: Saboteur, line: bytes, pause: float) -> None:
    it.strike()
    it.write_and_hang(b"x" * 100_000_000)


@kind
def nan(it: Saboteur, line: bytes, pause: float) -> None:
    it.strike()
    it.write_and_hang(re.sub(rb'"(data|value|message)": ?"[^"]*"', rb'"\1":NaN', line, count=1))


@kind
def cut(it: Saboteur, line: bytes, pause: float) -> None:
    """The data of the first tensor are three bytes short."""
    it.strike()
    it.write(re.sub(rb'"data": ?"[^"]{4}', b'"data":"', line, count=1))
    it.note("answered")
    it.unanswered.popleft()


@kind
def twice(it: Saboteur, line: bytes, pause: float) -> None:
    it.deliver(line)
    it.strike()
    it.write_and_hang(line)


@kind
def wrong_id(it: Saboteur, line: bytes, pause: float) -> None:
    it.strike()
    it.write_and_hang(re.sub(rb'"id": ?\d+', b'"id":123456789', line, count=1))


@kind
def swap(it: Saboteur, line: bytes, pause: float) -> None:
    """The next answer comes before this one."""
    it.strike()
    assert it.adapter.stdout is not None
    it.write_and_hang(it.adapter.stdout.readline() + line)


@kind
def repeat(it: Saboteur, line: bytes, pause: float) -> None:
    """The answer before this one comes once more, under this one's number."""
    it.strike()
    number = re.search(rb'"id": ?\d+', line)
    assert number
    it.deliver(re.sub(rb'"id": ?\d+', number[0], it.last, count=1))
    time.sleep(TO_NOTICE_S)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Saboteur(Path(sys.argv[1]), sys.argv[2:]).serve()
