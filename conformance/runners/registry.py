"""The backends that can be asked: built in, brought by installed packages, or a command of the user's."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path
from types import MappingProxyType

from conformance.runners.builds import Build, lay_over
from conformance.runners.node import find_node
from conformance.runners.provision import PACKAGE, Progress, ensure_package

ENTRY_POINT_GROUP = "conformance.backends"

DEFAULT_BACKENDS = ("keras-tensorflow", "tfjs-cpu", "tfjs-wasm")
"""What a run asks when no backend is named."""

KERAS_ADAPTER = Path(__file__).parent / "keras_adapter"
"""A program for any Python that has Keras; the suite need not be installed there."""

KERAS_TENSORFLOW = {
    "KERAS_BACKEND": "tensorflow",
    "PYTHONHASHSEED": "0",
    "TF_DETERMINISTIC_OPS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
}
"""The environment in which Keras on TensorFlow gives the same bits every time."""

INTERPRETERS = ("bun", "deno", "java", "julia", "node", "python", "ruby", "Rscript")
"""Programs after which a command is not named, but after what they run."""


NO_PYTHONS: Mapping[str, Path] = MappingProxyType({})

TENSORFLOW_JS_BACKENDS = ("tfjs-cpu", "tfjs-wasm")
KERAS_BACKENDS = ("keras-tensorflow", "keras-tensorflow-onednn", "keras2-tensorflow")
"""The backends that `--tfjs` and `--keras-python` are about."""


class TakenName(ValueError):
    """An installed package brings a backend by a name that another one has; the message names both."""


@dataclass(frozen=True)
class BackendSpec:
    """How to start a backend.

    Attributes:
        summary: what it is, in a line.
        command: finds the program and its arguments, installing what it needs; may take a while, tells
            its `Progress`, and raises `BackendUnavailable`.
        environment: variables on top of the suite's own.
        remedy: what to do when the program does not start.
        given: the words of the command line that ask for it, where its name does not do.
    """

    name: str
    summary: str
    command: Callable[[Progress], list[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    remedy: str = ""
    given: tuple[str, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        """The words of the command line that ask for this backend."""
        return self.given or ("--backend", self.name)


def backends(
    node: str | Path | None = None,
    *,
    tfjs: Sequence[Build] = (),
    keras_pythons: Mapping[str, Path] = NO_PYTHONS,
) -> dict[str, BackendSpec]:
    """Every backend that is built in or installed, by name; nothing is started or looked for.

    Args:
        node: the Node program to run TensorFlow.js on, see `find_node`.
        tfjs: packages of the user's own that take the place of those that TensorFlow.js is installed with.
        keras_pythons: by backend of Keras, the Python of the user's that it runs in.

    Raises:
        TakenName: an installed package brings a backend by a name that is taken.
    """
    table = {spec.name: spec for spec in (*_keras(keras_pythons), *_tensorflow_js(node, tfjs))}
    for point in metadata.entry_points(group=ENTRY_POINT_GROUP):
        if point.name in table:
            raise TakenName(
                f"{point.value} brings a backend named {point.name!r}, and that name is taken: choose "
                f"another in the entry point {ENTRY_POINT_GROUP!r} of its package, and install it again"
            )
        table[point.name] = BackendSpec(
            point.name,
            f"Python class {point.value}",
            _fixed([sys.executable, "-m", "conformance.runners.plugin_host", point.value]),
        )
    return table


def from_command(command: str, name: str | None = None) -> BackendSpec:
    """The backend that a command line of the user's runs, as a shell would split it.

    Raises:
        ValueError: the command is empty, or a quotation in it does not end.

    >>> from_command("python -m my_backend --fast").name
    'my_backend'
    >>> from_command("./answer serve").name
    'answer'
    """
    words = shlex.split(command)
    if not words or not words[0]:
        raise ValueError("the command of a backend is empty")
    name = name or _name(words)
    given = ("--backend-command", f"{name}={command}")
    return BackendSpec(name, f"command {command}", _fixed(words), given=given)


def _name(words: list[str]) -> str:
    """The stem of the program or, if that is an interpreter, of the first thing that it is told to run."""
    program, *arguments = words
    if Path(program).name.startswith(INTERPRETERS):
        program = next((word for word in arguments if not word.startswith("-")), program)
    return Path(program).stem


def _fixed(words: list[str]) -> Callable[[Progress], list[str]]:
    return lambda progress: words


def _on_node(node: str | Path | None, builds: Sequence[Build], progress: Progress) -> list[str]:
    found = find_node(node)
    modules = ensure_package(progress, found)
    command = [str(found.path), str(PACKAGE / "adapter.mjs"), "--modules"]
    if not builds:
        return [*command, str(modules)]
    overlay = lay_over(modules, builds)
    return [*command, str(overlay.folder), "--build", overlay.description]


def _keras(pythons: Mapping[str, Path]) -> list[BackendSpec]:
    def spec(name: str, summary: str, remedy: str, **environment: str) -> BackendSpec:
        command = [sys.executable, str(KERAS_ADAPTER)]
        given: tuple[str, ...] = ()
        if (python := pythons.get(name)) is not None:
            command = [str(python), str(KERAS_ADAPTER), "--build", "of --keras-python"]
            given = ("--backend", name, "--keras-python", f"{name}={python}")
            remedy = f"mend the environment of {python}, or name another one by --keras-python"
        return BackendSpec(name, summary, _fixed(command), KERAS_TENSORFLOW | environment, remedy, given)

    extra = "run: pip install 'layers-conformance[tensorflow]'"
    return [
        spec(
            "keras-tensorflow",
            "Keras on TensorFlow: deterministic, one thread, oneDNN off",
            extra,
            TF_ENABLE_ONEDNN_OPTS="0",
        ),
        spec(
            "keras-tensorflow-onednn",
            "Keras on TensorFlow with oneDNN, as users run it",
            extra,
            TF_ENABLE_ONEDNN_OPTS="1",
        ),
        spec(
            "keras2-tensorflow",
            "Keras 2, or tf_keras, on TensorFlow: deterministic, one thread, oneDNN off",
            "run: pip install tf_keras, or name a Python with Keras 2 by --keras-python",
            TF_ENABLE_ONEDNN_OPTS="0",
            TF_USE_LEGACY_KERAS="1",
        ),
    ]


def _tensorflow_js(node: str | Path | None, builds: Sequence[Build]) -> list[BackendSpec]:
    command = partial(_on_node, node, tuple(builds))
    own = tuple(word for build in builds for word in ("--tfjs", str(build.path)))

    def spec(name: str, summary: str) -> BackendSpec:
        return BackendSpec(name, summary, command, given=("--backend", name, *own) if own else ())

    return [
        spec("tfjs-cpu", "TensorFlow.js in plain JavaScript, on Node"),
        spec("tfjs-wasm", "TensorFlow.js in WebAssembly, on Node"),
    ]
