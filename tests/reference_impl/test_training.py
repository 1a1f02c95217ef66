"""Training in the specification comes to what it comes to in Keras, and goes on from anywhere."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.reference_impl import optimizers
from conformance.reference_impl.models import Model, summary
from conformance.reference_impl.saving import formats
from conformance.reference_impl.training import (
    Callback,
    Compiled,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
    restored,
)
from conformance.reference_impl.training import callbacks as known_callbacks

PROGRAM = Path(__file__).parent / "adapters" / "trained.py"

JSONObject = dict[str, Any]


def random(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def layer(class_name: str, name: str, **config: Any) -> JSONObject:
    return {"class_name": class_name, "config": {"name": name, **config}, "module": "keras.layers"}


def sequential(*layers: JSONObject, shape: list[int | None]) -> JSONObject:
    inputs = layer("InputLayer", "x", batch_shape=[None, *shape])
    return {"class_name": "Sequential", "config": {"name": "model", "layers": [inputs, *layers]}}


def tensor(name: str, *shape: int | None) -> JSONObject:
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, *shape], "dtype": "float32", "keras_history": [name, 0, 0]},
    }


def called(described: JSONObject, *on: JSONObject) -> JSONObject:
    args = [list(on)] if len(on) > 1 else [on[0]] if on else []
    nodes: list[JSONObject] = [{"args": args, "kwargs": {}}] if on else []
    return described | {"name": described["config"]["name"], "inbound_nodes": nodes}


TWO_OUTPUTS = {
    "class_name": "Functional",
    "config": {
        "name": "model",
        "layers": [
            called(layer("InputLayer", "a", batch_shape=[None, 4])),
            called(layer("InputLayer", "b", batch_shape=[None, 4])),
            called(layer("Add", "sum"), tensor("a", 4), tensor("b", 4)),
            called(layer("Dense", "score", units=1), tensor("sum", 4)),
            called(layer("Dense", "kind", units=3, activation="softmax"), tensor("sum", 4)),
        ],
        "input_layers": [["a", 0, 0], ["b", 0, 0]],
        "output_layers": [["score", 0, 0], ["kind", 0, 0]],
    },
}

LINE = sequential(layer("Dense", "dense", units=1), shape=[1])
CLASSES = sequential(
    layer("Dense", "hidden", units=5, activation="tanh"),
    layer("Dense", "dense", units=3, activation="softmax"),
    shape=[4],
)
X = random(10, 4)
BY_NUMBER = np.arange(10) % 3
ONE_HOT = np.eye(3)[BY_NUMBER]
STEPS = random(8, 5, 3)
STEPS[2:5, 3:] = 0.0


def scenario(
    model: JSONObject,
    data: JSONObject,
    fit: JSONObject | None = None,
    dataset: Any = None,
    **compiled: Any,
) -> JSONObject:
    return {
        "model": model,
        "data": data,
        "fit": {"epochs": 3, "batch_size": 4} if fit is None else fit,
        "compile": compiled,
        "dataset": dataset,
        "evaluate": {name: data[name] for name in ("x", "y", "sample_weight") if name in data},
    }


REGULARIZED = sequential(
    layer(
        "Dense", "hidden", units=5, kernel_regularizer={"class_name": "L2", "config": {"l2": 0.125}},
        bias_constraint={"class_name": "NonNeg", "config": {}},
        activity_regularizer={"class_name": "L1", "config": {"l1": 0.0625}},
    ),
    layer("BatchNormalization", "norm", gamma_regularizer={"class_name": "L1", "config": {"l1": 0.0625}}),
    layer("Dense", "frozen", units=2, trainable=False, kernel_regularizer="l2"),
    layer(
        "Dense", "dense", units=1,
        kernel_constraint={"class_name": "MaxNorm", "config": {"max_value": 0.5}},
    ),
    shape=[4],
)  # fmt: skip
MASKED = sequential(
    layer("Masking", "masking"),
    layer("LSTM", "lstm", units=3, return_sequences=True),
    layer("Dense", "dense", units=2),
    shape=[5, 3],
)
IMAGES = sequential(
    layer("Conv2D", "conv", filters=3, kernel_size=3, activation="relu"),
    layer("MaxPooling2D", "pool"),
    layer("Flatten", "flat"),
    layer("Dense", "dense", units=3, activation="softmax"),
    shape=[8, 8, 1],
)


def optimizer(class_name: str, **config: float) -> JSONObject:
    """With numbers that float32 holds: Keras rounds some to it where all else is in double precision."""
    return {"class_name": class_name, "config": {"learning_rate": 2.0**-6, **config}}


SGD = optimizer("SGD")
RMSPROP = optimizer("RMSprop", rho=0.875, epsilon=2.0**-20)
ADAGRAD = optimizer("Adagrad", initial_accumulator_value=0.125, epsilon=2.0**-20)
ADAM = optimizer("Adam", beta_1=0.875, beta_2=0.96875, epsilon=2.0**-20)

SCENARIOS: dict[str, JSONObject] = {
    "the guide's line": scenario(
        LINE,
        {"x": np.array([[1.0], [2.0], [3.0], [4.0]]), "y": np.array([[1.0], [3.0], [5.0], [7.0]])},
        {"epochs": 20},
        loss="mean_squared_error",
        optimizer=SGD,
    ),
    "classes by number": scenario(
        CLASSES, {"x": X, "y": BY_NUMBER}, loss="crossentropy", optimizer=ADAM, metrics=["accuracy"],
    ),
    "classes one-hot": scenario(
        CLASSES, {"x": X, "y": ONE_HOT}, loss="categorical_crossentropy", optimizer=RMSPROP,
        metrics=["acc", "mse"], weighted_metrics=["mse", "mae"],
    ),
    "sample weights": scenario(
        CLASSES, {"x": X, "y": BY_NUMBER, "sample_weight": np.linspace(0, 2, 10)},
        loss="sparse_categorical_crossentropy", optimizer=ADAGRAD,
        metrics=["accuracy"], weighted_metrics=["accuracy"],
    ),
    "class weights": scenario(
        CLASSES, {"x": X, "y": ONE_HOT}, {"epochs": 2, "batch_size": 3, "class_weight": {0: 0.5, 2: 2.0}},
        loss="categorical_crossentropy", optimizer=SGD,
        weighted_metrics=["categorical_accuracy"],
    ),
    "validation split": scenario(
        CLASSES, {"x": X, "y": BY_NUMBER},
        {"epochs": 4, "batch_size": 3, "validation_split": 0.3, "validation_freq": 2},
        loss="sparse_categorical_crossentropy", optimizer=optimizer("SGD", momentum=0.5),
        metrics=["accuracy"],
    ),
    "penalties, constraints, statistics and a frozen layer": scenario(
        REGULARIZED, {"x": X, "y": random(10, 1)}, loss="mse", optimizer=SGD
    ),
    "two outputs": scenario(
        TWO_OUTPUTS, {"x": [X, X[::-1].copy()], "y": [random(10, 1), ONE_HOT]},
        {"epochs": 3, "batch_size": 5},
        loss=["mse", "categorical_crossentropy"], loss_weights=[0.25, 2.0], optimizer=ADAM,
        metrics=[["mae"], ["accuracy", "mse"]],
    ),
    "one of two outputs has a loss": scenario(
        TWO_OUTPUTS, {"x": [X, X[::-1].copy()], "y": [random(10, 1), ONE_HOT]},
        loss={"score": None, "kind": "categorical_crossentropy"}, optimizer=SGD,
    ),
    "masks": scenario(MASKED, {"x": STEPS, "y": random(8, 5, 2)}, loss="mse", optimizer=ADAM),
    "images": scenario(
        IMAGES, {"x": random(6, 8, 8, 1), "y": np.arange(6) % 3},
        loss="sparse_categorical_crossentropy", optimizer=ADAM, metrics=["accuracy"],
    ),
    "a dataset cut short": scenario(
        CLASSES, {"x": X, "y": BY_NUMBER},
        {"epochs": 3, "steps_per_epoch": 1},
        dataset=[(X[:4], BY_NUMBER[:4]), (X[4:6], BY_NUMBER[4:6]), (X[6:], BY_NUMBER[6:])],
        loss="sparse_categorical_crossentropy", optimizer=SGD,
    ),
    "a dataset that begins again": scenario(
        CLASSES, {"x": X, "y": BY_NUMBER}, {"epochs": 2, "steps_per_epoch": 2},
        dataset=[(X[:6], BY_NUMBER[:6]), (X[6:], BY_NUMBER[6:])],
        loss="sparse_categorical_crossentropy", optimizer=SGD,
    ),
    "a dataset of fewer steps than asked for": scenario(
        CLASSES, {"x": X, "y": BY_NUMBER}, {"epochs": 2, "steps_per_epoch": 3},
        dataset=[(X[:6], BY_NUMBER[:6]), (X[6:], BY_NUMBER[6:])],
        loss="sparse_categorical_crossentropy", optimizer=SGD,
    ),
    "early stopping": scenario(
        LINE, {"x": np.array([[1.0], [2.0]]), "y": np.array([[1.0], [3.0]])},
        {"epochs": 9, "callbacks": [("EarlyStopping", {"monitor": "loss", "min_delta": 0.25, "patience": 1,
                                                       "restore_best_weights": True})]},
        loss="mse", optimizer=SGD,
    ),
    "a plateau": scenario(
        LINE, {"x": np.array([[1.0], [2.0]]), "y": np.array([[1.0], [3.0]])},
        {"epochs": 9, "callbacks": [("ReduceLROnPlateau", {"monitor": "loss", "factor": 0.5, "patience": 2,
                                                           "min_delta": 0.5, "cooldown": 1})]},
        loss="mse", optimizer=SGD,
    ),
}  # fmt: skip


def prepared(described: JSONObject) -> JSONObject:
    """With weights that are all different."""
    model = Model.from_config(described["model"])
    weights = {
        path: {w.name: random(*w.shape, seed=7) / 3 for w in declared}
        for path, declared in model.declare_weights().items()
    }
    for own in weights.values():
        if "moving_variance" in own:
            own["moving_variance"] = np.abs(own["moving_variance"])
    return described | {"weights": weights}


PREPARED = {name: prepared(described) for name, described in SCENARIOS.items()}


@pytest.fixture(scope="module")
def in_keras() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM)], input=pickle.dumps(PREPARED), stdout=subprocess.PIPE, check=True
    )
    answers: dict[str, Any] = pickle.loads(done.stdout)
    return answers


class Occasions(Callback):
    """Notes what it is called at, and with which logs."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, list[int], list[str]]] = []
        for name in known_callbacks.OCCASIONS:
            if not name.startswith("on_batch"):
                setattr(self, name, self._noting(name))

    def _noting(self, name: str) -> Any:
        def note(*given: Any) -> None:
            *at, logs = given
            self.seen.append((name, at, list(logs)))

        return note


