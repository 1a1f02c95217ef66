"""What the arrays of a case are to whoever gets them."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.cases.case import Case, Literal, Recipe
from conformance.cases.data import make


@pytest.mark.parametrize("source", [Recipe("normal", (2,), 7), Literal((2,), (0.5, "nan"))])
def test_arrays_are_read_only(source: Recipe | Literal) -> None:
    (x,) = make(Case("activations.relu", inputs=(source,))).inputs
    with pytest.raises(ValueError, match="read-only"):
        x[0] = 1


def test_equal_literals_keep_the_signs_of_their_zeros() -> None:
    signs = [
        np.signbit(make(Case("activations.relu", inputs=(Literal((1,), (zero,)),))).inputs[0][0])
        for zero in (0.0, -0.0, 0.0)
    ]
    assert signs == [False, True, False]
