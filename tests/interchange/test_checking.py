"""A model that a user has saved is checked before the real runtimes, and what departs is named."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest
from click.testing import CliRunner
from rich.console import Console

from conformance.cli import main
from conformance.interchange.checking import KERAS, Asked, check, outcome
from conformance.interchange.conversion import convert
from conformance.interchange.structure import Structure
from conformance.interchange.verdict import (
    Checked,
    Departure,
    End,
    Input,
    OnBackend,
    Outcome,
    encode,
)
from conformance.reporting.model_check import show
from conformance.runners import registry
from conformance.runners.provision import Progress
from conformance.runners.registry import KERAS_TENSORFLOW, BackendSpec
from conformance.runners.unavailable import BackendUnavailable

MAKER = Path(__file__).parent / "adapters" / "checked_models.py"
MASKED = "tfjs-global-average-pooling-ignores-mask"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checked-models")
    environment = os.environ | KERAS_TENSORFLOW
    subprocess.run([sys.executable, MAKER, folder], env=environment, check=True)
    return folder


def missing(progress: Progress) -> list[str]:
    raise BackendUnavailable("it is not installed", "install it")


NO_KERAS = BackendSpec(KERAS, "", missing)


def silent(line: str) -> None:
    pass


def checked(model: Path, *names: str, keras: BackendSpec = NO_KERAS, **how: Any) -> Checked:
    table = registry.backends()
    return check(Asked(model, tuple(table[n] for n in names or ("tfjs-wasm",)), keras, **how), silent)


def on_screen(answer: Checked, width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), record=True)
    show(console, answer)
    return console.export_text()


@pytest.mark.keras
@pytest.mark.node
@pytest.mark.parametrize("file", ["image.keras", "image.h5"])
def test_a_model_that_computes_the_same(models: Path, file: str) -> None:
    answer = checked(models / file, "tfjs-cpu", "tfjs-wasm", keras=registry.backends()[KERAS])
    assert answer.exit_code == 0
    for backend in answer.backends:
        assert backend.outcome is Outcome.SAME
        assert (backend.layers, backend.conforming, backend.departures) == (4, 4, ())
        assert {check.layer for check in backend.checks} == {"conv", "norm", "flat", "top"}
        assert backend.worst_margin == max(c.margin for c in backend.checks if isinstance(c.margin, float))
        (end,) = backend.ends
        assert end.from_keras is not None
        assert end.limit is not None
        assert end.from_keras <= end.limit < 1e-3
        assert len(backend.seconds) == 3
    assert answer.keras is not None
    assert len(answer.keras.seconds) == 3
    assert answer.parameters == 373
    assert [member.name for member in answer.structure.members] == ["image", "conv", "norm", "flat", "top"]


@pytest.mark.keras
@pytest.mark.node
def test_a_recorded_deviation_that_changes_the_outputs_is_named_with_its_remedy(models: Path) -> None:
    answer = checked(models / "masked.keras", keras=registry.backends()[KERAS])
    (backend,) = answer.backends
    assert (answer.exit_code, backend.outcome) == (1, Outcome.DEVIATES)
    assert [expected.deviation for expected in backend.expected] == [MASKED]
    first = backend.first
    assert first is not None
    assert (first.layer, first.class_name, first.deviations) == (
        "average",
        "GlobalAveragePooling1D",
        (MASKED,),
    )
    assert first.error is not None
    assert first.limit is not None
    assert isinstance(first.margin, float)
    assert first.error / first.limit == first.margin > 1000
    judged = [
        check for check in backend.checks if check.layer == "average" and check.observable == "output/0"
    ]
    assert [(check.margin, check.error, check.deviations) for check in judged] == [
        (first.margin, first.error, (MASKED,))
    ]
    assert judged[0].ulps is not None
    assert judged[0].ulps > 1000
    (recorded,) = (deviation for deviation in answer.deviations if deviation.id == MASKED)
    assert (recorded.kind, recorded.summary) == ("bug", first.remedy)
    assert "pooling.js" in recorded.source
    assert "masked mean" in first.remedy
    (end,) = backend.ends
    assert end.agrees is False
    shown = on_screen(answer)
    for words in ("first to depart: average", "what to change: Masked steps count", MASKED, "from Keras"):
        assert words in shown


@pytest.mark.keras
@pytest.mark.node
def test_a_deviation_that_conversion_sees_to_does_not_show(models: Path) -> None:
    (backend,) = checked(models / "leaky.keras").backends
    assert backend.outcome is Outcome.SAME
    assert not backend.departures


@pytest.mark.keras
@pytest.mark.node
def test_what_counts_on_a_deviation_computes_what_it_did(models: Path) -> None:
    """hard_sigmoid is another function in TensorFlow.js, and the weights that it is applied to are others."""
    answer = checked(models / "hard.keras", "tfjs-cpu", "tfjs-wasm", keras=registry.backends()[KERAS])
    assert {(r.layer, r.why) for r in answer.rewrites} == {
        (name, "tfjs-hard-sigmoid-of-keras-2") for name in ("low", "both", "gru")
    }
    for backend in answer.backends:
        assert backend.outcome is Outcome.SAME
        assert "tfjs-hard-sigmoid-of-keras-2" not in {e.deviation for e in backend.expected}
        assert {d.layer for d in backend.departures} == {"both"}  # of steps that are left out behind it


@pytest.mark.keras
@pytest.mark.node
def test_layers_of_one_name_in_several_models_are_told_apart(models: Path) -> None:
    (answer,) = checked(models / "towers.keras", keras=registry.backends()[KERAS]).backends
    assert (answer.outcome, answer.layers) == (Outcome.SAME, 2)


@pytest.mark.keras
@pytest.mark.node
def test_calls_of_shared_layers_are_connected_as_they_were(models: Path) -> None:
    """TensorFlow.js would take one for another, and say nothing."""
    answer = checked(models / "late.keras", keras=registry.backends()[KERAS])
    why = "tfjs-reorders-calls-of-shared-layer"
    assert {(r.layer, r.what, r.why) for r in answer.rewrites} == {
        ("shared", "layers.Dense", why),
        ("inside", "models.Functional", why),
    }
    assert answer.backends[0].outcome is Outcome.SAME


@pytest.mark.keras
@pytest.mark.node
def test_a_model_in_time_distributed_is_judged_as_a_layer(models: Path) -> None:
    (answer,) = checked(models / "times.keras", keras=registry.backends()[KERAS]).backends
    assert (answer.outcome, answer.layers, answer.conforming) == (Outcome.SAME, 1, 1)


@pytest.mark.keras
@pytest.mark.node
def test_a_layer_that_is_refused_is_named_with_the_reason(models: Path) -> None:
    answer = checked(models / "gru.keras")
    (backend,) = answer.backends
    assert backend.outcome is Outcome.NOT_LOADED
    assert backend.failure is not None
    assert (backend.failure.at, backend.failure.layers) == ("load", ("gru",))
    assert "reset_after=False" in backend.failure.remedy


@pytest.mark.keras
def test_what_the_format_has_no_words_for_is_told_before_anything_is_started(models: Path) -> None:
    started: list[str] = []

    def command(progress: Progress) -> list[str]:
        started.append("started")
        raise BackendUnavailable("it was not to be started")

    specs = BackendSpec("tfjs-wasm", "", command), BackendSpec(KERAS, "", command)
    answer = check(Asked(models / "groups.keras", specs[:1], specs[1]), silent)
    assert answer.exit_code == 1
    assert answer.backends[0].outcome is Outcome.NOT_CONVERTED
    assert [(o.layer, o.argument) for o in answer.objections] == [("norm", "class_name")]
    assert not started
    assert "norm: class_name = 'GroupNormalization'" in on_screen(answer)


@pytest.mark.keras
@pytest.mark.node
def test_a_directory_of_tensorflow_js_is_served_as_it_is(models: Path, tmp_path: Path) -> None:
    convert(models / "image.keras", tmp_path / "web")
    np.savez(tmp_path / "x.npz", image=np.ones((3, 6, 5, 3)))
    answer = checked(tmp_path / "web", inputs=tmp_path / "x.npz")
    assert answer.backends[0].outcome is Outcome.SAME
    assert answer.inputs == (Input("image", (3, 6, 5, 3), "float32"),)
    # Keras was asked for too.
    assert answer.exit_code == 3


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


@pytest.mark.keras
def test_a_layer_with_code_is_refused_in_a_line(models: Path) -> None:
    result = run(models / "lambda.keras")
    assert result.exit_code == 2
    assert "layer double: a Lambda layer holds code" in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.json", "model.bin"])
def test_a_broken_file_ends_with_2(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"broken")
    result = run(file)
    assert result.exit_code == 2
    assert name in "".join(result.stderr.replace("│", "").split())  # a long path is folded in its box
    assert "Traceback" not in result.stderr


def test_usage_ends_with_2(tmp_path: Path) -> None:
    file = tmp_path / "model.keras"
    file.touch()
    assert run(tmp_path / "nowhere.keras").exit_code == 2
    unknown = run(file, "--backend", "tfjs-wsam")
    assert unknown.exit_code == 2
    assert "did you mean tfjs-wasm?" in " ".join(unknown.stderr.split())
    assert run(file, "--backend", KERAS).exit_code == 2
    assert run(file, "--inputs", file, "--samples", "3").exit_code == 2


@pytest.mark.keras
def test_a_backend_that_does_not_start_ends_with_3(models: Path, tmp_path: Path) -> None:
    result = run(models / "image.keras", "--node", tmp_path / "no-node", "--json")
    assert result.exit_code == 3
    told = json.loads(result.stdout)
    assert (told["schema"], told["exit_code"], told["backends"][0]["outcome"]) == (1, 3, "unavailable")


@pytest.mark.keras
def test_a_page_is_written_beside_json_whatever_the_outcome(models: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("an earlier one")
    result = run(models / "groups.keras", "--samples", "3", "--html", page, "--json")
    assert (result.exit_code, json.loads(result.stdout)["backends"][0]["outcome"]) == (1, "not-converted")
    written = page.read_text("utf-8")
    assert written.startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    packed = re.search('id="check">([^<]+)<', written)
    assert packed is not None
    told = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    assert told["headline"]["claim"] == "groups.keras cannot be converted."
    assert told["command"] == f"conformance check {models / 'groups.keras'} --samples 3"


def test_a_page_never_takes_the_place_of_the_model_or_is_missed_after_the_work(tmp_path: Path) -> None:
    file = tmp_path / "model.keras"
    file.write_bytes(b"broken")
    assert "would overwrite" in run(file, "--html", file).stderr
    assert "there is no directory" in " ".join(
        run(file, "--html", tmp_path / "no" / "page.html").stderr.split()
    )
    assert run(file, "--html", tmp_path).exit_code == 2
    assert file.read_bytes() == b"broken"


@pytest.mark.keras
@pytest.mark.node
@pytest.mark.usefixtures("interruptible")
def test_control_c_ends_with_130_and_leaves_nothing(models: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "conformance", "check", str(models / "image.keras")]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "runs the model" in line:
                break
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        assert list(tmp_path.glob("conformance-check-*"))
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    assert not list(tmp_path.glob("conformance-check-*"))


def departure(verdict: str) -> Departure:
    return Departure(
        "block/conv", "Conv2D", 0, "output/0", verdict, 0.5, (0, 1), 0.25, "infinite", (), "why", "do"
    )


def answer_of(*backends: OnBackend) -> Checked:
    return Checked(
        model="m.keras", format="Keras 3", made_by="", name="m", layers=1, parameters=2, inputs=(),
        keras=None, backends=backends, preflight_s=0.5, structure=Structure((), (), ()),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([Outcome.SAME], 0),
        ([Outcome.SAME, Outcome.DEVIATES], 1),
        ([Outcome.UNSPECIFIED], 1),
        ([Outcome.NOT_LOADED], 1),
        ([Outcome.DEPARTS, Outcome.UNAVAILABLE], 3),
    ],
)
def test_exit_codes(outcomes: list[Outcome], code: int) -> None:
    assert answer_of(*(OnBackend("b", outcome) for outcome in outcomes)).exit_code == code


def test_numbers_that_json_lacks_are_words() -> None:
    end = End("y", float("inf"), float("nan"), None, None, None)
    told = json.loads(encode(answer_of(OnBackend("b", Outcome.SAME, ends=(end,)))))
    assert told["backends"][0]["ends"][0]["largest"] == "infinite"
    assert told["backends"][0]["ends"][0]["from_keras"] == "nan"


def test_a_departure_that_nothing_explains_is_on_the_screen() -> None:
    first = departure("diverges")
    end = End("y", 2.0, 0.25, 0.125, 0.25, False)
    backend = OnBackend(
        "tfjs-wasm",
        Outcome.DEPARTS,
        layers=3,
        conforming=1,
        first=first,
        departures=(first, first),
        ends=(end,),
    )
    shown = on_screen(answer_of(backend), 120)
    assert "computes something else; 1 of 3 layers conform" in shown
    assert "first to depart: block/conv (Conv2D), output/0: error 0.5 at [0, 1], limit 0.25" in shown
    assert "and 1 more, with --json" in shown
    assert "≠ output y, up to 2, 0.25 from Keras, limit 0.12" in shown


def test_a_recorded_departure_that_no_output_shows_needs_no_change() -> None:
    first = msgspec.structs.replace(departure("deviates"), deviations=("known-one",))
    backend = OnBackend("tfjs-wasm", Outcome.SAME, layers=2, conforming=1, first=first, departures=(first,))
    shown = on_screen(answer_of(backend), 120)
    assert "computes the same; 1 of 2 layers conform" in shown
    assert "otherwise inside, which no output shows: block/conv, recorded as known-one" in shown
    assert "what to change" not in shown


@pytest.mark.parametrize(
    ("verdicts", "agrees", "unjudged", "expected"),
    [
        ([], [True], (), Outcome.SAME),
        (["deviates"], [True, True], (), Outcome.SAME),
        (["deviates"], [True, False], (), Outcome.DEVIATES),
        (["deviates"], [None], (), Outcome.DEVIATES),
        (["deviates", "diverges"], [True], (), Outcome.DEPARTS),
        ([], [False], (), Outcome.DEPARTS),
        ([], [True], ("custom",), Outcome.UNSPECIFIED),
        ([], [None], (), Outcome.UNSPECIFIED),
    ],
)
def test_what_is_made_of_layers_and_outputs(
    verdicts: list[str], agrees: list[bool | None], unjudged: tuple[str, ...], expected: Outcome
) -> None:
    ends = [End("y", 1.0, 0.0, 0.0, 0.0, agree) for agree in agrees]
    assert outcome([departure(verdict) for verdict in verdicts], unjudged, ends) is expected


def test_outputs_that_differ_though_every_layer_is_right_are_said_to() -> None:
    end = End("y", 2.0, 0.25, 0.125, 0.25, False)
    backend = OnBackend("tfjs-wasm", Outcome.DEPARTS, layers=3, conforming=3, ends=(end,))
    assert "connects the layers" in on_screen(answer_of(backend), 120)


def test_nothing_is_left_in_the_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "m.keras").write_bytes(b"broken")
    assert run(tmp_path / "m.keras").exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]