def ours(described: JSONObject, dtype: str) -> tuple[JSONObject, Compiled]:
    compiled = Compiled(
        Model.from_config(described["model"]), described["weights"], dtype=dtype, **described["compile"]
    )
    fit = dict(described["fit"])
    occasions = Occasions()
    fit["callbacks"] = [
        *(getattr(known_callbacks, name)(**arguments) for name, arguments in fit.pop("callbacks", ())),
        occasions,
    ]
    data = {"x": Batches(described["dataset"])} if described["dataset"] else described["data"]
    history = compiled.fit(**data, shuffle=False, **fit)
    return {
        "history": history.history,
        "epochs": history.epoch,
        "weights": {p: {n: w.value for n, w in own.items()} for p, own in compiled.weights.items()},
        "slots": [slot.value for slot in compiled.slots.values()],
        "evaluated": compiled.evaluate(**described["evaluate"]),
        "predicted": compiled.predict(described["evaluate"]["x"]),
        "occasions": occasions.seen,
    }, compiled


class Batches:
    """What can be iterated again, and is no list."""

    def __init__(self, batches: list[Any]) -> None:
        self.batches = batches

    def __iter__(self) -> Any:
        return iter(self.batches)


def flat(x: Any, name: str = "") -> dict[str, Any]:
    """All numbers in a structure, by where they stand."""
    if isinstance(x, dict):
        return {k: v for key, value in x.items() for k, v in flat(value, f"{name}/{key}").items()}
    if isinstance(x, list | tuple) and any(isinstance(item, np.ndarray) for item in x):
        return {k: v for i, value in enumerate(x) for k, v in flat(value, f"{name}/{i}").items()}
    return {name: np.asarray(x, np.float64)}


