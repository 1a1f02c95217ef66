"""What layers of TensorFlow.js draw in training otherwise than Keras's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.random import asking, recurrent
from conformance.dialects.deviation import Metadata, Raises, Value, subject
from conformance.dialects.scopes import all_of, sets
from conformance.dialects.tensorflow_js.configuration import saying
from conformance.dialects.tensorflow_js.record import (
    CELLS,
    FIRST,
    LAYERS,
    RECURRENT,
    deviation,
    searched,
)
from conformance.reference_impl.layers.cell import DenseCell
from conformance.reference_impl.tape import Tensor


def of_the_other_sign(original: Any) -> float:
    return -float(original())


def never(original: Any, cell: DenseCell) -> bool:
    return False


def below_one(original: Any, cell: DenseCell, rate: float) -> bool:
    return 0 < rate < 1


def what_is_left(original: Any, h: Tensor, kept: Sequence[Tensor]) -> Tensor:
    return kept[0]


def drops_all(case: Case, data: Data) -> bool:
    """A dropout is 1."""
    return 1 in (case.config.get("dropout"), case.config.get("recurrent_dropout"))


def leaves_a_dimension(case: Case, data: Data) -> bool:
    """The noise has a dimension of the input's size, whatever that is."""
    return None in (case.config.get("noise_shape") or ())


GATED = tuple(name for name in (*RECURRENT, *CELLS) if "LSTM" in name or "GRU" in name)
DROPPING = ("random", "training/*")
SEQUENCES = (2500, 2)
DROPPED_STATE = {"recurrent_dropout": 0.25}
PER_SEQUENCE = {"rate": 0.25, "noise_shape": [None, 1, None]}

