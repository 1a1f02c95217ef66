"""The protocol: JSON lines from the suite to a backend's adapter and back.

The suite writes `start`, then any number of `observe` and `inspect`, then `stop`; the adapter answers `start`
with `started`, each `observe` with one `observed` of the same id, and each `inspect` with any number of
`piece` and then one `inspected`, in order. Tensors are dense: dtype, shape and base64 of little-endian bytes
(booleans one byte each), because JSON has no NaN, infinity or negative zero.

What a model computes inside is told in pieces, because no line can hold it: the weights of one layer of VGG16
are 400 MB. A piece is a line of a few megabytes, so that neither side ever holds a message beside its arrays,
and the limit on a line stays what it is for cases.

An adapter that does not answer in time, ends, or writes anything else is killed and started anew, and has to
give the same identity again. The case at fault is then asked once more, one observable in each `observe`. So
it is where an answer repeats the one before it word for word, and that was another case's: nothing in the
message tells a case's own answer from a stale one, but a new child has none to repeat. Only answers that
hold a tensor of more than zeros, or a configuration where the case was configured in another way than the one
before, are doubted so: others are often alike by chance.

`protocol.schema.json`, beside this file, is the JSON Schema of the messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from conformance.runners.wire import DTYPES as DTYPES
from conformance.runners.wire import PROTOCOL_VERSION as PROTOCOL_VERSION
from conformance.runners.wire import pack, unpack
from conformance.schemas import DIALECT, schemas_of

if TYPE_CHECKING:
    from conformance.reference_impl.arrays import Array

OBSERVABLES = {
    "output/{i}": "output i of the call in inference mode",
    "again/output/{i}": "output i of another such layer, called before on inputs of other sizes; of a "
                        "stateful one that of its second call on these inputs, which goes on from its states",
    "training/output/{i}": "output i of the call in training mode",
    "training/state/{weight}": "a non-trainable weight after the call in training mode",
    "gradient/input/{i}": "vjp of the inference-mode outputs with the cotangents, by floating input i",
    "gradient/weight/{name}": "the same by the trainable weight of that name",
    "training/gradient/input/{i}": "vjp of the training-mode outputs, by input i",
    "training/gradient/weight/{name}": "the same by a weight",
    "random": "of a layer that draws random numbers: output 0 of a call in training mode, and behind it, "
              "along a new first axis, the vjp by input 0 of that same call",
    "drawn": "of an initializer that draws random numbers: what it makes for the sizes that are input 0",
    "seeds": "JSON: {same_seed, other_seed, without_seed, next_call}: whether the training-mode output is "
             "bit for bit that of another layer made with the same `seed`, with another one, that of two "
             "without any the same, and that of the same layer's next call",
    "shape/concrete": "JSON: the list of output shapes inferred from the inputs' shapes, without running",
    "shape/unknown_batch": "JSON: the same with an unknown (null) batch size",
    "shape/unknown": "JSON: the same with every dimension unknown that the layer allows to be unknown",
    "dtype": "JSON: the list of dtypes of the outputs of the inference-mode call",
    "mask/{i}": "the mask of output i for the layers behind: a boolean tensor, or JSON: null for none",
    "memory": "JSON: {step: {tensors, bytes}} that nobody holds, left by `build`, `call`, `training`, "
              "`gradient`, a call that is `refused`, and `dispose`",
    "weights": "JSON: a list of {name, shape, dtype, trainable} in the layer's order",
    "config": "JSON: the layer's configuration by Keras names and values, as the backend serialises it",
    "reconstructed/config": "JSON: the configuration of the layer that that configuration makes",
    "reconstructed/output/{i}": "output i of that layer with the same weights and inputs",
    "refusal": "JSON: null where the subject can be made and then called with the inputs, in inference mode "
               "and with its own initial weights; else the error that says why not. A metric is updated "
               "instead, an optimizer applied to the gradients, from its own initial slots, and of a "
               "training run all is called that the case asks for",
    "refusal/widened": "the same of a second call of that layer, each input twice along its last axis",
    "methods": "JSON: {name: `method` | `property`} of the layer's public members, by Keras names",
    "method/count_params": "JSON: what it says of the built layer",
    "method/get_weights": "JSON: the names of the case's weights in its order, null for another array",
    "method/set_weights": "JSON: {own, one_more, one_missing, other_shape}: whether it takes as many arrays "
                          "as there are weights, of their shapes; the last two where there is a weight",
    "method/trainable": "JSON: {frozen, thawed}: the names of {trainable_weights, non_trainable_weights} "
                        "after it was set to false, and to true",
    "method/reset_state": "JSON: {carried, reset}: whether a second call of a stateful layer has another "
                          "output than the first, and a call after it that of the first",
    "signature": "JSON: {arguments: {name: {required: true} | {default: value}}} of the constructor",
    "update/{variable}": "of an optimizer: the variable after one update from the gradients and slots given",
    "slot/{key}": "of an optimizer: the slot after that update",
    "result/{update}": "of a metric: its result after the update of that number, from 0, and all before it; "
                       "`result/reset` that after all updates and a reset",
    "state/{update}/{variable}": "of a metric: the variable after that update, or after the reset",
    "reconstructed/result": "of a metric: the result of the one that its configuration makes, after all "
                            "updates",
    "identifier": "JSON: the canonical name that the string identifier in the config resolves to; of an "
                  "optimizer or a metric that of its class",
    "guide/{language}/{name}": "of a statement of the guides, what a program in that language shows: an "
                               "array, or JSON; `cases.guide` says what",
    "loaded/{format}/config": "JSON: what the model in the case's files says of itself, as the backend "
                              "writes it into a file: {class_name, config}",
    "loaded/{format}/weights": "JSON: {layer/weight: {dtype, shape, data}} of that model, by the names of "
                               "the models around a layer, its own, and that of cases for its weight",
    "loaded/{format}/output/{i}": "output i of that model, called in inference mode",
    "file/{format}": "JSON: {file name: base64} of that model, saved in this format",
    "fit/step/{i}/weight/{weight}": "of a training run: the weight after step i of `fit`, counted "
                                          "from 0 through all epochs, without shuffling",
    "fit/step/{i}/slot/{key}": "the optimizer's slot of that weight after that step",
    "fit/step/{i}/log/{name}": "float32: what callbacks are given under this name, Keras's, at its end",
    "fit/history/{name}": "float32: what the history has under this name, a number for each epoch",
    "fit/epochs": "JSON: the numbers of the epochs that were run, from 0",
    "fit/callbacks": "JSON: a list of [occasion, number of the epoch or batch if it has one, sorted names "
                     "in the logs], as the last callback sees them; occasions by Keras's names",
    "fit/weight/{weight}": "the weight after `fit`",
    "fit/files": "JSON: the names of the files that the callback of the case has written, sorted",
    "fit/file/{file}/names": "JSON: the first row of such a file with the ending .csv",
    "fit/file/{file}/rows": "float32: its other rows, with NaN for NA",
    "fit/file/{file}/weight/{weight}": "the weight that such a file of a model has",
    "evaluate/log/{name}": "float32: what `evaluate` gives under this name",
    "evaluate/callbacks": "JSON: as `fit/callbacks`",
    "predict/output/{i}": "output i for all samples",
    "train_on_batch/{i}/weight/{weight}": "the weight after the ith batch; likewise `slot` and `log`",
    "test_on_batch/{i}/log/{name}": "float32: what it gives under this name for the ith batch",
}  # fmt: skip
"""Every observable that can be asked, and what it is."""


DELIBERATE = frozenset({"invalid-argument", "type", "not-implemented"})
"""The kinds of errors by which a backend tells its user what is wrong.

