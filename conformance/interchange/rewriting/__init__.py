"""Models rewritten for a target that refuses, ignores or computes otherwise what some layers say: into layers
that it has, and that are equal in exact arithmetic.

A rule is an entry of the `RULES` of one of the modules here (`rule.Rule`). A model is rewritten until no
rule has anything to say, so that one may leave the rest to others.
"""

from conformance.interchange.rewriting.counting import calls_counted
from conformance.interchange.rewriting.naming import uniquely_named
from conformance.interchange.rewriting.rewriter import RULES, Rewrite, counted_on, rewritten

__all__ = ["RULES", "Rewrite", "calls_counted", "counted_on", "rewritten", "uniquely_named"]
