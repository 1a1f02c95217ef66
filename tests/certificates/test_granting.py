

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
