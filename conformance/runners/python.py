"""Where a Python of the user's is: an interpreter, or the environment that it belongs to."""

from __future__ import annotations

import shutil
from pathlib import Path


class BadPython(ValueError):
    """A path at which there is no Python; the message names it."""


def find_python(path: str) -> Path:
    """The interpreter of that path or name, or that of the environment (venv, conda) in that directory.

    It is not resolved: by the link in an environment, Python finds the environment.

    Raises:
        BadPython: there is none.
    """
    if Path(path).is_dir():
        places = (
            Path(path, *inside) for inside in (("bin", "python"), ("Scripts", "python.exe"), ("python.exe",))
        )
        found = next((str(place) for place in places if place.is_file()), None)
        if found is None:
            raise BadPython(f"{path} is no Python environment: it holds no bin/python")
    else:
        found = shutil.which(path)
        if found is None:
            raise BadPython(f"{path} is no Python: it is not a program that can be run")
    return Path(found).absolute()
