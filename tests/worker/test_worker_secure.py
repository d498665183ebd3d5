"""TLS and SCRAM, as a careful cluster wants them."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from apache.kafka import ApacheKafka
from apache.node import Node
from apache.settings import HOST, NodePlan, free_ports, properties
from broker_topics import records
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from worker.online.online_workers import MODEL, offline, published
from worker.running import MAIN, WorkerProcess, publish, read_alerts, settings
from worker.scenarios import expected, payloads, story
from worker.test_worker_choices import flipping

from streamproc.config.load import load
from streamproc.kafka.errors import BrokerAuthError
from streamproc.worker.snapshots.records import key_of

USER, PASSWORD, VARIABLE = "watcher", "correct-horse-battery", "TEST_KAFKA_PASSWORD"

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate"),
]


def _client(folder: Path) -> dict[str, str]:
    """Make a certificate for clients, which the broker's signs; return what a config says."""
    new = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=watcher -CA ca.pem"
    files = "-CAkey key.pem -keyout client.key -out client.pem"
    command = [*new.split(), *files.split()]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)  # noqa: S603
    return {"cert_file": str(folder / "client.pem"), "key_file": str(folder / "client.key")}


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate for loopback; return it, and it with its key."""
    certificate, key, both = (folder / name for name in ("ca.pem", "key.pem", "broker.pem"))
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={HOST}"
    names = ["-addext", f"subjectAltName=IP:{HOST}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)  # noqa: S603
    both.write_text(key.read_text() + certificate.read_text())
    return certificate, both


def _secured(plan: NodePlan, port: int, mutual: int, keys: Path) -> str:
    """Return a node's settings with two more listeners.

    SECURE speaks SASL_SSL; MUTUAL speaks SSL with those who show a certificate.
    """
    listener, other = "listener.name.secure", "listener.name.mutual"
    module = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    extra = {
        "listeners": f"PLAINTEXT://{plan.address},CONTROLLER://{HOST}:{plan.controller_port},"
        f"SECURE://{HOST}:{port},MUTUAL://{HOST}:{mutual}",
        "advertised.listeners": f"PLAINTEXT://{plan.address},SECURE://{HOST}:{port},"
        f"MUTUAL://{HOST}:{mutual}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,"
        "SECURE:SASL_SSL,MUTUAL:SSL",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        f"{listener}.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        f"{listener}.scram-sha-512.sasl.jaas.config": module,
        f"{listener}.ssl.keystore.type": "PEM",
        f"{listener}.ssl.keystore.location": str(keys),
        f"{other}.ssl.keystore.type": "PEM",
        f"{other}.ssl.keystore.location": str(keys),
        f"{other}.ssl.truststore.type": "PEM",
        f"{other}.ssl.truststore.location": str(keys.with_name("ca.pem")),
        f"{other}.ssl.client.auth": "required",
    }
    return properties(plan, [plan], extra)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Run a cluster with TLS and SCRAM; give what a config says to reach it."""
    folder = tmp_path_factory.mktemp("secure")
    certificate, keys = _certificate(folder)
    kafka = ApacheKafka(data_dir=folder / "kafka")
    plan, (port, mutual) = kafka._nodes[1].plan, free_ports(2)
    kafka._nodes[1] = Node(plan, _secured(plan, port, mutual, keys))
    with kafka:
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        user = UserScramCredentialUpsertion(USER, info, PASSWORD.encode())
        for done in admin.alter_user_scram_credentials([user]).values():
            done.result(30)
        sasl = {"mechanism": "SCRAM-SHA-512", "username": USER, "password_env": VARIABLE}
        security = {"protocol": "SASL_SSL", "ca_file": str(certificate), "sasl": sasl}
        shown = {"protocol": "SSL", "ca_file": str(certificate), **_client(folder)}
        yield {
            "bootstrap": f"{HOST}:{port}",
            "security": security,
            "mutual": f"{HOST}:{mutual}",
            "shown": shown,
        }


