"""The npm package is installed once, whole or not at all, and what hinders it is said in a line."""

import sys
import threading
from pathlib import Path

import pytest

from conformance.runners import node as node_module
from conformance.runners import provision
from conformance.runners.node import Node, find_node
from conformance.runners.provision import ensure_package
from conformance.runners.unavailable import BackendUnavailable

FAKE = Node(Path(sys.executable), Path(__file__).parent / "adapters" / "npm.py")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONFORMANCE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(provision, "POLL_S", 0.02)
    return tmp_path / "cache"


def leftovers(cache: Path) -> list[str]:
    return [path.name for path in cache.iterdir() if path.suffix != ".lock"]


def test_what_npm_made_is_kept_and_found_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_NPM", "works")
    lines: list[str] = []
    package = ensure_package(lines.append, FAKE)
    assert (package / "node_modules" / "tfjs.js").is_file()
    assert lines[0] == "installing TensorFlow.js: 0 MB after 0 s"
    monkeypatch.setenv("FAKE_NPM", "offline")
    assert ensure_package(node=FAKE) == package
    assert leftovers(cache) == [package.name]


def test_another_lock_file_is_another_package(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAKE_NPM", "works")
    before = ensure_package(node=FAKE)
    for name in provision.MANIFEST:
        (tmp_path / name).write_text("{}")
    monkeypatch.setattr(provision, "PACKAGE", tmp_path)
    assert ensure_package(node=FAKE) != before


def test_without_a_network_one_line_says_what_to_do(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_NPM", "offline")
    with pytest.raises(BackendUnavailable) as caught:
        ensure_package(node=FAKE)
    assert str(caught.value) == (
        "TensorFlow.js cannot be installed: npm does not reach its registry (ENOTFOUND); "
        "run `conformance setup` when online, or set CONFORMANCE_CACHE_DIR to a copy of the cache of "
        "a machine where it has been run"
    )
    assert leftovers(cache) == []


def test_npms_own_errors_are_shown(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_NPM", "tampered")
    with pytest.raises(BackendUnavailable, match="npm ci ended with exit code 1") as caught:
        ensure_package(node=FAKE)
    assert caught.value.stderr == "npm ERR! code EINTEGRITY"
    assert leftovers(cache) == []


def test_giving_up_in_the_middle_ends_npm_and_leaves_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_NPM", "hangs")

    def give_up_once_it_writes(line: str) -> None:
        if any(cache.glob("*.partial/node_modules/half.js")):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure_package(give_up_once_it_writes, FAKE)
    assert leftovers(cache) == []


def test_what_a_killed_installation_left_is_removed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_NPM", "works")
    package = ensure_package(node=FAKE)
    package.rename(cache / f"{package.name}.4711.partial")
    assert ensure_package(node=FAKE) == package
    assert leftovers(cache) == [package.name]


def test_only_one_of_two_installs_and_the_other_waits(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_NPM", "works")
    waiting = threading.Event()
    lines: list[str] = []
    threads: list[threading.Thread] = []

    def hear(line: str) -> None:
        lines.append(line)
        waiting.set()

    def hold_until_the_other_waits(line: str) -> None:
        if not threads:
            threads.append(threading.Thread(target=ensure_package, args=(hear, FAKE)))
            threads[0].start()
            assert waiting.wait(20)

    ensure_package(hold_until_the_other_waits, FAKE)
    threads[0].join(20)
    assert set(lines) == {"waiting for another process that installs TensorFlow.js"}


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CONFORMANCE_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(BackendUnavailable, match=r"Not a directory; set CONFORMANCE_CACHE_DIR to"):
        ensure_package(node=FAKE)


def test_a_node_without_npm_is_named(cache: Path) -> None:
    with pytest.raises(BackendUnavailable, match="there is no npm beside /opt/node; install npm"):
        ensure_package(node=Node(Path("/opt/node"), None))


def fake_node(folder: Path, version: str) -> Path:
    program = folder / "node"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    return program


def test_node_comes_from_the_argument_then_the_environment_then_nodejs_bin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONFORMANCE_NODE", raising=False)
    bundled = find_node()
    assert bundled.path.parent.parent.name == "nodejs"
    assert bundled.npm_cli is not None
    monkeypatch.setenv("CONFORMANCE_NODE", str(fake_node(tmp_path, "v22.1.0")))
    assert find_node() == Node(tmp_path / "node", bundled.npm_cli)
    assert find_node(bundled.path) == bundled


def test_npm_beside_the_users_node_is_preferred(tmp_path: Path) -> None:
    cli = tmp_path / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    cli.parent.mkdir(parents=True)
    cli.touch()
    (tmp_path / "bin").mkdir()
    assert find_node(fake_node(tmp_path / "bin", "v20.0.0")).npm_cli == cli


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("v14.21.3", "is v14.21.3, and 16.17 or later is needed; pass --node PATH, set CONFORMANCE_NODE"),
        ("hello", "does not tell its version: it said 'hello' and exited with code 0; pass --node PATH"),
        ("; exit 1", "does not tell its version: it said '' and exited with code 1; pass --node PATH"),
    ],
)
def test_an_unfit_node_is_refused(version: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match=message):
        find_node(fake_node(tmp_path, version))


def test_a_missing_node_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackendUnavailable, match="'/no/such/node' is not a program that can be run"):
        find_node("/no/such/node")
    monkeypatch.delenv("CONFORMANCE_NODE", raising=False)
    monkeypatch.setattr(node_module, "_bundled", lambda: None)
    with pytest.raises(BackendUnavailable, match="nodejs-bin is not installed"):
        find_node()


@pytest.mark.node
def test_the_real_package_is_installed() -> None:
    modules = ensure_package() / "node_modules" / "@tensorflow"
    assert (modules / "tfjs" / "package.json").is_file()
    assert (modules / "tfjs-backend-wasm" / "package.json").is_file()
