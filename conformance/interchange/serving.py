"""Serves a model.json and its weight files over HTTP to a program on the same machine, and nothing else.

The address has a part that nobody can guess: a page of any origin may load the model, but only one that has
been told where it is.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import quote, unquote

import msgspec

from conformance.reference_impl.saving.saved_model import FormatError

LONGEST_TOPOLOGY = 256 * 2**20
"""Bytes of a model.json that are read."""

IDLE_S = 30.0
"""How long a client may take to send its request, or to take the next bytes of the answer."""

CONTENT_TYPES = {".json": "application/json"}
"""By suffix; everything else is bytes."""


class _Group(msgspec.Struct):
    paths: list[str]


class _Manifest(msgspec.Struct):
    groups: list[_Group] = msgspec.field(name="weightsManifest", default_factory=list)


@contextmanager
def serving(model: Path) -> Iterator[str]:
    """Serve a model.json and the files that it names, on a free port of this machine alone.

    Args:
        model: the path of the model.json.

    Yields:
        its URL, as `tf.loadLayersModel` takes it. The server ends with the block.

    Raises:
        FormatError: it is no plain file, no JSON with a manifest of weights, or names a file that is not a
            plain one in its own directory or below.
    """
    files = {model.name: model, **_named_files(model)}
    secret = secrets.token_urlsafe(16)
    served = {f"/{secret}/{name}": path for name, path in files.items()}

    class Handler(_Handler):
        pages = served

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/{secret}/{quote(model.name)}"
        finally:
            server.shutdown()
            thread.join()


def _named_files(model: Path) -> dict[str, Path]:
    """The weight files of a model.json, by their paths in it."""
    with _opened(model, model) as topology:
        if os.fstat(topology.fileno()).st_size > LONGEST_TOPOLOGY:
            raise FormatError(model, "", f"is larger than {LONGEST_TOPOLOGY:,} bytes")
        text = topology.read()
    try:
        manifest = msgspec.json.decode(text, type=_Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(model, "weightsManifest", str(error)) from error
    return {name: _inside(model, name) for group in manifest.groups for name in group.paths}


def _inside(model: Path, name: str) -> Path:
    """The weight file of that name.

    Raises:
        FormatError: it is not a plain file in the directory of the model or below, reached through no link.
    """
    parts = name.split("/")
    if not name or "\\" in name or ":" in name or "\0" in name or {"", ".", ".."} & set(parts):
        reason = "is not the relative path of a file beside it; give one without '..', ':' or '\\'"
        raise FormatError(model, "weightsManifest", f"{name!r} {reason}")
    path = model.parent.joinpath(*PurePosixPath(name).parts)
    for step in (path, *path.parents):
        if step == model.parent:
            break
        if step.is_symlink():
            raise FormatError(model, "weightsManifest", f"{name!r} is reached through a link, {step}")
    with _opened(path, model):
        return path


def _opened(path: Path, model: Path) -> BinaryIO:
    """The file, if it is a plain one; a link is not followed, and a pipe not waited for.

    Raises:
        FormatError: it cannot be opened, or is something else.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise FormatError(model, path.name, error.strerror or str(error)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FormatError(model, path.name, "is no plain file")
    return os.fdopen(descriptor, "rb")


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD for the files of `pages`, by their addresses; the rest is not found."""

    pages: Mapping[str, Path]
    timeout = IDLE_S
    server_version = "conformance"
    sys_version = ""

    def do_GET(self) -> None:
        if (file := self._answer()) is not None:
            with file:
                shutil.copyfileobj(file, self.wfile)

    def do_HEAD(self) -> None:
        if (file := self._answer()) is not None:
            file.close()

    def _answer(self) -> BinaryIO | None:
        """Send the head of the answer; the file whose content is due, if there is one."""
        path = self.pages.get(unquote(self.path.partition("?")[0]))
        if path is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        try:
            file = _opened(path, path)
        except FormatError:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", CONTENT_TYPES.get(path.suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size))
        self.end_headers()
        return file

    def end_headers(self) -> None:
        """To every answer, errors too: any page may read it, and none may guess what it is."""
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class has
        """Say nothing: standard error is the user's."""
