"""The user's own builds of TensorFlow.js replace the installed ones, from directories or tarballs."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.runners import builds, protocol
from conformance.runners.builds import BadBuild, Build, find_builds, lay_over
from conformance.runners.node import find_node
from conformance.runners.provision import PACKAGE, ensure_package, silent
from conformance.runners.registry import backends
from conformance.runners.unavailable import BackendUnavailable

LAYERS = "@tensorflow/tfjs-layers"


def package(folder: Path, name: str = LAYERS, main: str | None = "dist/main.js", text: str = "mine") -> Path:
    """A built package; `main` is what its package.json says, if anything."""
    (folder / "dist").mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"name": name} | ({"main": main} if main else {})))
    (folder / (main or "index.js")).write_text(text)
    return folder


def packed(folder: Path, tarball: Path, top: str = "package") -> Path:
    with tarfile.open(tarball, "w:gz") as tar:
        tar.add(folder, top)
    return tarball


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder as `ensure_package` returns it, in a cache of its own."""
    folder = tmp_path / "cache" / "tfjs-0"
    modules = folder / "node_modules"
    for name in ("@tensorflow/tfjs", "@tensorflow/tfjs-core", LAYERS, "long"):
        package(modules / name, name, text="released")
    (modules / LAYERS / "dist" / "released.js").touch()
    return folder


def texts(folder: Path) -> dict[str, str]:
    """By package, what its main file says."""
    modules = folder / "node_modules"
    return {
        path.parents[1].relative_to(modules).as_posix(): path.read_text() for path in modules.rglob("main.js")
    }


def made(installed: Path) -> list[str]:
    return [path.name for path in installed.parent.iterdir() if path != installed]


def test_a_directory_takes_the_place_of_its_package_alone(installed: Path, tmp_path: Path) -> None:
    mine = package(tmp_path / "mine")
    for hidden in ("node_modules/@tensorflow/tfjs-core", ".git"):
        (mine / hidden).mkdir(parents=True)
    overlay = lay_over(installed, find_builds([mine]))
    assert texts(overlay.folder) == {
        "@tensorflow/tfjs": "released",
        "@tensorflow/tfjs-core": "released",
        LAYERS: "mine",
        "long": "released",
    }
    assert sorted(path.name for path in (overlay.folder / "node_modules" / LAYERS).iterdir()) == [
        "dist",
        "package.json",
    ]
    assert not (overlay.folder / "node_modules" / LAYERS / "dist" / "released.js").exists()
    assert texts(installed)[LAYERS] == "released"
    assert overlay.description.startswith(f"{LAYERS} sha256:")
    assert str(tmp_path) not in overlay.description


def test_a_tarball_of_any_top_folder_is_the_same_as_its_directory(installed: Path, tmp_path: Path) -> None:
    mine = package(tmp_path / "mine")
    of_directory = lay_over(installed, find_builds([mine]))
    tarball = packed(mine, tmp_path / "mine.tgz", "tfjs-layers-1.0")
    assert lay_over(installed, find_builds([tarball])) == of_directory
    assert made(installed) == [of_directory.folder.name]


def test_several_builds_are_laid_over_together(installed: Path, tmp_path: Path) -> None:
    core = package(tmp_path / "core", "@tensorflow/tfjs-core", text="mine too")
    tarball = packed(core, tmp_path / "core.tgz")
    overlay = lay_over(installed, find_builds([package(tmp_path / "mine"), tarball]))
    assert texts(overlay.folder) == texts(installed) | {LAYERS: "mine", "@tensorflow/tfjs-core": "mine too"}


def test_another_content_is_another_overlay(installed: Path, tmp_path: Path) -> None:
    (build,) = find_builds([package(tmp_path / "mine")])
    before = lay_over(installed, [build])
    (tmp_path / "mine" / "dist" / "main.js").write_text("rebuilt")
    after = lay_over(installed, [build])
    assert texts(before.folder)[LAYERS] == "mine"
    assert texts(after.folder)[LAYERS] == "rebuilt"
    assert before.description != after.description


