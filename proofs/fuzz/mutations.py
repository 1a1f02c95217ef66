"""Changes to files by what they are made of: trees of JSON, members of archives, bytes.

Bytes alone reach little: a zip file's check sums refuse what is changed inside its members, and few changes
to a text leave it JSON.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, MutableMapping, MutableSequence, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

VALUES: Sequence[Any] = (
    None, True, False, 0, 1, -1, 2, 7, 100, 2**16, 2**31, 2**53, 2**63, -(2**63), 10**30, 10**1000,
    0.0, -0.5, 1e-300, 1e300, "", ".", "..", "/", "../x", "a/b", "name", "float32", "string", "keras", "os",
    "é\u2028\0", "\ud800", "x" * 500, [], {}, [None], [[]], [None, 3], [0, 0, 0],
    {"class_name": "Lambda", "config": {}}, {"class_name": {}, "config": {}},
    {"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}},
    {"class_name": "__tuple__", "items": [1, 2]},
    {"class_name": "__numpy__", "config": {"value": [1], "dtype": "f4"}},
)  # fmt: skip
"""What has a meaning somewhere, or is beyond what is foreseen."""

WRAPPERS = (("Bidirectional", "layer"), ("TimeDistributed", "layer"), ("RNN", "cell"))

NAMES = (
    "", ".", "..", "../x", "/x", "x/y", "x\\y", "C:x", "x\ny", "config.json", "model.json", "0",
    "00", "x" * 300,
)  # fmt: skip


@dataclass(frozen=True)
class Draw:
    """What a change is drawn from.

    Attributes:
        random: all decisions.
        changed_bytes: bytes changed without regard to what they mean, and the most of them that there may be.
        layers: descriptions of layers.
        elsewhere: a file that inputs may point to.
    """

    random: Random
    changed_bytes: Callable[[bytes, int], bytes]
    layers: Sequence[Mapping[str, Any]]
    elsewhere: Path

    def few(self, content: bytes) -> bytes:
        """The bytes changed, and not many more."""
        return self.changed_bytes(content, len(content) + 64)


Mutation = Callable[[bytes, Draw], bytes]


def json_text(content: bytes, draw: Draw) -> bytes:
    """A JSON text, mostly changed as a tree."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return draw.few(content)
    if draw.random.random() < 0.15:
        return draw.few(content)
    holder = [tree]
    for _ in range(draw.random.choice((1, 1, 1, 2, 4))):
        edit_tree(holder, draw)
    try:
        return json.dumps(holder[0], ensure_ascii=draw.random.random() < 0.5).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return content


def edit_tree(holder: list[Any], draw: Draw) -> None:
    """Change the one value in a list, or something inside it."""
    places = list(_places(holder))
    container, key = draw.random.choice(places)
    value = container[key]
    other_container, other_key = draw.random.choice(places)
    match draw.random.randrange(10):
        case 0:
            container[key] = deepcopy(draw.random.choice(VALUES))
        case 1:
            container[key] = deepcopy(other_container[other_key])
        case 2:
            container[key] = deepcopy(draw.random.choice(draw.layers))
        case 3:
            container[key] = _tweaked(value, draw)
        case 4 if container is not holder:
            del container[key]
        case 5 if isinstance(container, MutableSequence) and container is not holder:
            container.insert(key, deepcopy(draw.random.choice((value, draw.random.choice(draw.layers)))))
        case 6 if isinstance(container, MutableMapping):
            container[_word(places, draw)] = container.pop(key)
        case 7 if isinstance(container, MutableMapping):
            container[_word(places, draw)] = deepcopy(draw.random.choice(VALUES))
        case 8:
            container[key], other_container[other_key] = deepcopy(other_container[other_key]), deepcopy(value)
        case _:
            container[key] = _wrapped(value, draw)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Where something stands in a tree: a list or an object, and the index or key in it."""
    waiting = [value]
    while waiting:
        container = waiting.pop()
        keys = list(container) if isinstance(container, dict) else range(len(container))
        for key in keys:
            yield container, key
            if isinstance(container[key], dict | list):
                waiting.append(container[key])


def _word(places: Sequence[tuple[Any, Any]], draw: Draw) -> str:
    """A key that is there somewhere, or another name."""
    keys = [key for _, key in places if isinstance(key, str)]
    return draw.random.choice([*keys, *NAMES])


def _tweaked(value: Any, draw: Draw) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return draw.random.choice(
                (value + 1, value - 1, -value, value * 2, value % 97 + 0.5, str(value), [value])
            )
        case float():
            return draw.random.choice(
                (-value, value + 1, value * 1e30, int(value) if abs(value) < 1e9 else 0)
            )
        case str():
            return draw.few(value.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
        case list():
            return draw.random.sample(value, draw.random.randint(0, len(value)))
        case dict():
            keys = draw.random.sample(list(value), draw.random.randint(0, len(value)))
            return {key: value[key] for key in keys}
    return draw.random.choice(VALUES)


def _wrapped(value: Any, draw: Draw) -> Any:
    """The value inside others, a few times or many."""
    wrapper = draw.random.choice(("list", "pair", "object", "layer", "model"))
    for i in range(draw.random.choice((1, 1, 2, 9, 30))):
        match wrapper:
            case "list":
                value = [value]
            case "pair" if i < 9:
                value = [value, deepcopy(value)]
            case "object":
                value = {"config": value}
            case "layer":
                around, argument = draw.random.choice(WRAPPERS)
                value = {"class_name": around, "config": {"name": f"w{i}", argument: value}}
            case "model":
                value = {"class_name": "Sequential", "config": {"name": f"m{i}", "layers": [value]}}
    return value


def members_of(content: bytes) -> dict[str, bytes]:
    """The members of a zip file; raises as `zipfile` does."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        # What is large was changed to be a bomb, and is none of ours to unpack.
        small = [info for info in archive.infolist() if info.file_size < 2**22]
        return {info.filename: archive.read(info) for info in small}


def packed(members: Sequence[tuple[str, bytes]], deflated: bool = False) -> bytes:
    """A zip file; a name may be there twice."""
    stream = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            archive.writestr(info, content)
    return stream.getvalue()


def of_members(by_ending: Mapping[str, Mutation], is_archive: bool) -> Mutation:
    """Changes to the members of a zip file, each by the ending of its name, or by its bytes.

    Args:
        is_archive: whether the zip file itself is what is read, and its own bytes are changed, too.
    """

    def mutated(content: bytes, draw: Draw) -> bytes:
        if is_archive and draw.random.random() < 0.2:
            return draw.few(content)
        try:
            members = list(members_of(content).items())
            chosen = draw.random.randrange(len(members))
        except Exception:  # whatever is wrong with a changed file
            return draw.few(content) if is_archive else content
        name, own = members[chosen]
        match draw.random.randrange(12):
            case 0:
                members[chosen] = draw.random.choice(NAMES), own
            case 1:
                del members[chosen]
            case 2:
                members.append((draw.random.choice((name, *NAMES)), own))
            case 3:
                members[chosen] = name, own[: draw.random.randint(0, len(own))]
            case _:
                change = next((by_ending[end] for end in by_ending if name.endswith(end)), None)
                members[chosen] = name, change(own, draw) if change else draw.few(own)
        try:
            return packed(members, is_archive and draw.random.random() < 0.2)
        except (ValueError, UnicodeError):  # a name that no zip file has
            return content

    return mutated
