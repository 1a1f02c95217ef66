"""Whatever is changed in a certificate is told, and who has signed it."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.certificates import verification
from conformance.certificates.issuing import issue
from conformance.certificates.verification import NotVerified, verify
from conformance.reporting.store import read
from tests.certificates.conftest import Certified, command, invoke, unwrapped

FEW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


def files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def flip(path: Path, data: st.DataObject) -> None:
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1), "place")
    content[place] ^= 1 << data.draw(st.integers(0, 7), "bit")
    path.write_bytes(content)


def truncate(path: Path, data: st.DataObject) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1), "bytes left")])


def append(path: Path, data: st.DataObject) -> None:
    path.write_bytes(path.read_bytes() + data.draw(st.binary(min_size=1, max_size=4), "appended"))


def remove(path: Path, data: st.DataObject) -> None:
    path.unlink()


def add_beside(path: Path, data: st.DataObject) -> None:
    shutil.copy(path, path.with_name("another-" + path.name))


def tamper_and_verify(original: Path, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(shutil.copytree(original, Path(folder) / "certificate"))
        path = data.draw(st.sampled_from(files(directory)), "file")
        change = data.draw(st.sampled_from([flip, truncate, append, remove, add_beside]), "change")
        change(path, data)
        with pytest.raises(NotVerified) as failed:
            verify(directory)
        assert path.name in str(failed.value)


@FEW
@given(data=st.data())
def test_whatever_is_tampered_with_is_named(made: Certified, data: st.DataObject) -> None:
    tamper_and_verify(made("float32")[1], data)


@FEW
@given(data=st.data())
def test_whatever_is_tampered_with_in_a_refused_one_is_named(made: Certified, data: st.DataObject) -> None:
    tamper_and_verify(made("shifted")[1], data)


def forge(directory: Path, name: str, change: Any) -> None:
    content = json.loads((directory / name).read_text("utf-8"))
    change(content)
    (directory / name).write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def test_better_grade_than_the_results_amount_to_is_told(certified: Certified) -> None:
    _, directory = certified("shifted")

    def grant(stated: Any) -> None:
        stated["predicate"]["assessment"] |= {"grade": "conforms to the specification", "reasons": []}

    forge(directory, "certificate.json", grant)
    with pytest.raises(NotVerified, match=r"certificate\.json: says something else than the results"):
        verify(directory)


def test_what_the_schema_does_not_allow_is_told_with_its_place(certified: Certified) -> None:
    _, directory = certified("float32")

    def misspell(stated: Any) -> None:
        stated["predicate"]["assessment"]["grade"] = "excellent"

    forge(directory, "certificate.json", misspell)
    with pytest.raises(
        NotVerified, match=r"certificate\.json: .*\(at predicate/assessment/grade: \"excellent\""
    ):
        verify(directory)


FORBIDDEN = """
import sys
from pathlib import Path

def refuse(event, arguments):
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty") or (
        event.startswith("socket.") and event != "socket.__new__"
    ):
        raise RuntimeError(f"{event}: {arguments}")

sys.addaudithook(refuse)
sys.path.insert(0, sys.argv[1])
from conformance.certificates.verification import verify

