"""Files of live Keras, of both generations, are read, and those that are written are loaded by it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from conformance.reference_impl.saving import formats, legacy_h5
from conformance.reference_impl.saving.keras_order import in_keras_order
from conformance.reference_impl.saving.saved_model import loaded
from tests.reproduction.test_keras2 import ENVIRONMENT, needs_keras2

from . import in_keras

NAMES = [make.__name__ for make in in_keras.MODELS]
ENDINGS = (".keras", ".h5", ".weights.h5")

pytestmark = pytest.mark.keras


def run_keras(package: str, *words: str | Path) -> str:
    python = str(ENVIRONMENT) if package == "tf_keras" else sys.executable
    command = [python, in_keras.__file__, package, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def differences(package: str, saved: Path, files: list[Path]) -> dict[str, list[str]]:
    """By the path of a file, what Keras finds different; nothing where all is equal."""
    found = json.loads(run_keras(package, "compare", saved, *files).splitlines()[-1])
    return {str(Path(path).relative_to(saved.parent)): what for path, what in found.items() if what}


@pytest.fixture(scope="module", params=["keras", pytest.param("tf_keras", marks=needs_keras2)])
def package(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def saved(package: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the models that Keras saved itself."""
    directory = tmp_path_factory.mktemp(package) / "saved"
    directory.mkdir()
    run_keras(package, "save", directory)
    return directory


def converted(saved: Path, endings: dict[str, tuple[str, ...]]) -> Iterator[Path]:
    """Each model, from each ending to others."""
    for origin, destinations in endings.items():
        for name in NAMES:
            for ending in destinations:
                path = saved.parent / f"from{origin}" / f"{name}{ending}"
                path.parent.mkdir(exist_ok=True)
                with formats.opened(saved / f"{name}{origin}") as model:
                    formats.write(model, path)
                yield path


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", NAMES)
def test_weights_are_those_that_keras_says_its_layers_have(name: str, ending: str, saved: Path) -> None:
    expected = {
        tuple(key.removeprefix("weight ").split("/")): arrays
        for key, arrays in in_keras.kept(saved / f"{name}.npz").items()
        if key.startswith("weight")
    }
    with formats.opened(saved / f"{name}.keras") as model:
        configuration = model.configuration
    alone = configuration if ending == ".weights.h5" else None
    with formats.opened(saved / f"{name}{ending}", alone) as model:
        found = {path: [loaded(array) for array in own.values()] for path, own in model.weights.items()}
    assert found.keys() == expected.keys()
    assert [path for path in found if not in_keras.equal(found[path], expected[path])] == []


def test_keras_3_loads_what_is_written(package: str, saved: Path) -> None:
    """Whichever generation the file was from. From `.h5`, not even its own, Keras 3 restores no state."""
    files = [*converted(saved, {".keras": (".keras", ".h5"), ".h5": (".keras",)})]
    compiled = ["by_momentum.h5", "trained.h5"]
    own = [saved / name for name in compiled if package == "keras"]
    stateless = {f"from.keras/{name}": ["state"] for name in compiled}
    stateless |= {f"saved/{path.name}": ["state"] for path in own}
    assert differences("keras", saved, [*files, *own]) == stateless


def test_keras_3_loads_weights_into_its_models(package: str, saved: Path) -> None:
    if package == "tf_keras":
        pytest.skip("the models to load them into are Keras 3's")
    files = [*converted(saved, {".h5": (".weights.h5",)})]
    assert differences("keras", saved, files) == {}


@needs_keras2
def test_keras_2_loads_what_is_written_for_it(package: str, saved: Path) -> None:
    files = []
    for origin in (".keras", ".h5"):
        for name in NAMES:
            path = saved.parent / f"for-2-from{origin}" / f"{name}.h5"
            path.parent.mkdir(exist_ok=True)
            with formats.opened(saved / f"{name}{origin}") as model:
                legacy_h5.write(model, path, generation=2)
            files.append(path)
    assert differences("tf_keras", saved, files) == {}


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_layers_is_keras_s_whatever_the_file_s(name: str, saved: Path) -> None:
    with formats.opened(saved / f"{name}.keras") as model:
        configuration = model.configuration
    config = configuration["config"]
    if configuration["class_name"] == "Sequential":
        assert in_keras_order(configuration, "f") == configuration
    random = np.random.default_rng(2)
    for _ in range(5 if "output_layers" in config else 0):
        layers = [config["layers"][i] for i in random.permutation(len(config["layers"]))]
        mixed = configuration | {"config": config | {"layers": layers}}
        assert in_keras_order(mixed, "f") == configuration


def test_the_same_model_is_the_same_file(saved: Path, tmp_path: Path) -> None:
    for ending in ENDINGS:
        for copy in ("a", "b"):
            with formats.opened(saved / "nested.keras") as model:
                formats.write(model, tmp_path / f"{copy}{ending}")
        assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()
