"""Intersection over union: how well regions of classes overlap."""

from __future__ import annotations

from typing import Any

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.losses.regression import EPSILON
from conformance.reference_impl.losses.shapes import as_predictions
from conformance.reference_impl.metrics.accuracies import argmax
from conformance.reference_impl.metrics.metric import (
    Metric,
    Shape,
    State,
    Variable,
    name_field,
)
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    add,
    divide,
    greater,
    reshape,
    scatter_add,
    subtract,
    take,
    total,
    where,
)
from conformance.reference_impl.tape import Tensor, current_arithmetic

NEARLY_ZERO = 1e-9
"""A class of no larger weight does not occur."""


def _counting(value: Any) -> str:
    return "int64" if value in (None, "int", "int64") else str(fields.dtype.parse(value))


counting = Kind("a dtype, int64 for None", _counting, ("float31",))


def counting_dtype() -> Any:
    """Declares the dtype of a confusion matrix."""
    return field(counting, None, "dtype of the confusion matrix")


def _class_ids(value: Any) -> list[int]:
    return [fields.non_negative_integer.parse(v) for v in value]


class_ids = Kind("a list of classes", _class_ids, (0, [-1]))


@patchable("metrics.confusion_matrix")
def confusion_matrix(labels: Array, predictions: Array, classes: int, weights: Tensor) -> Tensor:
    """(classes, classes): the weights of samples of a label (row) that are predicted a class (column)"""
    cells = scatter_add(weights, indices=labels * classes + predictions, rows=classes**2)
    return reshape(cells, shape=(classes, classes))


class IoU(Metric, registered=True):
    """true positives / (true positives + false positives + false negatives) of some classes, averaged over
    those that occur. Source: `keras.metrics`.

    Labels and predictions of any shape, of classes from 0; a sample of another class does not count.

    >>> import numpy as np
    >>> metric = IoU(num_classes=2, target_class_ids=[0])
    >>> round(float(metric(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])).value), 6)
    0.333333
    """

    direction = "up"

    num_classes = field(fields.positive_integer, doc="how many classes there are")
    target_class_ids = field(class_ids, doc="the classes that are averaged")
    name = name_field()
    dtype = counting_dtype()
    ignore_class = field(fields.optional(fields.integer), None, "a label that does not count")
    sparse_y_true = field(fields.boolean, True, "whether labels are classes, not scores of each")
    sparse_y_pred = field(fields.boolean, True, "whether predictions are classes, not scores of each")
    axis = field(fields.integer, -1, "the axis of scores")

    def check(self) -> None:
        outside = [c for c in self.targets() if c >= self.num_classes]
        if outside:
            raise ValueError(
                f"argument `target_class_ids`: expected classes below {self.num_classes}, got {outside}"
            )

    def targets(self) -> list[int]:
        """The classes that are averaged."""
        ids: list[int] = self.target_class_ids
        return ids

    def declare_variables(self, shape: Shape | None) -> tuple[Variable, ...]:
        return (Variable("total_confusion_matrix", (self.num_classes, self.num_classes)),)

    def update_state(
        self, y_true: Tensor | Array, y_pred: Tensor | Array, sample_weight: Tensor | Array | None = None
    ) -> None:
        """Take in a batch.

        Raises:
            ValueError: labels, predictions and weights of different sizes.
        """
        labels = self.classes(y_true, sparse=self.sparse_y_true)
        predictions = self.classes(y_pred, sparse=self.sparse_y_pred)
        if labels.shape != predictions.shape:
            raise ValueError(
                f"there are as many labels as predictions, got {labels.size} and {predictions.size}"
            )
        inside = (labels >= 0) & (labels < self.num_classes)
        inside &= (predictions >= 0) & (predictions < self.num_classes)
        if self.ignore_class is not None:
            inside &= labels != self.ignore_class
        weights = xp.where(inside, self.weights(sample_weight, labels.shape), 0).astype(self.kept_dtype())
        labels, predictions = xp.where(inside, labels, 0), xp.where(inside, predictions, 0)
        counts = confusion_matrix(labels, predictions, self.num_classes, Tensor(weights))
        name = "total_confusion_matrix"
        self.state = {name: add(self.state_for(None)[name], counts)}

    def kept_dtype(self) -> str:
        """The dtype in which the matrix is kept: floats in float64 where bounds are derived."""
        dtype = str(self.dtype)
        return "float64" if "float" in dtype and current_arithmetic() is not None else dtype

    def classes(self, x: Tensor | Array, *, sparse: bool) -> Array:
        """Labels or predictions as classes in a row."""
        values = x.value if isinstance(x, Tensor) else xp.asarray(x)
        return (values if sparse else argmax(values, self.axis)).astype(xp.int64).reshape(-1)

    def weights(self, sample_weight: Tensor | Array | None, shape: Shape) -> Array:
        """A weight for each sample, cut to an integer where integers are counted."""
        if sample_weight is None:
            return xp.ones(shape, self.kept_dtype())
        given = sample_weight.value if isinstance(sample_weight, Tensor) else xp.asarray(sample_weight)
        flat = given.reshape(-1) if given.ndim > 1 else given
        if flat.size not in (1, *shape):
            raise ValueError(f"argument `sample_weight`: expected {shape[0]} weights, got {flat.size}")
        return xp.broadcast_to(flat, shape).astype(self.kept_dtype())

    def compute(self, state: State) -> Tensor:
        matrix = as_predictions(state["total_confusion_matrix"])
        diagonal = reshape(matrix, shape=(matrix.size,))
        chosen = xp.asarray(self.targets())
        true = take(diagonal, indices=chosen * (self.num_classes + 1))
        predicted, labelled = (take(total(matrix, axis=(i,)), indices=chosen) for i in (0, 1))
        union = subtract(add(predicted, labelled), true)
        occurs = greater(union, NEARLY_ZERO)
        each = where(occurs, divide(true, add(union, EPSILON)), 0.0)
        return divide(total(each, axis=(0,)), add(total(occurs, axis=(0,)), EPSILON))


