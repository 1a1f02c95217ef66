"""Errors of Keras and TensorFlow in the protocol's words: where, of which kind, and the first line that
says something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from conformance.runners.keras_adapter.messages import Message, of_error

KINDS = {
    "NotFoundError": "missing-kernel",
    "UnimplementedError": "not-implemented",
    "NotImplementedError": "not-implemented",
    "InvalidArgumentError": "invalid-argument",
    "AssertionError": "invalid-argument",
    "RecursionError": "internal",
    "RuntimeError": "invalid-argument",
    "ValueError": "invalid-argument",
    "TypeError": "type",
}
"""The kind of an exception by the name of the nearest class in its method resolution order."""

_MISSING_KERNEL = re.compile(r"No OpKernel|Could not find device for node|gradient registry has no entry")
_OF_PYTHON_ITSELF = re.compile(
    r"not supported between instances of|unsupported operand type|indices must be integers|has no len\(\)"
    r"|object is not (iterable|subscriptable|callable)|not all arguments converted"
)
"""Messages of TypeErrors that no `raise` has written: an operation met another type than it was meant for."""

_DECORATION = re.compile(
    r"\x1b\[[0-9;]*m|\{\{.*?\}\}|\[Op:\w+\]( name:.*)?$|^Exception encountered when calling .*$"
)


class Refusal(Exception):
    """An exception of the backend, with the step at which it was raised."""

    def __init__(self, place: str, cause: Exception) -> None:
        super().__init__(place, cause)
        self.place = place
        self.cause = cause

    def to_message(self) -> Message:
        return of_error(kind_of(self.cause), self.place, message_of(self.cause))


@contextmanager
def at(place: str) -> Iterator[None]:
    """Turn any exception inside into a `Refusal` at this place; an inner refusal keeps its own place."""
    try:
        yield
    except Refusal:
        raise
    except Exception as error:
        raise Refusal(place, error) from error


def kind_of(error: Exception) -> str:
    """The protocol's kind of this exception, one of `protocol.ERROR_KINDS`.

    >>> kind_of(ValueError("units")), kind_of(KeyError("x")), kind_of(KeyError("no output has this name"))
    ('invalid-argument', 'internal', 'invalid-argument')
    >>> kind_of(TypeError("f() missing 1 required positional argument: 'n'"))
    'type'
    >>> kind_of(TypeError("'<=' not supported between instances of 'str' and 'int'"))
    'internal'
    """
    if isinstance(error, TypeError) and _OF_PYTHON_ITSELF.search(str(error)):
        return "internal"
    if _MISSING_KERNEL.search(str(error)):
        return "missing-kernel"
    if isinstance(error, KeyError) and " " in str(error):  # a sentence, which is no key
        return "invalid-argument"
    named = (KINDS[base.__name__] for base in type(error).__mro__ if base.__name__ in KINDS)
    return next(named, "internal")


def message_of(error: Exception) -> str:
    """The first line with content, without colours and the decorations of TensorFlow and Keras.

    >>> message_of(ValueError("{{function_node x}} bad index [Op:GatherV2]"))
    'bad index'
    """
    lines = (_DECORATION.sub("", line).strip() for line in str(error).splitlines())
    return next(filter(None, lines), type(error).__name__)
