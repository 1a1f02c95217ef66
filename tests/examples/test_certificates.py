"""Both examples are certified for all layers that they have, and what `new-backend` writes for its function;
with one wrong number in it, an example is not.

The one in JAX skips where JAX is not installed (the extra `test` has it).
"""

from __future__ import annotations

import importlib.util
import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from conformance.certificates.grading import Grade
from conformance.skeletons import SKELETONS, write
from tests.certificates.conftest import invoke
from tests.examples.complete import JAVASCRIPT, JAX, Example, hosted


def certify(example: Example, layers: Sequence[str], folder: Path, out: Path) -> Result:
    """Ask for a certificate of the example in a folder, in the profile `inference`, on the small corpus."""
    chosen = [word for layer in layers for word in ("--subject", f"layers.{layer}")]
    return invoke(
        "certify", "--backend-command", f"{example.name}={example.command(folder)}", "--profile", "inference",
        "--subjects", example.subjects, *chosen, "--corpus", "quick", "--out", out,
    )  # fmt: skip


def predicate(directory: Path) -> Any:
    return json.loads((directory / "certificate.json").read_text("utf-8"))["predicate"]


@pytest.fixture(params=[JAVASCRIPT, JAX], ids=lambda example: example.name)
def example(request: pytest.FixtureRequest) -> Example:
    if request.param is JAX and importlib.util.find_spec("jax") is None:
        pytest.skip("JAX is not installed: it is in the extra `test`")
    chosen: Example = request.param
    return chosen


@pytest.mark.timeout(900)  # JAX compiles every case anew
def test_an_example_is_certified_for_all_its_layers(example: Example, tmp_path: Path) -> None:
    out = tmp_path / "certificate"
    granted = certify(example, example.layers, example.folder, out)
    assert granted.exit_code == 0, granted.output
    certified = predicate(out)
    assert certified["assessment"]["grade"] == example.grade
    assert certified["scope"]["names"] == sorted(f"layers.{layer}" for layer in example.layers)
    assert certified["assessment"]["deviations"] == []
    extent = f"for {len(example.layers)} of the {certified['scope']['of']} subjects of {example.subjects}"
    assert f"{example.name}: {example.grade}, in the profile inference, {extent}: " in granted.output
    again = invoke(
        "verify", out, "--recheck", "20", "--backend-command",
        f"{example.name}={example.command(example.folder)}",
    )  # fmt: skip
    assert again.exit_code == 0, again.output
    assert "asked again: 20 cases" in again.output


FAULTS = [
    (JAVASCRIPT, "Dense", "activations.mjs", "alpha: 1.6732632423543772", "alpha: 1.6732642423543772"),
    (JAX, "LayerNormalization", "jax_layers/layers.py", "y = (x - x.mean", "y = 1.00001 * (x - x.mean"),
]
"""A layer of an example, a file, and what stands there in the place of what."""


@pytest.mark.parametrize(
    ("example", "layer", "file", "right", "wrong"), FAULTS, indirect=["example"], ids=lambda x: None
)
def test_an_example_with_one_wrong_number_is_refused(
    example: Example, layer: str, file: str, right: str, wrong: str, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(example.folder, tmp_path / "broken"))
    text = (folder / file).read_text("utf-8")
    assert text.count(right) == 1
    (folder / file).write_text(text.replace(right, wrong), "utf-8")
    out = tmp_path / "certificate"
    refused = certify(example, [layer], folder, out)
    assert refused.exit_code == 1, refused.output
    assert predicate(out)["assessment"]["grade"] == Grade.REFUSED
    assert any(
        reason.startswith(f"layers.{layer}, forward: diverges")
        for reason in predicate(out)["assessment"]["reasons"]
    )
    assert invoke("verify", out).exit_code == 1


SKELETON_COMMANDS = {
    "python": lambda folder: hosted(folder, "my_runtime_backend:MyRuntime"),
    "program": lambda folder: shlex.join([sys.executable, "-I", str(folder / "backend.py")]),
}


@pytest.mark.parametrize("language", SKELETONS)
def test_a_skeleton_is_certified_as_it_is(language: str, tmp_path: Path) -> None:
    write("my-runtime", language, tmp_path)
    command, out = SKELETON_COMMANDS[language](tmp_path / "my-runtime"), tmp_path / "certificate"
    granted = invoke(
        "certify", "--backend-command", f"my-runtime={command}", "--profile", "inference",
        "--subject", "activations.relu", "--corpus", "standard", "--out", out,
    )  # fmt: skip
    assert granted.exit_code == 0, granted.output
    assert predicate(out)["assessment"]["grade"] == Grade.SPECIFICATION
    assert invoke("verify", out).exit_code == 0
