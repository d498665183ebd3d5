"""TLS and SASL as a real Apache Kafka speaks them."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alert_factory import alert
from apache.kafka import ApacheKafka
from apache.node import Node
from apache.settings import HOST, NodePlan, free_ports, properties
from broker_topics import own_topics, write

from streamproc.broker.process import Child
from streamproc.client import Alerts, Publisher
from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.kafka.errors import BrokerAuthError, BrokerUnreachableError
from streamproc.kafka.topics import ensure_topics

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

USER, PASSWORD = "ann", "s3cret"  # of this test's own broker
LISTENERS = {"SCRAM": "SASL_SSL", "LOGIN": "SASL_PLAINTEXT", "MUTUAL": "SSL"}
MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-512")


class SecureNode(Node):
    """A node that knows a user for SCRAM."""

    def format(self, cluster_id: str) -> Child:
        """Write the user beside the data directory's identity."""
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self._settings)]
        for mechanism in MECHANISMS:
            tool += ["--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]"]
        return Child([*self._java("64m"), *tool], self.log)


@dataclass(frozen=True)
class Secure:
    """A broker's secure listeners by name, and the files that clients need for them."""

    ports: dict[str, int]
    ca: Path
    cert: Path
    key: Path

    def config(self, listener: str, **security: Any) -> Config:
        """Return a config of topics of a test's own on one listener."""
        topics = own_topics(f"{HOST}:{self.ports[listener]}").topics
        settings = {"prefix": topics.prefix}
        broker = f"kafka://{HOST}:{self.ports[listener]}"
        return load({"broker": broker, "topics": settings, "security": security})


def _openssl(folder: Path, *arguments: str) -> None:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl to make certificates with")
    subprocess.run([program, *arguments], check=True, capture_output=True, cwd=folder)  # noqa: S603


def _certificates(folder: Path) -> None:
    """Make an authority, and a certificate from it for the broker and one for a client."""
    new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    _openssl(folder, *new, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    signed = [*new, "-CA", "ca.pem", "-CAkey", "ca.key", "-addext", f"subjectAltName=IP:{HOST}"]
    for name in ("server", "client"):
        files = ["-keyout", f"{name}.key", "-out", f"{name}.pem"]
        _openssl(folder, *signed, "-subj", f"/CN={name}", *files)
    _openssl(folder, "req", "-new", "-key", "client.key", "-subj", "/CN=late", "-out", "late.csr")
    late = ["x509", "-req", "-in", "late.csr", "-days", "-1", "-out", "late.pem"]
    _openssl(folder, *late, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    pair = [folder / "server.key", folder / "server.pem"]
    (folder / "store.pem").write_text("".join(file.read_text() for file in pair))


def _settings(plan: NodePlan, ports: dict[str, int], folder: Path) -> dict[str, str]:
    extra = ",".join(f"{name}://{HOST}:{port}" for name, port in ports.items())
    plain = f"PLAINTEXT://{plan.address}"
    protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **LISTENERS}
    jaas = "org.apache.kafka.common.security"
    return {
        "listeners": f"{plain},CONTROLLER://{HOST}:{plan.controller_port},{extra}",
        "advertised.listeners": f"{plain},{extra}",
        "listener.security.protocol.map": ",".join(f"{k}:{v}" for k, v in protocols.items()),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "store.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.scram.sasl.enabled.mechanisms": ",".join(MECHANISMS),
        **{
            f"listener.name.scram.{mechanism.lower()}.sasl.jaas.config": (
                f"{jaas}.scram.ScramLoginModule required;"
            )
            for mechanism in MECHANISMS
        },
        "listener.name.login.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.login.plain.sasl.jaas.config": (
            f'{jaas}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
        ),
    }


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    """One node of Apache Kafka with a listener for each way in."""
    folder = tmp_path_factory.mktemp("tls")
    _certificates(folder)
    kafka = ApacheKafka(data_dir=tmp_path_factory.mktemp("secure-kafka"))
    plan = kafka._nodes[1].plan
    ports = dict(zip(LISTENERS, free_ports(len(LISTENERS)), strict=True))
    text = properties(plan, [plan], _settings(plan, ports, folder))
    kafka._nodes[1] = SecureNode(plan, text)
    with kafka:
        yield Secure(ports, folder / "ca.pem", folder / "client.pem", folder / "client.key")


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)
    monkeypatch.setenv("WRONG_PASSWORD", f"not {PASSWORD}")


def _sasl(mechanism: str, password_env: str = "KAFKA_PASSWORD") -> dict[str, str]:  # noqa: S107
    return {"mechanism": mechanism, "username": USER, "password_env": password_env}