verified = verify(Path(sys.argv[1]))
loaded = [m.__name__ for m in sys.modules.values() if sys.argv[1] in (getattr(m, "__file__", None) or "")]
print(verified.certificate.assessment.grade, verified.certificate.assessment.dialect, loaded)
assert verified.certificate.assessment.dialect not in sys.modules
"""


@pytest.mark.parametrize(
    ("how", "options"), [("shifted", ()), ("leaky", ("--dialect", "tests.certificates.leaky"))]
)
def test_nothing_is_run_nor_looked_up_elsewhere(
    how: str, options: tuple[str, ...], certified: Certified
) -> None:
    """A refused one has scripts, and one of a dialect names a module."""
    _, directory = certified(how, *options)
    done = subprocess.run(
        [sys.executable, "-c", FORBIDDEN, str(directory)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("[]")


def test_results_of_another_corpus_are_told(certified: Certified) -> None:
    _, directory = certified("float32")
    forge(directory, "results.json", lambda results: results["suite"].update(corpus_digest="0" * 64))
    (directory / "certificate.json").unlink()
    (directory / "test-result.json").unlink()
    issue(directory, read(directory))
    with pytest.raises(NotVerified, match=r"results\.json: is of a corpus quick with the digest 0000"):
        verify(directory)


def test_link_in_the_directory_is_told(certified: Certified) -> None:
    _, directory = certified("float32")
    (directory / "junit.xml").rename(directory.parent / "elsewhere")
    (directory / "junit.xml").symlink_to(directory.parent / "elsewhere")
    with pytest.raises(NotVerified, match=r"junit\.xml: is a link"):
        verify(directory)


def test_empty_folder_is_told(certified: Certified) -> None:
    _, directory = certified("float32")
    (directory / "more").mkdir()
    with pytest.raises(NotVerified, match="more: is an empty folder"):
        verify(directory)


def test_more_checks_than_can_be_read_are_told(certified: Certified, monkeypatch: pytest.MonkeyPatch) -> None:
    _, directory = certified("float32")
    (directory / "checks.jsonl.gz").write_bytes(gzip.compress(bytes(100_000)))
    for name in ("certificate.json", "test-result.json"):
        (directory / name).unlink()
    monkeypatch.setattr(verification, "LARGEST_CHECKS", 10_000)
    assert list(verification._too_much(directory / "checks.jsonl.gz"))


def test_backend_that_answers_otherwise_today_is_told(certified: Certified) -> None:
    _, directory = certified("float32")
    result = invoke(
        "verify", directory, "--recheck", "1000", "--backend-command", command("shifted", "float32")
    )
    assert result.exit_code == 1
    assert "conforms in the certificate, diverges now" in result.output
    same = invoke("verify", directory, "--recheck", "5", "--backend-command", command("float32"), "--json")
    assert same.exit_code == 0, same.output
    assert json.loads(same.output)["rechecked"]["cases"] == 5


def test_backend_to_ask_again_needs_a_number_of_cases(certified: Certified) -> None:
    result = invoke("verify", certified("float32")[1], "--backend-command", command("float32"))
    assert (result.exit_code, "--recheck" in result.output) == (2, True)


def test_directory_without_a_certificate_is_told(tmp_path: Path) -> None:
    result = invoke("verify", tmp_path)
    assert result.exit_code == 1
    assert "certificate.json: is not in" in result.output


def test_unsigned_certificate_is_told_where_a_signature_is_asked_for(
    certified: Certified, keys: tuple[Path, Path]
) -> None:
    _, directory = certified("float32")
    assert "\nunsigned\n" in invoke("verify", directory).output
    result = invoke("verify", directory, "--key", keys[1])
    assert (result.exit_code, "it is unsigned" in result.output) == (1, True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The files of a private key and of its public one."""
    return write_keys(tmp_path_factory.mktemp("keys"))


def write_keys(folder: Path) -> tuple[Path, Path]:
    pytest.importorskip("securesystemslib", reason="signatures need the extra `signature`")
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    key = ed25519.Ed25519PrivateKey.generate()
    private, public = folder / "key.pem", folder / "trusted.pub"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return private, public


def test_valid_signature_and_unknown_key_are_told_apart(
    made: Certified, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    private, public = keys
    _, directory = made("float32", "--key", str(private))
    _, another = write_keys(tmp_path)
    valid = invoke("verify", directory, "--key", another, "--key", public)
    assert (valid.exit_code, "validly signed" in valid.output) == (0, True), valid.output
    unknown = invoke("verify", directory, "--key", another)
    assert (unknown.exit_code, "it is signed by an unknown key" in unknown.output) == (1, True)
    unnamed = invoke("verify", directory)
    assert (unnamed.exit_code, "signed by an unknown key" in unnamed.output) == (0, True)


@FEW
@given(data=st.data())
def test_whatever_is_tampered_with_in_a_signed_one_is_named(
    made: Certified, keys: tuple[Path, Path], data: st.DataObject
) -> None:
    """Also where nobody knows whose key it is."""
    tamper_and_verify(made("float32", "--key", str(keys[0]))[1], data)


def test_signature_of_another_certificate_is_told(
    made: Certified, certified: Certified, keys: tuple[Path, Path]
) -> None:
    _, signed = made("float32", "--key", str(keys[0]))
    _, directory = certified("shifted")
    for name in ("certificate.intoto.jsonl", "key.pub"):
        shutil.copy(signed / name, directory)
    with pytest.raises(NotVerified, match=r"an envelope holds another statement than certificate\.json"):
        verify(directory)


def test_file_that_holds_no_key_is_told_with_the_remedy(keys: tuple[Path, Path], tmp_path: Path) -> None:
    asked = ("certify", "--backend", "tfjs-cpu", "--profile", "inference", "--out", tmp_path / "out")
    result = invoke(*asked, "--key", keys[1])
    assert (result.exit_code, "openssl genpkey" in unwrapped(result)) == (2, True)
