from pathlib import Path
from typing import Any

import pytest

from streamproc.config.load import load
from streamproc.config.security import Security
from streamproc.errors import ConfigError

SASL = {"mechanism": "PLAIN", "username": "me", "password_env": "KAFKA_PASSWORD"}
PASSWORD = "hunter2-correct-horse"  # noqa: S105 - it opens nothing


def security(**fields: Any) -> Security:
    """Load a configuration with this section."""
    return load({"security": fields}).security


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"protocol": "SSL"},
        {"protocol": "SSL", "ca_file": "ca.pem", "cert_file": "c.pem"},
        {"protocol": "SSL", "cert_file": "c", "key_file": "k", "key_password_file": "p"},
        {"protocol": "SASL_PLAINTEXT", "sasl": SASL},
        {"protocol": "SASL_SSL", "sasl": SASL, "check_hostname": False},
    ],
)
def test_settings_that_fit_together_are_taken(fields: dict[str, Any]) -> None:
    """TLS with and without client certificate, SASL with and without TLS."""
    loaded = security(**fields)
    assert loaded.uses_sasl == (loaded.sasl is not None)
    assert loaded.uses_tls == loaded.protocol.endswith("SSL")


@pytest.mark.parametrize(
    ("fields", "messages"),
    [
        ({"protocol": "SASL_SSL"}, ["sasl: required by protocol SASL_SSL"]),
        ({"sasl": SASL}, ["sasl: protocol PLAINTEXT does not log in: set it to SASL_PLAINTEXT or"]),
        ({"protocol": "SSL", "sasl": SASL}, ["sasl: protocol SSL does not log in: set it to SASL"]),
        (
            {"ca_file": "x", "check_hostname": False},
            ["ca_file: protocol PLAINTEXT has no TLS", "check_hostname: protocol PLAINTEXT has"],
        ),
        ({"protocol": "SSL", "key_file": "k"}, ["key_file: needs `cert_file`"]),
        (
            {
                "protocol": "SSL",
                "cert_file": "c",
                "key_password_env": "A",
                "key_password_file": "b",
            },
            ["key_password_env: expected this or `key_password_file`"],
        ),
        ({"protocol": "ssl"}, ["protocol: expected 'PLAINTEXT'", "did you mean `SSL`?"]),
        ({"protocol": "SSL", "ca_file": ""}, ["ca_file: expected to have at least 1 character"]),
        (
            {"protocol": "SASL_SSL", "sasl": {"mechanism": "PLAIN", "username": "me"}},
            ["sasl.password_env: expected this or `password_file`, just one"],
        ),
        (
            {"protocol": "SASL_SSL", "sasl": {**SASL, "password_file": "f"}},
            ["sasl.password_env: expected this or `password_file`, just one"],
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    fields: dict[str, Any], messages: list[str]
) -> None:
    """Every contradiction is named at its field, with the way out."""
    with pytest.raises(ConfigError) as caught:
        security(**fields)
    for message in messages:
        assert message in str(caught.value)


def test_a_password_is_looked_up_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading needs no secret; using it does."""
    monkeypatch.delenv("KAFKA_PASSWORD", raising=False)
    sasl = security(protocol="SASL_SSL", sasl=SASL).sasl
    assert sasl is not None
    with pytest.raises(ConfigError, match=r"security\.sasl\.password_env: the variable"):
        sasl.password()
    monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)
    assert sasl.password().get_secret_value() == PASSWORD


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_password_file_may_end_with_a_newline(tmp_path: Path, ending: str) -> None:
    """Editors add one; spaces belong to the password."""
    file = tmp_path / "password"
    file.write_bytes(f" {PASSWORD} {ending}".encode())
    loaded = security(protocol="SSL", cert_file="c", key_password_file=str(file))
    secret = loaded.key_password()
    assert secret is not None
    assert secret.get_secret_value() == f" {PASSWORD} "


def test_a_key_without_a_password_has_none() -> None:
    """Nothing is looked up when nothing is configured."""
    assert security(protocol="SSL", cert_file="c").key_password() is None


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff", b"x" * 65_537])
def test_a_password_file_that_cannot_be_used_is_an_error(
    tmp_path: Path, content: bytes | None
) -> None:
    """Missing, empty, binary and huge files name the field, and not the path."""
    file = tmp_path / PASSWORD
    if content is not None:
        file.write_bytes(content)
    loaded = security(protocol="SSL", cert_file="c", key_password_file=str(file))
    with pytest.raises(ConfigError, match=r"^security\.key_password_file: ") as caught:
        loaded.key_password()
    assert PASSWORD not in str(caught.value)


def test_a_secret_shows_stars(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the configuration nor the secret shows its value when printed."""
    monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)
    loaded = load({"security": {"protocol": "SASL_SSL", "sasl": SASL}})
    sasl = loaded.security.sasl
    assert sasl is not None
    shown = f"{loaded!r} {loaded} {sasl.password()!r} {sasl.password()} {loaded.model_dump_json()}"
    assert PASSWORD not in shown


@pytest.mark.parametrize(
    "text",
    [
        f"security: {{sasl: {{mechanism: PLAIN, username: me, password: {PASSWORD}}}}}",
        f"security: {{sasl: {{password_env: {PASSWORD}}}}}",
        f"security: {{sasl: {{password_env: [{PASSWORD}]}}}}",
        f"security: {{sasl: {{password_env: *{PASSWORD}}}}}",
        f"security: {{sasl: {{password_env: !{PASSWORD} x}}}}",
        f"security: {{sasl: {{password_env: !{PASSWORD}!x y}}}}",
        f'security: {{sasl: {{password_env: "{PASSWORD}',
        f"security: {{sasl: {PASSWORD}}}",
        f"security: {PASSWORD}",
        f"security: {{key_password_env: {PASSWORD}, key_password_file: {PASSWORD}}}",
        f"broker: kafka://me:{PASSWORD}@host:9092",
    ],
)
def test_no_message_repeats_a_secret(tmp_path: Path, text: str) -> None:
    """A password in the wrong place is refused without being shown."""
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in repr(caught.value)
    chain = caught.value.__cause__
    assert chain is None or PASSWORD not in str(chain)
