"""Models put together from choices: layers that fit what is there, called once or again, merged, wrapped, and
in models of their own.

Who makes the choices is left open. For a corpus they follow from a key, the same for ever; in tests
Hypothesis makes them, and reduces what fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from conformance.cases import bits
from conformance.cases.case import Case
from conformance.cases.drafts.models.sketch import BATCH, JSONObject, Sketch, described
from conformance.reference_impl import layers
from conformance.reference_impl.layers.layer import Shape
from conformance.reference_impl.models import Model, Reference
from conformance.reference_impl.saving.configuration import modern

Choose = Callable[[Sequence[Any]], Any]
"""Takes one of several options."""

Arguments = dict[str, tuple[Any, ...]]
"""The values that an argument may take."""

ACTIVATION = ("relu", "tanh", "sigmoid", "elu", "softplus", "linear")
TRUTH = (True, False)
EPSILON = (0.0625, 0.25, 0.5)

NORMALIZATION: Arguments = {"epsilon": EPSILON, "center": TRUTH, "scale": TRUTH}
DENSE: Arguments = {"units": (2, 3, 5), "activation": ACTIVATION, "use_bias": TRUTH}
RECURRENT: Arguments = {"units": (2, 3), "return_sequences": TRUTH, "use_bias": TRUTH, "go_backwards": TRUTH}
GATED = RECURRENT | {"recurrent_activation": ("sigmoid",)}
CONVOLUTION: Arguments = {"padding": ("valid", "same"), "activation": ACTIVATION, "use_bias": TRUTH}

CHANNELS: Arguments = {"data_format": ("channels_last",)}

ANYWHERE: dict[str, Arguments] = {
    "BatchNormalization": NORMALIZATION | {"momentum": (0.5, 0.75)},
    "LayerNormalization": NORMALIZATION,
    "LeakyReLU": {"negative_slope": (0.125, 0.5)},
    "Activation": {"activation": ACTIVATION},
    "Dropout": {"rate": (0.25, 0.5)},
    "PReLU": {},
}
"""By class, what its arguments may be; for samples of any rank."""

OF_RANK: dict[int, dict[str, Arguments]] = {
    1: {"Dense": DENSE, "RepeatVector": {"n": (2, 3)}},
    2: {
        "LSTM": GATED | {"unit_forget_bias": TRUTH},
        "GRU": GATED | {"reset_after": TRUTH},
        "SimpleRNN": RECURRENT | {"activation": ACTIVATION},
        "Conv1D": CONVOLUTION | {"filters": (2, 3), "kernel_size": (1, 2), "dilation_rate": (1, 2)},
        "MaxPooling1D": CHANNELS | {"pool_size": (2,), "padding": ("same",)},
        "Permute": {"dims": ([2, 1],)},
        "GlobalMaxPooling1D": CHANNELS,
        "Flatten": {},
    },
    3: {
        "Conv2D": CONVOLUTION | {"filters": (2, 3), "kernel_size": (1, [2, 1]), "strides": (1, 2)},
        "DepthwiseConv2D": CONVOLUTION | {"kernel_size": (2,), "depth_multiplier": (1, 2)},
        "SeparableConv2D": CONVOLUTION | {"filters": (2, 3), "kernel_size": ([1, 2],)},
        "AveragePooling2D": {"pool_size": (2,), "padding": ("same",)},
        "ZeroPadding2D": {"padding": (1, [[0, 1], [2, 0]])},
        "GlobalAveragePooling2D": {},
        "Flatten": {},
    },
}
"""The same by the rank of a sample."""

WRAPPERS: dict[str, Arguments] = {
    "Bidirectional": {"merge_mode": ("concat", "sum", "mul")},
    "TimeDistributed": {},
}
WRAPPED = {"Bidirectional": ("LSTM", "GRU", "SimpleRNN"), "TimeDistributed": ("Dense", "BatchNormalization")}

MERGES = ("Add", "Multiply", "Maximum", "Average", "Subtract")

INPUTS: tuple[tuple[int, ...], ...] = ((4,), (5, 3), (4, 5, 2))
"""Shapes of samples."""

NAMES = ("{0}", "{0}_1", "Block.{0}", "{0}-b", "{0}_of_{0}", "x{0}.y")
"""What a layer may be called, by its class; a number follows where the name is taken."""

SPELLED = {"Bidirectional": "both", "TimeDistributed": "each"}


class _Names:
    def __init__(self, choose: Choose) -> None:
        self.choose, self.taken = choose, set[str]()

    def new(self, class_name: str) -> str:
        name = wanted = self.choose(NAMES).format(SPELLED.get(class_name, class_name.lower()))
        while name in self.taken:
            name = f"{wanted}{len(self.taken)}"
        self.taken.add(name)
        return str(name)


def _arguments(choose: Choose, arguments: Arguments) -> JSONObject:
    return {name: choose(values) for name, values in arguments.items()}


def _of_rank(rank: int) -> dict[str, Arguments]:
    return ANYWHERE | OF_RANK.get(rank, {"Flatten": {}})


def layer(choose: Choose, names: _Names, rank: int) -> JSONObject:
    """A layer for samples of a rank; among those of sequences wrappers too."""
    choices = _of_rank(rank)
    class_name = choose((*choices, *(WRAPPERS if rank == 2 else ())))
    if class_name not in WRAPPERS:
        return described(class_name, names.new(class_name), _arguments(choose, choices[class_name]))
    inner = choose(WRAPPED[class_name])
    known = _of_rank(2 if class_name == "Bidirectional" else 1)[inner]
    config = {"layer": described(inner, inner.lower(), _arguments(choose, known))}
    return described(class_name, names.new(class_name), config | _arguments(choose, WRAPPERS[class_name]))


def shape_behind(description: JSONObject, shape: Shape) -> Shape | None:
    """The shape of what a layer or Sequential gives, or None where it takes no such input."""
    try:
        if description["class_name"] == "Sequential":
            return Model.from_config(modern(description)).output_shapes([shape])[0]
        made = layers.get(description["class_name"]).from_config(description["config"])
        made.check_inputs([shape])
        made.declare_weights([shape])
        return made.output_shapes([shape])[0]
    except ValueError:
        return None


def tower(choose: Choose, names: _Names, shape: Shape) -> JSONObject:
    """A Sequential of a few layers for such inputs."""
    inside: list[JSONObject] = [described("InputLayer", "given", {"batch_shape": [None, *shape[1:]]})]
    own = _Names(choose)
    for _ in range(choose((1, 2, 3))):
        next_layer = layer(choose, own, len(shape) - 1)
        behind = shape_behind(next_layer, shape)
        if behind is not None:
            inside.append(next_layer)
            shape = behind
    return described("Sequential", names.new("tower"), {"layers": inside})


def model(choose: Choose) -> Case:
    """A case about a model of these choices."""
    names = _Names(choose)
    sketch = Sketch(names.new("model"))
    there: dict[Reference, Shape] = {}
    for _ in range(choose((1, 1, 2))):
        shape = choose(INPUTS)
        there[sketch.input(names.new("input"), *shape)] = (BATCH, *shape)
    ends = dict.fromkeys(there)
    taken: dict[str, Shape] = {}

    def put(given: Sequence[Reference], made: Reference, shape: Shape) -> None:
        for x in given:
            ends.pop(x, None)
        there[made], ends[made] = shape, None

    for _ in range(choose((2, 3, 4, 5, 6))):
        x = choose(tuple(there))
        alike = [other for other, shape in there.items() if shape == there[x] and other != x]
        again = [name for name, shape in taken.items() if shape == there[x]]
        step = choose(
            ("layer", "layer", "layer", "tower", *("merge" for _ in alike), *("again" for _ in again))
        )
        if step == "merge":
            other = choose(alike)
            class_name = choose(MERGES)
            put([x, other], sketch.layer(class_name, names.new(class_name), x, other), there[x])
        elif step == "again":
            name = choose(again)
            behind = shape_behind(sketch.description(name), there[x])
            assert behind is not None
            put([x], sketch.again(name, x), behind)
        else:
            make = tower if step == "tower" else None
            new = make(choose, names, there[x]) if make else layer(choose, names, len(there[x]) - 1)
            behind = shape_behind(new, there[x])
            if behind is not None:
                taken[new["config"]["name"]] = there[x]
                put([x], sketch.add(new, x), behind)
    # Every model ends in layers: an output that is an input, or a model inside, is told in ways of their own.
    outputs = []
    for end in ends:
        flat = end if len(there[end]) == 2 else sketch.layer("Flatten", names.new("flatten"), end)
        outputs.append(sketch.layer("Dense", names.new("end"), flat, units=2))
    return sketch.case(*outputs)


def by_key(key: int) -> Choose:
    """Choices that follow from a key."""
    made = 0

    def choose(options: Sequence[Any]) -> Any:
        nonlocal made
        made += 1
        (place,) = bits.integers(key << 16 | made, (1,), 0, len(options))
        return options[int(place)]

    return choose


def drafts(keys: range) -> Iterator[Case]:
    return (model(by_key(key)) for key in keys)
