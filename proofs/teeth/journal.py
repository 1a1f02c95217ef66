"""Keeps what was found, so that a proof that was interrupted goes on, and one that is made again asks no more
than has changed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from proofs.teeth.asking import ASKED, Row
from proofs.teeth.binding import binding_of


class _Entry(msgspec.Struct, frozen=True):
    bound_to: str
    row: Row


class Journal:
    """A file of rows, a line each, of which those count that still hold."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Of the code that is being run, whatever becomes of it meanwhile.
        self.bindings = {backend.name: binding_of(backend.name) for backend in ASKED}
        self.rows: dict[tuple[str, str], Row] = {}
        for line in path.read_bytes().splitlines() if path.exists() else ():
            entry = msgspec.json.decode(line, type=_Entry)
            row = entry.row
            if entry.bound_to == self.bindings.get(row.backend):
                self.rows[row.subject, row.backend] = row

    def keep(self, rows: Iterable[Row]) -> None:
        """Add rows, and write all that hold."""
        self.rows |= {(row.subject, row.backend): row for row in rows}
        entries = (_Entry(self.bindings[row.backend], row) for row in self.rows.values())
        written = self.path.with_suffix(".part")
        written.write_bytes(b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries))
        written.replace(self.path)