class BinaryIoU(IoU, registered=True):
    """Intersection over union of classes 0 and 1, or one of them, that a threshold decides. Source:
    `keras.metrics`.

    >>> import numpy as np
    >>> metric = BinaryIoU(threshold=0.5)
    >>> labels = np.array([0, 1, 0, 1])
    >>> round(float(metric(labels, np.array([0.125, 0.25, 0.5, 0.75])).value), 6)
    0.333333
    """

    target_class_ids = field(class_ids, (0, 1), "the classes that are averaged")
    threshold = field(fields.number, 0.5, "from which on a prediction is 1")
    name = name_field()
    dtype = counting_dtype()
    num_classes = 2
    ignore_class = None
    sparse_y_true = True
    sparse_y_pred = True
    axis = -1

    def update_state(
        self, y_true: Tensor | Array, y_pred: Tensor | Array, sample_weight: Tensor | Array | None = None
    ) -> None:
        """Take in a batch; raises as `IoU.update_state`."""
        scores = y_pred.value if isinstance(y_pred, Tensor) else xp.asarray(y_pred)
        decided = scores.astype("float32") >= xp.float32(self.threshold)
        super().update_state(y_true, decided.astype("int32"), sample_weight)


class MeanIoU(IoU, registered=True):
    """Intersection over union, averaged over all classes. Source: `keras.metrics`.

    >>> import numpy as np
    >>> round(float(MeanIoU(num_classes=2)(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])).value), 6)
    0.333333
    """

    num_classes = field(fields.positive_integer, doc="how many classes there are")
    target_class_ids = None

    def targets(self) -> list[int]:
        return list(range(self.num_classes))


class OneHotIoU(IoU, registered=True):
    """`IoU` of one-hot labels, and predictions that are scores of each class. Source: `keras.metrics`.

    >>> import numpy as np
    >>> labels = np.eye(2)[[0, 0, 1, 1]]
    >>> scores = np.eye(2)[[0, 1, 0, 1]]
    >>> round(float(OneHotIoU(num_classes=2, target_class_ids=[0])(labels, scores).value), 6)
    0.333333
    """

    num_classes = field(fields.positive_integer, doc="how many classes there are")
    target_class_ids = field(class_ids, doc="the classes that are averaged")
    name = name_field()
    dtype = counting_dtype()
    ignore_class = field(fields.optional(fields.integer), None, "a label that does not count")
    sparse_y_true = False
    sparse_y_pred = field(fields.boolean, False, "whether predictions are classes, not scores of each")


class OneHotMeanIoU(MeanIoU, registered=True):
    """`MeanIoU` of one-hot labels, and predictions that are scores of each class. Source: `keras.metrics`.

    >>> import numpy as np
    >>> labels = np.eye(2)[[0, 0, 1, 1]]
    >>> scores = np.eye(2)[[0, 1, 0, 1]]
    >>> round(float(OneHotMeanIoU(num_classes=2)(labels, scores).value), 6)
    0.333333
    """

    num_classes = field(fields.positive_integer, doc="how many classes there are")
    name = name_field()
    dtype = counting_dtype()
    ignore_class = field(fields.optional(fields.integer), None, "a label that does not count")
    sparse_y_true = False
    sparse_y_pred = field(fields.boolean, False, "whether predictions are classes, not scores of each")
