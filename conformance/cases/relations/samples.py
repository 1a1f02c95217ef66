"""Relations between a batch and its samples, and between the places where channels can be."""

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
)
from conformance.reference_impl.arrays import Array


def batch_of(case: Case) -> int:
    """How many samples there are, if none of them matters to another; else 0."""
    shapes = [source.shape for source in case.inputs]
    batches = {shape[0] for shape in shapes if len(shape) > 1}
    alone = len(batches) == 1 and all(len(shape) > 1 for shape in shapes)
    along = case.config.get("axis", -1)
    axes = along if isinstance(along, list) else [along]
    mixed = any(axis is None or axis % len(shapes[0]) == 0 for axis in axes) if alone else True
    return 0 if mixed or (case.subject.startswith("layers.") and layer_of(case).stateful) else batches.pop()


def rows(case: Case, key: slice) -> Case:
    """The case with some samples of its batch."""

    def some(xs: list[Array]) -> list[Array]:
        return [x[key] for x in xs]

    return asking(
        case,
        inputs=some(arrays(case.inputs)),
        masks=some(arrays(case.masks)),
        initial_state=some(arrays(case.initial_state)),
    )


def halves(case: Case) -> Derivation | None:
    """Each half is backwards: neither a sample's place nor those beside it may matter."""
    batch = batch_of(case)
    if batch < 2:
        return None
    first, second = slice(batch // 2 - 1, None, -1), slice(None, batch // 2 - 1, -1)

    def compose(answers: list[Outputs]) -> Outputs:
        return [np.concatenate([y[::-1], z[::-1]]) for y, z in zip(*answers, strict=True)]

    return Derivation((rows(case, first), rows(case, second)), compose)


def channels_last(case: Case) -> Derivation | None:
    first = case.config.get("data_format") == "channels_first"
    if not first or case.masks or case.initial_state or len(case.inputs[0].shape) < 3:
        return None
    # Those of an image, where a sample is a sequence of images.
    channels = -3 if is_layer(case, "ConvLSTM2D") else 1
    inputs = [np.moveaxis(x, channels, -1) for x in arrays(case.inputs)]
    moved = asking(case, inputs=inputs, config=case.config | {"data_format": "channels_last"})
    # A layer that leaves no place to a channel gives (batch, features) in either format.
    return Derivation(
        (moved,),
        lambda answers: [y if y.ndim < 3 else np.moveaxis(y, -1, channels) for y in as_they_are(answers)],
    )


def nothing_masked(case: Case) -> Derivation | None:
    if not case.masks or not all(mask.all() for mask in arrays(case.masks)):
        return None
    return Derivation((asking(case, masks=()),), as_they_are)


def window_of_one(case: Case) -> Derivation | None:
    pools = [f"{kind}Pooling{rank}D" for kind in ("Max", "Average") for rank in (1, 2, 3)]
    if not is_layer(case, *pools):
        return None
    layer = layer_of(case)
    if {*layer.config["pool_size"], *layer.config["strides"]} != {1}:
        return None
    itself = asking(case, subject="layers.Activation", config={"activation": "linear"})
    return Derivation((itself,), as_they_are)


RELATIONS = (
    Relation("batch-halves", "The halves of a batch, backwards, give those of its output.", halves),
    Relation("channels-last", "Channels first gives what channels last does, moved.", channels_last),
    Relation("nothing-masked", "A mask that hides nothing is as none.", nothing_masked),
    Relation("window-of-one", "Windows of one element are the elements.", window_of_one),
)