ROUNDED = ("history", "weights", "slots", "evaluated", "predicted")
ANOTHER_ORDER = 2.0**-20
"""How much closer double precision is than single at least: 2⁻²⁹ is the ratio of their roundoffs, and sums
may be in another order."""


@pytest.mark.keras
@pytest.mark.parametrize("name", SCENARIOS)
def test_training_comes_to_what_it_comes_to_in_keras(name: str, in_keras: dict[str, Any]) -> None:
    theirs = in_keras[name]
    assert isinstance(theirs, dict), theirs
    double, _ = ours(PREPARED[name], "float64")
    single, _ = ours(PREPARED[name], "float32")
    assert double["epochs"] == theirs["epochs"]
    assert [*double["history"]] == [*theirs["history"]]
    for part in ROUNDED:
        wanted, seen, coarse = flat(theirs[part]), flat(double[part]), flat(single[part])
        assert wanted.keys() == seen.keys(), part
        size = max(np.abs(x).max() for x in seen.values())
        precision = max(np.abs(coarse[key] - seen[key]).max() for key in seen) + 2.0**-24 * size
        for key in seen:
            assert seen[key].shape == wanted[key].shape, key
            assert np.abs(seen[key] - wanted[key]).max() <= ANOTHER_ORDER * precision, (part, key)


