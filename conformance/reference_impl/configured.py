"""What is made from declared arguments: its constructor, its configuration, and itself from that again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from conformance.reference_impl.fields import REQUIRED, Field, Serialized
from conformance.reference_impl.spelling import suggestion


class Configured:
    """A class whose arguments are fields: a layer, a loss, an optimizer.

    The constructor takes the fields of the class itself, and then those of its bases in the order in which
    Python looks attributes up; a field named in a class is not taken again from a base, nor is one that a
    class replaces by a plain value: that is an argument which the class does not have.

    Raises:
        TypeError: a required argument is missing, or an argument is unknown.
        ValueError: an argument has a value that is not allowed.
    """

    family: ClassVar[str]
    """The first part of its subjects' names, as in `layers.Dense`."""
    arguments: ClassVar[dict[str, Field]]
    unsaid: ClassVar[frozenset[str]]
    unsaid_at_default: ClassVar[dict[str, Any]]

    def __init_subclass__(cls) -> None:
        ordered = cls.ordered_arguments().items()
        cls.arguments = dict(sorted(ordered, key=lambda argument: not argument[1].shown))  # shown ones first
        cls.unsaid = frozenset(n for n, f in cls.arguments.items() if f.serialized is Serialized.NEVER)
        cls.unsaid_at_default = {
            n: f.default for n, f in cls.arguments.items() if f.serialized is Serialized.IF_SET
        }

    @classmethod
    def ordered_arguments(cls) -> dict[str, Field]:
        """The arguments of the constructor: those of the class itself, then those of its bases."""
        arguments: dict[str, Field] = {}
        for base in cls.__mro__:
            for name, f in vars(base).items():
                if isinstance(f, Field) and isinstance(getattr(cls, name), Field):
                    arguments.setdefault(name, f)
        return arguments

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        own = type(self).__name__
        names = list(self.arguments)
        if len(args) > len(names):
            raise TypeError(f"{own} takes at most {len(names)} arguments, {len(args)} were given")
        given = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name not in self.arguments:
                raise TypeError(f"{own} has no argument `{name}`; {suggestion(name, names)}")
            if name in given:
                raise TypeError(f"{own} got argument `{name}` twice")
            given[name] = value
        self.config: dict[str, Any] = {}
        for name, f in self.arguments.items():
            if name in given:
                self.config[name] = f.parse(given[name])
            elif f.default is REQUIRED:
                raise TypeError(f"{own} needs argument `{name}`: {f.kind.allowed}")
            else:
                self.config[name] = f.default_value(f"{self.family}.{own}")
        self.check()

    def check(self) -> None:
        """Relations between arguments; raises ValueError where one does not hold."""

    def get_config(self) -> dict[str, Any]:
        """The configuration by which `from_config` makes the same again, in canonical form."""
        unsaid, at_default = self.unsaid, self.unsaid_at_default
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.config.items()
            if name not in unsaid and not (name in at_default and value == at_default[name])
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """What a configuration describes; raises as the constructor does."""
        return cls(**config)
