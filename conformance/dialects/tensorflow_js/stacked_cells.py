"""What stacks of cells do otherwise in TensorFlow.js, and layers that repeat them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.errors import spoilt
from conformance.cases.drafts.layers.wrappers import GRU_CELL, LSTM_CELL, SIMPLE_CELL, inside
from conformance.dialects.deviation import GRADIENTS, REFUSAL, Metadata, Raises, Value, subject
from conformance.dialects.refused import lacking, wrong_in
from conformance.dialects.scopes import all_of, sets, unsets, without, wraps
from conformance.dialects.tensorflow_js.configuration import saying
from conformance.dialects.tensorflow_js.record import (
    CALLED,
    FIRST,
    LAYERS,
    NUMERIC,
    deviation,
    issue,
    pull,
    searched,
)
from conformance.reference_impl import layers
from conformance.reference_impl.layers.cell import Cell
from conformance.reference_impl.layers.stacked_rnn_cells import StackedRNNCells, stack_in

SOURCE = f"{LAYERS}/layers/recurrent.js"


def stack_of(case: Case) -> StackedRNNCells | None:
    """The stack that the case is about, or that its layer repeats; None too of what is to be refused."""
    try:
        return stack_in(layers.get(case.subject.removeprefix("layers.")).from_config(case.config))
    except (TypeError, ValueError):
        return None


def has_several_cells(case: Case, data: Data) -> bool:
    stack = stack_of(case)
    return stack is not None and len(stack.stack) > 1


def second_fits_first(case: Case, data: Data) -> bool:
    """The weights behind those of the first cell have the shapes of these, as far as there are any."""
    stack, shapes = stack_of(case), [x.shape for x in data.inputs]
    if stack is None:
        return False
    weights = [weight.shape for weight in stack.declare_weights(shapes)]
    own = len(stack.stack[0].declare_weights(shapes))
    return all(a == b for a, b in zip(weights[:own], weights[own:], strict=False))


def last_to_first(original: Any, stack: Sequence[Cell]) -> Sequence[Cell]:
    return stack[::-1]


def state_sizes(stack: Sequence[Any]) -> list[int]:
    return [cell.units for cell in stack for _ in range(cell.states)]


def states_reordered(case: Case, data: Data) -> bool:
    """The states are of other sizes one by one when the cells are taken last to first."""
    stack = stack_of(case)
    return stack is not None and state_sizes(stack.stack) != state_sizes(stack.stack[::-1])


def no_cells(case: Case, data: Data) -> bool:
    """What is wrong are the cells alone."""
    cells = [SIMPLE_CELL, GRU_CELL]
    return any(scope(case, data) for scope in (lacking(cells=cells), wrong_in(cells=cells)))


def given_states(case: Case, data: Data) -> bool:
    return bool(data.initial_state)


def in_scopes_by_number(case: Case, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The weights under `RNNCell_0`, `RNNCell_1`, …, in place of the names of their cells."""
    stack = stack_of(case)
    assert stack is not None
    numbers = {scope: f"RNNCell_{i}" for i, scope in enumerate(stack.scopes)}

    def renamed(name: str) -> str:
        scope, _, rest = name.partition("/")
        return f"{numbers[scope]}/{rest}"

    return [weight | {"name": renamed(weight["name"])} for weight in expected]


def repeating(*cells: dict[str, Any], **config: Any) -> dict[str, Any]:
    return {"cell": inside("StackedRNNCells", cells=list(cells)), **config}


def of_stack(config: dict[str, Any], **more: Any) -> Case:
    return draft_layer("layers.RNN", config, [recipe("normal", 2, 3, 5)], weights="small_normal", **more)


def stack_alone(*cells: dict[str, Any], sizes: Sequence[int]) -> Case:
    return draft_layer(
        "layers.StackedRNNCells",
        {"cells": list(cells)},
        [recipe("normal", 2, 5)],
        initial_state=[recipe("normal", 2, n) for n in sizes],
        weights="small_normal",
    )


