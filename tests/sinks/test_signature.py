"""Check the signature of Standard Webhooks as a receiver does."""

import base64
import hashlib
import hmac
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from alert_factory import alert
from sinks.receiver import receiving
from sinks.strict import deliver

from streamproc.config.load import load
from streamproc.errors import ConfigError
from streamproc.sinks.targets import targets_of

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
TOLERANCE = 300


def verified(headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Verify a request as the specification asks, independently of the code under test."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    is_recent = abs(now - int(headers["webhook-timestamp"])) <= TOLERANCE
    return is_recent and f"v1,{expected}" in headers["webhook-signature"].split(" ")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
async def test_a_receiver_can_verify_and_refuse_a_replay(
    loopback_certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signature covers id, time and body: a copy sent later, or altered, is recognised."""
    monkeypatch.setenv("SECRET", SECRET)
    async with receiving(loopback_certificate) as receiver:
        settings: dict[str, Any] = receiver.section("pager", secret_env="SECRET")  # noqa: S106  a name
        [target] = targets_of(load({"webhooks": [settings]}))
        await deliver(target, alert("5f0c9a7e"))
    [(headers, body)] = receiver.got
    sent = int(headers["webhook-timestamp"])
    assert headers["webhook-id"] == "5f0c9a7e"
    assert verified(headers, body, sent)
    assert not verified(headers, body, sent + TOLERANCE + 1)
    assert not verified(headers, body + b" ", sent)
    assert not verified({**headers, "webhook-timestamp": str(sent + 1)}, body, sent)
    assert "X-Streamproc-Signature" not in headers


@pytest.mark.parametrize("secret", ["whsec_" + "!" * 40, "whsec_" + "QUJD" * 7])
def test_a_secret_of_another_form_is_refused(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not base64, or is too short, is an error that does not repeat it."""
    monkeypatch.setenv("SECRET", secret)
    hook = {"name": "a", "url": "https://a.example.org/", "allow": ["a.example.org"]}
    with pytest.raises(ConfigError, match=r"webhooks\[0\]\.secret_env: expected whsec_") as caught:
        targets_of(load({"webhooks": [hook | {"secret_env": "SECRET"}]}))
    assert secret not in str(caught.value)
