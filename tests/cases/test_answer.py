"""The specification's answer to a case: every observable a value with its bound, a structure or a refusal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from conformance.cases import corpus
from conformance.cases.answer import part
from conformance.cases.case import Case, Literal, Recipe
from conformance.cases.data import make
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.expected import Expected, Own, Refusal, Structure, Value
from conformance.cases.parts import PARTS
from conformance.reference_impl.arithmetic import IEEE_FLOAT32, IEEE_FLOAT64
from conformance.reference_impl.tape import Tensor
from conformance.runners.protocol import OBSERVABLES
from tests.answers import answer

KERNEL = Literal((2, 1), (1.0, 2.0))
BIAS = Literal((1,), (0.5,))
X = Literal((1, 2), (3.0, 4.0))


def dense(config: dict[str, Any] | None = None, **fields: Any) -> Case:
    case: dict[str, Any] = {"inputs": (X,), "weights": {"kernel": KERNEL, "bias": BIAS}}
    case |= {"cotangents": (Literal((1, 1), (2.0,)),)} | fields
    return Case("layers.Dense", config or {"units": 1}, **case)


def answered(case: Case) -> dict[str, Expected]:
    return answer(case, make(case), IEEE_FLOAT32)


def tensor(expected: Expected) -> Tensor:
    assert isinstance(expected, Value)
    return expected.tensor


def value(expected: Expected) -> list[Any]:
    return list(tensor(expected).value.ravel())


def test_each_observable_is_answered_in_the_order_asked() -> None:
    names = ("shape/concrete", "output/0", "gradient/weight/kernel", "dtype", "gradient/input/0")
    found = answered(dense(observables=names))
    assert tuple(found) == names
    assert value(found["output/0"]) == [11.5]
    assert value(found["gradient/input/0"]) == [2.0, 4.0]
    assert value(found["gradient/weight/kernel"]) == [6.0, 8.0]
    assert found["shape/concrete"] == Structure([[1, 1]])
    assert found["dtype"] == Structure(["float32"])


def test_shapes_with_unknown_dimensions() -> None:
    case = dense(observables=("shape/unknown_batch", "shape/unknown"))
    assert set(map(repr, answered(case).values())) == {repr(Structure([[None, 1]]))}
    convolution = Case(
        "layers.Conv2D",
        {"filters": 2, "kernel_size": 2},
        inputs=(Recipe("normal", (3, 4, 5, 1), 0),),
        observables=("shape/unknown_batch", "shape/unknown"),
    )
    found = answered(convolution)
    assert found["shape/unknown_batch"] == Structure([[None, 3, 4, 2]])
    assert found["shape/unknown"] == Structure([[None, None, None, 2]])


def test_weights_are_described() -> None:
    found = answered(dense({"units": 1, "trainable": False}, observables=("weights",)))
    assert found["weights"] == Structure(
        [
            {"name": "kernel", "shape": [2, 1], "dtype": "float32", "trainable": False},
            {"name": "bias", "shape": [1], "dtype": "float32", "trainable": False},
        ]
    )


def test_signature_tells_required_arguments_and_defaults() -> None:
    signature = answered(dense(observables=("signature",)))["signature"]
    assert isinstance(signature, Structure)
    assert signature.value["arguments"]["units"] == {"required": True}
    assert signature.value["arguments"]["use_bias"] == {"default": True}


def test_bad_configuration_refuses_every_observable_at_construction() -> None:
    found = answered(dense({"units": 0}, observables=("output/0", "config")))
    assert {type(e) for e in found.values()} == {Refusal}
    assert {e.at for e in found.values() if isinstance(e, Refusal)} == {"construction"}


def test_refusal_of_one_observable_hides_no_other() -> None:
    case = dense(inputs=(Literal((2,), (3.0, 4.0)),), observables=("output/0", "config", "shape/concrete"))
    found = answered(case)
    output, shape = found["output/0"], found["shape/concrete"]
    assert isinstance(output, Refusal)
    assert isinstance(shape, Refusal)
    assert (output.at, shape.at) == ("call", "shape")
    assert isinstance(found["config"], Structure)


def test_weights_that_do_not_fit_are_refused_and_named() -> None:
    output = answered(dense(weights={"kernel": KERNEL}, observables=("output/0",)))["output/0"]
    assert isinstance(output, Refusal)
    assert "Dense has the weights" in output.message


def test_unknown_layer_is_refused_with_the_nearest() -> None:
    found = answered(Case("layers.Dens", observables=("config",)))["config"]
    assert isinstance(found, Refusal)
    assert "Dense" in found.message


def test_fast_mode_has_the_precision_of_the_data_and_no_bounds() -> None:
    case = dense(inputs=(Recipe("normal", (1, 2), 5),), observables=("output/0",))
    fast, truth = answer(case, make(case), None)["output/0"], answered(case)["output/0"]
    assert isinstance(fast, Value)
    assert isinstance(truth, Value)
    assert (fast.tensor.dtype, fast.tensor.error) == (np.float32, None)
    assert truth.tensor.dtype == np.float64
    assert truth.tensor.error is not None


@pytest.mark.parametrize("training", [False, True])
def test_state_that_a_call_leaves_alone_is_as_it_was_given(training: bool) -> None:
    weights = {
        name: Literal((2,), (0.5, 2.0)) for name in ("gamma", "beta", "moving_mean", "moving_variance")
    }
    case = Case(
        "layers.BatchNormalization",
        {"trainable": training},
        inputs=(Recipe("normal", (5, 2), 3),),
        weights=weights,  # type: ignore[arg-type]  # literals are sources
        observables=("training/state/moving_mean",),
    )
    moved = value(answered(case)["training/state/moving_mean"])
    assert (moved == [0.5, 2.0]) is not training


@pytest.mark.parametrize(
    ("config", "name"), [({"identifier": "swish"}, "silu"), ({"identifier": "silu"}, "silu")]
)
def test_identifier_names_one_function(config: dict[str, Any], name: str) -> None:
    case = Case("activations.silu", config, observables=("identifier",))
    assert answered(case)["identifier"] == Structure(name)


def test_function_refuses_arguments_that_it_does_not_have() -> None:
    for config in ({"alpha": 1.0}, {"slope": 0.5}):
        case = Case("activations.relu", config, inputs=(X,), observables=("output/0",))
        assert isinstance(answered(case)["output/0"], Refusal)
    alone = Case("activations.threshold", inputs=(X,), observables=("output/0",))
    assert isinstance(answered(alone)["output/0"], Refusal)


def test_every_observable_of_the_protocol_has_its_part() -> None:
    named = dict.fromkeys(("weight", "name", "variable", "key", "file"), "w")
    given = {"i": 0, "update": 0, "language": "python", **named}
    for pattern in OBSERVABLES:
        # A case about a model asks of every format, and of files by what is read in them.
        asked = pattern.replace("file/{format}", "saved/config").replace("{format}/", "")
        assert part(asked.format(**given)) in PARTS
    assert part("training/gradient/input/0") == "training/gradient"
    assert part("reconstructed/config") == "reconstructed/config"
    assert part("reconstructed/output/0") == "reconstructed"


def test_specification_refuses_nothing_in_the_corpus_that_is_not_meant() -> None:
    refused = [
        (case.subject, case.config, name, expected.message)
        for case in corpus.load("quick")
        if not case.to_be_refused
        for name, expected in answer(case, make(case), None).items()
        if isinstance(expected, Refusal)
    ]
    assert refused == []


def test_a_call_of_a_stateless_layer_is_what_it_was() -> None:
    assert answered(dense(observables=("output/0", "again/output/0")))["again/output/0"] == Own("output/0")


@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LSTM"])
@pytest.mark.parametrize("more", [{}, {"go_backwards": True}, {"return_sequences": True}])
def test_a_stateful_layer_goes_on_from_its_last_states(name: str, more: dict[str, Any]) -> None:
    """As one does that is given the states that the first call returns."""
    subject, config = f"layers.{name}", {"units": 3, **more}
    drafted = draft_layer(subject, config | {"stateful": True}, [recipe("normal", 2, 4, 5)])
    stateful = msgspec.structs.replace(drafted, observables=("output/0", "again/output/0"))
    found = answered(stateful)
    states = tuple(f"output/{i}" for i in range(1, 3 if name == "LSTM" else 2))
    returning = msgspec.structs.replace(drafted, config=config | {"return_state": True}, observables=states)
    data = make(returning)
    last = answer(returning, data, IEEE_FLOAT64)
    given = replace(data, initial_state=tuple(tensor(last[name]).value for name in states))
    following = msgspec.structs.replace(drafted, config=config, observables=("output/0",))
    expected = tensor(answer(following, given, IEEE_FLOAT64)["output/0"])
    assert np.array_equal(tensor(found["again/output/0"]).value, expected.value)
    assert not np.array_equal(tensor(found["output/0"]).value, expected.value)
    error = tensor(found["again/output/0"]).error
    assert error is not None
    assert (error > 0).all()