@pytest.mark.keras
@pytest.mark.parametrize("name", SCENARIOS)
def test_callbacks_are_called_at_the_same_occasions_with_the_same_logs(
    name: str, in_keras: dict[str, Any]
) -> None:
    seen, _ = ours(PREPARED[name], "float64")
    assert seen["occasions"] == in_keras[name]["occasions"]


def compiled_classes(**arguments: Any) -> Compiled:
    described = PREPARED["classes by number"]
    given: JSONObject = {
        "optimizer": "adam",
        "loss": "sparse_categorical_crossentropy",
        "seed": 3,
    } | arguments
    return Compiled(Model.from_config(described["model"]), **given)


DROPPED = sequential(
    layer("Dense", "hidden", units=5, activation="relu"),
    layer("Dropout", "dropout", rate=0.5),
    layer("BatchNormalization", "norm"),
    layer("Dense", "dense", units=3),
    shape=[4],
)


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad", "Nadam", "Ftrl", "Lion"])
def test_interrupted_training_goes_on_bit_for_bit(name: str) -> None:
    def begun() -> Compiled:
        return Compiled(Model.from_config(DROPPED), optimizer=name, loss="mse", seed=5)

    through, first, second = begun(), begun(), begun()
    through.fit(X, ONE_HOT, epochs=4, batch_size=3)
    first.fit(X, ONE_HOT, epochs=2, batch_size=3)
    second.weights, second.slots, second.steps = first.weights, first.slots, first.steps
    second.fit(X, ONE_HOT, epochs=4, initial_epoch=2, batch_size=3)
    for path, own in through.weights.items():
        for weight, value in own.items():
            assert value.value.tobytes() == second.weights[path][weight].value.tobytes(), (path, weight)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_training_goes_on_from_a_checkpoint_bit_for_bit(name: str, ending: str, tmp_path: Path) -> None:
    def begun() -> Compiled:
        return Compiled(Model.from_config(DROPPED), optimizer=name, loss="mse", metrics=["mae"], seed=5)

    through, first = begun(), begun()
    through.fit(X, ONE_HOT, epochs=4, batch_size=3)
    first.fit(
        X, ONE_HOT, epochs=2, batch_size=3, callbacks=[ModelCheckpoint(tmp_path / ("{epoch}" + ending))]
    )
    with formats.opened(tmp_path / f"2{ending}") as stored:
        second = restored(stored, seed=5)
    second.fit(X, ONE_HOT, epochs=4, initial_epoch=2, batch_size=3)
    for path, own in through.weights.items():
        for weight, value in own.items():
            assert value.value.tobytes() == second.weights[path][weight].value.tobytes(), (path, weight)


