"""How an output is made up of those of derived cases, element by element, and how far it may be from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from conformance.cases.answer import Answers
from conformance.cases.case import Case
from conformance.cases.data import make
from conformance.cases.expected import Value
from conformance.cases.properties.property import basis
from conformance.cases.relations import derivations, relation_of
from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.tape import Tensor


@dataclass(frozen=True)
class Side:
    """An output of a case, and what the specification gives for it."""

    case: Case
    output: str
    tensor: Tensor

    @classmethod
    def of(cls, case: Case, arithmetic: Arithmetic, *, recorded: bool) -> list[Side]:
        """All outputs of a case under an arithmetic; `recorded` is that of `Answers`."""
        answers = Answers(case, make(case), arithmetic, recorded=recorded)
        found = [(name, answers[name]) for name in case.observables if name.startswith("output/")]
        return [cls(case, name, expected.tensor) for name, expected in found if isinstance(expected, Value)]

    @property
    def bound(self) -> Array:
        """Of the error that a correct backend may make."""
        error = self.tensor.error
        return np.zeros(self.tensor.shape) if error is None else xp.to_host(error)


@dataclass(frozen=True)
class Composition:
    """An output of a case, and the derived cases' outputs that a relation puts together to it.

    Attributes:
        places: of each element of the case's output the number of the one that stands there, counted through
            the outputs of all sides.
        limit: how far the two may be apart.
    """

    own: Side
    sides: tuple[Side, ...]
    places: Array
    factor: float
    limit: Array

    @classmethod
    def of(
        cls, case: Case, observable: str, arithmetic: Arithmetic, *, recorded: bool = False
    ) -> Composition:
        """That of the output that `relation/NAME/output/0` is about.

        Raises:
            KeyError: the relation says nothing about the case.
        """
        derivation = derivations(case)[str(relation_of(observable))]
        own = next(s for s in Side.of(case, arithmetic, recorded=recorded) if s.output == basis(observable))
        which = int(own.output.rpartition("/")[2])
        derived = [Side.of(each, arithmetic, recorded=recorded) for each in derivation.cases]
        numbers: list[list[Array]] = []
        count = 0
        for sides in derived:
            numbers.append([])
            for side in sides:
                size = side.tensor.size
                numbers[-1].append(np.arange(count, count + size).reshape(side.tensor.shape))
                count += size
        bounds = derivation.compose([[side.bound for side in sides] for sides in derived])[which]
        return cls(
            own=own,
            sides=tuple(side for sides in derived for side in sides),
            places=derivation.compose(numbers)[which],
            factor=derivation.factor,
            limit=np.zeros_like(bounds) if derivation.exact else own.bound + abs(derivation.factor) * bounds,
        )

    def source(self, place: tuple[int, ...]) -> tuple[Side, tuple[int, ...]]:
        """The output, and the place in it, of the element that stands at a place."""
        number = int(self.places[place])
        for side in self.sides:
            if number < side.tensor.size:
                return side, tuple(int(i) for i in np.unravel_index(number, side.tensor.shape))
            number -= side.tensor.size
        raise AssertionError("every element comes from one of the sides")
