"""Writes the skeleton of a backend: a directory that runs as it is, for its author to go on from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import jinja2

from conformance.runners import registry

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

SCHEMA = "protocol.schema.json"


@dataclass(frozen=True)
class Skeleton:
    """What is written for a language, and what to do with it.

    Attributes:
        templates: by template, the file that it becomes; `{module}` stands for the module's name.
        steps: what its author types next, with `{name}`; in the new directory.
        schema: whether the JSON Schema of the protocol lies beside it.
    """

    templates: Mapping[str, str]
    steps: tuple[str, ...]
    schema: bool = False


SKELETONS: dict[str, Skeleton] = {
    "python": Skeleton(
        {
            "python/pyproject.toml.j2": "pyproject.toml",
            "python/backend.py.j2": "{module}.py",
            "python/test_conformance.py.j2": "test_conformance.py",
        },
        (
            "pip install -e .",
            "conformance run --backend {name} --subject activations.relu",
            "pytest",
        ),
    ),
    "program": Skeleton(
        {"program/backend.py.j2": "backend.py"},
        ("conformance run --backend-command '{name}=python backend.py' --subject activations.relu",),
        schema=True,
    ),
}
"""By language: `program` is for any but Python; its skeleton is in Python with nothing but the standard
library, to be read and rewritten."""


class CannotWrite(ValueError):
    """The skeleton was not written; the message says why."""


def write(name: str, language: str, into: Path) -> tuple[str, ...]:
    """Write the skeleton into a new directory of its name.

    Args:
        language: one of `SKELETONS`.
        into: where the directory is made.

    Returns:
        What to type next, in the new directory.

    Raises:
        CannotWrite: the name is none that a package can have, or is taken; or the directory is there already.
    """
    if NAME.fullmatch(name) is None:
        raise CannotWrite(
            f"{name!r} is no name for a backend: lower-case letters and digits, beginning with a letter, "
            "with single hyphens between words, as in my-runtime"
        )
    if name in registry.backends():
        raise CannotWrite(f"there is a backend named {name!r} already (conformance backends); choose another")
    skeleton = SKELETONS[language]
    words = {
        "name": name,
        "module": f"{name.replace('-', '_')}_backend",
        "class_name": "".join(word.capitalize() for word in name.split("-")),
    }
    contents = {
        file.format(**words): _template(template).render(words)
        for template, file in skeleton.templates.items()
    }
    if skeleton.schema:
        contents[SCHEMA] = files("conformance.runners").joinpath(SCHEMA).read_text("utf-8")
    folder = into / name
    try:
        folder.mkdir()
        for file, content in contents.items():
            (folder / file).write_text(content, "utf-8")
    except FileExistsError as error:
        raise CannotWrite(f"{folder} is there already, and nothing is overwritten") from error
    except OSError as error:
        raise CannotWrite(f"{error.filename}: {error.strerror}") from error
    return (f"cd {folder}", *(step.format(**words) for step in skeleton.steps))


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(files(__package__).joinpath(name).read_text("utf-8"))