They count as one where an error is due: which of them it is follows the language, not the fault. Keras raises
a ValueError for an argument that a layer does not have, and Python a TypeError for one that is missing;
TensorFlow.js has one class of error for both."""

ERROR_KINDS = {
    "invalid-argument": "a value is refused: ValueError, InvalidArgumentError, an assertion on an argument",
    "type": "an argument of the wrong type or name: TypeError in Python",
    "not-implemented": "the backend says that it does not implement this",
    "missing-kernel": "the backend lacks a kernel or gradient for an operation",
    "internal": "anything else: a failure that the author of the backend did not mean to report, as what the "
    "language itself raises where an operation meets another type than it was written for",
}


def _told(**keywords: Any) -> msgspec.Meta:
    """Said in the schema, and left to `validation` in a message, lest one wrong answer spoil the others."""
    return msgspec.Meta(extra_json_schema=keywords)


class WireTensor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="tensor"):
    """A dense tensor: `data` is base64 of the elements in row-major order, little-endian."""

    dtype: Annotated[str, _told(enum=[*DTYPES])]
    shape: tuple[Annotated[int, _told(minimum=0)], ...]
    data: str


class WireJSON(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="json"):
    """An observable that is not an array: a shape, a configuration, a list of weights."""

    value: Any


class WireError(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="error"):
    """The backend refused, or failed, where a value was asked for.

    Attributes:
        kind: one of `ERROR_KINDS`.
        at: `construction`, `build`, `call`, `gradient`, `shape`, `config` or `reconstruction`; of a saved
            model `load` and `save` too.
        message: the backend's own first line.
    """

    kind: Annotated[str, _told(enum=[*ERROR_KINDS])]
    at: str
    message: str


Observed = WireTensor | WireJSON | WireError


class ConcreteCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A case with its arrays made; never the expected answer.

    Attributes:
        subject: `layers.Dense`, `activations.gelu`, `optimizers.Adam`, …
        config: the constructor's arguments (a function's, for an activation) by Keras's names, with the
            values that Keras's JSON holds; one that is left out has Keras's default. Arguments that change
            no answer are in it too. Of a model, its whole description in the form of Keras 3, which a file
            of weights alone needs; of a training run as `cases.training` says.
        inputs: a tensor for each input.
        weights: a tensor for each weight that the layer has, by Keras's name for it (`kernel`, `gamma`, …)
            and in Keras's layout; of an optimizer, for each `variable/…`, `gradient/…` and `slot/…`.
        masks: a boolean tensor for each input, or none at all.
        initial_state: the states that a recurrent layer starts from, or none.
        cotangents: a tensor for each output, where gradients are asked for: the vector of the vector-Jacobian
            product.
        observables: what to answer, all of it and nothing else.
        seed: for what is drawn at random.
        files: of a model, base64 by file name: `model.keras`, or `model.json` with the files that it names.
            They come in the message, so that an adapter needs neither this machine's disk nor a network.
    """

    subject: str
    config: dict[str, Any]
    inputs: tuple[WireTensor, ...]
    weights: dict[str, WireTensor]
    masks: tuple[WireTensor, ...]
    initial_state: tuple[WireTensor, ...]
    cotangents: tuple[WireTensor, ...]
    observables: tuple[str, ...]
    seed: int
    files: dict[str, str] = {}


