"""Objects of Keras that are made from a configuration, and say it back."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from conformance.runners.keras_adapter.messages import ConcreteCase
from conformance.runners.keras_adapter.passes import once
from conformance.runners.keras_adapter.refusals import at
from conformance.runners.keras_adapter.runtime import keras
from conformance.runners.keras_adapter.subjects import arguments, class_of


class Configured:
    """What a case's configuration makes."""

    def __init__(self, case: ConcreteCase) -> None:
        self.case = case

    @once
    def cls(self) -> Any:
        """Its class."""
        with at("construction"):
            return class_of(self.case.subject)

    @once
    def made(self) -> Any:
        """The object of the case's configuration."""
        return self.construct()

    def construct(self, **changed: Any) -> Any:
        """Another one, or one with some arguments changed."""
        cls, config = self.cls, {**self.case.config, **changed}
        with at("construction"):
            return cls(**{name: deserialized_layers(value) for name, value in config.items()})

    @once
    def config(self) -> dict[str, Any]:
        """What it says of itself."""
        made = self.made
        with at("config"):
            config: dict[str, Any] = made.get_config()
            return config

    @once
    def twin(self) -> Any:
        """What that makes, anew."""
        config = self.config
        with at("reconstruction"):
            return self.cls.from_config(dict(config))

    def describe(self, observable: str) -> Any:
        """What it says of itself, and its constructor of its arguments.

        Raises:
            ValueError: the observable is another one.
        """
        match observable:
            case "config":
                return serialized(self.config)
            case "reconstructed/config":
                return serialized(self.twin.get_config())
            case "signature":
                return {"arguments": arguments(self.cls)}
        raise ValueError(f"{self.case.subject} has no observable {observable!r}")


def settled_by_seed(made: Callable[[int | None], Callable[[], bytes]], seed: int) -> dict[str, bool]:
    """Which of the results are the same, bit for bit.

    Args:
        made: from a seed to a function that draws anew at each call.
        seed: that of the case.
    """
    settled = made(seed)
    first = settled()
    return {
        "same_seed": first == made(seed)(),
        "other_seed": first == made(seed + 1)(),
        "without_seed": made(None)() == made(None)(),
        "next_call": first == settled(),
    }


def deserialized_layers(value: Any) -> Any:
    """The value of an argument; layers inside another's configuration are made, as no constructor does it."""
    if isinstance(value, list):
        return [deserialized_layers(item) for item in value]
    if isinstance(value, dict) and value.get("module") == "keras.layers":
        # A copy: `from_config` takes the layers inside out of the configuration that it is given.
        return keras.saving.deserialize_keras_object(copy.deepcopy(value))
    return value


def serialized(config: dict[str, Any]) -> Any:
    """The configuration as JSON, as Keras writes it to a file."""
    with at("config"):
        return keras.saving.serialize_keras_object(config)