def test_a_checkpoint_is_of_the_best_epoch_only_where_that_is_asked(tmp_path: Path) -> None:
    rates = {0: 0.01, 1: 50.0, 2: 0.01}
    compiled_classes(optimizer="sgd").fit(
        X, BY_NUMBER, epochs=3, shuffle=False,
        callbacks=[
            LearningRateScheduler(lambda epoch, rate: rates[epoch]),
            ModelCheckpoint(tmp_path / "{epoch}.keras", monitor="loss", save_best_only=True, mode="max"),
            ModelCheckpoint(tmp_path / "batch-{batch}.weights.h5", save_weights_only=True, save_freq=2),
        ],
    )  # fmt: skip
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.keras", "3.keras", "batch-1.weights.h5"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"filepath": "model.txt"}, r"ends in \.keras or \.h5, got model\.txt"),
        ({"filepath": "model.keras", "save_weights_only": True}, r"ends in \.weights\.h5"),
        ({"filepath": "model.keras", "save_freq": "batch"}, "expected 'epoch' or an integer, got 'batch'"),
    ],
)
def test_a_checkpoint_of_no_known_kind_is_refused(arguments: JSONObject, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ModelCheckpoint(**arguments)


def test_what_is_dropped_is_another_part_at_each_step() -> None:
    dropout = sequential(layer("Dropout", "dropout", rate=0.5), layer("Dense", "dense", units=1), shape=[64])
    model = Compiled(Model.from_config(dropout), optimizer=optimizers.SGD(0.0), loss="mse")
    losses = [model.train_on_batch(np.ones((1, 64)), np.ones((1, 1)))["loss"] for _ in range(4)]
    assert len(set(losses)) == 4


def test_a_stateful_layer_goes_on_from_batch_to_batch_until_it_is_reset() -> None:
    described = layer("SimpleRNN", "rnn", units=2, stateful=True)
    inputs = layer("InputLayer", "x", batch_shape=[2, 3, 1])
    model = Compiled(
        Model.from_config(
            {"class_name": "Sequential", "config": {"name": "m", "layers": [inputs, described]}}
        )
    )
    x = random(2, 6, 1)
    halves = [model.predict_on_batch(x[:, :3]), model.predict_on_batch(x[:, 3:])]
    assert not np.array_equal(model.predict_on_batch(x[:, :3]), halves[0])
    model.reset_states()
    np.testing.assert_array_equal(model.predict_on_batch(x[:, :3]), halves[0])
    np.testing.assert_array_equal(model.predict_on_batch(x[:, 3:]), halves[1])


def test_the_order_of_samples_is_another_in_each_epoch_and_the_same_again() -> None:
    model = compiled_classes()
    orders = [[*model._shuffled(epoch, 10)] for epoch in (0, 1, 0)]
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == [*range(10)]


def test_weights_are_those_that_the_initializers_say_unless_given() -> None:
    weights = compiled_classes().weights
    assert not weights["dense",]["bias"].value.any()
    assert weights["dense",]["kernel"].value.std() > 0.1
    again = compiled_classes().weights
    np.testing.assert_array_equal(weights["dense",]["kernel"].value, again["dense",]["kernel"].value)


def test_a_loss_that_is_nan_ends_training_or_raises() -> None:
    x = np.full((4, 4), np.nan)
    history = compiled_classes().fit(x, BY_NUMBER[:4], epochs=3, callbacks=[TerminateOnNaN()])
    assert len(history.epoch) == 1
    with pytest.raises(RuntimeError, match="loss is nan at batch 0"):
        compiled_classes().fit(x, BY_NUMBER[:4], callbacks=[TerminateOnNaN(raise_error=True)])


def test_logs_are_written_as_rows_and_appended(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    for append in (False, True):
        compiled_classes().fit(X, BY_NUMBER, epochs=2, callbacks=[CSVLogger(path, append=append)])
    rows = [line.split(",") for line in path.read_text().splitlines()]
    assert rows[0] == ["epoch", "loss", "val_loss"]
    assert [row[0] for row in rows[1:]] == ["0", "1", "0", "1"]
    assert {row[2] for row in rows[1:]} == {"NA"}


def test_functions_are_called_at_the_occasions_that_they_are_given_for() -> None:
    seen: list[int] = []
    compiled_classes().fit(
        X,
        BY_NUMBER,
        epochs=3,
        callbacks=[LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))],
    )
    assert seen == [0, 1, 2]
    with pytest.raises(TypeError, match="on_epoch_end"):
        LambdaCallback(on_epoch_ends=print)


