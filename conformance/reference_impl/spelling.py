"""What to say to somebody who asks for a name that does not exist."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection

CUTOFF = 0.7
"""How alike two spellings have to be, by difflib's ratio; at its own 0.6 a common `layers.` would do."""


LISTED = 64
"""How many names a message may list."""


def suggestion(name: str, names: Collection[str]) -> str:
    """The names that come nearest to one that is none of them or, where none is near, all of them.

    Case does not count, and a name with dots is known by its last part too. Of many names those are given
    that come nearest, be it from afar.

    >>> suggestion("layers.Dence", ["layers.Dense", "layers.LSTM"])
    'did you mean layers.Dense?'
    >>> suggestion("SoftMax", ["layers.Softmax", "layers.LSTM", "activations.softmax"])
    'did you mean layers.Softmax or activations.softmax?'
    >>> suggestion("colour", ["layers.Dense", "layers.LSTM"])
    'there are layers.Dense, layers.LSTM'
    >>> suggestion("case 77", [str(number) for number in range(100)])
    'the nearest are 77, 7, 97'
    """
    if near := _nearest(name, names, CUTOFF):
        return f"did you mean {' or '.join(near)}?"
    if len(names) > LISTED:
        return f"the nearest are {', '.join(_nearest(name, names, 0.0))}"
    return f"there are {', '.join(names) or 'none'}"


def _nearest(name: str, names: Collection[str], cutoff: float) -> Collection[str]:
    spelled: defaultdict[str, list[str]] = defaultdict(list)
    for full in names:
        for spelling in (full, full.rpartition(".")[2]):
            spelled[spelling.lower()].append(full)
    close = difflib.get_close_matches(name.lower(), spelled, cutoff=cutoff)
    return dict.fromkeys(full for spelling in close for full in spelled[spelling])