def test_other_packages_are_linked_where_that_can_be_and_copied_elsewhere(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find_builds([package(tmp_path / "mine")])
    linked = lay_over(installed, found).folder / "node_modules" / "long" / "package.json"
    original = installed / "node_modules" / "long" / "package.json"
    assert linked.samefile(original)

    def refuse(*_: Any) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    shutil.rmtree(linked.parents[2])
    lay_over(installed, found)
    assert not linked.samefile(original)
    assert linked.read_text() == original.read_text()


def test_unused_overlays_and_leftovers_are_removed(installed: Path, tmp_path: Path) -> None:
    found = find_builds([package(tmp_path / "mine")])
    unused = lay_over(installed, found).folder
    leftover = installed.parent / "overlay-x.partial"
    leftover.mkdir()
    for path in (unused, leftover, installed):
        os.utime(path, (0, 0))
    (tmp_path / "mine" / "dist" / "main.js").write_text("rebuilt")
    used = lay_over(installed, found).folder
    assert made(installed) == [used.name]


def test_a_build_that_is_gone_makes_the_backend_unavailable(installed: Path, tmp_path: Path) -> None:
    build = Build(tmp_path / "gone.tgz", LAYERS)
    with pytest.raises(BackendUnavailable, match=r"cannot be laid over TensorFlow.js in .*gone.tgz"):
        lay_over(installed, [build])
    assert made(installed) == []


def test_paths_that_hold_no_build_are_refused_in_a_line(tmp_path: Path) -> None:
    package(tmp_path / "lodash", "lodash")
    package(tmp_path / "unbuilt")
    (tmp_path / "unbuilt" / "dist" / "main.js").unlink()
    package(tmp_path / "nameless")
    (tmp_path / "nameless" / "package.json").write_text("[]")
    (tmp_path / "text.tgz").write_text("no tarball")
    (tmp_path / "empty").mkdir()
    whole = packed(package(tmp_path / "mine"), tmp_path / "mine.tgz").read_bytes()
    (tmp_path / "half.tgz").write_bytes(whole[: len(whole) // 2])
    packed(tmp_path / "unbuilt", tmp_path / "unbuilt.tgz")
    for name, message in {
        "missing": "there is no such file or directory",
        "empty": "holds no package.json; name the directory of a package, or its tarball",
        "lodash": "holds the package 'lodash', which is none of @tensorflow/tfjs, @tensorflow/",
        "nameless": "its package.json is no JSON object with a name",
        "unbuilt": f"has no dist/main.js, where {LAYERS} begins: build it first",
        "unbuilt.tgz": f"has no dist/main.js, where {LAYERS} begins: build it first",
        "text.tgz": "cannot be read as a tarball as `npm pack` writes it: file could not be opened",
        "half.tgz": "cannot be read as a tarball as `npm pack` writes it",
    }.items():
        with pytest.raises(BadBuild) as caught:
            find_builds([tmp_path / name])
        assert str(tmp_path / name) in str(caught.value)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


def test_two_paths_of_one_package_are_refused(tmp_path: Path) -> None:
    one, two = package(tmp_path / "one"), package(tmp_path / "two")
    with pytest.raises(BadBuild, match=rf"one and .*two both hold {LAYERS}"):
        find_builds([one, two])


def test_a_tarball_that_leaves_its_folder_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    tarball = packed(package(tmp_path / "mine"), tmp_path / "mine.tgz")
    with tarfile.open(tmp_path / "evil.tgz", "w:gz") as tar, tarfile.open(tarball) as good:
        for member in good:
            tar.addfile(member, good.extractfile(member) if member.isfile() else None)
        outside = tarfile.TarInfo("package/../../../outside.js")
        outside.size = 4
        tar.addfile(outside, io.BytesIO(b"evil"))
    with pytest.raises(BadBuild, match="outside"):
        find_builds([tmp_path / "evil.tgz"])


def test_a_package_without_main_begins_at_its_index(tmp_path: Path) -> None:
    (build,) = find_builds([package(tmp_path / "mine", main=None)])
    assert build.package == LAYERS


def test_the_packages_that_can_be_replaced_are_those_of_the_lock_file() -> None:
    assert {"@tensorflow/tfjs", LAYERS, "@tensorflow/tfjs-backend-wasm"} < set(builds._replaceable())


@pytest.fixture(scope="module")
def rescaled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """tfjs-layers with another version and one more line: relu gives twice as much."""
    mine = tmp_path_factory.mktemp("build") / "tfjs-layers"
    shutil.copytree(
        ensure_package() / "node_modules" / LAYERS, mine, ignore=shutil.ignore_patterns("*.map", "*.min.js")
    )
    main = mine / "dist" / "tf-layers.node.js"
    text = main.read_text()
    changed = text.replace("version = '4.22.0'", "version = '4.23.0-mine'").replace(
        "return tfc__namespace.relu(x);", "return tfc__namespace.mul(2, tfc__namespace.relu(x));"
    )
    assert "mul(2" in changed
    assert "4.23.0-mine" in changed
    main.write_text(changed)
    yield mine
    shutil.rmtree(mine)


@pytest.mark.node
@pytest.mark.parametrize("backend", ["tfjs-cpu", "tfjs-wasm"])
def test_the_backend_computes_and_says_what_the_build_does(backend: str, rescaled: Path) -> None:
    command = backends(tfjs=find_builds([rescaled]))[backend].command(silent)
    x = protocol.to_wire(np.array([-1.0, 2.0], np.float32))
    case = protocol.ConcreteCase(
        "layers.Activation", {"activation": "relu"}, (x,), {}, (), (), (), ("output/0",), 0
    )
    requests = (
        protocol.Start(protocol.PROTOCOL_VERSION, backend),
        protocol.Observe(1, case),
        protocol.Stop(),
    )
    lines = b"".join(protocol.encode(request) + b"\n" for request in requests)
    done = subprocess.run(command, input=lines, capture_output=True, timeout=60, check=True)
    started, observed = map(protocol.decode_reply, done.stdout.splitlines())
    assert isinstance(started, protocol.Started)
    assert started.identity.versions["tfjs-layers"] == "4.23.0-mine"
    assert started.identity.versions["tfjs-core"] == "4.22.0"
    assert started.identity.settings["build"].startswith(f"{LAYERS} sha256:")
    assert isinstance(observed, protocol.Observation)
    output = observed.observables["output/0"]
    assert isinstance(output, protocol.WireTensor)
    assert protocol.from_wire(output).tolist() == [0.0, 4.0]


@pytest.mark.node
def test_without_a_build_nothing_is_said_of_one() -> None:
    command = backends()["tfjs-cpu"].command(silent)
    assert command == [
        str(find_node().path), str(PACKAGE / "adapter.mjs"), "--modules", str(ensure_package())
    ]  # fmt: skip
