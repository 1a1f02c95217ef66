"""Losses of probabilities as metrics."""

from __future__ import annotations

from conformance.reference_impl import fields, losses
from conformance.reference_impl.fields import field
from conformance.reference_impl.metrics.metric import dtype_field, name_field
from conformance.reference_impl.metrics.reduction import MeanOfFunction
from conformance.reference_impl.tape import Tensor


class KLDivergence(MeanOfFunction, function=losses.kl_divergence, direction="down"):
    """Σ y·ln(y/ŷ). Source: `keras.metrics`.

    >>> import numpy as np
    >>> metric = KLDivergence()(np.array([[1.0, 1.0]]), np.array([[0.5, 0.25]]))
    >>> round(float(metric.value), 6)
    2.079442
    """


class Poisson(MeanOfFunction, function=losses.poisson, direction="down"):
    """mean ŷ − y·ln ŷ. Source: `keras.metrics`.

    >>> import numpy as np
    >>> round(float(Poisson()(np.array([[3.0, 0.0]]), np.array([[1.0, 2.0]])).value), 5)
    1.5
    """


class BinaryCrossentropy(MeanOfFunction, function=losses.binary_crossentropy, direction="down"):
    """−y·ln p − (1 − y)·ln(1 − p). Source: `keras.metrics`.

    >>> import numpy as np
    >>> metric = BinaryCrossentropy(from_logits=True)(np.array([[0.0, 1.0]]), np.array([[0.0, 0.0]]))
    >>> round(float(metric.value), 6)
    0.693147
    """

    name = name_field()
    dtype = dtype_field()
    from_logits = field(fields.boolean, False, "whether predictions are logits")
    label_smoothing = field(fields.number, 0.0, "how far labels are drawn to ½")


class CategoricalCrossentropy(MeanOfFunction, function=losses.categorical_crossentropy, direction="down"):
    """−Σ y·ln p. Source: `keras.metrics`.

    >>> import numpy as np
    >>> metric = CategoricalCrossentropy()(np.array([[0, 1, 0]]), np.array([[1.0, 2.0, 1.0]]))
    >>> round(float(metric.value), 6)
    0.693147
    """

    name = name_field()
    dtype = dtype_field()
    from_logits = field(fields.boolean, False, "whether predictions are logits")
    label_smoothing = field(fields.number, 0.0, "how far labels are drawn to the uniform distribution")
    axis = field(fields.integer, -1, "the axis of the classes")


class SparseCategoricalCrossentropy(
    MeanOfFunction, function=losses.sparse_categorical_crossentropy, direction="down"
):
    """−ln p of the label's class; samples of the class to ignore do not count. Source: `keras.metrics`.

    >>> import numpy as np
    >>> metric = SparseCategoricalCrossentropy()(np.array([1]), np.array([[0.25, 0.5, 0.25]]))
    >>> round(float(metric.value), 6)
    0.693147
    """

    name = name_field()
    dtype = dtype_field()
    from_logits = field(fields.boolean, False, "whether predictions are logits")
    ignore_class = field(fields.optional(fields.integer), None, "a label that does not count")
    axis = field(fields.integer, -1, "the axis of the classes, which is the last")

    def value_mask(self, y_true: Tensor, values: Tensor) -> Tensor | None:
        if self.ignore_class is None:
            return None
        kept = (y_true.value != self.ignore_class).reshape(values.shape)
        return Tensor(kept.astype(values.dtype))
