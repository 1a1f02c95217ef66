"""How a recurrent layer runs its loop."""

from __future__ import annotations

from conformance.interchange.rewriting.rule import Replacement, Rule, Site, itself


def rolled(site: Site) -> Replacement | None:
    if not site.config.get("unroll"):
        return None
    return Replacement((itself(site, unroll=False),), "tfjs-conv-lstm-no-unrolling", "the loop not unrolled")


RULES = (Rule(("layers.ConvLSTM2D",), rolled, whatever_training=True, in_place=True),)
