"""hard_sigmoid where it cannot become a layer of its own: inside recurrent layers, and where a mask arrives.

Keras 3 has relu6(x + 3)/6, and others clip(0.2·x + 0.5, 0, 1): the first of x is the second of 5/6·x. What
the function is applied to is a sum of products with weights, so that 5/6 of these will do, or 6/5 on the way
back. They are rounded once, as the reciprocal is where the function is a layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from conformance.interchange.rewriting.activations import about_hard_sigmoid
from conformance.interchange.rewriting.rule import Derived, Replacement, Rule, Site, itself
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers import (
    Bidirectional,
    ConvLSTM2DCell,
    GRUCell,
    Layer,
    LSTMCell,
    StackedRNNCells,
)
from conformance.reference_impl.layers.kernel_and_bias import KernelAndBias
from conformance.reference_impl.layers.recurrent import Recurrent
from conformance.reference_impl.saving.saved_model import StoredArray, loaded

FACTOR = 5 / 6
"""Of the weights for programs that have the older function."""

WEIGHTS = ("kernel", "recurrent_kernel", "bias")

Blocks = tuple[bool, ...]
"""For each block of a weight's columns, whether hard_sigmoid is what is applied to it."""


def blocks(layer: Layer) -> Blocks | None:
    """Those of the weights of a layer, or of a cell; None where the function is applied to something else
    too, as to the state of an LSTM, or a weight is held to a constraint."""
    if any(value is not None for name, value in layer.config.items() if name.endswith("_constraint")):
        return None
    own, gate = (layer.config.get(name) == "hard_sigmoid" for name in ("activation", "recurrent_activation"))
    match layer:
        case LSTMCell() | ConvLSTM2DCell():
            return None if own else (gate, gate, False, gate)
        case GRUCell():
            return None if layer.reset_after else (gate, gate, own)
    return (own,)


def holders(layer: Layer, scope: str = "") -> Iterator[tuple[str, Layer]]:
    """What of a layer has weights, and what stands before their names."""
    match layer:
        case Bidirectional():
            for direction in layer.directions:
                yield from holders(direction, f"{scope}{direction.name}/")
        case Recurrent():
            yield from holders(layer.repeated, scope)
        case StackedRNNCells():
            for cell, inner in zip(layer.stack, layer.scopes, strict=True):
                yield from holders(cell, f"{scope}{inner}/" if inner else scope)
        case _:
            yield scope, layer


def scaled(weight: StoredArray, where: Blocks, factor: float) -> Array:
    """(…, blocks · n) → the same, with some blocks of columns multiplied."""
    own = loaded(weight)
    factors = np.repeat(np.where(where, factor, 1.0), own.shape[-1] // len(where))
    scaled: Array = (own * factors).astype(own.dtype)
    return scaled


def by_weights(site: Site) -> Replacement | None:
    scaling: dict[str, Blocks] = {}
    for scope, layer in holders(site.layer):
        where = blocks(layer)
        if where is None:
            return None
        if any(where):
            scaling |= dict.fromkeys((f"{scope}{name}" for name in WEIGHTS), where)
    if not scaling.keys() & site.weights.keys():
        return None
    back = site.target == "keras3"
    factor = 1 / FACTOR if back else FACTOR
    weights: dict[str, StoredArray] = {
        name: Derived(own.shape, own.dtype, partial(scaled, own, scaling[name], factor))
        if name in scaling
        else own
        for name, own in site.weights.items()
    }
    how = f"the same layer, with {'6/5' if back else '5/6'} of the weights that it is applied to"
    piece = replace(itself(site), weights=weights)
    return Replacement((piece,), about_hard_sigmoid(site), how, counts_on=True)


SUBJECTS = tuple(
    f"layers.{name}"
    for name, cls in Layer.registered.items()
    if issubclass(cls, Bidirectional | Recurrent | KernelAndBias)
)

RULES = (Rule(SUBJECTS, by_weights, ("tfjs", "keras2", "keras3"), whatever_training=True, in_place=True),)
