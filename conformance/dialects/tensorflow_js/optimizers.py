"""Optimizers of TensorFlow.js that compute something else than Keras's, or take less."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.optimizers import SAID, asking, draft_optimizer
from conformance.dialects.deviation import CONFIGURATIONS, Metadata, Raises, Value, subject
from conformance.dialects.scopes import all_of, sets, without
from conformance.dialects.tensorflow_js.record import ADAMAX_SEARCHED, CORE, deviation, searched
from conformance.reference_impl.optimizers import Adadelta, Adam, Now, RMSprop, State
from conformance.reference_impl.optimizers.computing import moving_average, share_seen
from conformance.reference_impl.optimizers.optimizer import Stepped
from conformance.reference_impl.primitives import (
    add,
    divide,
    multiply,
    negative,
    sqrt,
    square,
    subtract,
)
from conformance.reference_impl.saving.tensorflow_js_training import OPTIMIZERS
from conformance.reference_impl.tape import Tensor

OBSERVABLES = ("update/*", "slot/*")

SUBJECTS = tuple(f"optimizers.{name}" for name in sorted({name for name, _ in OPTIMIZERS.values()}))
"""The optimizers that TensorFlow.js has, by their names in Keras."""


def class_there(case: Case) -> str:
    """The class that TensorFlow.js has for the optimizer of a configuration."""
    name = case.subject.partition(".")[2]
    return {"SGD": "Momentum" if case.config.get("momentum") else "SGD", "RMSprop": "RMSProp"}.get(name, name)


def of_what_it_has(case: Case, config: Any) -> Any:
    """The configuration with no more than the arguments that the class has there."""
    _, arguments = OPTIMIZERS[class_there(case)]
    told = {name: value for name, value in config.items() if name in arguments}
    return told | ({"decay": 0.0} if case.subject == "optimizers.Adamax" else {})


def takes_less(case: Case, data: Data) -> bool:
    """An argument is set that the function of `tf.train` has not, or one by a schedule."""
    _, arguments = OPTIMIZERS[class_there(case)]
    return any(
        isinstance(value, dict) or (value and argument not in arguments)
        for argument, value in case.config.items()
    )


def begins(case: Case, data: Data) -> bool:
    """The slots are as they are before the first update, and need not be set."""
    return int(data.weights["slot/iteration"]) == 0 and not any(
        x.any() for name, x in data.weights.items() if name.startswith("slot/") and name.count("/") == 2
    )


TAKEN = without(takes_less)


def without_rate(original: Any, sgd: Any, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
    """The momentum is of gradients, and the rate multiplies it when it is applied."""
    if not sgd.momentum:
        plain: Stepped = original(sgd, w, g, slots, now)
        return plain
    m = add(multiply(slots["momentum"], sgd.momentum), g)
    step = add(g, multiply(m, sgd.momentum)) if sgd.nesterov else m
    return subtract(w, multiply(step, now.learning_rate)), {"momentum": m}


def epsilon_subtracted(
    original: Any, rmsprop: RMSprop, w: Tensor, g: Tensor, slots: State, now: Now
) -> Stepped:
    """v − (ḡ² + ε) under the root."""
    v = moving_average(slots["velocity"], square(g), rmsprop.rho)
    average = moving_average(slots["average_gradient"], g, rmsprop.rho)
    root = sqrt(subtract(v, add(square(average), rmsprop.epsilon)))
    increment = divide(multiply(g, now.learning_rate), root)
    new = {"velocity": v, "average_gradient": average}
    if rmsprop.momentum > 0:
        increment = new["momentum"] = add(multiply(slots["momentum"], rmsprop.momentum), increment)
    return subtract(w, increment), new


def corrected_before(original: Any, adam: Adam, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
    """η·m̂/(√v̂ + ε), with both averages corrected before ε is added."""
    m = moving_average(slots["momentum"], g, adam.beta_1)
    v = moving_average(slots["velocity"], square(g), adam.beta_2)
    root = sqrt(divide(v, share_seen(adam.beta_2, now.t, w)))
    step = divide(divide(m, share_seen(adam.beta_1, now.t, w)), add(root, adam.epsilon))
    return subtract(w, multiply(step, now.learning_rate)), {"momentum": m, "velocity": v}


def by_the_old_mean(
    original: Any, adadelta: Adadelta, w: Tensor, g: Tensor, slots: State, now: Now
) -> Stepped:
    """√(u + ε)/√(v + ε)·g, with v as it was before this gradient."""
    before, v = slots["accumulated_delta_var"], slots["accumulated_grad"]
    delta = negative(multiply(divide(adadelta.root(before), adadelta.root(v)), g))
    new = {
        "accumulated_grad": moving_average(v, square(g), adadelta.rho),
        "accumulated_delta_var": moving_average(before, square(delta), adadelta.rho),
    }
    return add(w, multiply(delta, now.learning_rate)), new


RATE = {"learning_rate": 0.125}

DEVIATIONS = (
    deviation(
        "tfjs-optimizers-take-less",
        "The optimizers of tf.train have neither weight decay, clipping, moving averages of the "
        "weights, gradient accumulation nor loss scaling, nor AMSGrad and Adagrad's epsilon, nor "
        "schedules of the learning rate.",
        kind="intentional",
        source=f"{CORE}/optimizers/optimizer_constructors.js",
        upstream=searched("optimizer gradient clipping clipNorm clipValue weight decay amsgrad support"),
        remedy="Write the training loop with tf.variableGrads, and change gradients or the rate there.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(subject(*SUBJECTS), takes_less),
        effect=Raises(
            "not-implemented", "construction", (*OBSERVABLES, *CONFIGURATIONS), "of TensorFlow.js takes no"
        ),
        witnesses=(draft_optimizer("SGD", {**RATE, "clipnorm": 0.5}),),
    ),
    deviation(
        "tfjs-optimizers-tell-less",
        "The configuration of an optimizer of tf.train tells the arguments that it has, and Adamax a decay.",
        kind="intentional",
        source=f"{CORE}/optimizers/sgd_optimizer.js:getConfig, and every other",
        upstream=searched("optimizer getConfig weight decay clipnorm Keras configuration"),
        remedy="Keep what else is set yourself.",
        since="tfjs-core 1.2.0 (2019)",
        scope=all_of(subject(*SUBJECTS), TAKEN),
        effect=Metadata(CONFIGURATIONS, of_what_it_has),
        witnesses=(
            asking(draft_optimizer("SGD", RATE), *SAID),
            asking(draft_optimizer("RMSprop", {**RATE, "rho": 0.75, "epsilon": 2.0**-10}), *SAID),
        ),
    ),
    deviation(
        "tfjs-momentum-without-rate",
        "The momentum of tf.train.momentum is of gradients, and not of steps as Keras's: a slot is "
        "−1/η times Keras's. With a constant rate the variables come out the same; with another rate,"
        " or with a slot that comes from Keras, they do not.",
        kind="intentional",
        source=f"{CORE}/optimizers/momentum_optimizer.js:applyGradients",
        upstream=searched("momentum optimizer accumulation learning rate differs from Keras SGD momentum"),
        remedy="Keep the rate constant, and do not carry the slots over from Keras.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(subject("optimizers.SGD"), sets("momentum"), TAKEN),
        effect=Value({"optimizers.SGD.step": without_rate}, OBSERVABLES),
        witnesses=(
            draft_optimizer("SGD", {**RATE, "momentum": 0.75}),
            draft_optimizer("SGD", {**RATE, "momentum": 0.75, "nesterov": True}),
        ),
    ),
    deviation(
        "tfjs-rmsprop-centered-subtracts-epsilon",
        "Centred, tf.train.rmsprop subtracts epsilon from the variance in place of adding it, as it "
        "puts it into the brackets of the mean that is subtracted: where the variance is no larger, "
        "variables become NaN.",
        kind="bug",
        source=(
            f"{CORE}/optimizers/rmsprop_optimizer.js:applyGradients, `sub(…, add(square(…), this.epsilon))`"
        ),
        upstream=searched("rmsprop centered NaN epsilon subtracted"),
        remedy="Do without `centered`.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(subject("optimizers.RMSprop"), sets("centered"), TAKEN),
        effect=Value({"optimizers.RMSprop.step": epsilon_subtracted}, OBSERVABLES),
        witnesses=(draft_optimizer("RMSprop", {**RATE, "centered": True, "epsilon": 2.0**-4}),),
    ),
    deviation(
        "tfjs-adam-epsilon",
        "tf.train.adam adds epsilon to the corrected root, as the paper's algorithm 1; Keras adds it "
        "before the correction, as the form that the paper gives for speed. The first steps differ "
        "where gradients are small.",
        kind="intentional",
        source=f"{CORE}/optimizers/adam_optimizer.js:applyGradients",
        upstream=searched("adam optimizer epsilon bias correction differs from Keras epsilon hat"),
        remedy="Nothing need be done: it passes with the first steps.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(subject("optimizers.Adam"), TAKEN),
        effect=Value({"optimizers.Adam.step": corrected_before}, ("update/*",)),
        witnesses=(draft_optimizer("Adam", {**RATE, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 2.0**-4}),),
    ),
    deviation(
        "tfjs-adadelta-old-mean",
        "tf.train.adadelta divides by the mean square of the gradients before this one, which has to "
        "include it: the first update is √ε/√ε = 1 times the gradient and the rate, and not a small "
        "one.",
        kind="bug",
        source=(
            f"{CORE}/optimizers/adadelta_optimizer.js:applyGradients, `div(sqrt(…), "
            f"sqrt(add(accumulatedGrad, …)))`"
        ),
        upstream=searched("adadelta optimizer wrong update accumulatedGrad order large first step"),
        remedy="Use another optimizer.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(subject("optimizers.Adadelta"), TAKEN),
        effect=Value(
            {"optimizers.Adadelta.step": by_the_old_mean}, ("update/*", "slot/*/accumulated_delta_var")
        ),
        witnesses=(draft_optimizer("Adadelta", {**RATE, "rho": 0.75, "epsilon": 2.0**-10}),),
    ),
    deviation(
        "tfjs-adamax-state-not-set",
        "The state of tf.train.adamax can be neither read nor set: a training that was interrupted "
        "cannot go on.",
        kind="intentional",
        source=f"{CORE}/optimizers/adamax_optimizer.js:setWeights",
        upstream=ADAMAX_SEARCHED,
        remedy="Train with Adam, whose state can be read and set.",
        since="tfjs-core 1.2.0 (2019)",
        scope=all_of(subject("optimizers.Adamax"), TAKEN, without(begins)),
        effect=Raises("not-implemented", "call", OBSERVABLES, "setWeights() is not implemented for Adamax"),
        witnesses=(draft_optimizer("Adamax", {**RATE, "beta_1": 0.75, "beta_2": 0.875}),),
    ),
    deviation(
        "tfjs-adamax-state-not-told",
        "The same of reading it.",
        kind="intentional",
        source=f"{CORE}/optimizers/adamax_optimizer.js:getWeights",
        upstream=ADAMAX_SEARCHED,
        remedy="Train with Adam, whose state can be read and set.",
        since="tfjs-core 1.2.0 (2019)",
        scope=all_of(subject("optimizers.Adamax"), TAKEN, begins),
        effect=Raises("not-implemented", "call", ("slot/*",), "getWeights() is not implemented for Adamax"),
        witnesses=(
            draft_optimizer("Adamax", {**RATE, "beta_1": 0.75, "beta_2": 0.875}, iteration=0, initial=True),
        ),
    ),
)