class Start(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="command", tag="start"):
    """The first message: the protocol's version, and which of its backends the adapter shall be."""

    protocol: int
    backend: str


class Observe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="command", tag="observe"):
    """Ask one case; the answer carries the same id.

    Cases come in any order, and one may come again, under another id and with fewer observables: nothing of
    a case may be left when the next one comes.
    """

    id: int
    case: ConcreteCase


class ConcreteModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A saved model to load and to run in inference mode.

    Attributes:
        location: the path of a file, or the URL of a `model.json`.
        inputs: an array for each of the model's inputs, in its order.
        layers: whether what every layer was given and gave is told.
        weights: whether the values of the weights are told.
        repeats: how many times `predict` is called and timed.
    """

    location: str
    inputs: tuple[WireTensor, ...]
    layers: bool
    weights: bool
    repeats: int


class Inspect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="command", tag="inspect"):
    """Ask about a model; all parts of the answer carry the same id."""

    id: int
    model: ConcreteModel


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="command", tag="stop"):
    """The adapter answers nothing and exits with 0."""


Request = Start | Observe | Inspect | Stop


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who answers, and under what circumstances.

    Attributes:
        name: the backend's name in reports.
        language: `python`, `javascript`, …
        versions: of everything whose version changes answers: the runtime, the interpreter, NumPy.
        settings: what changes bits: oneDNN, threads, SIMD.
        platform: machine, operating system, processor features.
        arithmetic: `{"base": name}`, of `ieee-float32`, `ieee-float64` and `float16`, and what differs from
            it: `unit_roundoff`, `subnormals` (`kept`, `flushed`, `either`), `ulps` and `absolute` errors by
            function, `algorithms` by computation.
        capabilities: for each subject the patterns (`fnmatch`) of the observables that can be asked,
            found by introspection. What is not listed is unsupported and asked nothing; a class that the
            backend has and the specification lacks is listed too.
        aliases: for each subject that is another one by another name, that one's.
        models: the formats of saved models that it can be asked about: `keras` and `h5`, which it is given
            by path, and `model.json`, which it is given by URL.
    """

    name: str
    language: str
    versions: dict[str, str]
    settings: dict[str, str]
    platform: dict[str, str]
    arithmetic: dict[str, Any]
    capabilities: dict[str, list[str]]
    aliases: dict[str, str] = {}
    models: tuple[str, ...] = ()


class Started(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="reply", tag="started"):
    protocol: int
    identity: Identity


