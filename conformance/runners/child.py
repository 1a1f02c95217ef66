"""A program run as a child: its lines, the last of what it wrote to standard error, and its end."""

from __future__ import annotations

import os
import re
import signal
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Self

import anyio
import psutil  # type: ignore[import-untyped,unused-ignore]  # no stubs
from anyio.abc import ByteReceiveStream, ByteSendStream, Process

from conformance.runners.janitor import janitor

STDERR_KEPT = 64 * 1024
"""Bytes of standard error that are kept: the last ones."""

EXIT_GRACE_S = 0.5
"""How long a child that has closed its output may take to end, and its last words to arrive."""

KILL_GRACE_S = 5.0
"""How long the operating system may take to end a killed process."""

KILL_POLL_S = 0.002

MARK = "CONFORMANCE_CHILD"
"""The variable that everything started by a child inherits; its value is the child's own."""

COMPLAINT = re.compile(r"[\w.]*(error|exception|fatal)\b", re.IGNORECASE)
"""How the line begins that says why a program ended, above a stack or the runtime's version."""


class OverlongLine(Exception):
    """The child wrote more bytes than allowed without ending the line."""


class Child:
    """A child process in a session of its own; everything that it starts ends with it.

    `attend` has to run in a task beside whoever reads lines, or a talkative child blocks.
    """

    def __init__(self, process: Process, mark: str, max_line: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._mark = mark
        self._stdin: ByteSendStream = process.stdin
        self._stdout: ByteReceiveStream = process.stdout
        self._stderr: ByteReceiveStream = process.stderr
        self._max_line = max_line
        self._lines: deque[bytes] = deque()
        self._unfinished: list[bytes] = []
        self._unfinished_bytes = 0
        self._errors = b""
        self._drained = anyio.Event()

    @classmethod
    async def spawn(cls, command: Sequence[str], environment: Mapping[str, str], max_line: int) -> Self:
        """Run `command` with `environment` on top of this process's own.

        Raises:
            OSError: the program cannot be run.
        """
        mark = uuid.uuid4().hex
        process = await anyio.open_process(
            list(command), env={**os.environ, **environment, MARK: mark}, start_new_session=True
        )
        janitor().watch(process.pid)
        return cls(process, mark, max_line)

    async def attend(self) -> None:
        """Keep the last of standard error; when the child has ended, end its streams too.

        Something that it started may hold them open, and nobody would learn of the child's end.
        """
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._drain)
            await self._process.wait()
            await anyio.sleep(EXIT_GRACE_S)
            await self._stdout.aclose()
            await self._stderr.aclose()

    async def _drain(self) -> None:
        with suppress(anyio.ClosedResourceError):
            async for chunk in self._stderr:
                self._errors = (self._errors + chunk)[-STDERR_KEPT:]
        self._drained.set()

    async def send(self, *parts: bytes) -> None:
        """Write to standard input. A child that no longer reads is noticed by whoever reads from it."""
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            await self._stdin.send(b"".join(parts))

    async def receive_line(self) -> bytes | None:
        """The next line of standard output without its end; None at the end of the output.

        Raises:
            OverlongLine: the line is longer than the limit.
        """
        while not self._lines:
            try:
                chunk = await self._stdout.receive()
            except (anyio.EndOfStream, anyio.ClosedResourceError):
                return None
            first, *more = chunk.split(b"\n")
            self._unfinished.append(first)
            self._unfinished_bytes += len(first)
            if self._unfinished_bytes > self._max_line:
                raise OverlongLine
            if more:
                self._lines.append(b"".join(self._unfinished))
                *whole, rest = more
                self._lines.extend(whole)
                self._unfinished = [rest]
                self._unfinished_bytes = len(rest)
        return self._lines.popleft()

    @property
    def in_a_line(self) -> bool:
        """Whether the child has begun a line that it has not ended."""
        return self._unfinished_bytes > 0

    async def epitaph(self) -> str:
        """How a child that has ended its output has ended itself: its exit code or its signal."""
        with anyio.move_on_after(EXIT_GRACE_S):
            await self._process.wait()
            await self._drained.wait()
        code = self._process.returncode
        if code is None:
            return "closed its standard output"
        if code == -signal.SIGKILL:
            return "was killed by SIGKILL, as the system does when memory runs out"
        if code < 0:
            with suppress(ValueError):
                return f"was ended by {signal.Signals(-code).name}"
        return f"exited with code {code}"

    def last_words(self, lines: int) -> list[str]:
        """The last lines of standard error that hold anything."""
        return self._error_lines()[-lines:]

    def complaint(self) -> str:
        """The last line of standard error that names an error, else the last that holds anything."""
        lines = self._error_lines()
        named = [line for line in lines if COMPLAINT.match(line)]
        return (named or lines or [""])[-1]

    def _error_lines(self) -> list[str]:
        text = self._errors.decode(errors="replace")
        return [line for line in text.splitlines() if line.strip()]

    async def stop(self, farewell: bytes, grace_s: float) -> None:
        """Say farewell, leave the child `grace_s` seconds to end by itself, then end what is left."""
        family = self._family()
        try:
            with anyio.move_on_after(grace_s):
                await self.send(farewell)
                await self._stdin.aclose()
                await self._process.wait()
        finally:
            await self._kill(family)

    async def end(self) -> None:
        """Kill the child and everything that it has started; not to be cancelled."""
        await self._kill(self._family())

    def _family(self) -> list[psutil.Process]:
        """The child and all that it has started, itself or through others, and that still runs.

        Descendants are found while the child lives, and by the inherited mark after it or a parent in
        between has died.
        """
        family = [process for process in psutil.process_iter() if self._marked(process)]
        if self._process.returncode is None:
            with suppress(psutil.Error):
                child = psutil.Process(self._process.pid)
                family += [child, *child.children(recursive=True)]
        return [process for process in family if _lives(process)]

    def _marked(self, process: psutil.Process) -> bool:
        try:
            return bool(process.environ().get(MARK) == self._mark)
        except (psutil.Error, OSError):
            return False

    async def _kill(self, family: list[psutil.Process]) -> None:
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(KILL_GRACE_S):
                # Until nobody is left: one may have started another just before it was killed.
                while family := [*filter(_lives, family)] or self._family():
                    for member in family:
                        with suppress(psutil.Error):
                            member.kill()
                    await anyio.sleep(KILL_POLL_S)
                await self._process.wait()
            janitor().forget(self._process.pid)
            await self._process.aclose()


def _lives(process: psutil.Process) -> bool:
    """Whether it still runs: to be killed takes time, and a zombie only waits for its parent."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
