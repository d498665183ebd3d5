"""What `send_command` refuses before it connects to a broker."""

from typing import Any

import pytest

from streamproc.client.control import send_command
from streamproc.errors import ConfigError

NOBODY_LISTENS = {"broker": "kafka://127.0.0.1:1", "control": {"secret_env": "CONTROL"}}


@pytest.mark.parametrize(
    ("verb", "payload", "field"),
    [
        ("incident_ack", {}, "incident_id"),
        ("incident_note", {"incident_id": "0b71fe22", "txt": "seen"}, "text"),
        ("incident_assign", {"incident_id": "0b71fe22", "owner": 7}, "owner"),
        ("incident_note", {"incident_id": "0b71fe22", "text": "half \ud83d"}, "text"),
        ("save", {"why": object()}, "why"),
    ],
)
async def test_a_wrong_payload_is_named_and_not_sent(
    monkeypatch: pytest.MonkeyPatch, verb: str, payload: dict[str, Any], field: str
) -> None:
    """Workers would refuse it, and the sender wait for an effect that never comes."""
    monkeypatch.setenv("CONTROL", "s" * 32)
    with pytest.raises(ConfigError, match=rf"^{verb}: {field}: .*; nothing was sent$"):
        await send_command(verb, payload, config=NOBODY_LISTENS)
