"""Keras answers in a Python of the user's, in which neither the suite nor what it needs is installed."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import conformance
from conformance.runners.protocol import (
    PROTOCOL_VERSION,
    Start,
    Started,
    Stop,
    decode_reply,
    encode,
)
from conformance.runners.provision import silent
from conformance.runners.python import BadPython, find_python
from conformance.runners.registry import KERAS_ADAPTER, KERAS_BACKENDS, backends
from conformance.selection import UnknownName, find_backends, find_keras_pythons

from ..test_imports import imported

ROOT = Path(conformance.__file__).parents[1]
BRINGS = {"keras", "tensorflow", "numpy", "tf_keras"}
"""What an environment with Keras has, beside the standard library."""


def test_the_adapter_imports_only_what_every_environment_with_keras_has() -> None:
    to_do, seen, others = (
        [KERAS_ADAPTER / "__main__.py", *KERAS_ADAPTER.glob("*.py")],
        set[Path](),
        set[str](),
    )
    while to_do:
        path = to_do.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imported(path):
            if not name.startswith("conformance"):
                others.add(name.partition(".")[0])
            elif (module := ROOT / f"{name.replace('.', '/')}.py").is_file():
                to_do.append(module)
    assert KERAS_ADAPTER.parent / "wire.py" in seen
    assert others - BRINGS <= sys.stdlib_module_names


def test_the_adapter_is_python_3_10() -> None:
    for path in (*KERAS_ADAPTER.glob("*.py"), KERAS_ADAPTER.parent / "wire.py"):
        ast.parse(path.read_text(), feature_version=(3, 10))


def environment(folder: Path) -> Path:
    """An environment's directory; the interpreter in it is this one."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    return folder


def test_a_python_is_an_interpreter_or_an_environment(tmp_path: Path) -> None:
    python = environment(tmp_path / "env") / "bin" / "python"
    assert find_python(str(tmp_path / "env")) == python
    assert find_python(str(python)) == python
    assert find_python(sys.executable) == Path(sys.executable)


def test_what_is_no_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadPython, match="is no Python environment: it holds no bin/python"):
        find_python(str(tmp_path))
    with pytest.raises(BadPython, match="it is not a program that can be run"):
        find_python(str(tmp_path / "python"))


def test_a_python_is_for_all_backends_of_keras_or_for_the_one_named(tmp_path: Path) -> None:
    one, two = environment(tmp_path / "one"), environment(tmp_path / "two")
    pythons = find_keras_pythons([str(one), f"keras2-tensorflow={two}"])
    assert pythons.keys() == set(KERAS_BACKENDS)
    commands = {name: spec.command(silent) for name, spec in backends(keras_pythons=pythons).items()
                if name in KERAS_BACKENDS}  # fmt: skip
    assert commands["keras-tensorflow"][0] == str(one / "bin" / "python")
    assert commands["keras2-tensorflow"][0] == str(two / "bin" / "python")
    with pytest.raises(UnknownName, match="did you mean keras2-tensorflow"):
        find_keras_pythons([f"keras2-tensorflwo={two}"])


def test_an_own_build_for_backends_that_are_not_asked_is_refused(tmp_path: Path) -> None:
    python = str(environment(tmp_path / "env"))
    with pytest.raises(UnknownName, match="--keras-python: ask keras-tensorflow or"):
        find_backends(["tfjs-cpu"], [], None, keras_pythons=[python])
    assert find_backends(["keras2-tensorflow"], [], None, keras_pythons=[python])


def exchange(command: list[str], backend: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Start the backend and stop it, with no trace of the suite on Python's path."""
    requests = encode(Start(PROTOCOL_VERSION, backend)) + b"\n" + encode(Stop()) + b"\n"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        command, input=requests, capture_output=True, timeout=120, cwd="/", env=environment | variables
    )


@pytest.mark.keras
def test_keras_of_the_users_answers_and_says_that_it_is(tmp_path: Path) -> None:
    """`msgspec` and `conformance` cannot be imported there: the first is hidden, the second a trap."""
    for name in ("msgspec", "conformance"):
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('{name} is not here')")
    spec = backends(keras_pythons=find_keras_pythons([sys.executable]))["keras-tensorflow"]
    done = exchange(spec.command(silent), spec.name, **spec.environment, PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr.decode()
    started = decode_reply(done.stdout)
    assert isinstance(started, Started)
    assert started.identity.name == "keras-tensorflow"
    assert started.identity.settings["build"] == "of --keras-python"
    assert "layers.Dense" in started.identity.capabilities


@pytest.mark.keras
def test_another_generation_of_keras_is_named() -> None:
    spec = backends()["keras2-tensorflow"]
    done = exchange(spec.command(silent), spec.name, **spec.environment)
    assert done.returncode == 1
    assert done.stdout == b""
    assert b"keras2-tensorflow is Keras 2, and this Python has Keras 3" in done.stderr
