"""What is granted, in which grade, what is refused, and what a certificate says of it."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from conformance.certificates.grading import Grade, assess, incomplete
from conformance.certificates.scope import Scope, members
from conformance.certificates.statement import decode, schema
from conformance.certificates.statement import test_result_of as result_of
from conformance.reporting.results import DeviationRecord
from conformance.reporting.store import Report, read
from conformance.selection import UnknownName
from conformance.verdicts import Verdict
from tests.certificates.conftest import Certified, invoke, unwrapped

DIALECT = ("--dialect", "tests.certificates.leaky")


def statement(directory: Path, name: str = "certificate.json") -> Any:
    return json.loads((directory / name).read_text("utf-8"))


def assessment(directory: Path) -> Any:
    return statement(directory)["predicate"]["assessment"]


def test_backend_that_conforms_is_granted_the_better_grade(certified: Certified) -> None:
    result, directory = certified("float32")
    assert result.exit_code == 0, result.output
    assert assessment(directory)["grade"] == Grade.SPECIFICATION
    assert assessment(directory)["independence"]["proven"]
    assert invoke("verify", directory).exit_code == 0


def test_bits_of_the_specification_leave_independence_unproven(certified: Certified) -> None:
    result, directory = certified("rounded")
    assert assessment(directory)["independence"] == {"proven": False, "differing": 0, "of": 15}
    assert "**unproven**" in (directory / "README.md").read_text("utf-8")
    assert "Independence unproven" in result.output
    assert "Independence unproven" in invoke("verify", directory).output


def test_recorded_deviations_grant_the_dialect_and_are_listed(certified: Certified) -> None:
    result, directory = certified("leaky", *DIALECT)
    assert result.exit_code == 0, result.output
    found = assessment(directory)
    assert found["grade"] == Grade.DIALECT
    assert found["dialect"] == "tests.certificates.leaky"
    assert [(d["id"], d["checks"] > 0) for d in found["deviations"]] == [("leaky-relu", True)]
    assert statement(directory, "test-result.json")["predicate"]["result"] == "WARNED"
    readme = (directory / "README.md").read_text("utf-8")
    assert "`tests.certificates.leaky`, which is not the suite's" in readme
    assert r"a quarter \| of what" in readme
    assert invoke("verify", directory).exit_code == 0


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("leaky", "activations.relu, forward: diverges"),
        ("shifted", "activations.softsign, forward: diverges"),
        ("weak", "a unit roundoff of 0.00048828125 (float16)"),
        ("half", "0 of 2 subjects are supported, and 100% are needed"),
    ],
)
def test_what_is_not_as_it_has_to_be_is_refused_with_the_reason(
    certified: Certified, how: str, reason: str
) -> None:
    result, directory = certified(how)
    assert result.exit_code == 1
    assert assessment(directory)["grade"] == Grade.REFUSED
    assert any(reason in text for text in assessment(directory)["reasons"])
    assert statement(directory, "test-result.json")["predicate"]["result"] == "FAILED"
    for said in (result.output, invoke("verify", directory).output):
        assert reason in said
    assert invoke("verify", directory).exit_code == 1


def test_of_a_whole_set_a_tenth_may_lack_support_and_of_chosen_subjects_none(made: Certified) -> None:
    scope, report = report_of(made("float32")[1])
    lacking, *others = report.results.cells
    unasked = msgspec.structs.replace(lacking, verdict=Verdict.UNSUPPORTED, asked=0)
    results = msgspec.structs.replace(report.results, cells=(unasked, *others))
    (reason,) = assess(scope, Report(results, report.checks)).reasons
    assert reason.startswith("1 of 2 subjects are supported, and 100% are needed")
    assert lacking.subject in reason
    whole = Scope(scope.profile, scope.subjects, scope.corpus)
    reasons = assess(whole, Report(results, report.checks)).reasons
    assert not any("needed" in reason for reason in reasons), "all but one of the set, as far as cells tell"


def test_it_is_said_of_how_many_subjects_a_certificate_is_about(certified: Certified) -> None:
    result, directory = certified("float32")
    about = statement(directory)["predicate"]["scope"]
    names = ["activations.relu", "activations.softsign"]
    assert (about["subjects"], about["names"]) == ("core", names)
    said = f"for 2 of the {about['of']} subjects of core"
    assert (
        f"conforms to the specification, in the profile inference, {said}: {', '.join(names)}"
        in result.output
    )
    readme = (directory / "README.md").read_text("utf-8")
    assert readme.startswith(f"# float32: conforms to the specification, {said}\n")


def test_the_tests_of_in_totos_statement_are_those_of_the_certificates_subjects(made: Certified) -> None:
    """Also where witnesses of deviations about others were asked beside them."""
    _, report = report_of(made("leaky", *DIALECT)[1])
    certificate = decode((made("leaky", *DIALECT)[1] / "certificate.json").read_bytes())[1]
    stranger = msgspec.structs.replace(report.results.cells[0], subject="layers.Dense")
    results = msgspec.structs.replace(report.results, cells=(*report.results.cells, stranger))
    told = result_of(certificate, Report(results, report.checks))
    named = {*told.passed_tests, *told.warned_tests, *told.failed_tests}
    assert {name.partition("/")[0] for name in named} == {"activations.relu", "activations.softsign"}
    assert told.warned_tests == ("activations.relu/forward",)


def test_the_committed_schema_is_that_of_the_predicate() -> None:
    committed = files("conformance.certificates").joinpath("certificate.schema.json").read_text("utf-8")
    assert committed == json.dumps(schema(), indent=2) + "\n", "write it anew, so"


def test_another_implementation_of_json_schema_accepts_the_predicate(certified: Certified) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    _, directory = certified("leaky", *DIALECT)
    jsonschema.validate(statement(directory)["predicate"], schema())


def test_in_totos_test_result_has_the_fields_of_its_specification(certified: Certified) -> None:
    """https://github.com/in-toto/attestation, spec/predicates/test-result.md, version 0.1."""
    _, directory = certified("shifted")
    stated = statement(directory, "test-result.json")
    assert stated["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    predicate = stated["predicate"]
    assert predicate.keys() == {"result", "configuration", "passedTests", "warnedTests", "failedTests"}
    assert predicate["result"] in ("PASSED", "WARNED", "FAILED")
    assert "activations.relu/forward" in predicate["failedTests"]
    (corpus,) = predicate["configuration"]
    assert corpus == {"name": "corpus quick", "digest": {"sha256": corpus["digest"]["sha256"]}}


def test_statements_are_about_every_other_file(certified: Certified) -> None:
    _, directory = certified("shifted")
    names = {p.relative_to(directory).as_posix() for p in directory.rglob("*") if p.is_file()}
    for name in ("certificate.json", "test-result.json"):
        stated = statement(directory, name)
        assert stated["_type"] == "https://in-toto.io/Statement/v1"
        digests = {one["name"]: one["digest"]["sha256"] for one in stated["subject"]}
        assert digests.keys() == names - {"certificate.json", "test-result.json"}
        assert all(
            digest == hashlib.sha256((directory / path).read_bytes()).hexdigest()
            for path, digest in digests.items()
        )
    assert any(path.startswith("scripts/") for path in digests), "a finding has its script"


def report_of(directory: Path) -> tuple[Scope, Report]:
    report = read(directory)
    return Scope.of(report.results.suite), Report(report.results, tuple(report.checks))


def test_case_that_was_not_judged_refuses_the_certificate(made: Certified) -> None:
    scope, report = report_of(made("float32")[1])
    checks = list(report.checks)
    left = Report(report.results, [c for c in checks if c.case != checks[0].case])
    assert list(incomplete(scope, left)) == [f"case {checks[0].case} ({checks[0].subject}) was not judged"]
    assert assess(scope, left).grade is Grade.REFUSED


def test_observable_that_was_not_judged_refuses_the_certificate(made: Certified) -> None:
    scope, report = report_of(made("float32")[1])
    one = next(c for c in report.checks if c.property == "determinism")
    left = Report(report.results, [c for c in report.checks if c != one])
    assert list(incomplete(scope, left)) == [
        f"case {one.case} ({one.subject}) has no check of determinism again/output/0"
    ]


def test_unpredictable_deviation_bars_the_certificate_that_asks_for_it(made: Certified) -> None:
    scope, report = report_of(made("float32")[1])
    first, *others = report.checks
    checks = [
        msgspec.structs.replace(first, verdict=Verdict.UNSPECIFIED, deviations=("leak", "noise")),
        *others,
    ]
    recorded = (deviation("leak", "value"), deviation("noise", "unpredictable"))
    results = msgspec.structs.replace(report.results, deviations=recorded)
    assert assess(scope, Report(results, checks)).reasons == (
        "the recorded deviation noise is unpredictable, and 1 checks ask for what it is about",
    ), "another one that is recorded for the same check does not"


def deviation(id_: str, effect: str) -> DeviationRecord:
    return DeviationRecord(id_, "float32", "bug", effect, "", "", "", (), holds=True, matched=1)


def test_core_is_what_both_programs_have() -> None:
    names = ["layers.Dense", "layers.Identity", "layers.ThresholdedReLU", "activations.silu", "losses.Dice"]
    assert members("core", names) == {"layers.Dense", "activations.silu"}
    assert members("keras", names) == {"layers.Dense", "layers.Identity", "activations.silu", "losses.Dice"}


def test_subject_outside_the_set_is_unknown() -> None:
    with pytest.raises(UnknownName, match="subject of core in the profile inference 'Identity'"):
        Scope("inference", "core", "quick", ("Identity",)).check()


def test_directory_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    result = invoke("certify", "--backend", "tfjs-cpu", "--profile", "inference", "--out", tmp_path)
    assert (result.exit_code, "is not empty" in unwrapped(result)) == (2, True)


def test_backend_that_does_not_start_gets_no_certificate(tmp_path: Path) -> None:
    out = tmp_path / "certificate"
    result = invoke(
        "certify", "--backend-command", "gone=no-such-program", "--profile", "inference", "--corpus", "quick",
        "--subject", "relu", "--out", out,
    )  # fmt: skip
    assert result.exit_code == 3
    assert not (out / "certificate.json").exists()


@pytest.mark.node
def test_tensorflow_js_is_certified_and_asked_again(tmp_path: Path) -> None:
    out = tmp_path / "certificate"
    result = invoke(
        "certify", "--backend", "tfjs-cpu", "--profile", "inference", "--corpus", "quick",
        "--subject", "softsign", "--out", out,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    again = invoke("verify", out, "--recheck", "3")
    assert again.exit_code == 0, again.output
    assert "asked again: 3 cases" in again.output


@pytest.mark.keras
def test_keras_is_certified_and_asked_again(tmp_path: Path) -> None:
    out = tmp_path / "certificate"
    result = invoke(
        "certify", "--backend", "keras-tensorflow", "--profile", "inference", "--corpus", "quick",
        "--subject", "softsign", "--subject", "Flatten", "--out", out,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert assessment(out)["grade"] in result.output
    again = invoke("verify", out, "--recheck", "5", "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.output)["rechecked"]["cases"] == 5
