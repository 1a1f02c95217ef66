"""Puts content into a built page: as JSON, gzip and base64, in which nothing can be taken for HTML."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import msgspec

PLACE = '<script type="application/gzip" id="{name}"></script>'
"""Where a built page has room for a part of its content."""


def embed(page: str, parts: Mapping[str, Any]) -> str:
    """The built page of that name with the parts in their places; the same parts give the same bytes."""
    text = files(__package__).joinpath(page).read_text("utf-8")
    for name, part in parts.items():
        before, place, after = text.partition(PLACE.format(name=name))
        assert place, f"{page} has no place for the {name}"
        text = before + place.replace("><", f">{_packed(part)}<") + after
    return text


def _packed(part: Any) -> str:
    """Gzip is without a time."""
    return base64.b64encode(gzip.compress(msgspec.json.encode(part), 9, mtime=0)).decode()
