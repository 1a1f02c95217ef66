"""Drafts a case from a configuration and inputs: the specification says which weights, outputs and
observables there are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from conformance.cases.case import Case, Recipe, Source
from conformance.reference_impl import layers
from conformance.reference_impl.layers.cell import Cell

STRUCTURAL = (
    "shape/concrete",
    "shape/unknown_batch",
    "shape/unknown",
    "dtype",
    "weights",
    "config",
    "reconstructed/config",
)
"""Observables that every case has once."""

ONCE = (
    "signature",
    "methods",
    "method/count_params",
    "method/get_weights",
    "method/set_weights",
    "method/trainable",
    "memory",
)
"""Observables that are asked in one case of each layer, with its required arguments alone."""


def recipe(regime: str, *shape: int, dtype: str = "float32") -> Recipe:
    """A recipe whose key is chosen when the case is drafted."""
    return Recipe(regime, shape, 0, dtype)


def keyed(source: Source, subject: str, config: Mapping[str, Any], slot: str) -> Source:
    """The recipe with a key of its own: the same subject, configuration, slot and regime give the same."""
    if not isinstance(source, Recipe):
        return source
    text = msgspec.json.encode([subject, config, slot, source.regime, source.shape], order="sorted")
    return msgspec.structs.replace(source, key=int.from_bytes(hashlib.sha256(text).digest()[:6]))


def draft_layer(
    subject: str,
    config: Mapping[str, Any],
    inputs: Sequence[Source],
    *,
    weights: str | Mapping[str, str] = "normal",
    masks: Sequence[Source] = (),
    initial_state: Sequence[Source] = (),
    cotangent: str = "cotangent",
    training: bool = False,
    gradients: bool = True,
    once: bool = False,
) -> Case:
    """A case about a layer that asks everything that can be seen of it.

    Args:
        weights: the regime of all weights, or of each by name ("" for the rest).
        training: whether the call in training mode is asked as well.
        gradients: whether gradients are asked.
        once: whether that is asked, too, which is asked of each layer once.
    """
    layer = layers.get(subject.partition(".")[2]).from_config(config)
    shapes = [source.shape for source in inputs]
    declared = layer.declare_weights(shapes)
    outputs = layer.output_shapes(shapes)
    regimes = {"": weights} if isinstance(weights, str) else dict(weights)
    made = {
        w.name: recipe(regimes.get(w.name, regimes.get("", "normal")), *w.shape, dtype=w.dtype or "float32")
        for w in declared
    }
    observables = [f"output/{i}" for i in range(len(outputs))]
    differentiable = [f"input/{i}" for i, source in enumerate(inputs) if source.dtype.startswith("float")]
    differentiable += [f"weight/{w.name}" for w in declared if w.trainable and layer.trainable]
    gradients_of = [f"gradient/{name}" for name in differentiable] if gradients else []
    observables += gradients_of
    if training:
        observables += [f"training/output/{i}" for i in range(len(outputs))]
        observables += [f"training/state/{w.name}" for w in declared if not w.trainable]
        observables += [f"training/{name}" for name in gradients_of]
    observables += [f"mask/{i}" for i in range(len(outputs))]
    observables += [*STRUCTURAL, *(f"reconstructed/output/{i}" for i in range(len(outputs)))]
    if once:
        # The layer around a cell builds it and disposes of it: nobody asks a cell itself for memory.
        observables += ONCE[:-1] if isinstance(layer, Cell) else ONCE

    def key(source: Source, slot: str) -> Source:
        return keyed(source, subject, config, slot)

    return Case(
        subject,
        dict(config),
        inputs=tuple(key(source, f"input/{i}") for i, source in enumerate(inputs)),
        weights={name: key(source, f"weight/{name}") for name, source in made.items()},
        masks=tuple(key(source, f"mask/{i}") for i, source in enumerate(masks)),
        initial_state=tuple(key(source, f"state/{i}") for i, source in enumerate(initial_state)),
        cotangents=tuple(
            key(recipe(cotangent, *shape), f"cotangent/{i}")  # type: ignore[arg-type]  # inputs are concrete
            for i, shape in enumerate(outputs)
        )
        if gradients_of
        else (),
        observables=tuple(observables),
    )


def configured(case: Case) -> Case:
    """The case, in which nothing is asked but what becomes of its configuration."""
    return msgspec.structs.replace(case, cotangents=(), observables=("config", "reconstructed/config"))


def draft_activation(
    name: str, config: Mapping[str, Any], x: Source, *, gradients: bool = True, more: Sequence[str] = ()
) -> Case:
    """A case about an activation function: its value, its gradient, its name."""
    subject = f"activations.{name}"
    shape = x.shape
    if name == "glu":
        axis = config.get("axis", -1) % len(shape)
        shape = tuple(n // 2 if i == axis else n for i, n in enumerate(shape))
    return Case(
        subject,
        dict(config),
        inputs=(keyed(x, subject, config, "input/0"),),
        cotangents=(keyed(recipe("cotangent", *shape), subject, config, "cotangent/0"),) if gradients else (),
        observables=("output/0", *(("gradient/input/0",) if gradients else ()), *more),
    )
