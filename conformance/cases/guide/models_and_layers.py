"""The guide "Models and layers"."""

from __future__ import annotations

from conformance.cases.guide.row import Row

ROWS: tuple[Row, ...] = ()
