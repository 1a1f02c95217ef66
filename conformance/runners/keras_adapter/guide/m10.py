"""`summary()` prints what a model is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def _printed(model: Any) -> list[str]:
    printed: list[str] = []
    model.summary(print_fn=lambda line, **_: printed.extend(line.splitlines()))
    return printed


def lines(stage: Stage) -> Any:
    image = keras.Input((784,), name="image")
    hidden = keras.layers.Dense(32, name="hidden")(image)
    model = keras.Model(image, keras.layers.Dense(10, name="digits")(hidden))
    printed = _printed(model)
    rows = [[cell.strip() for cell in line.strip("│ ").split("│")] for line in printed if "(Dense)" in line]
    totals = [line.split(":")[1].split("(")[0] for line in printed if "params" in line]
    return {
        "layers": [[shape, int(count.replace(",", ""))] for _, shape, count in rows],
        "totals": [int(total.strip().replace(",", "")) for total in totals],
    }


def fed_by(stage: Stage) -> Any:
    x = keras.Input((4,))
    left, right = keras.layers.Dense(3, name="left")(x), keras.layers.Dense(3, name="right")(x)
    told = "".join(_printed(keras.Model(x, keras.layers.Add()([left, right]))))
    return "left[0][0]" in told and "right[0][0]" in told
