"""Pairs of request and response, as KServe logs them, are watched as native events are."""

import json
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka.admin import NewTopic
from broker_topics import records
from worker.running import WorkerProcess, read_alerts, settings

from streamproc.broker import EmbeddedBroker
from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.kafka.clients import open_admin, open_producer
from streamproc.monitor import Monitor
from streamproc.schemas.alerts import AlertEvent

PARTITIONS = 12
START = datetime(2026, 9, 21, 13, tzinfo=UTC)
HEADERS = {
    "content-type": "application/json",
    "ce_specversion": "1.0",
    "ce_source": "http://localhost:9081/",
    "ce_namespace": "shop",
    "ce_component": "predictor",
    "ce_endpoint": "",
}


class Row(NamedTuple):
    """A request and its answer."""

    number: int
    model: str
    amount: float
    country: str
    score: float

    @property
    def ts(self) -> str:
        """Event time."""
        return (START + timedelta(seconds=self.number)).isoformat()


def rows(count: int = 3000) -> list[Row]:
    """Draw requests of two models; the amounts of one rise, and the scores of the other."""
    draw = random.Random(8)
    found = []
    for number in range(count):
        late, odd = number > count // 2, number % 2
        found.append(
            Row(
                number,
                "ab"[odd],
                draw.gauss(60 if late and odd else 40, 4),
                draw.choice(["DE", "FR"]),
                min(max(draw.gauss(0.3 if late or odd else 0.7, 0.05), 0.0), 1.0),
            )
        )
    return found


def logged(row: Row) -> list[tuple[dict[str, Any], list[tuple[str, bytes]]]]:
    """Return the two binary CloudEvents of a request: tensors of the Open Inference Protocol."""
    tensors = [("amount", "FP64", [row.amount]), ("country", "BYTES", [row.country])]
    request = {
        "inputs": [
            {"name": name, "shape": [1, 1], "datatype": datatype, "data": data}
            for name, datatype, data in tensors
        ]
    }
    output = {"name": "score", "shape": [1], "datatype": "FP64", "data": [row.score]}
    response = {"model_name": row.model, "id": f"r{row.number}", "outputs": [output]}
    attributes = {
        "ce_id": f"r{row.number}",
        "ce_time": row.ts,
        "ce_inferenceservicename": row.model,
    }
    return [
        (
            body,
            [
                (name, text.encode())
                for name, text in (
                    HEADERS | attributes | {"ce_type": f"org.kubeflow.serving.inference.{kind}"}
                ).items()
            ],
        )
        for kind, body in (("request", request), ("response", response))
    ]


def native(row: Row) -> list[dict[str, Any]]:
    """Return the same as native events."""
    common = {
        "model_id": row.model,
        "event_id": f"r{row.number}",
        "ts": row.ts,
        "tags": {"namespace": "shop", "component": "predictor"},
    }
    features = {"amount": row.amount, "country": row.country}
    return [common | {"features": features}, common | {"prediction": row.score}]


async def send(config: Config, topic: str) -> None:
    """Write the pairs as Knative does: without keys, over twelve partitions."""
    async with open_admin(config) as admin:
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    draw, now = random.Random(3), int(time.time() * 1000) - 60_000
    async with open_producer(config) as producer:
        for row in rows():
            for place, (body, headers) in enumerate(logged(row)):
                await producer.send(
                    topic,
                    json.dumps(body).encode(),
                    partition=draw.randrange(PARTITIONS),
                    timestamp_ms=now + 2 * row.number + place,
                    headers=headers,
                )
        await producer.flush()


def sentences(alerts: list[AlertEvent]) -> list[tuple[str, str, str]]:
    """Return what alerts say; topics are read beside each other, so their order is free."""
    return sorted((alert.model_id, alert.series, alert.message) for alert in alerts)


async def test_unkeyed_pairs_of_twelve_partitions_give_the_alerts_of_native_events(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """Requests are features and responses predictions; the sentences are the same.

    The last line counts what was read.
    """
    given = settings(embedded_broker.bootstrap)
    topic = f"{given['group']}-logger"
    given["intake"] = [{"from": {"topics": [topic]}, "preset": "kserve"}]
    config = load(given)
    await send(config, topic)
    async with WorkerProcess(tmp_path, given, "--exit-when-idle", "2") as worker:
        assert await worker.exit_code() == 0
    assert worker.stderr.splitlines()[-1].startswith(
        "6000 records read: 6000 events watched, 0 dead letters; intake: 6000 records, 6000 events,"
    )
    for stream in ("features", "predictions"):
        found = await records(config, stream)
        where = {(record.key, record.partition) for record in found}
        assert (len(found), len(where)) == (3000, 2), stream
    expected = Monitor(given).process(event for row in rows() for event in native(row))
    assert {"feature:amount", "prediction"} <= {alert.series for alert in expected}
    assert sentences(await read_alerts(config)) == sentences(expected)
