"""Hostile files: each is refused in one line, nothing outside it is opened, and little memory is taken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.saving.hostile_keras_files import HOSTILE, make_all

ALLOWED = 256 * 2**20
"""Bytes of memory beyond twice the file's size."""

PROGRAM = """
import json, os, sys
from pathlib import Path
from conformance.reference_impl.saving import formats, keras_archive
from conformance.reference_impl.saving.saved_model import FormatError
import h5py, conformance.reference_impl.layers

def memory(name):
    return 1024 * int(next(l for l in open("/proc/self/status") if l.startswith(name)).split()[1])

def outcome(path):
    try:
        with formats.opened(path) as saved:
            for array in [a for own in saved.weights.values() for a in own.values()]:
                for piece in array.pieces():
                    pass
        return "read"
    except FormatError as error:
        return str(error)
    except BaseException as error:
        return f"{type(error).__name__}: {error!r}"

results = {}
for path in map(Path, sys.argv[1:]):
    begin, end = os.pipe()
    if not os.fork():
        before = memory("VmRSS")
        said = outcome(path)
        os.write(end, json.dumps([said, memory("VmHWM") - before]).encode())
        os._exit(0)
    os.close(end)
    results[path.stem.partition(".")[0]] = json.loads(os.fdopen(begin).read() or '["crashed", 0]')
    os.wait()
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """They point to a pipe: who opens it waits for ever."""
    directory = tmp_path_factory.mktemp("hostile")
    made = make_all(directory)
    (directory / "elsewhere.h5").unlink()
    os.mkfifo(directory / "elsewhere.h5")
    return made


@pytest.fixture(scope="module")
def outcomes(files: dict[str, Path]) -> dict[str, tuple[str, int]]:
    """What each file leads to, in a process of its own: the message, and the bytes of memory it took."""
    command = [sys.executable, "-c", PROGRAM, *map(str, files.values())]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    found: dict[str, tuple[str, int]] = json.loads(done.stdout)
    return found


def test_there_are_many() -> None:
    assert len(HOSTILE) >= 60


@pytest.mark.parametrize("name", HOSTILE)
def test_each_is_refused_in_one_line_with_file_place_and_reason(
    name: str, files: dict[str, Path], outcomes: dict[str, tuple[str, int]]
) -> None:
    said, _ = outcomes[name]
    assert said.startswith(f"{files[name]}: ")
    assert said.isprintable()
    assert len(said) < 800
    assert [words for words in HOSTILE[name].said if words not in said.removeprefix(str(files[name]))] == []


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("name", HOSTILE)
def test_none_takes_much_memory(
    name: str, files: dict[str, Path], outcomes: dict[str, tuple[str, int]]
) -> None:
    _, taken = outcomes[name]
    assert taken <= 2 * files[name].stat().st_size + ALLOWED