async def _there_and_back(config: Config) -> None:
    await ensure_topics(config)
    async with Publisher(config=config) as publisher:
        await publisher.prediction("fraud", {"amount": 1.0}, 0.5)
    await write(config, "alerts", alert("a1").to_json())
    async with Alerts(config=config, follow=False) as alerts:
        assert [found.alert_id async for found in alerts] == ["a1"]


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_scram_over_tls(secure: Secure, mechanism: str) -> None:
    """With SASL_SSL and SCRAM events are published and alerts read."""
    sasl = _sasl(mechanism)
    await _there_and_back(
        secure.config("SCRAM", protocol="SASL_SSL", ca_file=str(secure.ca), sasl=sasl)
    )


async def test_plain_login(secure: Secure) -> None:
    """With SASL_PLAINTEXT and PLAIN events are published and alerts read."""
    await _there_and_back(secure.config("LOGIN", protocol="SASL_PLAINTEXT", sasl=_sasl("PLAIN")))


async def test_client_certificates(secure: Secure) -> None:
    """With SSL and a client's certificate events are published and alerts read."""
    files = {"ca_file": secure.ca, "cert_file": secure.cert, "key_file": secure.key}
    await _there_and_back(
        secure.config("MUTUAL", protocol="SSL", **{name: str(file) for name, file in files.items()})
    )


@pytest.mark.parametrize("mechanism", [*MECHANISMS, "PLAIN"])
async def test_a_wrong_password_is_told_and_not_shown(secure: Secure, mechanism: str) -> None:
    """A refused login is an error that names the address and the config's part, no secret."""
    sasl = _sasl(mechanism, "WRONG_PASSWORD")
    config = (
        secure.config("LOGIN", protocol="SASL_PLAINTEXT", sasl=sasl)
        if mechanism == "PLAIN"
        else secure.config("SCRAM", protocol="SASL_SSL", ca_file=str(secure.ca), sasl=sasl)
    )
    told = (
        r"refused the login: .*security: in the config: sasl.username, and what sasl.password_env"
    )
    with pytest.raises(BrokerAuthError, match=told) as info:
        await ensure_topics(config)
    assert PASSWORD not in str(info.value)


async def test_a_mechanism_that_the_broker_lacks_is_told(secure: Secure) -> None:
    """A login that the listener does not offer is an error of authentication."""
    config = secure.config("LOGIN", protocol="SASL_PLAINTEXT", sasl=_sasl("SCRAM-SHA-512"))
    with pytest.raises(BrokerAuthError, match=r"refused the login: .* config: sasl.mechanism"):
        await ensure_topics(config)


async def test_an_unknown_authority_is_told(secure: Secure) -> None:
    """A broker whose certificate nobody we trust has signed is refused, with the reason."""
    with pytest.raises(BrokerAuthError, match=r"is not trusted: .*; put the certificate"):
        await ensure_topics(secure.config("MUTUAL", protocol="SSL"))


async def test_a_missing_client_certificate_is_told(secure: Secure) -> None:
    """A broker that wants a client's certificate and gets none is an error, with a hint."""
    config = secure.config("MUTUAL", protocol="SSL", ca_file=str(secure.ca))
    with pytest.raises((BrokerAuthError, BrokerUnreachableError), match="security: in the config"):
        await ensure_topics(config)


async def test_an_expired_client_certificate_is_told(secure: Secure) -> None:
    """A broker that refuses our certificate since it is too old is an error that asks about it."""
    files = {"ca_file": secure.ca, "cert_file": secure.cert.with_name("late.pem")}
    named = {name: str(file) for name, file in files.items()} | {"key_file": str(secure.key)}
    config = secure.config("MUTUAL", protocol="SSL", **named)
    with pytest.raises((BrokerAuthError, BrokerUnreachableError), match=r"security\.cert_file"):
        await ensure_topics(config)


@pytest.mark.parametrize("listener", ["MUTUAL", "LOGIN", "SCRAM"])
async def test_plaintext_to_a_secure_port_is_told(secure: Secure, listener: str) -> None:
    """Without security on a port that wants it, the error says where to set it."""
    with pytest.raises(BrokerUnreachableError, match="security: in the config"):
        await ensure_topics(secure.config(listener))


async def test_tls_to_a_port_without_it_is_told(secure: Secure) -> None:
    """TLS on a port that does not speak it is an error that asks about TLS."""
    config = secure.config("LOGIN", protocol="SSL", ca_file=str(secure.ca))
    with pytest.raises((BrokerAuthError, BrokerUnreachableError), match="TLS"):
        await ensure_topics(config)
