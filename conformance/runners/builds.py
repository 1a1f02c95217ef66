"""The user's own builds of TensorFlow.js's packages, laid over the installed ones: what `--tfjs` names."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from conformance.runners.provision import MANIFEST, PACKAGE
from conformance.runners.unavailable import BackendUnavailable

SCOPE = "@tensorflow"

UNUSED_S = 7 * 24 * 3600.0
"""After so many seconds without use an overlay is removed from the cache."""


class BadBuild(ValueError):
    """A path that holds no built package of TensorFlow.js; the message says why, and what would do."""


@dataclass(frozen=True)
class Build:
    """A directory, or a tarball as `npm pack` writes it, and the package that it holds."""

    path: Path
    package: str


@dataclass(frozen=True)
class Overlay:
    """TensorFlow.js with some packages of the user's.

    Attributes:
        folder: holds the `node_modules`.
        description: the packages that are the user's, each with the digest of its files.
    """

    folder: Path
    description: str


def find_builds(paths: Iterable[str | Path]) -> tuple[Build, ...]:
    """The packages at the paths.

    Raises:
        BadBuild: a path holds none, one that is not built, or one that another path holds too.
    """
    builds: dict[str, Build] = {}
    for path in map(Path, paths):
        package = _package_at(path)
        if package in builds:
            raise BadBuild(f"{builds[package].path} and {path} both hold {package}; give one of them")
        builds[package] = Build(path, package)
    return tuple(builds.values())


def lay_over(installed: Path, builds: Sequence[Build]) -> Overlay:
    """The installed packages with the builds in the place of theirs: a folder beside the installed one, made
    once for each content of the builds. No script of a package is run.

    Args:
        installed: what `ensure_package` returns.

    Raises:
        BackendUnavailable: a build cannot be read any more, or the cache cannot be written.
    """
    cache = installed.parent
    try:
        with tempfile.TemporaryDirectory(prefix="overlay-", suffix=".partial", dir=cache) as scratch:
            aside = Path(scratch, "overlay")
            modules = aside / "node_modules"
            for build in builds:
                with _folder(build.path, Path(scratch)) as folder:
                    _copy(folder, modules / build.package)
            # Of the copies: what is at the paths may be built anew at any time.
            digests = {build.package: _digest(modules / build.package) for build in builds}
            content = json.dumps([installed.name, digests], sort_keys=True)
            overlay = cache / f"overlay-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
            if not overlay.is_dir():
                _link_others(installed / "node_modules", modules, digests.keys())
                try:
                    aside.rename(overlay)
                except OSError:
                    if not overlay.is_dir():  # by another process meanwhile
                        raise
            os.utime(overlay)
        _remove_unused(cache)
    except (*UNREADABLE, OSError) as error:
        raise BackendUnavailable(
            f"the builds named by --tfjs cannot be laid over TensorFlow.js in {cache}: {error}",
            "look at the packages, and set CONFORMANCE_CACHE_DIR to a directory that can be written",
        ) from error
    described = ", ".join(f"{package} sha256:{digest[:16]}" for package, digest in sorted(digests.items()))
    return Overlay(overlay, described)


UNREADABLE = (tarfile.TarError, EOFError, zlib.error)
"""What reading a tarball raises, beside `OSError`, where it is damaged, or names a path outside of it."""


def _package_at(path: Path) -> str:
    """The name of the package at the path."""
    if not path.exists():
        raise BadBuild(f"{path}: there is no such file or directory")
    try:
        manifest, holds = _manifest_of_folder(path) if path.is_dir() else _manifest_of_tarball(path)
    except (*UNREADABLE, OSError) as error:
        kind = "directory" if path.is_dir() else "tarball as `npm pack` writes it"
        reason = str(error).partition("\n")[0].rstrip(":")
        raise BadBuild(f"{path} cannot be read as a {kind}: {reason}") from error
    if manifest is None:
        raise BadBuild(f"{path} holds no package.json; name the directory of a package, or its tarball")
    try:
        content = json.loads(manifest)
        name, main = content["name"], content.get("main", "index.js")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadBuild(f"{path}: its package.json is no JSON object with a name") from error
    known = _replaceable()
    if name not in known:
        raise BadBuild(f"{path} holds the package {name!r}, which is none of {', '.join(known)}")
    if not holds(str(PurePosixPath(main))):
        raise BadBuild(
            f"{path} has no {main}, where {name} begins: build it first, or give the tarball of `npm pack`"
        )
    return str(name)


def _manifest_of_folder(path: Path) -> tuple[bytes | None, Callable[[str], bool]]:
    """The package.json, and whether there is a file of a name."""
    manifest = path / "package.json"
    return manifest.read_bytes() if manifest.is_file() else None, lambda name: (path / name).is_file()


def _manifest_of_tarball(path: Path) -> tuple[bytes | None, Callable[[str], bool]]:
    """The same of a tarball, all of whose members are safe to extract."""
    manifest, names = None, set[str]()
    with tarfile.open(path) as tar:
        for member in tar:
            tarfile.data_filter(member, str(path.parent))
            inside = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            names.add(str(inside))
            if str(inside) == "package.json" and (file := tar.extractfile(member)) is not None:
                manifest = file.read()
    return manifest, names.__contains__


def _replaceable() -> list[str]:
    """The packages of TensorFlow.js that the suite installs."""
    locked = json.loads((PACKAGE / MANIFEST[1]).read_bytes())["packages"]
    places = (place.removeprefix("node_modules/") for place in locked)
    return sorted(name for name in places if name.startswith(f"{SCOPE}/") and name.count("/") == 1)


@contextmanager
def _folder(path: Path, scratch: Path) -> Iterator[Path]:
    """The package's directory; that of a tarball is extracted for the time being."""
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory(dir=scratch) as extracted:
        with tarfile.open(path) as tar:
            tar.extractall(extracted, filter="data")
        yield next(Path(extracted).glob("*/package.json")).parent


def _copy(folder: Path, target: Path) -> None:
    """The package's files, but for hidden ones and other packages: their place is the overlay."""
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name != "node_modules" and not name.startswith(".")]
        into = target / Path(place).relative_to(folder)
        into.mkdir(parents=True)
        for name in names:
            shutil.copyfile(Path(place, name), into / name)


def _digest(folder: Path) -> str:
    """The SHA-256 of the files' paths and contents."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{content} {path.relative_to(folder).as_posix()}\n".encode())
    return total.hexdigest()


def _link_others(installed: Path, modules: Path, replaced: Iterable[str]) -> None:
    """All installed packages but these, as hard links: Node takes a symbolic link for what it points to, and
    would find the installed packages beside it."""
    left_out = {str(installed / package) for package in replaced}

    def ignore(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if os.path.join(folder, name) in left_out}  # noqa: PTH118  # thousands

    shutil.copytree(installed, modules, symlinks=True, ignore=ignore, copy_function=_link, dirs_exist_ok=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


def _remove_unused(cache: Path) -> None:
    """Overlays that no run has used for a while, and what killed ones have left."""
    for path in cache.glob("overlay-*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > UNUSED_S:
                shutil.rmtree(path, ignore_errors=True)
