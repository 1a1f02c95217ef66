"""The page of what differs from Keras: it is made of the dialects, says each deviation once, and is up to
date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conformance import dialects
from conformance.dialects.deviation import Unpredictable, Value
from conformance.interchange import rewriting
from conformance.reporting.divergences import (
    FOREMOST,
    PROGRAMS,
    built_in,
    differences,
    foremost,
    linked,
    render,
)

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "divergences.md"
RENEWED_BY = "python -m conformance.reporting.divergences > docs/divergences.md"

DIALECTS = built_in()
RECORDED = {d.id: d for dialect in DIALECTS.values() for d in dialect.deviations}
TENSORFLOW_JS = tuple(
    difference
    for family in differences({name: DIALECTS[name] for name in PROGRAMS["TensorFlow.js"]}).values()
    for difference in family
)
BY_ID = {deviation.id: difference for difference in TENSORFLOW_JS for deviation in difference.deviations}


@pytest.fixture(scope="module")
def page() -> str:
    return render(DIALECTS)


def test_every_deviation_says_what_to_do() -> None:
    assert [name for name, deviation in RECORDED.items() if not deviation.remedy] == []


def test_the_committed_page_is_what_the_dialects_say(page: str) -> None:
    assert PAGE.read_text(encoding="utf-8") == page, f"renew it: {RENEWED_BY}"


def test_every_recorded_deviation_is_there_once(page: str) -> None:
    assert not {id_ for id_ in RECORDED if page.count(f'<a id="{id_}"></a>') != 1}


def test_every_built_in_dialect_is_of_a_program() -> None:
    assert sorted(name for names in PROGRAMS.values() for name in names) == sorted(dialects.BUILT_IN)


def test_the_dozen_change_outputs_in_silence() -> None:
    found = foremost(TENSORFLOW_JS)
    assert len(found) == FOREMOST
    for difference in (difference for together in found for difference in together):
        assert isinstance(difference.first.effect, Value | Unpredictable)
        assert difference.silent_on
    ranks = [together[0].rank for together in found]
    assert ranks == sorted(ranks)


def test_what_is_said_in_the_same_words_of_several_layers_is_one_row() -> None:
    gates = BY_ID["tfjs-gru-recurrent-activation-default"]
    assert gates is BY_ID["tfjs-lstm-recurrent-activation-default"]
    assert gates.subjects >= {"layers.GRU", "layers.GRUCell", "layers.LSTM", "layers.LSTMCell"}


def test_what_only_training_or_nan_meets_is_not_among_the_dozen() -> None:
    for name in ("tfjs-softsign-gradient-composed", "tfjs-wasm-relu6-of-nan", "tfjs-no-causal-padding"):
        assert not BY_ID[name].silent_on


@pytest.mark.parametrize(
    ("name", "shows"),
    [
        ("tfjs-no-causal-padding", "refused when it is called"),
        ("tfjs-cropping2d-has-no-default", "fails when it is made"),
        ("tfjs-prelu-gradient-at-zero", "computes otherwise: gradient"),
        ("tfjs-unknown-arguments-ignored", "accepts what is wrong"),
        ("tfjs-causal-padding-shape", "tells otherwise: inferred shape"),
        ("tfjs-masking-leaks", "tells otherwise: memory left"),
        ("tfjs-wasm-mean-loss-of-nothing", "unpredictable: output"),
    ],
)
def test_how_it_shows(name: str, shows: str) -> None:
    assert BY_ID[name].shows == shows


def test_what_a_witness_shows_counts_and_not_what_the_patch_may_touch() -> None:
    assert RECORDED["tfjs-relu-gradient-of-nan"].effect.observables == ("*",)
    assert BY_ID["tfjs-relu-gradient-of-nan"].shows == "computes otherwise: gradient"


def test_each_says_since_which_release_and_its_year() -> None:
    release = r"(keras|tensorflow|tfjs-(backend-(cpu|wasm)|core|layers)) \d+\.\d+\.\d+ \(20\d\d\)"
    assert not {d.id: d.since for d in RECORDED.values() if not re.fullmatch(release, d.since)}


def test_what_to_do_is_said_in_sentences() -> None:
    assert not {d.id: d.remedy for d in RECORDED.values() if not re.fullmatch(r"([A-Z`].*\.)?", d.remedy)}


def test_what_the_converter_rewrites_says_so() -> None:
    rules = Path(rewriting.__file__).parent.glob("*.py")
    rewritten = {
        name for rule in rules for name in re.findall(r'"((?:tfjs|keras2)-[a-z0-9-]+)"', rule.read_text())
    }
    assert rewritten
    assert not {name for name in rewritten if not RECORDED[name].converted}


@pytest.mark.parametrize(
    ("source", "link"),
    [
        (
            "keras 3.15.1, keras/src/ops/nn.py:3054, _rms_normalization",
            r"[keras ops/nn.py](https://github.com/keras-team/keras/blob/v3.15.1/"
            r"keras/src/ops/nn.py#L3054), \_rms\_normalization",
        ),
        (
            "tensorflow 2.21, tensorflow/core/kernels/mkl/mkl_conv_ops.cc, MklConvOp::Compute",
            r"[tensorflow tensorflow/core/kernels/mkl/mkl\_conv\_ops.cc](https://github.com/tensorflow/"
            r"tensorflow/blob/v2.21.0/tensorflow/core/kernels/mkl/mkl_conv_ops.cc), MklConvOp::Compute",
        ),
        ("tensorflow 2.21, the kernels of AvgPool3D", "tensorflow 2.21, the kernels of AvgPool3D"),
    ],
)
def test_the_source_is_linked_where_a_file_is_named(source: str, link: str) -> None:
    assert linked(source) == link
