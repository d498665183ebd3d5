"""Alerts from a worker to sinks with the format of their receiver."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from alert_factory import alert
from broker_topics import write
from sinks.receiver import certificate
from sinks.strict import Posted, strict_receiver
from worker.running import own_config, until, worker_of

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.kafka.topics import ensure_topics

KEY = "0123456789abcdef0123456789abcdef"  # pragma: allowlist secret


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a certificate for loopback, and its key."""
    return certificate(tmp_path_factory.mktemp("tls"), "IP:127.0.0.1")


def accept(_: Posted) -> tuple[int, str]:
    """Accept anything."""
    return 202, json.dumps({"status": "success"})


def with_sinks(config: Config, *sinks: dict[str, object]) -> Config:
    """Return a config with other sinks."""
    return config.model_copy(update={"sinks": load({"sinks": list(sinks)}).sinks})


async def test_a_restarted_worker_knows_the_open_series_of_an_incident(
    bootstrap: str, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An incident is resolved with its last series, even if workers were restarted in between.

    The second worker reads on the topic what the first one delivered, and sends none of it again.
    """
    monkeypatch.setenv("PAGERDUTY_KEY", KEY)
    config = own_config(bootstrap)
    await ensure_topics(config)

    def step(series: str, status: str) -> bytes:
        name = f"feature:{series}"
        return alert(f"{series} {status}", incident_id="i", series=name, status=status).to_json()

    async with strict_receiver(pair, accept) as pagerduty:
        sink = pagerduty.settings(
            "pagerduty", url=f"{pagerduty.url}/v2/enqueue", routing_key_env="PAGERDUTY_KEY"
        )
        config = with_sinks(config, sink)
        got: Callable[[], list[str]] = lambda: [  # noqa: E731
            posted.body["event_action"] for posted in pagerduty.accepted
        ]
        async with worker_of(config):
            await write(config, "alerts", step("a", "firing"), step("b", "firing"), key=b"fraud")
            await until(lambda: got() == ["trigger", "trigger"])
        async with worker_of(config):
            again = step("a", "firing")  # published again by a worker that crashed
            await write(config, "alerts", again, step("a", "resolved"), key=b"fraud")
            await until(lambda: got()[2:] == ["trigger"])
            await write(config, "alerts", step("b", "resolved"), key=b"fraud")
            await until(lambda: got()[3:] == ["resolve"])
    assert got() == ["trigger", "trigger", "trigger", "resolve"]
