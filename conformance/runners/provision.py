"""Installs TensorFlow.js into the user's cache, once for each version of the lock file."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import platformdirs

from conformance.runners.node import Node, find_node
from conformance.runners.unavailable import BackendUnavailable

Progress = Callable[[str], None]
"""Is told of each step of something long, in a line."""

PACKAGE = Path(__file__).parent / "tfjs"
"""The npm package that answers for TensorFlow.js."""

MANIFEST = ("package.json", "package-lock.json")

NPM_ARGUMENTS = (
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    # Two short attempts: by default npm keeps somebody without a network waiting for over a minute.
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=2000",
)

NETWORK_ERRORS = (
    "EAI_AGAIN",
    "ECONNABORTED",
    "ECONNREFUSED",
    "ECONNRESET",
    "EHOSTUNREACH",
    "ENETDOWN",
    "ENETUNREACH",
    "ENOTFOUND",
    "ERR_SOCKET_TIMEOUT",
    "ETIMEDOUT",
)
"""The codes with which npm reports that it could not reach its registry."""

POLL_S = 1.0
"""Between two lines of progress."""


def silent(line: str) -> None:
    """The `Progress` of those who want none."""


def cache_directory() -> Path:
    """CONFORMANCE_CACHE_DIR, or this user's cache directory for the suite."""
    named = os.environ.get("CONFORMANCE_CACHE_DIR")
    return Path(named) if named else platformdirs.user_cache_path("layers-conformance")


def ensure_package(progress: Progress = silent, node: Node | None = None) -> Path:
    """The directory that holds TensorFlow.js's `node_modules`, installed there by npm if need be.

    The directory is complete or absent: npm works on one aside, which is then renamed, under a lock.

    Args:
        progress: may raise to give up; npm is ended then.
        node: what runs npm; that of `find_node` where None.

    Raises:
        BackendUnavailable: no npm, no network, an unwritable cache, or npm failed otherwise.
    """
    digest = hashlib.sha256((PACKAGE / "package-lock.json").read_bytes()).hexdigest()[:16]
    cache = cache_directory()
    package = cache / f"tfjs-{digest}"
    if package.is_dir():
        return package
    node = node or find_node()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / f"tfjs-{digest}.lock", progress):
            if not package.is_dir():
                _install(package, node, progress)
    except OSError as error:
        raise BackendUnavailable(
            f"TensorFlow.js cannot be installed into {cache}: {error.strerror or error}",
            "set CONFORMANCE_CACHE_DIR to a directory that can be written, with 400 MB to spare",
        ) from error
    return package


@contextmanager
def _locked(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock; while another process does, `progress` is told so."""
    lock = filelock.FileLock(path)
    while not lock.is_locked:
        try:
            lock.acquire(timeout=POLL_S)
        except filelock.Timeout:
            progress("waiting for another process that installs TensorFlow.js")
    try:
        yield
    finally:
        lock.release()


def _install(package: Path, node: Node, progress: Progress) -> None:
    """Make the package directory, or raise and leave none."""
    if node.npm_cli is None:
        raise BackendUnavailable(
            f"TensorFlow.js cannot be installed: there is no npm beside {node.path}",
            "install npm, or run: pip install nodejs-bin",
        )
    for killed in package.parent.glob(f"{package.name}.*.partial"):
        shutil.rmtree(killed, ignore_errors=True)
    aside = package.with_suffix(f".{os.getpid()}.partial")  # the npm of a killed one may still be writing
    aside.mkdir()
    try:
        for name in MANIFEST:
            shutil.copyfile(PACKAGE / name, aside / name)
        code, output = _run_npm([str(node.path), str(node.npm_cli), *NPM_ARGUMENTS], aside, progress)
        if code != 0:
            raise _failure(code, output)
        aside.rename(package)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _run_npm(command: list[str], folder: Path, progress: Progress) -> tuple[int, str]:
    """npm's exit code and all that it wrote; it does not outlive this call."""
    began = time.monotonic()
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        ) as npm,
    ):
        try:
            while npm.poll() is None:
                seconds = time.monotonic() - began
                progress(f"installing TensorFlow.js: {_size(folder) / 1e6:.0f} MB after {seconds:.0f} s")
                try:
                    npm.wait(POLL_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            npm.kill()
        log.seek(0)
        return npm.returncode, log.read().decode(errors="replace")


def _size(folder: Path) -> int:
    """Bytes in the folder; what appears or disappears meanwhile may be missed."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118  # thousands of them
            except FileNotFoundError:
                continue
    return total


def _failure(code: int, output: str) -> BackendUnavailable:
    """What npm's output means to the user."""
    codes = re.findall(r"\b[A-Z][A-Z_]{4,}\b", output)
    network = next((name for name in codes if name in NETWORK_ERRORS), None)
    if network is not None:
        return BackendUnavailable(
            f"TensorFlow.js cannot be installed: npm does not reach its registry ({network})",
            "run `conformance setup` when online, or set CONFORMANCE_CACHE_DIR to a copy of the cache of "
            "a machine where it has been run",
        )
    errors = [line for line in output.splitlines() if re.match(r"npm (ERR!|error)", line)]
    last = "\n".join(errors[:8]) or output[-1000:]
    return BackendUnavailable(
        f"TensorFlow.js cannot be installed: npm ci ended with exit code {code}",
        "mend what npm says, then run: conformance setup",
        last,
    )
