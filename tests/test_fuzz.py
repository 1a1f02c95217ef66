"""The proof that fuzzes readers: what its oracle sees, and what its changes lead to, without atheris."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from conformance.reference_impl.saving.saved_model import FormatError
from proofs.fuzz import seeds
from proofs.fuzz.directory import Directory
from proofs.fuzz.mutations import Draw
from proofs.fuzz.targets import TARGETS, Target

PROGRAM = """
import json, socket, sys
from pathlib import Path
import h5py
from conformance.reference_impl.saving.saved_model import FormatError
from proofs.fuzz import oracle

inside, elsewhere = map(Path, sys.argv[1:])
elsewhere.write_bytes(bytes(8))
with h5py.File(inside / "model.h5", "w") as file:
    file.create_dataset("kernel", (2,), "f4", external=[(str(elsewhere), 0, 8)])

def refused(path): raise FormatError(path, "layer 'dense'", "is none")
def refused_elsewhere(path): raise FormatError("other.h5", "", "is none")
def refused_at_length(path):
    error = FormatError(path, "", "is none")
    error.args = (f"{path}: " + "x" * 5000,)
    raise error
def raises(path): raise KeyError("layer")
def opens_beside(path): path.read_bytes()
def opens_outside(path): Path(__file__ or sys.executable).open("rb").close()
def has_hdf5_open_another(path): h5py.File(path.open("rb"), "r")["kernel"][()]
def connects(path): socket.socket()
def imports(path): import colorsys
def runs(path): eval("1")
def fills_memory(path): b"x" * (300 * 2**20)
def takes_long(path): sum(range(10**6))

__file__ = None
judge = oracle.Oracle(inside, elsewhere)
said = {}
for read in (refused, refused_elsewhere, refused_at_length, raises, opens_beside, opens_outside,
             has_hdf5_open_another, connects, imports, runs, fills_memory):
    said[read.__name__] = judge.judge(read, inside / "model.h5", 0)
oracle.FREE_S, judge.seconds_per_byte = 0, 0
said["takes_long"] = judge.judge(takes_long, inside / "model.h5", 0)
print(json.dumps({name: found and found.signature for name, found in said.items()}))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the oracle needs Linux")
def test_the_oracle_sees_what_reading_must_not_do(tmp_path: Path) -> None:
    """In a process of its own: an audit hook stays for ever."""
    (tmp_path / "inside").mkdir()
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "inside"), str(tmp_path / "elsewhere")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {
        "refused": None,
        "refused_elsewhere": "message without the file",
        "refused_at_length": "long message",
        "raises": "KeyError in proofs/fuzz/oracle.py judge",
        "opens_beside": None,
        "opens_outside": "did open",
        "has_hdf5_open_another": "opened elsewhere",
        "connects": "did socket.__new__",
        "imports": "did import",
        "runs": "did compile",
        "fills_memory": "memory",
        "takes_long": "time",
    }


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    """With models that Keras and TensorFlow.js wrote as seeds."""
    made = Directory(tmp_path_factory.mktemp("fuzz"))
    for name, model in seeds.models():
        seeds.write_model(name, model, made)
    made.layers.write_text(json.dumps([seeds.described(case) for case in seeds.first_cases()]))
    return made


@pytest.mark.parametrize("name", TARGETS)
def test_changed_models_are_read_or_refused(name: str, directory: Directory, tmp_path: Path) -> None:
    """A few of what atheris tries, with bytes changed by chance."""
    target, path = TARGETS[name], tmp_path / TARGETS[name].file
    layers = json.loads(directory.layers.read_text())
    random, outcomes = Random(0), Counter[str]()
    draw = Draw(random, lambda content, most: flipped(content, random), layers, path)
    for seed in sorted(directory.of(name).seeds.iterdir()):
        content = seed.read_bytes()
        for _ in range(4):
            changed = target.mutated(content, draw)
            outcomes["unchanged"] += changed == content
            assert target.put(changed, path)
            outcomes[outcome(target, path)] += 1
    assert min(outcomes["read"], outcomes["refused"]) > 1
    assert outcomes["unchanged"] < 20


def outcome(target: Target, path: Path) -> str:
    try:
        target.read(path)
    except FormatError as error:
        return "refused" if str(error).startswith(str(path)) else str(error)
    return "read"


def flipped(content: bytes, random: Random) -> bytes:
    changed = bytearray(content)
    if content:
        changed[random.randrange(len(content))] ^= 1 << random.randrange(8)
    return bytes(changed)
