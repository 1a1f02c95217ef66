"""Relations between what layers make of a sequence and of its times."""

from __future__ import annotations

import numpy as np

from conformance.cases.case import Case
from conformance.cases.relations.relation import (
    Derivation,
    Outputs,
    Relation,
    arrays,
    as_they_are,
    asking,
    is_layer,
    layer_of,
    weights,
    without,
)
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers import Layer
from conformance.reference_impl.layers.bidirectional import Bidirectional

RECURRENT = ("SimpleRNN", "LSTM", "GRU", "RNN")

CELLS = {"SimpleRNNCell": "SimpleRNN", "LSTMCell": "LSTM", "GRUCell": "GRU"}


def each_time(case: Case) -> Derivation | None:
    if not is_layer(case, "TimeDistributed") or case.masks:
        return None
    inner = case.config["layer"]
    (x,) = arrays(case.inputs)
    subject = f"layers.{inner['class_name']}"
    times = [
        asking(case, subject=subject, config=inner["config"], inputs=[x[:, t]]) for t in range(x.shape[1])
    ]
    return Derivation(
        tuple(times), lambda answers: [np.stack(ys, axis=1) for ys in zip(*answers, strict=True)]
    )


def two_passes(case: Case) -> Derivation | None:
    """Where outputs are put side by side: those that are added are rounded once more."""
    if not is_layer(case, "Bidirectional") or case.config.get("merge_mode", "concat") not in ("concat", None):
        return None
    layer = layer_of(case)
    assert isinstance(layer, Bidirectional)
    if case.masks and layer.forward.return_sequences:
        return None  # masked times are zeros, which not every backend's layers can give
    given = case.config["layer"]
    mirrored = given | {"config": given["config"] | {"go_backwards": True}}
    states, half = arrays(case.initial_state), len(case.initial_state) // 2
    passes = [
        asking(
            case,
            subject=f"layers.{one['class_name']}",
            config=one["config"],
            weights=of_direction(case, direction),
            initial_state=begin,
        )
        for one, direction, begin in (
            (given, layer.forward, states[:half]),
            (case.config.get("backward_layer") or mirrored, layer.backward, states[half:]),
        )
    ]

    def compose(answers: list[Outputs]) -> Outputs:
        (y, *first), (z, *second) = answers
        if layer.forward.return_sequences:
            z = np.flip(z, axis=1)
        return [*([np.concatenate([y, z], -1)] if layer.merge_mode else [y, z]), *first, *second]

    return Derivation(tuple(passes), compose)


def of_direction(case: Case, layer: Layer) -> dict[str, Array]:
    """The weights of a layer of Bidirectional, by the names that it has for them."""
    prefix = f"{layer.name}/"
    return {name.removeprefix(prefix): w for name, w in weights(case).items() if name.startswith(prefix)}


def turned_around(case: Case) -> Derivation | None:
    if not is_layer(case, *RECURRENT) or not case.config.get("go_backwards"):
        return None
    forwards = asking(
        case,
        config=without(case.config, "go_backwards"),
        inputs=[np.flip(x, axis=1) for x in arrays(case.inputs)],
        masks=[np.flip(mask, axis=1) for mask in arrays(case.masks)],
    )
    return Derivation((forwards,), as_they_are)


def loop(case: Case) -> Derivation | None:
    if not is_layer(case, *RECURRENT) or not case.config.get("unroll"):
        return None
    return Derivation((asking(case, config=without(case.config, "unroll")),), as_they_are)


def last_of_all(case: Case) -> Derivation | None:
    if not is_layer(case, *RECURRENT) or case.config.get("return_sequences") or case.masks:
        return None
    all_times = asking(case, config=case.config | {"return_sequences": True})

    def last(answers: list[Outputs]) -> Outputs:
        y, *states = as_they_are(answers)
        return [y[:, -1], *states]

    return Derivation((all_times,), last)


def of_one_cell(case: Case) -> Derivation | None:
    if not is_layer(case, "RNN"):
        return None
    cell = case.config["cell"]
    config = without(case.config, "cell") | without(cell["config"], "name")
    return Derivation(
        (asking(case, subject=f"layers.{CELLS[cell['class_name']]}", config=config),), as_they_are
    )


RELATIONS = (
    Relation("each-time", "TimeDistributed is the layer at each time.", each_time),
    Relation("two-passes", "Bidirectional is a pass forwards and a pass backwards.", two_passes),
    Relation(
        "turned-around", "Going backwards is going forwards over the sequence turned around.", turned_around
    ),
    Relation("loop", "Unrolled or not, a recurrent layer gives the same.", loop),
    Relation("last-of-all", "The output is the last one of all.", last_of_all),
    Relation("of-one-cell", "RNN of a cell is the layer that is made of that cell.", of_one_cell),
)
