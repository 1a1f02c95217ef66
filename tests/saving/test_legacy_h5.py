"""`.h5` without Keras: weights are told by the names that files of any age give to layers and weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from conformance.reference_impl.saving import formats, legacy_h5, strict_json
from conformance.reference_impl.saving.saved_model import FormatError, InMemory, SavedModel, loaded
from tests.saving.hostile_keras_files.sound import layer, model

DENSE = {"kernel": (4, 4), "bias": (4,)}


def dense(name: str) -> dict[str, Any]:
    return layer("Dense", name=name, units=4)


def sequential(name: str, *layers: dict[str, Any]) -> dict[str, Any]:
    given = layer("InputLayer", batch_shape=[None, 4], dtype="float32", name=f"{name}_in")
    return layer("Sequential", "keras", name=name, layers=[given, *layers])


def written(
    path: Path, configuration: dict[str, Any], groups: Mapping[str, Mapping[str, tuple[int, ...]]]
) -> Path:
    """A file with weights of these names and shapes in the groups of layers; each is full of its number."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = strict_json.text(configuration)
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = list(groups)
        count = 0
        for group, named in groups.items():
            weights.require_group(group).attrs["weight_names"] = list(named)
            for name, shape in named.items():
                weights[f"{group}/{name}"] = np.full(shape, count, "f4")
                count += 1
    return path


def first_elements(path: Path) -> dict[str, float]:
    with formats.opened(path) as saved:
        return {
            "/".join((*layer_path, name)): float(loaded(array).flat[0])
            for layer_path, own in saved.weights.items()
            for name, array in own.items()
        }


@pytest.mark.parametrize(
    ("kernel", "bias"),
    [
        ("d/kernel:0", "d/bias:0"),
        ("model/d/kernel", "model/d/bias"),
        ("an_older_name_1/kernel:0", "an_older_name_1/bias:0"),
        ("kernel", "bias"),
    ],
)
def test_the_last_part_of_a_name_tells_the_weight(kernel: str, bias: str, tmp_path: Path) -> None:
    path = written(tmp_path / "m.h5", sequential("m", dense("d")), {"d": {bias: (4,), kernel: (4, 4)}})
    assert first_elements(path) == {"d/kernel": 1, "d/bias": 0}


def test_groups_may_stand_in_any_order(tmp_path: Path) -> None:
    groups = {name: {f"{name}/{weight}:0": shape for weight, shape in DENSE.items()} for name in "ba"}
    path = written(tmp_path / "m.h5", sequential("m", dense("a"), dense("b")), groups)
    assert first_elements(path) == {"a/kernel": 2, "a/bias": 3, "b/kernel": 0, "b/bias": 1}


def test_a_layers_group_may_lie_in_anothers(tmp_path: Path) -> None:
    """Names of layers may be paths, one of them the beginning of another."""
    configuration = sequential("m", dense("conv"), dense("conv/1"))
    groups = {
        "conv": {"conv/kernel:0": (4, 4), "conv/bias:0": (4,)},
        "conv/1": {"conv/1/kernel:0": (4, 4), "conv/1/bias:0": (4,)},
    }
    path = written(tmp_path / "m.h5", configuration, groups)
    assert first_elements(path) == {"conv/kernel": 0, "conv/bias": 1, "conv/1/kernel": 2, "conv/1/bias": 3}


def test_layers_of_models_inside_are_told_apart_by_the_models_around_them(tmp_path: Path) -> None:
    inner = sequential("inner", sequential("one", dense("d")), sequential("two", dense("d")))
    named = {"two/d/bias:0": (4,), "one/d/bias:0": (4,), "one/d/kernel:0": (4, 4), "two/d/kernel:0": (4, 4)}
    path = written(tmp_path / "m.h5", sequential("m", inner), {"inner": named})
    assert first_elements(path) == {
        "inner/one/d/kernel": 2,
        "inner/one/d/bias": 1,
        "inner/two/d/kernel": 3,
        "inner/two/d/bias": 0,
    }


def test_a_weight_that_could_be_of_two_layers_is_refused(tmp_path: Path) -> None:
    inner = sequential("inner", sequential("one", dense("d")), sequential("two", dense("d")))
    path = written(tmp_path / "m.h5", sequential("m", inner), {"inner": {"d/kernel:0": (4, 4)}})
    with pytest.raises(FormatError, match=r"layer 'inner': .* 'd/kernel:0' could be of several"):
        first_elements(path)


