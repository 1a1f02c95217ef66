"""A model.json and its weights are served to this machine, and nothing beside them."""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from conformance.interchange.serving import serving
from conformance.reference_impl.saving.saved_model import FormatError


def model_json(folder: Path, *paths: str) -> Path:
    """A model.json that names these weight files."""
    model = folder / "model.json"
    model.write_text(json.dumps({"modelTopology": {}, "weightsManifest": [{"paths": paths, "weights": []}]}))
    return model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "shard 1.bin").write_bytes(b"1234")
    (folder / "deep" / "shard2.bin").write_bytes(b"56")
    (folder / "private.txt").write_text("not named")
    (tmp_path / "secret").write_text("outside")
    return model_json(folder, "shard 1.bin", "deep/shard2.bin")


def status_of(url: str, method: str = "GET") -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_model_and_what_it_names_are_served(model: Path) -> None:
    with serving(model) as url:
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == model.read_bytes()
            assert answer.headers["Content-Type"] == "application/json"
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
        around = url.removesuffix("model.json")
        with urllib.request.urlopen(f"{around}shard%201.bin") as answer:
            assert answer.read() == b"1234"
            assert answer.headers["Content-Type"] == "application/octet-stream"
        with urllib.request.urlopen(f"{around}deep/shard2.bin?again=1") as answer:
            assert answer.read() == b"56"


def test_head_tells_the_length_alone(model: Path) -> None:
    with serving(model) as url, urllib.request.urlopen(urllib.request.Request(url, method="HEAD")) as answer:
        assert int(answer.headers["Content-Length"]) == model.stat().st_size
        assert answer.read() == b""


@pytest.mark.parametrize(
    "path",
    ["", "private.txt", "deep", "deep/", "../secret", "%2e%2e/secret", "deep/../private.txt", "/etc/passwd"],
)
def test_nothing_else_is_served_and_nothing_is_listed(model: Path, path: str) -> None:
    with serving(model) as url:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        connection.request("GET", parts.path.removesuffix("model.json") + path)
        assert connection.getresponse().status == 404
        connection.close()


def test_who_does_not_know_the_address_finds_nothing(model: Path) -> None:
    with serving(model) as url:
        parts = urlsplit(url)
        assert status_of(f"http://{parts.netloc}/model.json") == 404
        assert status_of(f"http://{parts.netloc}/") == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_reading_is_answered(model: Path, method: str) -> None:
    with serving(model) as url:
        assert status_of(url, method) == 501


def test_only_this_machine_is_served_and_only_inside_the_block(model: Path) -> None:
    before = threading.active_count()
    with serving(model) as url:
        address = urlsplit(url)
        assert address.hostname == "127.0.0.1"
        assert address.port is not None
        assert status_of(url) == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", address.port))
    assert threading.active_count() == before


def test_the_server_ends_although_a_client_says_nothing(model: Path) -> None:
    with serving(model) as url:
        silent = socket.create_connection(("127.0.0.1", urlsplit(url).port or 0))
        assert status_of(url) == 200
    silent.close()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../secret",
        "deep/../../secret",
        "./shard 1.bin",
        "deep//shard2.bin",
        "..\\secret",
        "http://example.com/w.bin",
        "file:///etc/passwd",
        "a\0b",
        "missing.bin",
        "deep",
    ],
)
def test_a_manifest_that_leads_elsewhere_is_refused(model: Path, path: str) -> None:
    model_json(model.parent, path)
    with pytest.raises(FormatError, match=r"model\.json: "), serving(model):
        pass


@pytest.mark.parametrize("link", ["link.bin", "folder/shard2.bin"])
def test_a_link_is_not_followed(model: Path, link: str) -> None:
    (model.parent / "link.bin").symlink_to(model.parent.parent / "secret")
    (model.parent / "folder").symlink_to(model.parent / "deep")
    model_json(model.parent, link)
    with pytest.raises(FormatError), serving(model):
        pass


def test_a_file_that_becomes_a_link_is_gone(model: Path) -> None:
    with serving(model) as url:
        shard = model.parent / "shard 1.bin"
        shard.unlink()
        shard.symlink_to(model.parent.parent / "secret")
        assert status_of(url.removesuffix("model.json") + "shard%201.bin") == 404


def test_a_pipe_is_refused_at_once(model: Path) -> None:
    os.mkfifo(model.parent / "pipe.bin")
    model_json(model.parent, "pipe.bin")
    with pytest.raises(FormatError, match="no plain file"), serving(model):
        pass


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'{"weightsManifest": 3}',
        b'{"weightsManifest": [{"paths": [1]}]}',
        b"\xff",
        b"[" * 100_000,
    ],
    ids=["empty", "a list", "a number", "no string", "no text", "deep"],
)
def test_what_is_no_model_is_refused(model: Path, text: bytes) -> None:
    model.write_bytes(text)
    with pytest.raises(FormatError, match=r"model\.json"), serving(model):
        pass
