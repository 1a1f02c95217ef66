"""Losses of margins as metrics."""

from __future__ import annotations

from conformance.reference_impl import losses
from conformance.reference_impl.metrics.reduction import MeanOfFunction


class Hinge(MeanOfFunction, function=losses.hinge, direction="down"):
    """mean max(1 − y·ŷ, 0). Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(Hinge()(np.array([[0.0, 1.0]]), np.array([[-2.0, 0.5]])).value)
    0.25
    """


class SquaredHinge(MeanOfFunction, function=losses.squared_hinge, direction="down"):
    """mean max(1 − y·ŷ, 0)². Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(SquaredHinge()(np.array([[-1.0, 1.0]]), np.array([[-2.0, 0.5]])).value)
    0.125
    """


class CategoricalHinge(MeanOfFunction, function=losses.categorical_hinge, direction="down"):
    """max(max of the other classes − own class + 1, 0). Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(CategoricalHinge()(np.array([[0, 1, 0]]), np.array([[0.25, 0.5, 0.75]])).value)
    1.25
    """
