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
        "budget: 1 a week\n"
        "inhibit: []\n"
        "escalate: [{match: [severity = warning], after: 30m}]\n"
        "redact: [feature:ssn]\n"
        "models:\n"
        "  - id: fraud\n"
        "    runbook: https://wiki.example.org/fraud\n"
        "    baseline: last\n"
        "    silence: {after: 2h}\n"
        "    volume: false\n"
        "    watch:\n"
        "      - {on: prediction, detectors: [adwin], follow: false, warmup: 400}\n"
        "      - {on: 'feature:*', detectors: [adwin], whiten: true}\n"
        "    rules: [{name: amount, on: 'feature:amount', range: {min: 0}, most: 0.02}]\n"
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
        "budget  1 false alarm a week",
        (
            "budget does not count  findings over the life of a series, silent models and volumes,"
            " rules, tests of online models"
        ),
        "inhibit  no rule",
        "escalate  match=severity = warning, after=30m",
        "redact  feature:ssn",
        "  silent after 2h without an event",
        "  the number of events is not watched",
        "model fraud (severity warning, runbook https://wiki.example.org/fraud, baseline last)",
        "  rule amount: feature:amount at least 0; at most 2% may violate it",
    ):
        assert line in printed.splitlines()
    assert '  online model [{"naive_bayes.GaussianNB": {}}]; on_drift=reset' in printed
    assert " (whitened)\n" in printed
    assert " (not followed) (warm-up 400 values)\n" in printed


def test_check_prints_what_is_read_and_from_where_on(run: Any, tmp_path: Path) -> None:
    """Topics of other systems, events by HTTP, and whether what is there already is skipped."""
    file = tmp_path / "a.yaml"
    file.write_text(
        "topics: {begin: latest}\n"
        "http_intake: {}\n"
        "intake:\n"
        "  - from: {topics: [a.scores, b.scores]}\n"
        "    begin: latest\n"
        "    map: {prediction: score}\n"
        "  - {from: {pattern: '^log'}, preset: kserve}\n"
        "  - {from: {http: true}, preset: kserve}\n"
    )
    printed = run("check", file).stdout.splitlines()

    for line in (
        "topics  a new group begins with the events and labels that come from then on",
        "intake of a.scores, b.scores, from their end (json) to predictions",
        "intake of topics like ^log (kserve) to features, predictions",
        "intake of CloudEvents by HTTP (kserve) to features, predictions",
        "events by HTTP on 127.0.0.1:9465",
    ):
        assert line in printed


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("url: 'ftp://r'", 2, "registry.url: expected http://host:port or https://host:port"),
        (
            "url: 'http://ada:s3cret@r'",  # pragma: allowlist secret
            2,
            "registry.url: holds a user: write it as `username`",
        ),
        ("url: 'http://r:x'", 2, "registry.url: is not a URL"),
        ("url: 'http://r?a=b'", 2, "registry.url: expected no `?` and no `#`"),
        ("url: 'http://r'\n  ca_file: ca.pem", 3, "registry.ca_file: the URL has no TLS"),
        ("url: 'http://r'\n  username: ada", 1, "registry.password_env: expected this or"),
        ("url: 'http://r'\n  password_env: P", 1, "registry.username: is required beside"),
        (
            "url: 'http://r'\n  username: ada\n  password_env: P\n  token_env: T",
            3,
            "registry.username: expected a user or a token, not both",
        ),
        (
            "url: 'http://r'\n  token_env: T\n  token_file: f",
            3,
            "registry.token_env: expected this or `token_file`, just one",
        ),
    ],
)
def test_a_registry_that_cannot_work_is_refused(
    run: Any, tmp_path: Path, text: str, line: int, message: str
) -> None:
    """The line and the key are named, and no secret is repeated."""
    file = tmp_path / "a.yaml"
    file.write_text(f"registry:\n  {text}\n")
    result = run("check", file)

    assert result.exit_code == 2
    found = result.stderr.removeprefix(f"error: {file}:")
    assert message in found
    assert found.startswith(f"{line}: ")
    assert "s3cret" not in result.stderr


