"""What reading an input may do: succeed or raise FormatError in one line, within its own directory, in the
memory and time that its size allows."""

from __future__ import annotations

import ctypes
import os
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.reference_impl.saving.saved_model import FormatError

ROOT = Path(__file__).parents[2]

MOST_CHARACTERS = 600
"""Of an error, without the file's path."""

FREE_BYTES = 256 * 2**20
"""Of memory, beyond twice the file's size."""

FREE_S = 2.0
"""Of the processor's time, whatever the size: a pause of the collector or of a busy machine is shorter."""

TIMES_SOUND = 20
"""How many times as long as one of a sound file a byte may take. Reading is linear in the file, so what takes
much longer repeats work; sound files are mostly weights, which take less than any byte of a configuration."""

HARMLESS = frozenset(
    ("array.__new__", "builtins.id", "object.__getattr__", "object.__setattr__", "sys._getframe")
)
"""What Python reports and reading may do. All else is a finding, but for opening the input itself."""

_IN_OPEN = 0x20


@dataclass(frozen=True)
class Finding:
    """What reading an input must not have done.

    Attributes:
        signature: the same for the same fault.
        message: what happened.
    """

    signature: str
    message: str


class Oracle:
    """Judges readings in this process, whose audit hook it is.

    Attributes:
        directory: in which inputs lie.
        elsewhere: a file to which inputs may point, and which nobody may open.
        seconds_per_byte: what a byte of an input may take, beyond `FREE_S`.
        slowest_s, most_bytes: the most that an input has taken, of time and memory.
    """

    def __init__(self, directory: Path, elsewhere: Path) -> None:
        self.directory, self.elsewhere = directory, elsewhere
        self.seconds_per_byte = float("inf")
        self.slowest_s, self.most_bytes = 0.0, 0
        self._reading = False
        self._events: list[str] = []
        # What is unpacked is put here, whatever the environment says.
        tempfile.tempdir = str(directory)
        libc = ctypes.CDLL(None, use_errno=True)
        self._watch: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if libc.inotify_add_watch(self._watch, os.fsencode(elsewhere), _IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), "cannot be watched", str(elsewhere))
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._reading or event in HARMLESS or (event == "open" and self._within(arguments[0])):
            return
        self._events.append(f"{event} {arguments!r:.200}")

    def _within(self, path: Any) -> bool:
        if isinstance(path, int):
            return True
        return Path(os.fsdecode(path)).resolve().is_relative_to(self.directory)

    def judge(self, read: Callable[[Path], None], path: Path, size: int) -> Finding | None:
        """Read an input of so many bytes at a path; what is wrong with how it went."""
        self._events.clear()
        self._opened_elsewhere()  # where the input was made
        Path("/proc/self/clear_refs").write_text("5")  # the peak of memory starts anew
        before, began = _memory("VmRSS"), time.process_time()
        self._reading = True
        try:
            read(path)
            found = None
        except FormatError as error:
            found = _ill_said(str(error), path)
        except Exception as error:
            found = _raised(error)
        finally:
            self._reading = False
        took, taken = time.process_time() - began, _memory("VmHWM") - before
        self.slowest_s, self.most_bytes = max(self.slowest_s, took), max(self.most_bytes, taken)
        limit = FREE_S + size * self.seconds_per_byte
        if found:
            return found
        if self._events:
            return Finding(f"did {self._events[0].partition(' ')[0]}", "; ".join(self._events)[:1000])
        if self._opened_elsewhere():
            return Finding("opened elsewhere", f"opened {self.elsewhere}, to which the input points")
        if taken > 2 * size + FREE_BYTES:
            return Finding("memory", f"{taken} bytes of memory for a file of {size}")
        if took > limit:
            return Finding("time", f"{took:.1f} s for a file of {size} bytes; {limit:.1f} s are allowed")
        return None

    def _opened_elsewhere(self) -> bool:
        try:
            return bool(os.read(self._watch, 2**16))
        except BlockingIOError:
            return False


def _memory(name: str) -> int:
    """Bytes of this process's memory by the kernel's name for it."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return 1024 * int(found.group(1))


def _ill_said(message: str, path: Path) -> Finding | None:
    said = message.removeprefix(str(path))
    if said == message:
        return Finding("message without the file", message)
    if not message.isprintable():
        return Finding("message of several lines", repr(message))
    if len(said) > MOST_CHARACTERS:
        return Finding("long message", message)
    return None


def _raised(error: Exception) -> Finding:
    """By the kind of the error, and the last line of this repository that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT)]
    where = f"{Path(own[-1].filename).relative_to(ROOT)} {own[-1].name}"
    shown = "".join(traceback.format_exception(error))
    return Finding(f"{type(error).__name__} in {where}", shown[-4000:])