async def test_events_to_alerts_over_tls_and_scram(
    secure: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Client and worker log in over TLS, and no word of theirs holds the password."""
    monkeypatch.setenv(VARIABLE, PASSWORD)
    said = settings(secure["bootstrap"], security=secure["security"])
    config = load(said)
    await publish(config, story())
    async with WorkerProcess(tmp_path, said, "--exit-when-idle", "1") as worker:
        assert await worker.exit_code() == 0
    alerts = payloads(await read_alerts(config))
    assert alerts
    assert alerts == expected(config, await records(config, "predictions"))
    assert PASSWORD not in worker.stderr + repr(config) + str(config) + config.model_dump_json()


async def test_a_wrong_password(
    secure: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password that is refused ends with 1 and one line, which does not hold it."""
    monkeypatch.setenv(VARIABLE, "incorrect-horse")
    said = settings(secure["bootstrap"], security=secure["security"])
    async with WorkerProcess(tmp_path, said) as worker:
        assert await worker.exit_code() == 1
    assert worker.stderr.startswith(f"error: {secure['bootstrap']} refused the login: ")
    assert "check security: in the config" in worker.stderr
    assert worker.stderr.count("\n") == 1
    assert "incorrect-horse" not in worker.stderr
    with pytest.raises(BrokerAuthError) as refused:
        await publish(load(said), story(models=1, events=1))
    assert "incorrect-horse" not in "".join(map(repr, (refused.value, refused.value.__cause__)))


async def test_a_certificate_that_nobody_vouches_for(
    secure: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the authority that signed it, a broker is not trusted, and nothing is told to it."""
    monkeypatch.setenv(VARIABLE, PASSWORD)
    security = {key: value for key, value in secure["security"].items() if key != "ca_file"}
    said = settings(secure["bootstrap"], security=security)
    async with WorkerProcess(tmp_path, said) as worker:
        assert await worker.exit_code() == 1
    assert "is not trusted" in worker.stderr
    assert worker.stderr.count("\n") == 1


async def test_a_listener_that_wants_tls(secure: dict[str, Any], tmp_path: Path) -> None:
    """Plain text to a port that speaks TLS ends with a line that says what to check."""
    async with WorkerProcess(tmp_path, settings(secure["bootstrap"])) as worker:
        async with asyncio.timeout(60):
            assert await worker.exit_code() == 1
    assert "security: in the config" in worker.stderr
    assert worker.stderr.count("\n") == 1


async def test_all_of_a_worker_shows_its_certificate(
    secure: dict[str, Any], tmp_path: Path
) -> None:
    """Where clients need a certificate, events, labels, models and commands come through."""
    said = settings(
        secure["mutual"],
        security=secure["shown"],
        topics={"partitions": 1},
        models=[{"id": "m", "task": "binary", "online": {"model": MODEL, "interval": "10s"}}],
        labels={"store": str(tmp_path / "labels")},
    )
    config = load(said)
    file = tmp_path / "checked.yaml"
    file.write_text(yaml.safe_dump(said))
    check = [sys.executable, "-c", MAIN, "check", str(file)]
    checked = subprocess.run(check, capture_output=True, text=True, check=True)  # noqa: ASYNC221, S603
    assert checked.stdout.endswith("ok\n")
    await publish(config, flipping(600, 300))
    async with WorkerProcess(tmp_path, said, "--exit-when-idle", "2") as worker:
        assert await worker.exit_code() == 0
    assert len(await records(config, "outcomes")) >= 1200
    answers, updates, _ = await offline(config)
    assert len(answers) == 600
    assert await published(config) == (answers, updates)
    keys = [key_of(each.key) for each in await records(config, "snapshots")]
    names = {config.topics.full_name(topic) for topic in ("features", "outcomes")}
    assert {key.topic for key in keys if key} >= names | {
        f"{config.topics.full_name('outcomes')}#models"
    }


async def test_without_a_certificate_nobody_comes_in(
    secure: dict[str, Any], tmp_path: Path
) -> None:
    """A worker that shows no certificate where one is needed ends with one line that says so."""
    security = {key: secure["shown"][key] for key in ("protocol", "ca_file")}
    async with WorkerProcess(tmp_path, settings(secure["mutual"], security=security)) as worker:
        assert await worker.exit_code() == 1
    assert "security: in the config" in worker.stderr
    assert worker.stderr.count("\n") == 1


def test_certificates_that_are_not_there_are_told_by_check(tmp_path: Path) -> None:
    """`check` names the file of a certificate that cannot be read here, and goes on."""
    file = tmp_path / "config.yaml"
    missing = str(tmp_path / "none.pem")
    file.write_text(yaml.safe_dump({"security": {"protocol": "SSL", "ca_file": missing}}))
    check = [sys.executable, "-c", MAIN, "check", str(file)]
    done = subprocess.run(check, capture_output=True, text=True, check=True)  # noqa: S603
    told = (
        f"not on this machine: {file}:2: security.ca_file:"
        f" cannot use {missing}: No such file or directory"
    )
    assert done.stdout.splitlines()[-2:] == [told, "ok"]
