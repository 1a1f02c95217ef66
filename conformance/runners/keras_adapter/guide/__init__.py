"""The statements of the guides, shown by Keras 3.

Each module here is a program about one of them, with a function for each fact, `is_history` for `is-history`,
which is given a `Stage` and answers an array or what JSON holds.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import pkgutil
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from conformance.runners.keras_adapter.messages import ConcreteCase, Message, of_value
from conformance.runners.keras_adapter.refusals import Refusal, at
from conformance.runners.keras_adapter.runtime import GENERATION, api, keras
from conformance.runners.wire import Array

PREFIX = "guide/python/"


@dataclass(frozen=True)
class Stage:
    """What a program is given.

    Attributes:
        models: by name, where a file of Keras is, and what it has been converted into.
        programs: the texts of printed programs, by name.
        folder: for what it writes; gone when it has ended.
    """

    inputs: tuple[Array, ...]
    models: dict[str, dict[str, str]]
    programs: dict[str, str]
    folder: Path

    def load(self, name: str) -> Any:
        """A model that Keras has saved, from its file."""
        return keras.models.load_model(self.models[name]["saved"])

    def run(self, name: str, **known: Any) -> tuple[list[str], dict[str, Any]]:
        """The lines that a program prints, and the names that it leaves beside those that it knows."""
        left: dict[str, Any] = {"__name__": "__main__", **known}
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(self.programs[name], name, "exec"), left)
        return printed.getvalue().splitlines(), left


Show = Callable[[Stage], Any]


SUITE = ("h5py", "msgspec", "rich_click")
"""What is there where the suite's own conversion can run: the Python of a user's Keras need not have it."""


def _facts(program: ModuleType) -> dict[str, Show]:
    """The facts that a program shows; none of one that says `CONVERTS` where there is nothing to convert
    with."""
    if getattr(program, "CONVERTS", False) and not all(map(importlib.util.find_spec, SUITE)):
        return {}
    return {
        PREFIX + name.replace("_", "-"): value
        for name, value in vars(program).items()
        if callable(value) and value.__module__ == program.__name__ and not name.startswith("_")
    }


PROGRAMS: dict[str, dict[str, Show]] = {
    f"guide.{module.name.upper()}": _facts(importlib.import_module(f"{__name__}.{module.name}"))
    for module in (pkgutil.iter_modules(__path__) if GENERATION == 3 else ())
}

STATEMENTS = {subject: list(facts) for subject, facts in PROGRAMS.items()}
"""By subject, the observables that there are programs for; the guides' Python is shown by Keras 3."""


def show(case: ConcreteCase) -> Message:
    """What is shown of each fact that is asked for; each has the seed, names and a folder of its own."""
    return {observable: _answer(case, observable) for observable in case.observables}


def _answer(case: ConcreteCase, observable: str) -> Message:
    api.reset_names()
    api.seed(case.seed)
    random.seed(case.seed)
    np.random.seed(case.seed % 2**32)
    given = (
        case.config.get("models", {}),
        {name: texts.get("py", "") for name, texts in case.config.get("program", {}).items()},
    )
    with tempfile.TemporaryDirectory(prefix="conformance-guide-") as folder:
        try:
            with at("call"):
                return of_value(PROGRAMS[case.subject][observable](Stage(case.inputs, *given, Path(folder))))
        except Refusal as refusal:
            return refusal.to_message()
