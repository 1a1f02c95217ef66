"""What the programs of the guides' statements are given beside a case's recipe: the text of a printed
program, a model that Keras has saved, converted for TensorFlow.js."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from functools import cached_property
from pathlib import Path
from typing import Any

import conformance
from conformance.cases.case import Case
from conformance.cases.guide.errata import program
from conformance.cases.guide.saved import FOLDER


class Given:
    """Makes configurations of cases concrete; what has been converted for one is kept as long as this is."""

    def __init__(self) -> None:
        self._converted: dict[str, str] = {}

    def concrete(self, case: Case) -> dict[str, Any]:
        """The configuration with programs and models in the place of their names: of a program its text, of a
        model the path of its file and of the directory that it has been converted into.

        Raises:
            FormatError, ValueError: a model or a program of the package is damaged.
        """
        if not case.subject.startswith("guide."):
            return case.config
        config = dict(case.config)
        if "program" in config:
            config["program"] = {
                name: {ending: program(file) for ending, file in files.items()}
                for name, files in config["program"].items()
            }
        if "models" in config:
            config["models"] = {
                name: {"saved": str(FOLDER / wish["file"]), "converted": self._conversion(name, **wish)}
                for name, wish in config["models"].items()
            }
        return config

    @cached_property
    def _folder(self) -> Path:
        """Gone with this object, or with the process."""
        folder = Path(tempfile.mkdtemp(prefix="conformance-guide-"))
        weakref.finalize(self, shutil.rmtree, folder)
        return folder

    def _conversion(self, name: str, file: str, **options: Any) -> str:
        if name not in self._converted:
            out = self._folder / name
            conformance.convert(FOLDER / file, out, **options)
            self._converted[name] = str(out)
        return self._converted[name]