DEVIATIONS = (
    deviation(
        "tfjs-alpha-dropout-sign",
        "What AlphaDropout drops becomes the limit of selu with the other sign, 1.758 for -1.758, before it "
        "is scaled and shifted: mean and variance are not kept, as a network of selu needs it.",
        kind="bug",
        source=f"{LAYERS}/layers/noise.js:143 (AlphaDropout.call: kept - 1 times the negative limit)",
        upstream=searched("AlphaDropout layer wrong sign scale incorrect mean variance"),
        remedy="Train with Dropout, or in Keras.",
        since="tfjs-layers 1.0.2 (2019)",
        scope=all_of(subject("layers.AlphaDropout"), sets("rate")),
        effect=Value({"layers.AlphaDropout.saturation": of_the_other_sign}, DROPPING),
        witnesses=(asking("random", "AlphaDropout", {"rate": 0.25}, (40, 25, 50)),),
    ),
    deviation(
        "tfjs-alpha-dropout-noise-shape-without-null",
        "AlphaDropout takes no null in noiseShape for a dimension of the input.",
        kind="bug",
        source=f"{LAYERS}/layers/noise.js:116 (AlphaDropout._getNoiseShape)",
        upstream=searched("AlphaDropout layer wrong sign scale incorrect mean variance"),
        remedy="Write its size.",
        since="tfjs-layers 1.0.2 (2019)",
        scope=all_of(subject("layers.AlphaDropout"), sets("rate"), leaves_a_dimension),
        effect=Raises("invalid-argument", "call", (*DROPPING, "seeds"), "comprised of positive integers"),
        witnesses=(asking("random", "AlphaDropout", PER_SEQUENCE, (150, 4, 60)),),
    ),
    deviation(
        "tfjs-dropout-repeats-itself",
        "A dropout with a seed drops the same elements at every call: in training the same units are "
        "missing throughout.",
        kind="bug",
        source=f"{LAYERS}/layers/core.js:51 (Dropout.call: the seed as it is, at each call)",
        upstream=searched("dropout layer seed same mask every call"),
        remedy="Give it no seed.",
        since=FIRST,
        scope=subject("layers.Dropout", "layers.SpatialDropout1D"),
        effect=Metadata(("seeds",), saying(next_call=True)),
        witnesses=(asking("seeds", "Dropout", {"rate": 0.25, "seed": 7}, (60, 3)),),
    ),
    deviation(
        "tfjs-noise-without-seed",
        "The seed is ignored: what is drawn cannot be repeated.",
        kind="intentional",
        source=f"{LAYERS}/layers/noise.js:36, :68, :137 (randomNormal, randomUniform without a seed)",
        upstream=searched("gaussianNoise layer seed not reproducible stddev 0"),
        remedy="Train in Keras, where what is drawn has to be repeated.",
        since="tfjs-layers 1.0.2 (2019)",
        scope=subject("layers.GaussianNoise", "layers.GaussianDropout", "layers.AlphaDropout"),
        effect=Metadata(("seeds",), saying(same_seed=False)),
        witnesses=(asking("seeds", "GaussianNoise", {"stddev": 0.25, "seed": 7}, (60, 25, 3)),),
    ),
    deviation(
        "tfjs-recurrent-dropout-without-seed",
        "The seed is ignored: what is dropped of inputs and states cannot be repeated.",
        kind="intentional",
        source=f"{LAYERS}/layers/recurrent.js:1345 (generateDropoutMask: K.dropout without a seed)",
        upstream=searched("recurrentDropout seed reproducible LSTM GRU dropout mask seed"),
        remedy="Train in Keras, where what is drawn has to be repeated.",
        since="tfjs-layers 0.7.1 (2018)",
        scope=subject(*RECURRENT, "layers.ConvLSTM2D"),
        effect=Metadata(("seeds",), saying(same_seed=False)),
        witnesses=(recurrent("LSTM", {"dropout": 0.25, "seed": 7}, 60, 2, observable="seeds"),),
    ),
    deviation(
        "tfjs-recurrent-dropout-for-all-gates",
        "With a recurrent dropout Keras draws for each gate what is dropped, of the state and of the inputs; "
        "here it is the same for all gates.",
        kind="intentional",
        source=f"{LAYERS}/layers/recurrent.js:891, :1095 (GRUCell.call, LSTMCell.call: the first mask alone)",
        upstream=searched("GRU recurrentDropout drops state hidden state"),
        remedy="Nothing need be done: it is another way to drop out.",
        since="tfjs-layers 0.7.1 (2018)",
        scope=all_of(subject(*GATED), sets("recurrent_dropout")),
        effect=Value({"layers.DenseCell.drops_by_block": never}, DROPPING),
        witnesses=(
            recurrent("LSTM", DROPPED_STATE, *SEQUENCES),
            recurrent("GRU", DROPPED_STATE | {"reset_after": False}, *SEQUENCES),
        ),
    ),
    deviation(
        "tfjs-gru-carries-dropped-state",
        "A recurrent dropout of GRU drops units of the state itself, which are then lost, not only of what "
        "the gates see of it.",
        kind="bug",
        source=f"{LAYERS}/layers/recurrent.js:898, :909 (GRUCell.call: hTMinus1 is replaced)",
        upstream=searched("GRU recurrentDropout drops state hidden state"),
        remedy="Use dropout of the inputs alone, or train in Keras.",
        since="tfjs-layers 0.7.1 (2018)",
        scope=all_of(subject("layers.GRU", "layers.GRUCell"), sets("recurrent_dropout")),
        effect=Value({"layers.GRUCell.carried": what_is_left}, DROPPING),
        witnesses=(recurrent("GRU", DROPPED_STATE | {"reset_after": False}, *SEQUENCES),),
    ),
    deviation(
        "tfjs-simple-rnn-dropout-of-everything",
        "A dropout of 1 drops nothing; in Keras SimpleRNN it drops everything.",
        kind="bug",
        source=f"{LAYERS}/layers/recurrent.js:701, :709 (SimpleRNNCell.call: only where it is below 1)",
        upstream=searched("dropout rate 1 no effect"),
        remedy="Write zeros, where nothing is to pass.",
        since="tfjs-layers 0.7.1 (2018)",
        scope=all_of(subject("layers.SimpleRNN", "layers.SimpleRNNCell"), drops_all),
        effect=Value({"layers.DenseCell.drops": below_one}, DROPPING),
        witnesses=(recurrent("SimpleRNN", {"dropout": 1.0}, 2, 3, observable="training/output/0"),),
    ),
)
