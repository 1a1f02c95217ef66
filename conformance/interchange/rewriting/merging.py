"""Layers that merge several inputs."""

from __future__ import annotations

from conformance.interchange.rewriting.rule import Replacement, Rule, Site, activation, itself


def of_tensors_apart(site: Site) -> Replacement | None:
    """A tensor given twice: TensorFlow.js counts it as needed once (`recipientMap2Counts` in tfjs-layers'
    engine/executor.js), and frees it before layers behind that need it too."""
    repeated = [i for i, first in enumerate(site.firsts) if first != i]
    if not repeated:
        return None
    copies = [activation("linear").on(i).labelled(f"copy {i}") for i in repeated]
    inputs = [f"copy {i}" if i in repeated else i for i in range(len(site.firsts))]
    return Replacement((*copies, itself(site).on(*inputs)), "inputs", "a copy of the tensor given twice")


def joined(site: Site) -> Replacement | None:
    """Concatenate of one input, or along an inner axis counted from the end."""
    axis = site.layer.config["axis"]
    if len(site.operands) == 1:
        return Replacement(
            (activation("linear"),), "tfjs-concatenate-needs-two-inputs", "the activation function linear"
        )
    if axis >= -1 or site.shape is None:
        return None
    own = itself(site, axis=axis % len(site.shape)).on(*range(len(site.operands)))
    return Replacement((own,), "tfjs-concatenate-negative-axis", "the axis counted from the front")


MERGING = ("Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply")

RULES = (
    Rule(tuple(f"layers.{name}" for name in MERGING), of_tensors_apart),
    Rule(("layers.Concatenate",), joined),
)
