"""A file replaced by a complete one, and a directory's files all together; or nothing at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance.reference_impl.saving.saved_model import FormatError


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """A new file beside, which takes the place of the old one when the block ends well, and else goes."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    new = Path(name)
    try:
        # What `mkstemp` makes is for its owner alone.
        os.fchmod(descriptor, 0o666 & ~_umask())
        os.close(descriptor)
        yield new
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


@contextmanager
def replacing(directory: Path, replaced: Collection[str], last: str) -> Iterator[Path]:
    """A new directory beside, whose files become those of the directory when the block ends well.

    Files of the directory go only where they are named. If anything fails, all is as it was before; if the
    process is killed while files are moved, the old ones are in a directory beside whose name ends in `.old`.

    Args:
        directory: it need not be there.
        replaced: names of the old files, which go.
        last: the file without which the others are not found; it goes first and comes last.

    Raises:
        FormatError: what is there is no directory, or has a file of a new file's name that is not `replaced`.
    """
    target = directory.resolve()
    if target.exists() and not target.is_dir():
        raise FormatError(directory, "", "is there, and is no directory")
    if not target.parent.is_dir():
        raise FormatError(directory, "", f"there is no directory {target.parent}")
    new = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".new", dir=target.parent))
    try:
        yield new
        if target.is_dir():
            names = sorted(new.iterdir(), key=lambda path: path.name == last)
            for path in names:
                if path.name not in replaced and os.path.lexists(target / path.name):
                    raise FormatError(target / path.name, "", "is there, and is not the old model's")
            leaving = sorted(replaced, key=lambda name: name != last)
            _exchange(target, [path.name for path in names], leaving, new)
        else:
            # What `mkdtemp` makes is for its owner alone.
            new.chmod(0o777 & ~_umask())
            new.rename(target)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _exchange(target: Path, arriving: list[str], leaving: list[str], new: Path) -> None:
    """Move files out of the directory and others in, in this order; move all back if one does not move."""
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".old", dir=target.parent))
    moves = [(target / name, old / name) for name in leaving if os.path.lexists(target / name)]
    moves += [(new / name, target / name) for name in arriving]
    done: list[tuple[Path, Path]] = []
    try:
        for origin, destination in moves:
            origin.rename(destination)
            done.append((origin, destination))
    except BaseException:
        for origin, destination in reversed(done):
            destination.rename(origin)
        old.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    """The process's, which can be read only by setting it."""
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