def test_a_schedule_sets_the_rate_of_each_epoch() -> None:
    model = compiled_classes()
    scheduler = LearningRateScheduler(lambda epoch, rate: rate / 2)
    history = model.fit(X, BY_NUMBER, epochs=2, callbacks=[scheduler])
    assert history.history["learning_rate"] == pytest.approx([0.0005, 0.00025], rel=2**-22)
    with pytest.raises(ValueError, match=r"a float, got 1 for epoch 0"):
        model.fit(X, BY_NUMBER, callbacks=[LearningRateScheduler(lambda epoch, rate: 1)])


def test_a_watched_name_that_is_not_logged_is_warned_of_with_those_that_are() -> None:
    for callback in (EarlyStopping(), ReduceLROnPlateau()):
        with pytest.warns(UserWarning, match=r"'val_loss', which is not among .*loss"):
            compiled_classes().fit(X, BY_NUMBER, callbacks=[callback])


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no such loss": ({"loss": "msee"}, {}, "unknown loss 'msee'.*mse"),
    "no such metric": ({"metrics": ["acuracy"]}, {}, "unknown metric 'acuracy'.*accuracy"),
    "no such optimizer": ({"optimizer": "adamm"}, {}, "unknown optimizer 'adamm'.*[aA]dam"),
    "a negative rate": (
        {"optimizer": {"class_name": "SGD", "config": {"learning_rate": -1.0}}}, {},
        "`learning_rate`.*got -1.0",
    ),
    "no such output": ({"loss": {"densee": "mse"}}, {}, "no output 'densee'.*dense"),
    "two losses for one output": ({"loss": ["mse", "mae"]}, {}, r"each of the outputs \['dense'\], got 2"),
    "no metrics in a list": ({"metrics": "mse"}, {}, "`metrics`: expected a list or a dictionary, got 'mse'"),
    "no loss at all": ({"loss": None}, {}, "no loss to compute"),
    "other numbers of samples": ({}, {"y": BY_NUMBER[:9]}, r"same number.*'x': \[10\], 'y': \[9\]"),
    "no labels": ({}, {"y": None}, "`y`: expected labels for each of the 1 outputs.*got 0"),
    "no samples": ({}, {"x": X[:0], "y": BY_NUMBER[:0]}, "`x`: expected at least one sample"),
    "two inputs": ({}, {"x": [X, X]}, r"`x`: expected an array for each of the inputs \['x'\], got 2"),
    "an unknown input": ({}, {"x": {"xx": X}}, "`x`: there is no 'xx'.*x"),
    "a shape": ({}, {"x": X[:, :3]}, "layer x"),
    "a size of batches": ({}, {"batch_size": 0}, "`batch_size`: expected an integer of 1 or more, got 0"),
    "labels out of range": ({}, {"y": BY_NUMBER + 1}, "label"),
    "nothing to train with": ({}, {"validation_split": 0.99}, "leaves 0 for training"),
    "weights of samples and classes": (
        {}, {"sample_weight": np.ones(10), "class_weight": {0: 0.5}}, "`sample_weight` and `class_weight`"
    ),
    "labels beside a dataset": ({}, {"x": iter([(X, BY_NUMBER)])}, "`y`: a dataset gives it itself"),
    "an empty dataset": ({}, {"x": iter([]), "y": None}, "the data of epoch 0 is empty"),
    "a dataset of too much": ({}, {"x": iter([(X,) * 4]), "y": None}, "got a tuple of 4"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_trained_is_refused_with_argument_and_value(name: str) -> None:
    arguments, data, said = REFUSED[name]
    with pytest.raises(ValueError, match=said):
        compiled_classes(**arguments).fit(**{"x": X, "y": BY_NUMBER, **data})


GUIDE = sequential(
    layer("Dense", "first", units=32, activation="relu"),
    layer("Dense", "second", units=10, activation="softmax", trainable=False),
    shape=[784],
)


def test_a_summary_tells_layers_shapes_and_parameters_and_the_totals() -> None:
    lines = summary(Model.from_config(GUIDE)).splitlines()
    assert [line.split()[:1] for line in lines[2:5]] == [["x"], ["first"], ["second"]]
    assert "(None, 32)" in lines[3]
    assert "25,120" in lines[3]
    assert "330" in lines[4]
    assert lines[5] == "Total: 25,450 parameters, 25,120 trainable, 330 not"


def test_a_summary_tells_what_feeds_a_layer() -> None:
    lines = summary(Model.from_config(TWO_OUTPUTS)).splitlines()
    assert next(line for line in lines if line.startswith("sum")).endswith("a, b")
