"""Where Node is: the user's own, or the one that the package nodejs-bin brings."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from conformance.runners.unavailable import BackendUnavailable

MINIMUM_VERSION = (16, 17)
"""The first Node with everything that the TensorFlow.js adapter uses."""

REMEDY = "pass --node PATH, set CONFORMANCE_NODE, or run: pip install nodejs-bin"

VERSION_LIMIT_S = 30.0


@dataclass(frozen=True)
class Node:
    """A Node program, and the npm program that it runs; None where there is none."""

    path: Path
    npm_cli: Path | None


def find_node(path: str | Path | None = None) -> Node:
    """The Node to use: `path`, else the environment variable CONFORMANCE_NODE, else nodejs-bin's.

    Raises:
        BackendUnavailable: there is none, it does not run, or it is too old.
    """
    chosen = path or os.environ.get("CONFORMANCE_NODE")
    if chosen:
        found = shutil.which(chosen)
        if found is None:
            raise BackendUnavailable(f"Node: {str(chosen)!r} is not a program that can be run", REMEDY)
        node = Path(found)
    elif (bundled := _bundled()) is not None:
        node = bundled
    else:
        raise BackendUnavailable("Node: none was named, and the package nodejs-bin is not installed", REMEDY)
    _check_version(node)
    return Node(node, _find_npm(node))


def _bundled() -> Path | None:
    """nodejs-bin's program, found without importing the package."""
    spec = importlib.util.find_spec("nodejs")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    return next((path for path in (folder / "bin" / "node", folder / "node.exe") if path.is_file()), None)


def _check_version(node: Path) -> None:
    minimum = ".".join(map(str, MINIMUM_VERSION))
    problem = f"Node: {str(node)!r} does not tell its version"
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=VERSION_LIMIT_S)
    except OSError as error:
        raise BackendUnavailable(f"{problem}: {error.strerror}", REMEDY) from error
    except subprocess.TimeoutExpired as error:
        raise BackendUnavailable(f"{problem} within {VERSION_LIMIT_S:g} s", REMEDY) from error
    told = done.stdout.partition("\n")[0].strip()
    try:
        version = tuple(int(part) for part in told.removeprefix("v").split(".")[:2])
    except ValueError as error:
        said = f"it said {told!r} and exited with code {done.returncode}"
        raise BackendUnavailable(f"{problem}: {said}", REMEDY) from error
    if version < MINIMUM_VERSION:
        raise BackendUnavailable(f"Node: {str(node)!r} is {told}, and {minimum} or later is needed", REMEDY)


def _find_npm(node: Path) -> Path | None:
    """npm's program: the one installed with this Node, else nodejs-bin's."""
    candidates = [(node.parent / "npm").resolve(), *_npm_of(node.resolve())]
    if (bundled := _bundled()) is not None:
        candidates += _npm_of(bundled)
    return next((path for path in candidates if path.name == "npm-cli.js" and path.is_file()), None)


def _npm_of(node: Path) -> list[Path]:
    """Where npm lies in a Node distribution: on POSIX systems, and on Windows."""
    inside = Path("node_modules", "npm", "bin", "npm-cli.js")
    return [node.parent.parent / "lib" / inside, node.parent / inside]
