"""Alerts from a worker to sinks with the format of their receiver."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from alert_factory import alert
from broker_topics import records, write
from sinks.alertmanager_server import alertmanager_binary, running_alertmanager
from sinks.strict import Posted, strict_receiver
from worker.running import idle, own_config, publish, total, until, worker_of
from worker.scenarios import story

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.kafka.topics import ensure_topics
from streamproc.schemas.alerts import PUBLISHED_STATUSES, AlertEvent

KEY = "0123456789abcdef0123456789abcdef"  # pragma: allowlist secret


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


async def test_a_sink_that_refuses_is_an_alert_to_the_others(
    bootstrap: str, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another sink hears once, with the receiver's reason, and once more when it is over."""
    monkeypatch.setenv("PAGERDUTY_KEY", KEY)
    config = own_config(bootstrap, topics={"partitions": 1})
    await ensure_topics(config)
    refusing = True

    def pagerduty_answer(_: Posted) -> tuple[int, str]:
        reason = json.dumps({"status": "invalid event", "errors": ["the service is disabled"]})
        return (400, reason) if refusing else (202, "{}")

    async with (
        strict_receiver(pair, pagerduty_answer) as pagerduty,
        strict_receiver(pair, accept) as healthy,
    ):
        sink = pagerduty.settings(
            "pagerduty", url=f"{pagerduty.url}/v2/enqueue", routing_key_env="PAGERDUTY_KEY"
        )
        other = healthy.settings("template", url=healthy.url)
        other |= {"allow": [f"127.0.0.1:{healthy.port}"]}
        other["body"] = (
            '{"series": {{ series | tojson }}, "text": {{ [status, message] | tojson }}}'
        )
        config = with_sinks(config, sink, other)
        heard: Callable[[], list[list[str]]] = lambda: [  # noqa: E731
            posted.body["text"]
            for posted in healthy.accepted
            if posted.body["series"] == "sink:pagerduty"
        ]
        async with worker_of(config) as (_, registry):
            await write(config, "alerts", alert("a").to_json(), alert("b").to_json())
            await until(lambda: len(heard()) == 1)
            refused = lambda: total(registry, "webhook_dropped_total", webhook="pagerduty")  # noqa: E731
            await until(lambda: refused() == 3)  # two alerts, and the one about them
            refusing = False
            await write(config, "alerts", alert("c").to_json())
            await until(lambda: len(heard()) == 2)
            assert total(registry, "operational_alerts_total") == 2
    (first, reason), (second, over) = heard()
    assert (first, second) == ("firing", "resolved")
    assert "sink 'pagerduty' does not get alerts of partition 0" in reason
    assert "refused: answered 400: the service is disabled" in reason
    assert "again" in over


@pytest.mark.skipif(alertmanager_binary() is None, reason="no Alertmanager is installed")
async def test_a_drift_is_an_alert_at_alertmanager_until_it_ends(
    bootstrap: str, tmp_path: Path
) -> None:
    """The real Alertmanager shows the series of each model that fires, and no other one."""
    # The new level is accepted, which ends the alerts, within the events that there are.
    config = own_config(bootstrap, policy={"resolve_after": 300, "accept_after": "5m"})
    async with running_alertmanager(str(alertmanager_binary()), tmp_path) as server:
        sink = {"name": "am", "kind": "alertmanager", "url": server.url}
        config = with_sinks(config, sink | {"networks": ["127.0.0.0/8"]})
        await publish(config, story())
        async with worker_of(config) as (worker, registry):
            await idle(worker)
            published = [
                AlertEvent.from_json(record.value) for record in await records(config, "alerts")
            ]
            wanted = [each for each in published if each.status in PUBLISHED_STATUSES]
            delivered = lambda: total(registry, "webhook_delivered_total", webhook="am")  # noqa: E731
            behind = lambda: total(registry, "webhook_lag_records", webhook="am")  # noqa: E731
            # A series that has settled is left out once its incident is accepted.
            certain = [each for each in wanted if each.status != "settled"]
            await until(lambda: delivered() >= len(certain) and not behind())
            assert total(registry, "webhook_dropped_total") == 0
        last = {(each.incident_id, each.series): each.status for each in wanted}
        firing = {key for key, status in last.items() if status != "resolved"}
        shown = [each["labels"] for each in await server.get("alerts?active=true")]
    assert {(labels["incident"], labels["series"]) for labels in shown} == firing
    assert {each.status for each in wanted} >= {"firing", "resolved"}
