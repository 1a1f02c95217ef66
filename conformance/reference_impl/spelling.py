"""What to say to somebody who asks for a name that does not exist."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection

CUTOFF = 0.7
"""How alike two spellings have to be, by difflib's ratio; at its own 0.6 a common `layers.` would do."""


def suggestion(name: str, names: Collection[str]) -> str:
    """The names that come nearest to one that is none of them, or all of them where none is near.

    Case does not count, and a name with dots is known by its last part too.

    >>> suggestion("layers.Dence", ["layers.Dense", "layers.LSTM"])
    'did you mean layers.Dense?'
    >>> suggestion("SoftMax", ["layers.Softmax", "layers.LSTM", "activations.softmax"])
    'did you mean layers.Softmax or activations.softmax?'
    >>> suggestion("colour", ["layers.Dense", "layers.LSTM"])
    'there are layers.Dense, layers.LSTM'
    """
    spelled: defaultdict[str, list[str]] = defaultdict(list)
    for full in names:
        for spelling in (full, full.rpartition(".")[2]):
            spelled[spelling.lower()].append(full)
    close = difflib.get_close_matches(name.lower(), spelled, cutoff=CUTOFF)
    nearest = dict.fromkeys(full for spelling in close for full in spelled[spelling])
    if nearest:
        return f"did you mean {' or '.join(nearest)}?"
    return f"there are {', '.join(names) or 'none'}"
