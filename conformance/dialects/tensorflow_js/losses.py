"""Losses of TensorFlow.js: functions of labels and predictions alone, some of which compute otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data
from conformance.cases.drafts.draft import recipe
from conformance.cases.drafts.losses import BARELY, draft_loss
from conformance.dialects.deviation import Deviation, Raises, Scope, Unpredictable, Value, subject
from conformance.dialects.scopes import all_of, given_empty_batch, given_nan, given_special_values, without
from conformance.dialects.tensorflow_js.activations import with_slope
from conformance.dialects.tensorflow_js.record import (
    CORE,
    CPU,
    FIRST,
    LAYERS,
    WASM,
    deviation,
    issue,
    searched,
)
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.losses import LOSSES, Loss
from conformance.reference_impl.losses.crossentropy import clipped
from conformance.reference_impl.losses.loss import LossFunction
from conformance.reference_impl.losses.margins import signed
from conformance.reference_impl.losses.reduction import everything
from conformance.reference_impl.losses.regression import EPSILON, over_last
from conformance.reference_impl.losses.shapes import axes_of
from conformance.reference_impl.primitives import absolute as magnitude
from conformance.reference_impl.primitives import (
    add,
    broadcast_to,
    divide,
    exp,
    greater,
    greater_equal,
    largest,
    log,
    log1p,
    maximum,
    multiply,
    negative,
    relu,
    reshape,
    sqrt,
    square,
    subtract,
    total,
    where,
)
from conformance.reference_impl.primitives.primitive import Composite
from conformance.reference_impl.tape import Tensor, constant
from conformance.verdicts import Verdict

NAMES = {f"losses.{name}": LOSSES[snake_case(name)].tensorflow_js for name in Loss.registered}
LOSSES_THERE = tuple(name for name, there in NAMES.items() if there)
"""The losses that both have."""

AVERAGED = ("sum_over_batch_size", "none", None)
"""The reductions of TensorFlow.js: what training does, and the function itself."""

CALLED = ("output/*", "gradient/*", "dtype", "refusal")
SOURCE = f"{LAYERS}/losses.js"


class _Absolute(Composite):
    """|x|, with the derivative `step(x, -1)`: −1 at 0."""

    def compose(self, x: Tensor) -> Tensor:
        return magnitude(x)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return multiply(cotangent, where(greater(x, 0.0), constant(1.0, x), -1.0))


class _Largest(Composite):
    """The largest along an axis, kept with size one; each of those that tie gets the whole cotangent."""

    def compose(self, x: Tensor, *, axis: int) -> Tensor:
        return largest(x, axis=axis)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, axis: int) -> Tensor:
        chosen = greater_equal(x, broadcast_to(out, shape=x.shape))
        return multiply(chosen, broadcast_to(cotangent, shape=x.shape))


absolute, all_largest = _Absolute(), _Largest()


def mean_absolute_error(original: LossFunction, y_true: Tensor, y_pred: Tensor) -> Tensor:
    """`mean(abs(sub(yPred, yTrue)), -1)`"""
    return over_last(absolute(subtract(y_pred, y_true)))


def mean_absolute_percentage_error(original: LossFunction, y_true: Tensor, y_pred: Tensor) -> Tensor:
    """`mul(100, mean(abs(div(sub(yTrue, yPred), clipped)), -1))`"""
    ratio = divide(subtract(y_true, y_pred), maximum(magnitude(y_true), EPSILON))
    return multiply(over_last(absolute(ratio)), 100.0)


def of_probability(original: LossFunction, y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The crossentropy of the logit ln(p/(1 − p)), differentiated operation by operation."""
    p = clipped(y_pred)
    x = log(divide(p, subtract(1.0, p)))
    return add(subtract(relu(x), multiply(x, y_true)), log1p(exp(negative(absolute(x)))))