PLAIN = of_stack(repeating(LSTM_CELL, GRU_CELL))
RETURNING = of_stack(repeating(SIMPLE_CELL, GRU_CELL, return_state=True))
CONTINUING = of_stack(
    repeating(SIMPLE_CELL, GRU_CELL), initial_state=[recipe("normal", 2, 3), recipe("normal", 2, 2)]
)
ALONE = stack_alone(SIMPLE_CELL, GRU_CELL, sizes=(3, 2))
OF_ONE = stack_alone(GRU_CELL, sizes=(2,))
OF_TWO_ALIKE = draft_layer(
    "layers.StackedRNNCells",
    {"cells": [inside("LSTMCell", name=name, units=4) for name in ("one", "other")]},
    [recipe("normal", 2, 4)],
    initial_state=[recipe("normal", 2, 4)] * 4,
)
BIDIRECTIONAL = draft_layer(
    "layers.Bidirectional",
    {"layer": inside("RNN", name="inner", cell=GRU_CELL)},
    [recipe("normal", 2, 3, 4)],
    weights="small_normal",
)

DEVIATIONS = (
    deviation(
        "tfjs-stacked-cells-states-last-to-first",
        "The states of a stack are those of its last cell, then those of the cell before, as in early "
        "versions of Keras 2.",
        kind="intentional",
        source=f"{SOURCE}:1187, :1203 (StackedRNNCells.stateSize, call)",
        upstream=searched("stackedRNNCells state order reversed initialState"),
        remedy="Turn the list round where states are given or returned.",
        since="tfjs-layers 0.0.4 (2018)",
        scope=all_of(subject("layers.RNN"), has_several_cells),
        effect=Value({"layers.StackedRNNCells.order_of_states": last_to_first}),
        witnesses=(RETURNING,),
    ),
    *(
        deviation(
            f"tfjs-{who}-refuse-states-first-to-last",
            "States given in the order of Keras, first cell first, do not fit.",
            kind="intentional",
            source=f"{SOURCE}:1203 (StackedRNNCells.call)",
            upstream=searched("stackedRNNCells state order reversed initialState"),
            remedy="Turn the list round.",
            since="tfjs-layers 0.0.4 (2018)",
            scope=all_of(subject(name), states_reordered, given_states),
            effect=Raises("invalid-argument", "call", observables, "with shapes"),
            witnesses=(witness,),
        )
        for who, name, observables, witness in (
            ("stacked-cells", "layers.RNN", CALLED, CONTINUING),
            (
                "stacked-cells-alone",
                "layers.StackedRNNCells",
                REFUSAL,
                spoilt("StackedRNNCells", observables=("refusal", "refusal/widened")),
            ),
        )
    ),
    deviation(
        "tfjs-stacked-cells-without-cells",
        "A stack without a cell is made, and fails on `undefined` when it is built.",
        kind="bug",
        source=f"{SOURCE}:1185, :1250 (StackedRNNCells, build)",
        upstream=searched("stackedRNNCells cells fromConfig empty trainable"),
        remedy="Give it a cell.",
        since="tfjs-layers 0.0.4 (2018)",
        scope=all_of(subject("layers.StackedRNNCells"), without(sets("cells")), no_cells),
        effect=Raises("internal", "call", REFUSAL, "Cannot read properties of undefined"),
        witnesses=(spoilt("StackedRNNCells", {"cells": []}), spoilt("StackedRNNCells", without="cells")),
    ),
    deviation(
        "tfjs-stacked-cells-of-no-list",
        "A stack takes anything for its cells, and fails when it is built.",
        kind="bug",
        source=f"{SOURCE}:1185, :1250 (StackedRNNCells, build)",
        upstream=searched("stackedRNNCells cells fromConfig empty trainable"),
        remedy="Give a list of cells.",
        since="tfjs-layers 0.0.4 (2018)",
        scope=all_of(subject("layers.StackedRNNCells"), sets("cells"), no_cells),
        effect=Raises("internal", "call", REFUSAL, "forEach is not a function"),
        witnesses=(spoilt("StackedRNNCells", {"cells": 3}),),
    ),
    deviation(
        "tfjs-stacked-cells-cotangents-first-to-last",
        "States are returned last cell first, and cotangents in the order of Keras do not fit them.",
        kind="intentional",
        source=f"{SOURCE}:1203 (StackedRNNCells.call)",
        upstream=searched("stackedRNNCells state order reversed initialState"),
        remedy="Turn the list round.",
        since="tfjs-layers 0.0.4 (2018)",
        scope=all_of(subject("layers.RNN"), states_reordered, sets("return_state"), without(given_states)),
        effect=Raises("invalid-argument", "gradient", GRADIENTS, "does not match its output"),
        witnesses=(RETURNING,),
    ),
    deviation(
        "tfjs-stacked-cells-made-again-trainable",
        "A stack with trainable=False that is made from its configuration, as on loading, is trained.",
        kind="bug",
        source=f"{SOURCE}:1283 (StackedRNNCells.fromConfig hands on the cells only)",
        upstream=searched("stackedRNNCells cells fromConfig empty trainable"),
        remedy="Freeze the layer that repeats it.",
        since="tfjs-layers 0.0.4 (2018)",
        scope=all_of(subject("layers.StackedRNNCells"), unsets("trainable")),
        effect=Metadata(("reconstructed/config",), saying(trainable=True)),
        witnesses=(
            draft_layer(
                "layers.StackedRNNCells",
                {"cells": [GRU_CELL], "trainable": False},
                [recipe("normal", 2, 5)],
                initial_state=[recipe("normal", 2, 2)],
            ),
        ),
    ),
    deviation(
        "tfjs-stacked-cells-numbered",
        "The weights of a stack are named after the places of the cells, RNNCell_0 and so on, not after the "
        "cells.",
        kind="intentional",
        source=f"{SOURCE}:1251 (StackedRNNCells.build)",
        upstream=pull(2105),
        remedy="Load weights by order, not by name.",
        since="tfjs-layers 1.2.10 (2019)",
        scope=all_of(subject("layers.RNN", "layers.StackedRNNCells"), has_several_cells),
        effect=Metadata(("weights",), in_scopes_by_number),
        witnesses=(PLAIN, ALONE),
    ),
    deviation(
        "tfjs-stacked-cells-set-weights-of-another",
        "setWeights of a stack gives the first cell the weights of the second, which do not fit.",
        kind="bug",
        source=f"{SOURCE}:1331 (StackedRNNCells.setWeights: weights.splice(numParams) takes the rest)",
        upstream=searched("StackedRNNCells setWeights shape mismatch splice"),
        remedy="Set those of the layer that repeats the stack, or of each cell.",
        since="tfjs-layers 0.0.4 (2018)",
        scope=all_of(subject("layers.StackedRNNCells"), has_several_cells, without(second_fits_first)),
        effect=Raises(
            "invalid-argument",
            "build",
            (*NUMERIC, "method/get_weights", "method/set_weights"),
            "Shape mismatch",
        ),
        witnesses=(ALONE,),
    ),
    deviation(
        "tfjs-stacked-cells-set-no-weights",
        "setWeights of a stack finds no weights for its last cell, and fails, where there is one cell, or "
        "the first one could take the weights of the second.",
        kind="bug",
        source=f"{SOURCE}:1331 (StackedRNNCells.setWeights: weights.splice(numParams) takes the rest)",
        upstream=searched("StackedRNNCells setWeights shape mismatch splice"),
        remedy="Set those of each cell.",
        since="tfjs-layers 0.0.4 (2018)",
        scope=all_of(subject("layers.StackedRNNCells"), second_fits_first),
        effect=Raises(
            "internal",
            "build",
            (*NUMERIC, "method/get_weights", "method/set_weights"),
            "Cannot read properties of undefined",
        ),
        witnesses=(OF_ONE, OF_TWO_ALIKE),
    ),
    deviation(
        "tfjs-bidirectional-of-rnn",
        "A Bidirectional layer around an RNN cannot be made.",
        kind="bug",
        source=f"{SOURCE}:625 (RNN.fromConfig puts the cell into the configuration that it was given), "
        "which wrappers.js:194 (Bidirectional) reads again",
        upstream=issue(3247),
        remedy="Use SimpleRNN, GRU or LSTM inside, or two RNN layers, one of them backwards.",
        since=FIRST,
        scope=all_of(subject("layers.Bidirectional"), wraps("RNN")),
        effect=Raises("invalid-argument", "construction", ("*",), "Improper config format"),
        witnesses=(BIDIRECTIONAL,),
    ),
)
