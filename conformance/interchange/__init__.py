"""Carrying a model from one runtime into another, and checking that it computes the same there."""
