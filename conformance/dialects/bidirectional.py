"""What a Bidirectional would be without the second direction that it was given: runtimes of both families go
by it in places."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.reference_impl import layers

Shapes = list[list[int | None]]


def mirrored(case: Case) -> layers.Bidirectional:
    """The layer of the first direction and its mirror image."""
    config = {key: value for key, value in case.config.items() if key != "backward_layer"}
    return layers.Bidirectional(**config)


def shapes_as_mirrored(case: Case, expected: Shapes) -> Shapes:
    """Its output shapes, as far as batch and time are known."""
    batch, *time = expected[0][:-1]
    known = (batch, *(time or [None]), case.inputs[0].shape[-1])
    return [list(shape) for shape in mirrored(case).output_shapes([known])]
