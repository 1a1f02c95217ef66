"""What the guides say to type is what the command line takes."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.cli import main
from tests.examples.complete import JAVASCRIPT, JAX, ROOT, Example

GUIDE = ROOT / "docs" / "plug-in.md"
GUIDES = (GUIDE, JAX.folder / "README.md", JAVASCRIPT.folder / "README.md")

BLOCK = re.compile(r"^```(?:sh)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(conformance [^`]+)`")


def commands(guide: Path) -> Iterator[str]:
    """The command lines of the suite's that a guide has, on lines of their own or between others' words."""
    text = guide.read_text("utf-8")
    for block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if line.strip().startswith("conformance "):
                yield line.strip()
    yield from INLINE.findall(BLOCK.sub("", text).replace("\n", " "))


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: str(guide.relative_to(ROOT)))
def test_every_command_is_one_that_is_taken(guide: Path) -> None:
    found = list(commands(guide))
    assert found
    for line in found:
        name, *words = shlex.split(line)[1:]
        command = main.get_command(main.make_context("conformance", ["--help"], resilient_parsing=True), name)
        assert command is not None, line
        command.make_context(name, words)


@pytest.mark.parametrize("example", [JAX, JAVASCRIPT], ids=lambda example: example.name)
def test_an_example_says_how_all_its_layers_are_certified(example: Example) -> None:
    (line,) = (c for c in commands(example.folder / "README.md") if c.startswith("conformance certify"))
    words = shlex.split(line)
    given = list(itertools.pairwise(words))
    assert tuple(word for flag, word in given if flag == "--subject") == example.layers
    assert dict(given).get("--subjects", "core") == example.subjects
