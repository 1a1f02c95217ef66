"""The classes that subjects are named after: `layers.Dense`, `losses.Huber`, `metrics.AUC`,
`optimizers.Adam`."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.reference_impl import identified
from conformance.reference_impl.configured import Configured
from conformance.reference_impl.layers import Layer
from conformance.reference_impl.losses import Loss
from conformance.reference_impl.metrics import Metric
from conformance.reference_impl.optimizers import Optimizer
from conformance.reference_impl.optimizers.schedules import Schedule
from conformance.reference_impl.spelling import suggestion

CLASSES: Mapping[str, Mapping[str, type[Configured]]] = {
    "layers": Layer.registered,
    "losses": Loss.registered,
    "metrics": Metric.registered,
    "optimizers": Optimizer.registered,
    "schedules": Schedule.registered,
    **identified.CLASSES,
}
"""By kind of subject, the classes by name."""


def class_of(subject: str) -> type[Configured]:
    """The class that the subject is named after.

    Raises:
        ValueError: the specification has no such class; the message names the nearest.

    >>> class_of("losses.Huber").__name__
    'Huber'
    """
    kind, _, name = subject.partition(".")
    classes = CLASSES.get(kind, {})
    if name not in classes:
        raise ValueError(f"unknown subject {subject!r}; {suggestion(name, classes)}")
    return classes[name]
