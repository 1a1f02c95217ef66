"""What Maximum and Minimum share: the order of comparisons, and how masks enter it."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.reference_impl.layers.merge import Merge, either
from conformance.reference_impl.primitives import where
from conformance.reference_impl.tape import Tensor


class Extremum(Merge, registered=False):
    """One input after the other is compared with the result so far.

    A masked element of either gives way to the other's. The result is masked as long as all inputs have
    masks, and then where all hide the element. Source: `Merge._apply_merge_op_and_or_mask` of Keras.
    """

    def merge(self, inputs: Sequence[Tensor], masks: Sequence[Tensor | None]) -> Tensor:
        output, seen = inputs[0], masks[0]
        for x, mask in zip(inputs[1:], masks[1:], strict=True):
            other = x if mask is None else where(mask, x, output)
            so_far = output if seen is None else where(seen, output, other)
            seen = None if mask is None or seen is None else either(seen, mask)
            output = self.chosen(so_far, other)
        return output

    def chosen(self, x: Tensor, y: Tensor) -> Tensor:
        """The one of two elements that the layer keeps."""
        raise NotImplementedError  # every layer has its own
