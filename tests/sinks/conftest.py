"""Certificates for the receivers of these tests."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sinks.alertmanager_server import Alertmanager, alertmanager_binary, running_alertmanager
from sinks.receiver import certificate


@pytest.fixture(scope="session")
def loopback_certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a certificate for loopback and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl, which makes the certificate")
    return certificate(tmp_path_factory.mktemp("tls"), "IP:127.0.0.1")


@pytest.fixture
async def alertmanager(tmp_path: Path) -> AsyncIterator[Alertmanager]:
    """Run the real Alertmanager, where it is installed."""
    binary = alertmanager_binary()
    if binary is None:
        pytest.skip("no Alertmanager: apt-get install prometheus-alertmanager")
    async with running_alertmanager(binary, tmp_path) as server:
        yield server
