"""Arguments, declared once: they drive constructor, configuration, cases and documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import Enum
from typing import Any

from conformance.reference_impl import activations, identifiers
from conformance.reference_impl.patches import default


class Required:
    """The default of an argument that has none."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = Required()


class Serialized(Enum):
    """When an argument stands in the configuration."""

    ALWAYS = "always"
    IF_SET = "where it is not the default"
    NEVER = "never"


@dataclass(frozen=True)
class Kind:
    """A type of argument.

    Attributes:
        allowed: in words, for error messages and documents.
        parse: the value in canonical form; raises ValueError or TypeError where it is not allowed.
        refused: values that are not allowed, as users give them by mistake, for cases and tests.
        examples: values that are allowed, the plainest first, for the search.
    """

    allowed: str
    parse: Callable[[Any], Any]
    refused: tuple[Any, ...] = dataclass_field(default=(), compare=False)
    examples: tuple[Any, ...] = dataclass_field(default=(), compare=False)


@dataclass
class Field:
    """One argument of a constructor, and of the configuration.

    Attributes:
        kind: what is allowed.
        default: REQUIRED, or the value that Keras documents.
        doc: what it means, in a line.
        serialized: whether `get_config` says it.
        shown: whether the constructor's signature does; one that is not is taken all the same.
    """

    kind: Kind
    default: Any = REQUIRED
    doc: str = ""
    serialized: Serialized = Serialized.ALWAYS
    shown: bool = True
    name: str = ""
    _parsed_default: list[Any] = dataclass_field(default_factory=list, repr=False)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else instance.config[self.name]

    def parse(self, value: Any) -> Any:
        """The value in canonical form.

        Raises:
            ValueError: not allowed; the message names the argument, what was given and what is allowed.
        """
        try:
            return self.kind.parse(value)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            detail = f" ({error})" if str(error) else ""
            raise ValueError(
                f"argument `{self.name}`: expected {self.kind.allowed}, got {value!r}{detail}"
            ) from error

    def default_value(self, subject: str) -> Any:
        """The default in canonical form, or that of a dialect for the subject, such as `layers.Dense`."""
        value = default(subject, self.name, self.default)
        if value is not self.default:
            return self.parse(value)
        if not self._parsed_default:
            self._parsed_default.append(self.parse(value))
        parsed = self._parsed_default[0]
        return dict(parsed) if isinstance(parsed, dict) else parsed


def field(
    kind: Kind, default: Any = REQUIRED, doc: str = "", serialized: Serialized = Serialized.ALWAYS
) -> Any:
    """Declares an argument in the body of a layer's class."""
    return Field(kind, default, doc, serialized)


def hidden(kind: Kind, doc: str) -> Any:
    """Declares an argument that neither signature nor configuration tells: None, where it is not given."""
    return Field(optional(kind), None, doc, Serialized.NEVER, shown=False)


def _refuse_unless(condition: bool) -> None:
    if not condition:
        raise ValueError


def _integer(value: Any) -> int:
    _refuse_unless(isinstance(value, int) and not isinstance(value, bool))
    return int(value)


def _positive(value: Any) -> int:
    _refuse_unless(_integer(value) > 0)
    return int(value)


def _non_negative_integer(value: Any) -> int:
    _refuse_unless(_integer(value) >= 0)
    return int(value)


def _number(value: Any) -> float:
    _refuse_unless(isinstance(value, int | float) and not isinstance(value, bool))
    return float(value)


def _unit_interval(value: Any) -> float:
    _refuse_unless(0 <= _number(value) <= 1)
    return float(value)


def _non_negative(value: Any) -> float:
    _refuse_unless(_number(value) >= 0)
    return float(value)


def _boolean(value: Any) -> bool:
    _refuse_unless(isinstance(value, bool))
    return bool(value)


def _text(value: Any) -> str:
    _refuse_unless(isinstance(value, str))
    return str(value)


def _mapping(value: Any) -> dict[str, Any]:
    _refuse_unless(isinstance(value, dict))
    return dict(value)


