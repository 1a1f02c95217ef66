"""The guide "Importing a Keras model into TensorFlow.js"."""

from __future__ import annotations

from conformance.cases.guide.row import Row

ROWS: tuple[Row, ...] = ()
