"""Backends are found by name, from an entry point or a command, and a Python class answers for itself."""

import re
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import anyio
import numpy as np
import pytest

from conformance.runners import registry
from conformance.runners.builds import Build
from conformance.runners.process import Runner
from conformance.runners.protocol import (
    ConcreteCase,
    Identity,
    WireError,
    WireJSON,
    WireTensor,
    from_wire,
    to_wire,
)
from conformance.runners.provision import silent
from conformance.runners.question import Answer, Broken, Limits
from conformance.runners.registry import (
    DEFAULT_BACKENDS,
    BackendSpec,
    backends,
    from_command,
)
from conformance.runners.unavailable import BackendUnavailable

Plugin = Callable[[str], BackendSpec]
"""Finds the backend that the class of this name among `PLUGINS` makes."""

PLUGINS = "tests.runners.adapters.plugins"
ROOT = Path(__file__).parents[2]


def brought(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    points = [metadata.EntryPoint(name, value, registry.ENTRY_POINT_GROUP)]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points)


def test_the_default_backends_are_known() -> None:
    assert set(DEFAULT_BACKENDS) < set(backends())


@pytest.mark.parametrize(("name", "onednn"), [("keras-tensorflow", "0"), ("keras-tensorflow-onednn", "1")])
def test_keras_runs_on_one_thread_and_names_its_remedy(name: str, onednn: str) -> None:
    spec = backends()[name]
    assert spec.environment["TF_ENABLE_ONEDNN_OPTS"] == onednn
    assert spec.environment["TF_NUM_INTRAOP_THREADS"] == "1"
    assert "layers-conformance[tensorflow]" in spec.remedy


def test_an_installed_package_brings_a_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    brought(monkeypatch, "mine", "package.module:Class")
    expected = [sys.executable, "-m", "conformance.runners.plugin_host", "package.module:Class"]
    assert backends()["mine"].command(silent) == expected


def test_a_name_that_is_taken_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    brought(monkeypatch, "tfjs-cpu", "package.module:Class")
    with pytest.raises(ValueError, match=r"package.module:Class brings a backend named 'tfjs-cpu'"):
        backends()


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("./answer --fast", "answer"),
        ("answer.exe serve", "answer"),
        ("python3.12 -u 'my adapter.py' --fast", "my adapter"),
        ("node adapter.mjs", "adapter"),
        ("python", "python"),
    ],
)
def test_a_command_is_named_after_what_it_runs(command: str, name: str) -> None:
    assert from_command(command).name == name
    assert from_command(command, "given").name == "given"


@pytest.mark.parametrize("command", ["", "  ", "python 'adapter.py"])
def test_a_command_that_is_none_is_refused(command: str) -> None:
    with pytest.raises(ValueError, match=r"empty|No closing quotation"):
        from_command(command)


def test_node_is_looked_for_only_when_the_backend_is_started() -> None:
    spec = backends(node="/no/such/node")["tfjs-cpu"]
    with pytest.raises(BackendUnavailable, match="'/no/such/node' is not a program"):
        spec.command(silent)


def ask(spec: BackendSpec, case: ConcreteCase) -> tuple[Identity, Answer]:
    async def main() -> tuple[Identity, Answer]:
        async with Runner(spec, limits=Limits(start_s=30, case_s=30)) as runner:
            identity, answer = await runner.start(), await runner.observe(case)
            return identity, answer

    return anyio.run(main)


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Plugin:
    def plugin(class_name: str) -> BackendSpec:
        brought(monkeypatch, "plugin", f"{PLUGINS}:{class_name}")
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        return backends()["plugin"]

    return plugin


def test_a_python_class_answers_each_observable_for_itself(plugin: Plugin) -> None:
    inputs = np.array([[1, -2]], np.float32)
    observables = "output/0", "config", "gradient/input/0", "shape/concrete", "dtype", "training/output/0"
    case = ConcreteCase(
        subject="layers.Rescaling",
        config={"scale": 2},
        inputs=(to_wire(inputs),),
        weights={"factor": to_wire(np.array([2], np.float32))},
        masks=(),
        initial_state=(),
        cotangents=(),
        observables=(*observables, "weights"),
        seed=7,
    )
    identity, answers = ask(plugin("Doubling"), case)
    assert identity.name == "doubling"
    output = answers["output/0"]
    assert isinstance(output, WireTensor)
    np.testing.assert_array_equal(from_wire(output), 2 * inputs)
    assert answers["config"] == WireJSON({"scale": 2, "seed": 7})
    assert answers["gradient/input/0"] == WireError(
        "not-implemented", "gradient", "NotImplementedError: no gradient yet"
    )
    assert answers["shape/concrete"] == WireError("type", "construction", "TypeError")
    unencodable, complex_, forbidden = (answers[name] for name in ("dtype", "training/output/0", "weights"))
    assert isinstance(unencodable, WireError)
    assert isinstance(complex_, WireError)
    assert isinstance(forbidden, WireError)
    assert unencodable.kind == complex_.kind == "internal"
    assert "cannot import the specification" in forbidden.message


def test_a_class_that_cannot_be_made_says_why(plugin: Plugin) -> None:
    with pytest.raises(BackendUnavailable, match="RuntimeError: the library is not installed"):
        ask(plugin("Unmakeable"), ConcreteCase("layers.Dense", {}, (), {}, (), (), (), (), 0))


@pytest.mark.parametrize(
    ("class_name", "message"),
    [
        ("Doublin", "no class 'Doublin'; did you mean Doubling?"),
        ("Silent", "Silent lacks observe: a backend is a class with"),
        ("Nameless", "identity() has to return a conformance.runners.protocol.Identity, not a dict"),
        ("Numbered", "what identity() returns is no Identity: Expected `str`, got `int`"),
    ],
)
def test_a_class_that_is_no_backend_is_told_what_it_lacks(
    plugin: Plugin, class_name: str, message: str
) -> None:
    with pytest.raises(BackendUnavailable, match=re.escape(message)):
        ask(plugin(class_name), ConcreteCase("layers.Dense", {}, (), {}, (), (), (), (), 0))


def test_a_class_that_answers_no_mapping_is_told(plugin: Plugin) -> None:
    case = ConcreteCase("layers.Dense", {}, (), {}, (), (), (), ("output/0",), 0)
    _, answers = ask(plugin("Listing"), case)
    broken = answers["output/0"]
    assert isinstance(broken, Broken)
    assert "observe() has to return a mapping from each of the case's observables" in broken.message


def test_a_backend_says_how_to_be_asked_for_again(tmp_path: Path) -> None:
    """With the user's own builds that concern it, and no others."""
    build, python = Build(tmp_path, "tfjs-core"), tmp_path / "python"
    table = backends(tfjs=(build,), keras_pythons={"keras-tensorflow": python})
    assert table["tfjs-cpu"].options == ("--backend", "tfjs-cpu", "--tfjs", str(tmp_path))
    assert table["keras-tensorflow"].options == (
        "--backend", "keras-tensorflow", "--keras-python", f"keras-tensorflow={python}",
    )  # fmt: skip
    assert table["keras-tensorflow-onednn"].options == ("--backend", "keras-tensorflow-onednn")
    assert from_command("./answer 'a b'").options == ("--backend-command", "answer=./answer 'a b'")