integer = Kind("an integer", _integer, ("last",), (0, 1, -1, 2, -2, 3))
positive_integer = Kind("a positive integer", _positive, (0, "3"), (1, 2, 3, 4, 5, 7))
non_negative_integer = Kind("an integer of 0 or more", _non_negative_integer, (-1, "3"), (0, 1, 2, 3))
number = Kind("a number", _number, ("x",), (0.0, 1.0, -1.0, 0.5, 2.0, -0.25, 100.0, 0.0009765625))
unit_interval = Kind("a number from 0 to 1", _unit_interval, (1.5, "x"), (0.0, 0.5, 1.0, 0.25))
non_negative = Kind(
    "a number that is not negative", _non_negative, (-1.0, "x"), (0.0, 1.0, 0.5, 3.0, 0.0009765625)
)
fraction = Kind(
    "a number, brought into [0, 1]",
    lambda value: min(1.0, max(0.0, _number(value))),
    ("x",),
    (0.0, 0.5, 1.0, 0.25),
)
boolean = Kind("True or False", _boolean, ("yes",), (False, True))
flag = Kind(
    "True, False or None, which is False",
    lambda value: value is not None and _boolean(value),
    ("yes",),
    (False, True),
)
text = Kind("a string", _text, (3,))
mapping = Kind("an object", _mapping, (3,))
activation = Kind(
    "the name of an activation function",
    lambda value: activations.get(value).name,
    ("rleu",),
    ("linear", "relu", "tanh", "sigmoid", "softmax", "elu", "gelu", "hard_sigmoid", "softplus", "silu"),
)
initializer = Kind(
    "an initializer", lambda value: identifiers.canonical(value, identifiers.INITIALIZERS), ("glorot",)
)
regularizer = Kind(
    "a regularizer or None", lambda value: identifiers.canonical(value, identifiers.REGULARIZERS), ("l3",)
)
constraint = Kind(
    "a constraint or None",
    lambda value: identifiers.canonical(value, identifiers.CONSTRAINTS),
    ("non_negative",),
)


def _dtype(value: Any) -> str:
    if isinstance(value, dict):
        value = value["config"]["name"]
    _refuse_unless(value in (None, "float32", "float64", "float16", "bfloat16", "int32"))
    return value or "float32"


dtype = Kind("a dtype or a dtype policy", _dtype, ("float31",))


def optional(kind: Kind) -> Kind:
    """The kind, or None."""
    return Kind(
        f"{kind.allowed} or None",
        lambda value: None if value is None else kind.parse(value),
        kind.refused,
        (None, *kind.examples),
    )


def one_of(*choices: Any) -> Kind:
    """One of some values."""

    def parse(value: Any) -> Any:
        value = value.lower() if isinstance(value, str) else value
        _refuse_unless(any(value is c or (value == c and type(value) is type(c)) for c in choices))
        return value

    return Kind(f"one of {', '.join(map(repr, choices))}", parse, ("nonsense",), choices)


def _positive_integers(value: Any) -> tuple[int, ...]:
    return (_positive(value),) if isinstance(value, int) else tuple(_positive(v) for v in value)


def _non_negative_integers(value: Any) -> tuple[int, ...]:
    given = (value,) if isinstance(value, int) else tuple(value)
    _refuse_unless(all(_integer(v) >= 0 for v in given))
    return tuple(map(int, given))


def _axes(value: Any) -> Any:
    return [_integer(v) for v in value] if isinstance(value, list | tuple) else _integer(value)


def _two_axes(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return _integer(value)
    _refuse_unless(len(value) == 2)
    return [_integer(v) for v in value]


def _target_shape(value: Any) -> tuple[int, ...]:
    shape = tuple(_integer(v) for v in value)
    _refuse_unless(all(n >= -1 for n in shape) and shape.count(-1) <= 1)
    return shape


def _permutation(value: Any) -> tuple[int, ...]:
    dims = tuple(_integer(v) for v in value)
    _refuse_unless(sorted(dims) == list(range(1, len(dims) + 1)))
    return dims


def _unknown_sizes(value: Any) -> tuple[int | None, ...]:
    _refuse_unless(not isinstance(value, str))
    return tuple(None if v is None else _non_negative_integer(v) for v in value)


def _nothing(value: Any) -> None:
    _refuse_unless(value is None)


def _noise_shape(value: Any) -> tuple[int | None, ...]:
    _refuse_unless(not isinstance(value, str))
    return tuple(None if v is None else _positive(v) for v in value)


positive_integers = Kind(
    "a positive integer, or one for each spatial dimension",
    _positive_integers,
    (0,),
    (1, 2, 3, [1, 2], [3, 1], [2, 3, 1]),
)
non_negative_integers = Kind(
    "an integer of 0 or more, or one for each spatial dimension",
    _non_negative_integers,
    (-1,),
    (0, 1, 2, [1, 0], [0, 2, 1]),
)
axes = Kind("an integer or a list of integers", _axes, ("last",), (-1, 1, [1, 2], [-1, 1]))
two_axes = Kind("an integer or a pair of them", _two_axes, ("last", [1, 2, 3]))
target_shape = Kind("sizes of dimensions, of which one may be -1", _target_shape, ([-1, 2, -1], [-2], 2))
permutation = Kind("the integers from 1 to a number in some order", _permutation, ([0, 1], [1, 3], [1, 1]))
noise_shape = Kind("a list of positive integers and None", _noise_shape, ([0, 1],))
unknown_sizes = Kind("a list of integers of 0 or more and None", _unknown_sizes, ([-1], 3))
nothing = Kind("None", _nothing, (0.5,))
array = Kind("an array as nested lists", list, (3,))
