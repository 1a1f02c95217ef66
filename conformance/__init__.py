"""Says, with evidence, whether the runtimes of the Keras Layers API compute the same thing."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.interchange.conversion import Conversion, LiveModel

__version__ = "0.1.0"


def convert(model: str | PathLike[str] | LiveModel, out: str | PathLike[str], **wishes: Any) -> Conversion:
    """Write a model in the format that the path's ending names; one without is TensorFlow.js's directory.

    Args:
        model: a file, a directory of TensorFlow.js, or a live model of Keras.
        out: replaced where it is there, and only if all has gone well.
        wishes: the fields of `conformance.interchange.conversion.Wanted`: `quantization={"float16": []}`,
            `shard_size` in bytes, `generation=2` for an .h5 of Keras 2, `allow_deviations`.

    Raises:
        conformance.interchange.conversion.Refused: the target has no words for what the model says, refuses
            it, or computes something else.
        conformance.reference_impl.saving.saved_model.FormatError: a file is not of its format, or not safe.
        ValueError: a wish that the target does not know.
    """
    from conformance.interchange import conversion

    return conversion.convert(model, out, conversion.Wanted(**wishes))
