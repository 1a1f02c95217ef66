"""One forward pass through a layer or a function, and the gradients of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

import tensorflow as tf

from conformance.runners.keras_adapter.messages import ConcreteCase
from conformance.runners.keras_adapter.refusals import Refusal, at
from conformance.runners.keras_adapter.runtime import dtype_name, to_array
from conformance.runners.wire import Array

Value = TypeVar("Value")


class once(Generic[Value]):  # noqa: N801 - used as `property` is
    """A property that is computed once; a refusal is remembered too, and raised at each look."""

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute = compute
        self._slot = f"_once_{compute.__name__}"
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> once[Value]: ...
    @overload
    def __get__(self, instance: object, owner: type[Any]) -> Value: ...
    def __get__(self, instance: object | None, owner: type[Any]) -> once[Value] | Value:
        if instance is None:
            return self
        if self._slot not in vars(instance):
            try:
                vars(instance)[self._slot] = self._compute(instance), None
            except Refusal as refusal:
                vars(instance)[self._slot] = None, refusal
        value, refused = vars(instance)[self._slot]
        if refused is not None:
            raise refused
        return value  # type: ignore[no-any-return]  # what `_compute` returned


class Pass:
    """One forward pass, recorded where its gradients are asked for.

    Args:
        forward: computes the outputs, a tensor or a nest of them, and leaves no state behind.
        sources: what can be differentiated by, under the names of the observables, `input/0` or
            `weight/kernel`; empty where no gradient is asked for.
        cotangents: one array per output.
    """

    def __init__(
        self, forward: Callable[[], Any], sources: dict[str, Any], cotangents: tuple[Array, ...]
    ) -> None:
        self._forward = forward
        self._sources = sources
        self._cotangents = cotangents

    def output(self, index: int) -> Array:
        """Output `index` of the flattened outputs.

        Raises:
            Refusal: the call failed, or has fewer outputs.
        """
        outputs = self.run()
        with at("call"):
            if index >= len(outputs):
                raise ValueError(f"output {index} was asked for, and there are {len(outputs)}")
            return to_array(outputs[index])

    def mask(self, index: int) -> Array | None:
        """The mask that output `index` carries to the layers behind; None where there is none.

        Raises:
            Refusal: the call failed.
        """
        mask = getattr(self.run()[index], "_keras_mask", None)
        return None if mask is None else to_array(mask)

    @property
    def dtypes(self) -> list[str]:
        """The dtype of each output."""
        return [dtype_name(output.dtype) for output in self.run()]

    def run(self) -> list[Any]:
        """The outputs, flattened, as tensors.

        Raises:
            Refusal: the call failed.
        """
        outputs, _ = self._recorded
        return outputs

    def gradient(self, source: str) -> Array:
        """The vjp of all outputs with the cotangents, by one source; dense, zero where unconnected.

        Raises:
            Refusal: the call failed, it has no such source, or no gradient by this source.
        """
        self.run()
        with at("gradient"):
            if source not in self._sources:
                raise ValueError(f"no gradient by {source!r}; there are those by {', '.join(self._sources)}")
            try:
                gradient = self._gradients[source]
            except Refusal:
                if len(self._sources) == 1:
                    raise
                (gradient,) = self._vjp(*self._record(), [self._sources[source]])
            return to_array(gradient)

    @once
    def _recorded(self) -> tuple[list[Any], Any]:
        with at("call"):
            return self._record()

    def _record(self) -> tuple[list[Any], Any]:
        """The outputs, and the tape that saw them made, if there is anything to differentiate by."""
        if not self._sources:
            return tf.nest.flatten(self._forward()), None
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(self._sources.values()))
            outputs = tf.nest.flatten(self._forward())
        return outputs, tape

    @once
    def _gradients(self) -> dict[str, Any]:
        outputs, tape = self._recorded
        with at("gradient"):
            gradients = self._vjp(outputs, tape, list(self._sources.values()))
        return dict(zip(self._sources, gradients, strict=True))

    def _vjp(self, outputs: list[Any], tape: Any, sources: list[Any]) -> list[Any]:
        if len(self._cotangents) != len(outputs):
            raise ValueError(f"{len(self._cotangents)} cotangents for {len(outputs)} outputs")
        for output, cotangent in zip(outputs, self._cotangents, strict=True):
            # The tape would broadcast it, to a gradient of something else.
            if tuple(output.shape) != cotangent.shape:
                raise ValueError(
                    f"a cotangent of shape {cotangent.shape} for an output of shape {tuple(output.shape)}"
                )
        pairs = [
            (output, tf.constant(cotangent))
            for output, cotangent in zip(outputs, self._cotangents, strict=True)
            if output.dtype.is_floating
        ]
        gradients: list[Any] = tape.gradient(
            [output for output, _ in pairs],
            sources,
            output_gradients=[cotangent for _, cotangent in pairs],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        return gradients


def recorded_if_asked(
    case: ConcreteCase, mode: str, forward: Callable[[], Any], inputs: list[Any], weights: dict[str, Any]
) -> Pass:
    """The pass of a mode, "" or "training/", with the sources of its gradients if one is asked for."""
    asked = {"training/": ("training/gradient/", "random")}.get(mode, ("gradient/",))
    if not any(name.startswith(asked) for name in case.observables):
        return Pass(forward, {}, ())
    floating = {f"input/{index}": x for index, x in enumerate(inputs) if x.dtype.is_floating}
    return Pass(forward, floating | weights, case.cotangents)
