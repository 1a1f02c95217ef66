"""What the guides of TensorFlow.js promise to users of Keras, statement by statement.

The guides are "TensorFlow.js Layers API for Keras users" (G), "Models and layers" (M) and "Importing a Keras
model into TensorFlow.js" (I), in their Korean, Japanese and Chinese texts. Each statement is a row, and each
row a case of its own; what a backend has to show is stated here, and shown by programs of the adapters.
"""

from __future__ import annotations

from collections.abc import Mapping

from conformance.cases.case import Case
from conformance.cases.guide import importing, keras_users, models_and_layers
from conformance.cases.guide.row import Fact, Row

ROWS: Mapping[str, Row] = {
    row.id: row for guide in (keras_users, models_and_layers, importing) for row in guide.ROWS
}
"""Every row by its id."""


def row_of(case: Case) -> Row:
    """The row that a case is about; KeyError where it is about none.

    >>> row_of(ROWS["G11"].case).id
    'G11'
    """
    kind, _, name = case.subject.partition(".")
    if kind != "guide":
        raise KeyError(case.subject)
    return ROWS[name]


def facts_of(case: Case) -> Mapping[str, Fact]:
    """The facts that a case asks for, by their observables; none where it is about no row."""
    if not case.subject.startswith("guide."):
        return {}
    return {fact.observable: fact for fact in row_of(case).facts}


def needs(case: Case, observable: str) -> str:
    """What an observable of a case takes that the backends of the suite have not; nothing for most."""
    fact = facts_of(case).get(observable)
    return fact.needs if fact else ""
