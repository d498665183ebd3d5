from pathlib import Path
from typing import Any

import pytest


def test_a_webhook_that_is_refused_is_shown_at_its_line(run: Any, tmp_path: Path) -> None:
    """The error of a webhook's target names the file, the line and the field."""
    file = tmp_path / "a.yaml"
    file.write_text(
        "webhooks:\n"
        "  - name: chat\n"
        "    url: https://chat.example.org/x\n"
        "    allow: [a.example.org]\n"
    )
    result = run("check", file)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {file}:3: webhooks[0].url: webhook target refused: ")


def test_a_reference_that_cannot_be_read_is_shown_at_its_line(run: Any, tmp_path: Path) -> None:
    """The error of a reference file names the line of the config that names it."""
    file = tmp_path / "a.yaml"
    file.write_text("models:\n  - id: fraud\n    reference: none.csv\n")
    result = run("check", file)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {file}:3: models[0].reference: none.csv")


def test_secrets_that_are_absent_are_shown_at_their_lines(run: Any, tmp_path: Path) -> None:
    """Every secret that this machine lacks is listed with its line; the config is valid still."""
    file = tmp_path / "a.yaml"
    file.write_text(
        "security:\n"
        "  protocol: SASL_PLAINTEXT\n"
        "  sasl: {mechanism: PLAIN, username: me, password_env: NOT_SET_HERE}\n"
        "http:\n"
        "  token_env: NOT_SET_HERE\n"
        "control:\n"
        "  secret_env: NOT_SET_HERE\n"
    )
    result = run("check", file)

    assert result.exit_code == 0
    absent = [line for line in result.stdout.splitlines() if line.startswith("not on this machine")]
    fields = ["3: security.sasl.password_env", "5: http.token_env", "7: control.secret_env"]
    assert len(absent) == len(fields)
    for line, field in zip(absent, fields, strict=True):
        assert line.startswith(f"not on this machine: {file}:{field}: ")


def test_check_obeys_the_broker_of_the_environment(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STREAMPROC_BROKER replaces the broker of the config, as for a worker."""
    file = tmp_path / "a.yaml"
    file.write_text("group: payments\n")
    monkeypatch.setenv("STREAMPROC_BROKER", "kafka://kafka-7:9092")

    assert run("check", file).stdout.startswith("broker  kafka://kafka-7:9092 (PLAINTEXT), group")


def test_check_prints_everything_that_is_configured(run: Any, tmp_path: Path) -> None:
    """Settings that differ from their defaults are printed, online models among them."""
    file = tmp_path / "a.yaml"
    file.write_text(
        "topics: {partitions: 12}\n"
        "policy: {resolve_after: 500}\n"
        "limits: {max_series: 1000}\n"
        "labels: {horizon: 3d, segments: [region]}\n"
        "snapshots: {interval: 10s}\n"
        "http: null\n"
        "models:\n"
        "  - id: fraud\n"
        "    runbook: https://wiki.example.org/fraud\n"
        "    floor: last\n"
        "    watch: [{on: 'feature:*', detectors: [adwin], whiten: true}]\n"
        "    online: {model: [naive_bayes.GaussianNB], on_drift: reset}\n"
    )
    printed = run("check", file).stdout

    for line in (
        "topics are created with partitions=12",
        "policy  resolve_after=500",
        "limits  max_series=1000",
        "labels  horizon=3d, segments=['region']",
        "snapshots  interval=10s",
        "http  metrics and health are not served",
        "control  off",
        "model fraud (severity warning, runbook https://wiki.example.org/fraud, floor last)",
    ):
        assert line in printed.splitlines()
    assert '  online model [{"naive_bayes.GaussianNB": {}}]; on_drift=reset' in printed
    assert " (whitened)\n" in printed