def kl_divergence(original: LossFunction, y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Σ y·ln(y/ŷ), where only the y in the logarithm is brought into [ε, 1]."""
    ratio = divide(clipped(y_true, 1.0), clipped(y_pred, 1.0))
    terms = multiply(y_true, log(ratio))
    return total(terms, axis=(terms.ndim - 1,))


def hinged(original: LossFunction, y_true: Tensor, y_pred: Tensor) -> Tensor:
    """`maximum(0, sub(1, mul(yTrue, yPred)))`, whose slope is `less(0, …)`: none where both are 0, or NaN."""
    margin = subtract(1.0, multiply(signed(y_true), y_pred))
    return with_slope(margin, function=partial(maximum, 0.0), slope=lambda x, out: greater(x, 0.0))


def hinged_without_nan(original: LossFunction, y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The same, and 0 where it is NaN, of which a square is taken."""
    return maximum(0.0, zero_for_nan(subtract(1.0, multiply(signed(y_true), y_pred))))


def categorical_hinge(original: LossFunction, y_true: Tensor, y_pred: Tensor) -> Tensor:
    """`maximum(0, add(1, sub(neg, pos)))`, by gradients that share nothing among those that tie."""
    last = y_pred.ndim - 1
    others = all_largest(multiply(subtract(1.0, y_true), y_pred), axis=last)
    own = total(multiply(y_true, y_pred), axis=(last,))
    margin = add(subtract(reshape(others, shape=others.shape[:-1]), own), 1.0)
    return maximum(0.0, zero_for_nan(margin))  # neither is the larger of 0 and NaN


def zero_for_nan(x: Tensor) -> Tensor:
    return where(Tensor(np.isnan(x.value).astype(x.dtype)), 0.0, x)


def without_nan(original: LossFunction, y_true: Tensor, y_pred: Tensor) -> Tensor:
    """0 where it is NaN."""
    return zero_for_nan(original(y_true, y_pred))


def clip_of_nan(original: Callable[..., Tensor], p: Tensor, *high: float) -> Tensor:
    """The lower limit where it is NaN."""
    return original(zero_for_nan(p), *high)


def logarithms_of_nan(original: LossFunction, y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The logarithms' lower limit where either is NaN."""
    return original(zero_for_nan(y_true), zero_for_nan(y_pred))


def log_probability(original: Any, y_pred: Tensor, from_logits: bool) -> Tensor:
    """Of what is brought into [ε, 1 − ε] before it is made to sum to 1, and again behind."""
    p = clipped(y_pred)
    return log(clipped(divide(p, total(p, axis=(p.ndim - 1,), keepdims=True))))


def normalized(original: Any, x: Tensor, axis: int | None) -> Tensor:
    """x/√max(Σx², ε), where a gradient that does not count is multiplied by 0: NaN stays."""
    squares = total(square(x), axis=axes_of(axis, x), keepdims=True)
    counts = greater_equal(squares, EPSILON)
    return divide(x, sqrt(add(multiply(squares, counts), multiply(subtract(1.0, counts), EPSILON))))


def averaged(original: Any, values: Tensor, reduction: str | None, *others: Tensor | None) -> Tensor:
    """`mean(losses)`, which of no losses is 0."""
    return everything(values)


def takes_arguments(case: Case, data: Data) -> bool:
    """The configuration says more than one of the two reductions."""
    more = case.config.keys() - {"reduction", "identifier"}
    return bool(more) or case.config.get("reduction") not in AVERAGED


def weighs(case: Case, data: Data) -> bool:
    """There are weights of samples, or a mask."""
    return len(data.inputs) > 2 or bool(data.masks)


def averages(case: Case, data: Data) -> bool:
    """The losses are reduced to one."""
    return bool(case.config.get("reduction", "sum_over_batch_size") == "sum_over_batch_size")


def named_otherwise(case: Case, data: Data) -> bool:
    """The name to be resolved is none that TensorFlow.js has, in camel or snake case."""
    name = case.config.get("identifier", "")
    camel = re.sub(r"(?<=[a-z0-9])_+([a-z0-9])", lambda found: found[1].upper(), name)
    return bool(name) and camel not in NAMES.values()


def of_integers(case: Case, data: Data) -> bool:
    """Labels are integers."""
    return bool(data.inputs) and data.inputs[0].dtype.kind == "i"


def binary(case: Case, data: Data) -> bool:
    """All labels are 0 or 1."""
    return bool(data.inputs) and bool(np.isin(data.inputs[0], (0, 1)).all())


def meets(case: Case, data: Data) -> bool:
    """A prediction equals its label."""
    return bool(data.inputs) and bool((data.inputs[0] == data.inputs[1]).any())


def beyond_range(case: Case, data: Data) -> bool:
    """A label is below ε or above 1."""
    return bool(data.inputs) and bool(((data.inputs[0] < EPSILON) | (data.inputs[0] > 1)).any())


def nearly_nothing(case: Case, data: Data) -> bool:
    """A line of labels or predictions is of nearly no length."""
    return any(map(has_short_lines, data.inputs[:2]))


def has_short_lines(x: Array) -> bool:
    """Whether a line has a square sum below ε, or about as small."""
    return bool((np.square(x, dtype=np.float64).sum(-1) <= 1.001 * EPSILON).any())


def there(*names: str) -> Scope:
    """The losses of these classes, asked what TensorFlow.js can be asked."""
    subjects = subject(*(f"losses.{name}" for name in names)) if names else subject(*LOSSES_THERE)
    return all_of(subjects, without(takes_arguments), without(weighs))


def literal(*rows: tuple[float, ...]) -> Literal:
    return Literal((len(rows), len(rows[0])), tuple(x for row in rows for x in row))


def given(name: str, y_true: Any, y_pred: Any, **config: Any) -> Case:
    return draft_loss(name, config, y_true, y_pred)


def normals(name: str, **config: Any) -> Case:
    return given(name, recipe("normal", 4, 5), recipe("normal", 4, 5), **config)


def weighed() -> Case:
    arrays = (recipe("normal", 4, 5), recipe("normal", 4, 5), recipe("weights", 4))
    return draft_loss("MeanSquaredError", {}, *arrays)


def to_resolve(name: str, identifier: str) -> Case:
    return Case(f"losses.{name}", {"identifier": identifier}, observables=("identifier",))


LOGARITHMIC = "MeanSquaredLogarithmicError"
PAIR = literal((1.0, 0.0), (0.5, 0.25))


def slope_at_the_margin(made_by: Any) -> Deviation:
    """The entry about the gradient of a margin, which a function makes as the backend does."""
    return deviation(
        "tfjs-hinge-slope-at-the-margin",
        "Where a prediction is just at the margin, hinge has the derivative 0, and Keras's the label.",
        kind="intentional",
        source=f"{CORE}/gradients/Maximum_grad.js: greaterEqual(a, b), of maximum(0, …)",
        upstream=searched("maximum gradient ties equal greaterEqual"),
        remedy="Nothing need be done, unless many predictions are exactly at the margin.",
        since=FIRST,
        scope=there("Hinge", "SquaredHinge"),
        effect=Value({"losses.hinged": made_by}, ("gradient/*",)),
        witnesses=(given("Hinge", literal((1.0, -1.0)), literal((1.0, 0.5))),),
    )


DEVIATIONS = (
    deviation(
        "tfjs-losses-without-arguments",
        "Losses are functions of labels and predictions: they have no arguments, and training knows no "
        "reduction but the mean.",
        kind="intentional",
        source=f"{SOURCE} (lossesMap); {LAYERS}/engine/training.js, makeTrainFunction",
        upstream=searched("compile loss fromLogits labelSmoothing reduction arguments"),
        remedy="Give `compile` a function of your own, which does with its arguments what you want.",
        since=FIRST,
        scope=all_of(subject(*LOSSES_THERE), takes_arguments),
        effect=Raises("not-implemented", "construction", CALLED, "functions without arguments"),
        witnesses=(normals("MeanSquaredError", reduction="sum"), normals("CosineSimilarity", axis=0)),
    ),
    deviation(
        "tfjs-losses-without-weights",
        "Losses take neither weights of samples nor masks; `fit` refuses `sampleWeight`.",
        kind="intentional",
        source=f"{LAYERS}/engine/training.js, fit: sample weight is not supported yet",
        upstream=issue(25),
        remedy="Weigh classes by `classWeight`, or give `compile` a loss of your own.",
        since=FIRST,
        scope=all_of(subject(*LOSSES_THERE), without(takes_arguments), weighs),
        effect=Raises("not-implemented", "call", CALLED, "losses of TensorFlow.js take no"),
        witnesses=(weighed(),),
    ),
    deviation(
        "tfjs-losses-by-one-name",
        "A loss has one name: neither Keras's short ones, nor those of classes, nor those that Keras 3 has "
        "given to cosineProximity, kullbackLeiblerDivergence and logcosh.",
        kind="intentional",
        source=f"{SOURCE} (get)",
        upstream=searched("Unknown loss mse"),
        remedy="Use the name that `tf.losses` or its source has, in camel case.",
        since=FIRST,
        scope=all_of(subject(*LOSSES_THERE), named_otherwise),
        effect=Raises("invalid-argument", "construction", ("identifier",), "Unknown loss"),
        witnesses=(to_resolve("MeanSquaredError", "mse"), to_resolve("LogCosh", "log_cosh")),
    ),
    deviation(
        "tfjs-absolute-loss-slope-at-zero",
        "Where a prediction equals its label, the absolute error has the derivative of errors below 0.",
        kind="bug",
        source=f"{CORE}/gradients/Abs_grad.js: step(x, -1)",
        upstream=searched("abs gradient zero meanAbsoluteError"),
        remedy="Use meanSquaredError, or a loss of your own, where predictions meet labels exactly.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(there("MeanAbsoluteError", "MeanAbsolutePercentageError"), meets),
        effect=Value(
            {
                "losses.mean_absolute_error": mean_absolute_error,
                "losses.mean_absolute_percentage_error": mean_absolute_percentage_error,
            },
            ("gradient/*",),
        ),
        witnesses=(given("MeanAbsoluteError", PAIR, PAIR),),
    ),
    deviation(
        "tfjs-binary-crossentropy-by-logits",
        "The crossentropy of a probability is that of its logit, whose derivative is summed up from parts "
        "that cancel: near 0 and 1 it is off by some percent.",
        kind="precision",
        source=f"{SOURCE} (binaryCrossentropy, sigmoidCrossEntropyWithLogits)",
        upstream=searched("binaryCrossentropy loss wrong gradient differs from Keras"),
        remedy="Leave the sigmoid out of the model, and use tf.losses.sigmoidCrossEntropy.",
        since="tfjs-layers 0.6.2 (2018)",
        scope=there("BinaryCrossentropy"),
        effect=Value({"losses.of_probability": of_probability}),
        witnesses=(given("BinaryCrossentropy", recipe("zeros_and_ones", 4, 5), recipe("unit_edges", 4, 5)),),
    ),
    deviation(
        "tfjs-kl-divergence-of-labels-as-they-are",
        "kullbackLeiblerDivergence brings the labels into [ε, 1] in the logarithm alone: a label of 0 costs "
        "nothing.",
        kind="bug",
        source=f"{SOURCE} (kullbackLeiblerDivergence): mul(yTrue, log(div(clippedTrue, clippedPred)))",
        upstream=searched("kullbackLeiblerDivergence loss"),
        remedy="Clip the labels yourself.",
        since=FIRST,
        scope=all_of(there("KLDivergence"), beyond_range),
        effect=Value({"losses.kl_divergence": kl_divergence}),
        witnesses=(given("KLDivergence", recipe("one_hot", 4, 5), recipe("probabilities", 4, 5)),),
    ),
    deviation(
        "tfjs-hinge-labels-as-they-are",
        "hinge and squaredHinge take labels 0 and 1 as they are, where Keras makes −1 and 1 of them: with a "
        "label of 0 nothing is learnt.",
        kind="bug",
        source=f"{SOURCE} (hinge, squaredHinge)",
        upstream=searched("hinge squaredHinge labels 0 1 converted to -1 1 Keras"),
        remedy="Give labels −1 and 1.",
        since="keras 2.3.0 (2019)",
        scope=all_of(there("Hinge", "SquaredHinge"), binary),
        effect=Value({"losses.signed": lambda original, y_true: y_true}),
        witnesses=(
            given("Hinge", recipe("zeros_and_ones", 4, 5), recipe("normal", 4, 5)),
            given("SquaredHinge", recipe("zeros_and_ones", 4, 5), recipe("normal", 4, 5)),
        ),
    ),
    deviation(
        "tfjs-categorical-hinge-ties",
        "Where other classes tie, each gets the whole derivative, where Keras's share it; and at the margin "
        "it is 0.",
        kind="bug",
        source=f"{CORE}/gradients/min_max_grad_util.js; {CORE}/gradients/Maximum_grad.js",
        upstream=searched("max gradient ties categoricalHinge min_max_grad_util"),
        remedy="Nothing need be done, unless classes tie exactly.",
        since="tfjs-core 0.13.4 (2018)",
        scope=there("CategoricalHinge"),
        effect=Value({"losses.categorical_hinge": categorical_hinge}, ("gradient/*",)),
        witnesses=(given("CategoricalHinge", recipe("one_hot", 4, 5), recipe("ties", 4, 5)),),
    ),
    deviation(
        "tfjs-sparse-crossentropy-of-integers",
        "sparseCategoricalCrossentropy refuses labels that are integers: it rounds them down, which takes "
        "floats alone.",
        kind="bug",
        source=f"{SOURCE} (sparseCategoricalCrossentropy): floor(K.flatten(target))",
        upstream=searched("sparseCategoricalCrossentropy int32 labels floor must be float32 error"),
        remedy="Give labels as float32.",
        since=FIRST,
        scope=all_of(there("SparseCategoricalCrossentropy"), of_integers),
        effect=Raises("invalid-argument", "call", CALLED, "Argument 'x' passed to 'floor' must be float32"),
        witnesses=(
            given(
                "SparseCategoricalCrossentropy",
                recipe("indices:5", 4, dtype="int32"),
                recipe("probabilities", 4, 5),
            ),
        ),
    ),
    deviation(
        "tfjs-sparse-crossentropy-clipped-twice",
        "sparseCategoricalCrossentropy brings probabilities into [ε, 1 − ε] before they are made to sum to "
        "1, and again behind.",
        kind="bug",
        source=f"{SOURCE} (sparseCategoricalCrossentropy, categoricalCrossentropy)",
        upstream=searched("sparseCategoricalCrossentropy clip epsilon log softmax wrong value"),
        remedy="Give labels one-hot, to categoricalCrossentropy.",
        since=FIRST,
        scope=all_of(there("SparseCategoricalCrossentropy"), without(of_integers)),
        effect=Value({"losses.log_probability": log_probability}),
        witnesses=(given("SparseCategoricalCrossentropy", Literal((1,), (0.0,)), BARELY),),
    ),
    deviation(
        "tfjs-cosine-of-short-vectors",
        "cosineProximity divides by no less than √ε: vectors shorter than 3·10⁻⁴ count less.",
        kind="bug",
        source=f"{SOURCE} (l2Normalize): sqrt(maximum(squareSum, epsilon()))",
        upstream=searched("cosineProximity l2Normalize epsilon zero vector"),
        remedy="Scale short vectors up before.",
        since=FIRST,
        scope=all_of(there("CosineSimilarity"), nearly_nothing),
        effect=Value({"losses.normalized": normalized}),
        witnesses=(given("CosineSimilarity", recipe("small_positive", 4, 5), recipe("normal", 4, 5)),),
    ),
)


OF_NOTHING = all_of(there(), given_empty_batch, averages)
NOTHING = given("MeanSquaredError", recipe("normal", 0, 5), recipe("normal", 0, 5))
MEAN = f"{LAYERS}/engine/training.js, makeTrainFunction: tfc.mean(loss)"


def mean_of_nothing(name: str, summary: str, backend: str, *observables: str) -> Deviation:
    """Training makes a number of no losses too."""
    return deviation(
        name,
        summary,
        kind="intentional",
        source=f"{backend}/kernels/Mean.js; {MEAN}",
        upstream=searched("mean of empty tensor returns 0 instead of NaN cpu loss empty batch"),
        remedy="Do not train on an empty batch.",
        since="tfjs-core 0.5.0 (2018)",
        scope=OF_NOTHING,
        effect=Value({"losses.reduced": averaged}, observables),
        witnesses=(NOTHING,),
    )


ONLY_CPU = (
    slope_at_the_margin(hinged),
    mean_of_nothing(
        "tfjs-cpu-mean-loss-of-nothing",
        "The loss of an empty batch is 0, where Keras leaves an empty batch of losses unreduced.",
        CPU,
        "output/*",
        "gradient/*",
    ),
)

ONLY_WASM = (
    slope_at_the_margin(hinged_without_nan),
    mean_of_nothing(
        "tfjs-wasm-gradient-of-mean-loss-of-nothing",
        "The loss of an empty batch is one number, where Keras leaves an empty batch of losses unreduced.",
        WASM,
        "gradient/*",
    ),
    deviation(
        "tfjs-wasm-mean-loss-of-nothing",
        "The loss of an empty batch is whatever the memory held: no mean of an empty tensor is computed.",
        kind="bug",
        source=f"{WASM}/kernels/Mean.js: if (util.sizeFromShape(input.shape) !== 0)",
        upstream=issue(6633),
        remedy="Do not evaluate an empty batch.",
        since="tfjs-backend-wasm 2.8.0 (2020)",
        scope=OF_NOTHING,
        effect=Unpredictable(Verdict.DIVERGES, ("output/*",), "shape [], expected [0]"),
        witnesses=(NOTHING,),
    ),
    deviation(
        "tfjs-wasm-hinge-of-nan",
        "A margin of NaN counts as 0, so that a model that gives NaN seems to be right.",
        kind="bug",
        source=f"{WASM}/kernels/Maximum.js (src/cc/kernels/Maximum.cc: std::max(0, NaN) is 0)",
        upstream=searched("wasm maximum NaN operand std::max relu"),
        remedy="Check the predictions for NaN yourself.",
        since="tfjs-backend-wasm 2.0.0 (2020)",
        scope=all_of(there("Hinge", "SquaredHinge", "CategoricalHinge"), given_special_values),
        effect=Value({"losses.hinged": without_nan, "losses.categorical_hinge": without_nan}, ("output/*",)),
        witnesses=tuple(
            given(name, recipe("one_hot", 4, 5), recipe("one_nan", 4, 5))
            for name in ("Hinge", "SquaredHinge", "CategoricalHinge")
        ),
    ),
    deviation(
        "tfjs-wasm-clipped-loss-of-nan",
        "Where a loss brings predictions into a range before it takes logarithms, NaN counts as the lower "
        "limit, so that a model that gives NaN has a finite loss.",
        kind="bug",
        source=f"{WASM}/kernels/ClipByValue.js (src/cc/kernels/ClipByValue.cc:65: XNNPACK's clamp gives its "
        "lower limit for NaN)",
        upstream=searched("wasm clipByValue NaN returns min value"),
        remedy="Check the predictions for NaN yourself.",
        since="tfjs-backend-wasm 3.14.0 (2022)",
        scope=all_of(
            there("BinaryCrossentropy", "CategoricalCrossentropy", "KLDivergence", LOGARITHMIC), given_nan
        ),
        effect=Value(
            {
                "losses.clipped": clip_of_nan,
                "losses.mean_squared_logarithmic_error": logarithms_of_nan,
            }
        ),
        witnesses=tuple(
            given(name, literal((0.0, 1.0, 0.0)), Literal((1, 3), ("nan", 0.25, 0.5)))
            for name in ("BinaryCrossentropy", "CategoricalCrossentropy", "KLDivergence", LOGARITHMIC)
        ),
    ),
)
