import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import faust
import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from streamproc.config.load import load
from streamproc.config.security import Security
from streamproc.errors import ConfigError
from streamproc.kafka.security import client_options, faust_credentials

PASSWORD = "s3cret"  # noqa: S105  of nobody
SASL = {"mechanism": "SCRAM-SHA-512", "username": "ann", "password_env": "KAFKA_PASSWORD"}


def _security(**fields: Any) -> Security:
    return load({"security": fields}).security


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a certificate and its key, which the password "pass" opens."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    request = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-days", "1", "-subj", "/CN=x"]
    files = ["-keyout", str(key), "-out", str(cert), "-passout", "pass:pass"]
    subprocess.run([*request, *files], check=True, capture_output=True)  # noqa: S603
    return cert, key


def test_plaintext_has_nothing_to_add() -> None:
    """Without security no client gets more than the protocol, and Faust no credentials."""
    assert client_options(Security()) == {"security_protocol": "PLAINTEXT"}
    assert faust_credentials(Security()) is None


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_sasl_is_the_same_for_faust_and_for_our_clients(protocol: str, mechanism: str) -> None:
    """What Faust makes of its credentials is what our own clients are given."""
    security = _security(protocol=protocol, sasl={**SASL, "mechanism": mechanism})
    ours = client_options(security)
    fausts = dict(credentials_to_aiokafka_auth(faust_credentials(security)))
    assert isinstance(
        fausts.pop("ssl_context"), ssl.SSLContext if "SSL" in protocol else type(None)
    )
    ours.pop("ssl_context", None)
    assert ours == fausts
    assert ours["security_protocol"] == protocol
    assert ours["sasl_plain_password"] == PASSWORD


def test_tls_alone_is_the_same_for_faust_and_for_our_clients() -> None:
    """TLS without a login reaches Faust as TLS without a login."""
    credentials = faust_credentials(_security(protocol="SSL"))
    assert isinstance(credentials, faust.SSLCredentials)
    assert credentials_to_aiokafka_auth(credentials)["security_protocol"] == "SSL"


def test_certificates_are_checked_unless_told_otherwise() -> None:
    """A broker must show a certificate for its name; only the name's check can be waived."""
    context = client_options(_security(protocol="SSL"))["ssl_context"]
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    lax = client_options(_security(protocol="SSL", check_hostname=False))["ssl_context"]
    assert not lax.check_hostname
    assert lax.verify_mode is ssl.CERT_REQUIRED


def test_a_missing_authority_is_named(tmp_path: Path) -> None:
    """A ca_file that does not exist is a config error that names field and file."""
    missing = str(tmp_path / "ca.pem")
    with pytest.raises(ConfigError, match=r"security\.ca_file: .*ca\.pem: No such file"):
        client_options(_security(protocol="SSL", ca_file=missing))


def test_a_client_certificate_is_loaded_with_its_password(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key behind a password opens with the configured one."""
    monkeypatch.setenv("KEY_PASSWORD", "pass")
    cert, key = map(str, pair)
    secret = {"key_password_env": "KEY_PASSWORD"}
    security = _security(protocol="SSL", cert_file=cert, key_file=key, **secret)
    assert isinstance(client_options(security)["ssl_context"], ssl.SSLContext)


@pytest.mark.parametrize("password", [None, "wrong"])
def test_a_key_that_does_not_open_is_refused(
    pair: tuple[Path, Path], password: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its password a key is a config error: nobody is asked, and nothing is shown."""
    monkeypatch.setenv("KEY_PASSWORD", password or "")
    cert, key = map(str, pair)
    secret = {} if password is None else {"key_password_env": "KEY_PASSWORD"}
    with pytest.raises(ConfigError, match=r"cert_file and key_file: cannot use") as info:
        client_options(_security(protocol="SSL", cert_file=cert, key_file=key, **secret))
    assert "wrong" not in str(info.value).replace("format is wrong", "")
