"""Layers inside a configuration are cases of their own, and what a backend does with them is inherited."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.cases.data import make
from conformance.cases.drafts import training
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.wrappers import inside
from conformance.cases.inside import layers_inside
from conformance.dialects import BUILT_IN, load


def in_time_distributed() -> Case:
    inner = inside("TimeDistributed", layer=inside("Dense", units=2))
    return draft_layer("layers.TimeDistributed", {"layer": inner}, [recipe("normal", 2, 3, 4, 5)])


def test_every_layer_inside_is_found_with_the_arguments_that_lead_to_it() -> None:
    case = in_time_distributed()
    found = [(one.case.subject, one.path) for one in layers_inside(case, make(case))]
    assert found == [("layers.TimeDistributed", ("layer",)), ("layers.Dense", ("layer", "layer"))]


def test_all_steps_that_a_layer_is_given_are_one_batch() -> None:
    case = in_time_distributed()
    assert [one.data.inputs[0].shape for one in layers_inside(case, make(case))] == [(6, 4, 5), (24, 5)]
    assert [one.case.inputs[0].shape for one in layers_inside(case, make(case))] == [(6, 4, 5), (24, 5)]


def test_masks_of_steps_are_for_layers_that_take_them() -> None:
    x, masks = recipe("normal", 2, 3, 4), [recipe("mask", 2, 3, dtype="bool")]
    for name, config, shapes in (
        ("TimeDistributed", {"layer": inside("BatchNormalization")}, [(6,)]),
        ("RNN", {"cell": inside("GRUCell", units=2)}, []),
    ):
        case = draft_layer(f"layers.{name}", config, [x], masks=masks)
        (one,) = layers_inside(case, make(case))
        assert [mask.shape for mask in one.data.masks] == shapes


def test_a_second_direction_that_is_not_given_is_like_the_first() -> None:
    case = draft_layer(
        "layers.Bidirectional", {"layer": inside("LSTM", name="inner", units=2)}, [recipe("normal", 2, 3, 4)]
    )
    found = list(layers_inside(case, make(case)))
    assert [one.path for one in found] == [("backward_layer",), ("layer",)]
    assert found[0].case.config == found[1].case.config
    assert found[0].data.inputs[0].shape == (2, 3, 4)


def test_what_is_said_of_a_layer_inside_is_patched_there() -> None:
    case = in_time_distributed()
    told = [
        a
        for a in load(BUILT_IN["tfjs-cpu"])["tfjs-cpu"].in_scope(case, make(case))
        if a.deviation.id == "tfjs-config-without-dtype" and a.path == ("layer", "layer")
    ]
    inner = {"config": {"dtype": "float32", "units": 2}}
    outer = {"dtype": "float32", "layer": {"config": {"dtype": "float32", "layer": inner}}}
    patched = told[0].restructured(outer)
    assert patched["layer"]["config"]["layer"] == {"config": {"units": 2}}
    assert (patched["dtype"], patched["layer"]["config"]["dtype"]) == ("float32", "float32")


def test_cells_in_a_list_are_a_stack_and_those_in_it() -> None:
    cells = [inside("GRUCell", units=2), inside("SimpleRNNCell", units=3)]
    case = draft_layer("layers.RNN", {"cell": cells}, [recipe("normal", 2, 3, 4)])
    assert [(one.case.subject, one.path) for one in layers_inside(case, make(case))] == [
        ("layers.StackedRNNCells", ("cell",)),
        ("layers.GRUCell", ("cell", "cells", 0)),
        ("layers.SimpleRNNCell", ("cell", "cells", 1)),
    ]


def test_losses_metrics_and_the_optimizer_of_a_run_are_inside_it_however_they_are_given() -> None:
    loss = training.instance("MeanSquaredError", reduction="sum")
    case = training.instances(loss, training.instance("CosineSimilarity"), "mse", "accuracy")
    parts = {one.path: one for one in layers_inside(case, make(case)) if one.path[0] in ("loss", "optimizer")}
    assert (parts["loss",].case.subject, parts["loss",].case.config) == (
        "losses.MeanSquaredError",
        {"reduction": "sum"},
    )
    assert parts["optimizer",].case.subject == "optimizers.SGD"
    metrics = [one for one in layers_inside(case, make(case)) if one.path == ("metric",)]
    assert [(one.case.subject, one.case.config) for one in metrics] == [
        ("metrics.CosineSimilarity", {}),
        ("metrics.MeanSquaredError", {"identifier": "mse"}),
        ("metrics.CategoricalAccuracy", {}),
    ]
    assert metrics[0].data.weights["0/y_pred"].shape == metrics[0].data.weights["0/y_true"].shape


def test_what_is_given_by_name_is_inside_a_run_by_its_class() -> None:
    case = training.named("adam", "mse")
    parts = {one.path[0]: one.case for one in layers_inside(case, make(case))}
    assert (parts["loss"].subject, parts["loss"].config) == ("losses.MeanSquaredError", {"identifier": "mse"})
    assert (parts["optimizer"].subject, parts["optimizer"].config) == ("optimizers.Adam", {})


def test_a_metric_deviates_inside_a_run_as_by_itself() -> None:
    case = training.alike()
    dialect = load(BUILT_IN["tfjs-cpu"])["tfjs-cpu"]
    told = {a.path: a.deviation.id for a in dialect.in_scope(case, make(case))}
    assert told["metric",] == "tfjs-cosine-metric-is-the-loss"