POSTED = "  - {from: {http: true}, preset: kserve}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"intake:\n{POSTED}", "2: intake[0].from.http: needs the section `http_intake`"),
        (
            f"intake:\n{POSTED}{POSTED}http_intake: {{}}\n",
            "3: intake[1].from.http: entry 0 has what comes by HTTP already",
        ),
        (
            (
                "intake:\n  - from: {http: true}\n    map: {prediction: y}\n    format: json\n"
                "http_intake: {}\n"
            ),
            "4: intake[0].format: expected cloudevents, which is what",
        ),
        (
            (
                "intake:\n  - {from: {http: true}, format: cloudevents, map: {prediction: y}}\n"
                "http_intake: {}\n"
            ),
            "intake[0].rules[0].map.event_id: is required for events by HTTP",
        ),
        (
            "intake:\n  - {from: {http: true, topics: [t]}, map: {prediction: y}}\n",
            "2: intake[0].from: expected either topics, pattern or http",
        ),
        ("http_intake:\n  host: 0.0.0.0\n", "2: http_intake.host: can be reached by others"),
        ("http_intake:\n  events_per_second: 0\n", "2: http_intake.events_per_second: "),
    ],
)
def test_events_by_http_that_cannot_work_are_refused(
    run: Any, tmp_path: Path, text: str, message: str
) -> None:
    """The line and the key are named."""
    file = tmp_path / "a.yaml"
    error = refusal(run, file, text)
    assert error.startswith(f"error: {file}:")
    assert message in error


def refusal(run: Any, file: Path, text: str) -> str:
    """Check a config that has a mistake; return what is printed about it."""
    file.write_text(text)
    result = run("check", file)
    assert result.exit_code == 2
    return str(result.stderr)


def test_formats_that_need_schemas_need_a_registry(run: Any, tmp_path: Path) -> None:
    """The line of the format is named."""
    file = tmp_path / "a.yaml"
    file.write_text(
        "intake:\n  - from: {topics: [t]}\n    map: {prediction: y}\n    format: avro\n"
    )
    result = run("check", file)

    assert result.exit_code == 2
    assert result.stderr == (
        f"error: {file}:4: intake[0].format: avro needs the section `registry`, which says where"
        " the schemas are\n"
    )


def test_secrets_of_a_registry_are_looked_up(run: Any, tmp_path: Path) -> None:
    """What is not on this machine is listed at its line."""
    file = tmp_path / "a.yaml"
    file.write_text(
        "registry:\n  url: http://r\n  token_env: NOT_SET_HERE\n"
        "http_intake:\n  token_env: NOT_SET_HERE\n"
    )
    result = run("check", file)

    assert result.exit_code == 0
    assert f"not on this machine: {file}:5: http_intake.token_env: the variable" in result.stdout
    assert f"not on this machine: {file}:3: registry.token_env: the variable" in result.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "inhibit: [{source: [kind = silense], target: [kind = data]}]\n",
            "inhibit[0].source[0]: no alert has the kind 'silense'; did you mean `silence`?",
        ),
        (
            "escalate: [{match: ['severity != warn'], after: 30m}]\n",
            "escalate[0].match[0]: no alert has the severity 'warn'; did you mean `warning`?",
        ),
        (
            "maintenance: [{name: n, cron: 0 2 * * *, duration: 2h, match: {kind: dat}}]\n",
            "maintenance[0].match.kind: no alert has the kind 'dat'; did you mean `data`?",
        ),
    ],
)
def test_conditions_on_kinds_and_severities_that_no_alert_has_are_refused(
    run: Any, tmp_path: Path, text: str, message: str
) -> None:
    """A rule with a typing error would do nothing, and nobody would notice."""
    assert message in refusal(run, tmp_path / "a.yaml", text)