class Observation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="reply", tag="observed"):
    """The answer to one case: each asked observable is a value or an error of its own."""

    id: int
    observables: dict[str, Observed]


class Piece(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="reply", tag="piece"):
    """The next bytes of an array of the answer to an `inspect`: base64, whole elements."""

    id: int
    array: int
    data: str


class ArrayForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an array is whose bytes came in pieces; one without elements needs none."""

    dtype: Annotated[str, _told(enum=[*DTYPES])]
    shape: tuple[Annotated[int, _told(minimum=0)], ...]


class ModelTensor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An input or output as the model declares it; null is a dimension that may be any."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class ModelWeight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A weight by the name that cases use for it, and the number of its array where values are told."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    trainable: bool
    array: int | None = None


class ModelLayer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A layer of the model, or of a model inside it.

    Attributes:
        path: the names of the models around it, from the outside in and without the outermost, and its own.
        subject: `layers.Dense`; `models.Functional` where it is a model, whose layers are told after it;
            `operations.Add` where it is a function of the backend that stands in the graph as a layer does.
        config: as of the observable `config`; null of a model, and of an operation.
        weights: in its order; of a model those of its layers, and not told again.
    """

    path: tuple[str, ...]
    subject: str
    config: Any
    weights: tuple[ModelWeight, ...]


class LayerCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call of a layer that is no model, in the backend's own run: numbers of arrays, null for none.

    What is not computed anew, as the output of a layer that passes its input on, has the number that it had:
    by its number an input is known to be the output of another call.

    Attributes:
        layer: its path.
        inputs: the tensors that it was given in order.
        masks: that it was called with; as many as it was given, which may be fewer than there are inputs.
        initial_state: that it was called with, of a recurrent layer.
        others: its other arguments by name, or by their places as `"0"`; `{"array": n}` for a tensor.
        outputs: all of them in order.
        output_masks: that each output hands on.
    """

    layer: tuple[str, ...]
    inputs: tuple[int, ...]
    masks: tuple[int | None, ...]
    initial_state: tuple[int, ...]
    others: dict[str, Any]
    outputs: tuple[int, ...]
    output_masks: tuple[int | None, ...]


class Inspected(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="reply", tag="inspected"):
    """The answer to `inspect`, after its pieces: what the model is, and what it did, as far as it came.

    Attributes:
        error: what ended it, at `load`, `build`, `config` or `call`.
        inputs, outputs: as the model declares them.
        layers: in the backend's order.
        arrays: the forms of all arrays whose numbers are told.
        results: the arrays of the outputs of the first `predict`.
        calls: in the order in which they were made, in a run of its own.
        ends: the arrays of the outputs of that run.
        seconds: that each `predict` took until its outputs could be read; the first prepares what others use.
    """

    id: int
    error: WireError | None = None
    inputs: tuple[ModelTensor, ...] = ()
    outputs: tuple[ModelTensor, ...] = ()
    layers: tuple[ModelLayer, ...] = ()
    arrays: tuple[ArrayForm, ...] = ()
    results: tuple[int, ...] = ()
    calls: tuple[LayerCall, ...] = ()
    ends: tuple[int, ...] = ()
    seconds: tuple[float, ...] = ()


Reply = Started | Observation | Piece | Inspected

encode = msgspec.json.Encoder().encode
decode_request = msgspec.json.Decoder(Request).decode
decode_reply = msgspec.json.Decoder(Reply).decode


class _Version(msgspec.Struct, tag_field="reply", tag="started"):
    protocol: int


def spoken_version(line: bytes) -> int | None:
    """The version of the protocol that a `started` gives, whatever else is in it; None if it is none.

    >>> spoken_version(b'{"reply": "started", "protocol": 2, "who": "a newer one"}')
    2
    """
    try:
        return msgspec.json.decode(line, type=_Version).protocol
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def to_wire(x: Array) -> WireTensor:
    """The array as a message."""
    return WireTensor(*pack(x))


def from_wire(tensor: WireTensor) -> Array:
    """The array of a message.

    Raises:
        ValueError: an unknown dtype, a negative dimension, or another number of bytes than the shape needs.
    """
    return unpack(tensor.dtype, tensor.shape, tensor.data)


def schema() -> dict[str, Any]:
    """The JSON Schema of every message, requests and replies."""
    (request, reply), definitions = schemas_of(Request, Reply)
    return {
        "$schema": DIALECT,
        "anyOf": [request, reply],
        "$defs": definitions,
    }
