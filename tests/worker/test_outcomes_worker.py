import json

import msgspec
from broker_topics import records, write
from label_streams import late_labels
from outcome_logs import labelled
from record_logs import NOW
from worker.running import idle as nothing_left
from worker.running import own_config, read_alerts, total, until, watch_all, worker_of

from streamproc import Monitor
from streamproc.broker import EmbeddedBroker
from streamproc.kafka.topics import ensure_topics

SOME = 2300
DRIFT = 2000
OURS = {"model": "fraud", "version": "7"}


def bodies(events: list[dict[str, object]]) -> list[bytes]:
    """Write events as records hold them."""
    return [msgspec.json.encode(event) for event in events]


async def test_a_worker_says_what_a_monitor_says_of_outcomes(
    embedded_broker: EmbeddedBroker,
) -> None:
    """Alerts of outcomes are those of `Monitor` over the same log, also after a restart."""
    config = own_config(embedded_broker.bootstrap, topics={"partitions": 1})
    await ensure_topics(config)
    events = labelled(SOME, seed=1, drift_at=DRIFT)
    await write(config, "outcomes", *bodies(events[: DRIFT + 10]))
    await watch_all(config)
    await write(config, "outcomes", *bodies(events[DRIFT + 10 :]))
    await watch_all(config)

    topic = config.topics.full_name("outcomes")
    log = [
        event | {"source": {"topic": topic, "partition": 0, "offset": offset}}
        for offset, event in enumerate(events)
    ]
    expected = Monitor(config, clock=lambda: NOW).process(log)
    found = [alert.model_copy(update={"detected_at": NOW}) for alert in await read_alerts(config)]
    assert {alert.kind for alert in found} >= {"concept", "performance"}
    assert found == expected


async def test_a_worker_estimates_what_a_monitor_estimates(
    embedded_broker: EmbeddedBroker,
) -> None:
    """What a worker joins gives the alerts of `Monitor` over its outcomes, before labels come."""
    config = own_config(embedded_broker.bootstrap, topics={"partitions": 1})
    await ensure_topics(config)
    events = late_labels(2, 4000, change=3300, delay=900)
    for start in range(0, len(events), 400):
        part = events[start : start + 400]
        for topic, field in (("labels", "label"), ("predictions", "prediction")):
            await write(config, topic, *bodies([event for event in part if field in event]))
    await watch_all(config)

    topic = config.topics.full_name("outcomes")
    log = [
        json.loads(record.value)
        | {"source": {"topic": topic, "partition": 0, "offset": record.offset}}
        for record in await records(config, "outcomes")
        if record.value and not record.headers
    ]
    expected = Monitor(config, clock=lambda: NOW).process(log)
    found = [
        alert.model_copy(update={"detected_at": NOW})
        for alert in await read_alerts(config)
        if alert.source.topic == topic
    ]
    assert "metric:estimated" in {alert.series for alert in found}
    assert found == expected


async def test_figures_are_on_the_metrics(embedded_broker: EmbeddedBroker) -> None:
    """/metrics has each version's figures, and what its unlabelled predictions are worth."""
    config = own_config(embedded_broker.bootstrap, topics={"partitions": 1})
    await ensure_topics(config)
    await write(config, "outcomes", *bodies(labelled(1000, seed=1)))
    async with worker_of(config) as (worker, registry):
        await nothing_left(worker)
        event = {"model_id": "fraud", "model_version": "7", "prediction": 0.6}
        await write(config, "predictions", *[msgspec.json.encode(event)] * 20)
        await until(lambda: total(registry, "model_estimate", **OURS, metric="accuracy") > 0)

        figure = "model_figure"
        accuracy = total(registry, figure, **OURS, over="window", metric="accuracy")
        assert 0.7 < accuracy < 0.95
        assert 0.6 < total(registry, figure, **OURS, over="fading", metric="roc_auc") <= 1
        assert total(registry, "model_labels", **OURS, partition="0") == 1000
        estimate = total(registry, "model_estimate", **OURS, metric="accuracy")
        assert 0.5 < estimate < 0.7