def test_two_weights_that_mean_one_are_refused(tmp_path: Path) -> None:
    groups = {"d": {"x/kernel": (4, 4), "y/kernel": (4, 4)}}
    with pytest.raises(FormatError, match="layer 'd': expected the weights kernel, bias"):
        first_elements(written(tmp_path / "m.h5", sequential("m", dense("d")), groups))


def test_weights_are_held_to_one_another_where_the_input_is_not_known(tmp_path: Path) -> None:
    groups = {"d": {"d/kernel": (7, 4), "d/bias": (5,)}}
    with pytest.raises(FormatError, match="in shapes that go together; found d/kernel"):
        first_elements(written(tmp_path / "m.h5", sequential("m", dense("d")), groups))


def test_lists_of_names_that_were_cut_are_joined(tmp_path: Path) -> None:
    names = [f"d{i}" for i in range(6)]
    groups = {name: {f"{name}/{weight}:0": shape for weight, shape in DENSE.items()} for name in names}
    path = written(tmp_path / "m.h5", sequential("m", *map(dense, names)), groups)
    with h5py.File(path, "r+") as file:
        attributes = file["model_weights"].attrs
        for i, part in enumerate(np.array_split(attributes.pop("layer_names"), 2)):
            attributes[f"layer_names{i}"] = part
    assert len(first_elements(path)) == 12


def test_a_layer_that_is_not_known_keeps_the_names_of_its_weights(tmp_path: Path) -> None:
    """`EinsumDense` is Keras's, and not the specification's."""
    unknown = layer("EinsumDense", name="n", equation="ab,bc->ac", output_shape=4, bias_axes="c")
    groups: dict[str, dict[str, tuple[int, ...]]]
    groups = {"n": {"n/bias:0": (4,), "n/kernel:0": (4,)}, "d": {"d/kernel": (4, 4), "d/bias": (4,)}}
    path = written(tmp_path / "m.h5", sequential("m", unknown, dense("d")), groups)
    expected = {"n/bias": 0, "n/kernel": 1, "d/kernel": 2, "d/bias": 3}
    assert first_elements(path) == expected
    with formats.opened(path) as saved:
        formats.write(saved, tmp_path / "again.h5")
    with h5py.File(tmp_path / "again.h5") as file:
        assert [*file["model_weights/n"].attrs["weight_names"]] == [b"n/bias", b"n/kernel"]


@pytest.mark.parametrize(("generation", "suffix"), [(2, ":0"), (3, "")])
def test_weights_that_are_trained_come_first_in_a_model_inside(
    generation: legacy_h5.Generation, suffix: str, tmp_path: Path
) -> None:
    """Keras goes by their order alone."""
    frozen = dense("cold")
    frozen["config"]["trainable"] = False
    inner = sequential("inner", frozen, layer("BatchNormalization", name="bn"), dense("warm"))
    ones, square = InMemory(np.ones(4, "f4")), InMemory(np.ones((4, 4), "f4"))
    statistics = dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), ones)
    each = {"kernel": square, "bias": ones}
    weights = {("inner", "cold"): each, ("inner", "bn"): statistics, ("inner", "warm"): each}
    saved = SavedModel(sequential("m", inner), weights)  # type: ignore[arg-type]  # a mapping is invariant
    legacy_h5.write(saved, tmp_path / "m.h5", generation)
    with h5py.File(tmp_path / "m.h5") as file:
        names = [name.decode() for name in file["model_weights/inner"].attrs["weight_names"]]
    trained = ["bn/gamma", "bn/beta", "warm/kernel", "warm/bias"]
    others = ["cold/kernel", "cold/bias", "bn/moving_mean", "bn/moving_variance"]
    assert names == [f"inner/{name}{suffix}" for name in (*trained, *others)]


def test_a_file_for_keras_2_is_in_its_form(tmp_path: Path) -> None:
    legacy_h5.write(model(), tmp_path / "m.h5", generation=2)
    with h5py.File(tmp_path / "m.h5") as file:
        assert file.attrs["keras_version"] == legacy_h5.VERSIONS[2]
        assert '"batch_input_shape": [null, 4]' in file.attrs["model_config"]
    with formats.opened(tmp_path / "m.h5") as saved:
        assert saved.configuration["config"]["layers"][0]["config"]["batch_shape"] == [None, 4]
