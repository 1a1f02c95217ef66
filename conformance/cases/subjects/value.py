"""Constraints, regularizers and initializers as subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import copy_context

from conformance.cases.case import Case
from conformance.cases.expected import Image, Law
from conformance.cases.subjects import class_of
from conformance.cases.subjects.subject import Subject
from conformance.reference_impl import constraints, initializers, regularizers
from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.configured import Configured
from conformance.reference_impl.identified import CLASSES, Identified
from conformance.reference_impl.identifiers import complete
from conformance.reference_impl.layers.layer import Context, Result
from conformance.reference_impl.random import Draw
from conformance.reference_impl.tape import Tensor, current_arithmetic


class IdentifiedSubject(Subject):
    """What is made of a class and its arguments, or is to be resolved from a name."""

    def __init__(self, case: Case) -> None:
        self.family, _, self.name = case.subject.partition(".")
        self.identifier = case.config.get("identifier")
        self.given = {k: v for k, v in case.config.items() if k != "identifier"}
        made = class_of(case.subject).from_config(self.given)
        assert isinstance(made, Identified)
        self.made = made

    @property
    def configured(self) -> Configured:
        return self.made

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return ("float32",)

    def resolved(self) -> str:
        found = complete(self.identifier, CLASSES[self.family][self.name].table)
        assert found is not None  # only None means nothing
        return str(found["class_name"])


class ConstraintSubject(IdentifiedSubject):
    """A constraint of a weight, its one input."""

    def call(self, x: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        return Result((constraints.get(self.made.description)(x[0]),))


class RegularizerSubject(IdentifiedSubject):
    """A regularizer of a weight, its one input."""

    def call(self, x: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        return Result((regularizers.get(self.made.description)(x[0]),))


class InitializerSubject(IdentifiedSubject):
    """An initializer, whose one input holds the sizes of the weight that it makes."""

    def call(self, x: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        shape = self.shape([t.value for t in x])
        return Result((initializers.initial(self.made.description, shape, self.like),))

    def drawn(self, inputs: Sequence[Array], arithmetic: Arithmetic | None) -> Law | Image:
        """What is right of what it draws.

        Raises:
            ValueError: it does not draw, or not in this shape.
        """
        shape, like = self.shape(inputs), self.like
        law = initializers.law(self.made.description, shape)
        match law:
            case initializers.Drawn(distribution=distribution):
                # It is asked later, but in the arithmetic, and under the patches, of now.
                now = copy_context()

                def given(drawn: Sequence[Array]) -> Tensor:
                    return now.run(law.of, Tensor(xp.asarray(drawn[0], like.dtype)))

                return Law((Draw(distribution, shape),), given)
            case initializers.Orthogonal():
                u = 0.0 if arithmetic is None else arithmetic.unit_roundoff
                products = law.of_products(shape, u)
                return Image(shape, law.products, products, lambda key: law.sample(key, shape))
        raise ValueError(f"{self.name} draws no random numbers")

    @property
    def like(self) -> Tensor:
        """A tensor of the dtype in which a weight is computed here."""
        return Tensor(xp.zeros((), xp.float32 if current_arithmetic() is None else xp.float64))

    @staticmethod
    def shape(inputs: Sequence[Array]) -> tuple[int, ...]:
        """The shape of the weight."""
        return tuple(int(n) for n in inputs[0])
