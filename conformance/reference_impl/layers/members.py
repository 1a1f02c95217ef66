"""What a layer's users can call and look up in Keras, as its live classes say
(`runners/keras_adapter/members.py`)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path


@cache
def _table() -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
    return table


def members(layer: str) -> dict[str, str]:
    """By name, `method` or `property`: those of every layer, and the class's own.

    >>> members("RNN")["reset_state"]
    'method'
    """
    return _table()["Layer"] | _table().get(layer, {})
