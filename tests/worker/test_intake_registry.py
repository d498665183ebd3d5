"""Records of a schema registry's serialisers are watched as if they had been sent natively."""

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from apache.settings import free_ports
from apicurio.serialised import BY_TOPIC, serialised
from apicurio.server import Apicurio
from broker_topics import records
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from detour import Detour
from prometheus_client import CollectorRegistry
from worker.running import WorkerProcess, read_alerts, settings, total, until
from worker.test_intake import intake, native, rows, send_unkeyed

from streamproc.broker import EmbeddedBroker
from streamproc.config.load import load
from streamproc.monitor import Monitor
from streamproc.worker.intake.reader import reading
from streamproc.worker.metrics import Metrics

FORMS = ("avro", "protobuf", "json")


def rows_of(form: str, count: int) -> list[dict[str, Any]]:
    """Draw rows whose models are named after a format."""
    return [row | {"model": f"{form}-{row['model']}"} for row in rows(count)]


async def test_framed_records_become_the_native_events(
    embedded_broker: EmbeddedBroker, apicurio: Apicurio, tmp_path: Path
) -> None:
    """Avro, protobuf and JSON Schema give events and alerts that are those of native JSON."""
    given = settings(embedded_broker.bootstrap, registry={"url": apicurio.url})
    given["intake"] = []
    for form in FORMS:
        topic = f"{given['group']}-{form}"
        given["intake"] += intake(topic)
        values = serialised(apicurio.url, form, topic, rows_of(form, 4000))
        if form == "avro":
            values += [b"\0\0\0\x03\xe7" + values[0][5:], values[0][:20]]
        await send_unkeyed(load(given), topic, values)
    async with WorkerProcess(tmp_path, given, "--exit-when-idle", "2") as worker:
        assert await worker.exit_code() == 0
    config = load(given)
    found = await records(config, "predictions")
    expected = Monitor().process(native(row) for form in FORMS for row in rows_of(form, 4000))
    for form in FORMS:
        for name in (f"{form}-a", f"{form}-b"):
            bodies = [record.value for record in found if record.key == name.encode()]
            assert bodies == [
                msgspec.json.encode(native(row))
                for row in rows_of(form, 4000)
                if row["model"] == name
            ]
    alerts = await read_alerts(config)
    assert {a.model_id for a in alerts} == {f"{form}-b" for form in FORMS}
    assert sorted(a.message for a in alerts) == sorted(a.message for a in expected)
    letters = [dict(letter.headers) for letter in await records(config, "dead_letters")]
    assert sorted(each["reason"] for each in letters) == [b"corrupt", b"unknown_schema"]
    assert {each["topic"] for each in letters} == {f"{given['group']}-avro".encode()}
    assert {each["partition"] for each in letters} <= {b"0", b"1", b"2", b"3", b"4"}
    assert b"does not know schema id 999" in b" ".join(each["detail"] for each in letters)


def rides() -> list[dict[str, Any]]:
    """Read the example file; its kilometres become miles from row 1,500 on."""
    with (Path(__file__).parents[2] / "docs" / "rides.csv").open() as file:
        return [
            {
                "ride_id": row["ride_id"],
                "requested_at": datetime.fromisoformat(row["requested_at"]),
                "km": float(row["km"]),
                "passengers": int(row["passengers"]),
                "night": row["night"] == "true",
                "city": row["city"],
                "eta_minutes": float(row["eta_minutes"]),
            }
            for row in csv.DictReader(file)
        ]


RIDE = {
    "type": "record",
    "name": "Ride",
    "fields": [
        {"name": "ride_id", "type": "string"},
        {"name": "requested_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "km", "type": "double"},
        {"name": "passengers", "type": "int"},
        {"name": "night", "type": "boolean"},
        {"name": "city", "type": ["null", "string"]},
        {"name": "eta_minutes", "type": "double"},
    ],
}


async def test_rides_as_avro_in_twelve_partitions(
    embedded_broker: EmbeddedBroker, apicurio: Apicurio, tmp_path: Path
) -> None:
    """Without keys, and with times and unions of Avro, the alerts are the native ones."""
    given = settings(embedded_broker.bootstrap, registry={"url": apicurio.url})
    topic = f"{given['group']}-rides"
    mapping = {
        "model_id": {"const": "eta"},
        "event_id": "ride_id",
        "ts": "requested_at",
        "prediction": "eta_minutes",
        "features": {"omit": []},
    }
    given["intake"] = [{"from": {"topics": [topic]}, "format": "avro", "map": mapping}]
    client = SchemaRegistryClient({"url": apicurio.url})
    serialise = AvroSerializer(client, json.dumps(RIDE), conf=BY_TOPIC)
    context = SerializationContext(topic, MessageField.VALUE)
    values = [serialise(ride, context) for ride in rides()]
    await send_unkeyed(load(given), topic, values, partitions=12)
    async with WorkerProcess(tmp_path, given, "--exit-when-idle", "2") as worker:
        assert await worker.exit_code() == 0
    named = ("km", "passengers", "night", "city")
    expected = Monitor().process(
        {
            "model_id": "eta",
            "event_id": ride["ride_id"],
            "ts": int(ride["requested_at"].timestamp() * 1000),
            "features": {name: ride[name] for name in named},
            "prediction": ride["eta_minutes"],
        }
        for ride in rides()
    )
    alerts = await read_alerts(load(given))
    assert expected
    assert [(a.series, a.message) for a in alerts] == [(a.series, a.message) for a in expected]


async def test_a_registry_that_is_away_costs_nothing(
    embedded_broker: EmbeddedBroker, apicurio: Apicurio
) -> None:
    """Its topics are held with a reason; others are read, and later everything is."""
    detour = Detour(*free_ports(1), apicurio.port)
    url = apicurio.url_at(detour.port)
    given = settings(embedded_broker.bootstrap, registry={"url": url})
    framed, plain = f"{given['group']}-avro", f"{given['group']}-plain"
    given["intake"] = intake(framed) + intake(plain)
    config = load(given)
    await send_unkeyed(
        config, framed, serialised(apicurio.url, "avro", framed, rows_of("avro", 100))
    )
    await send_unkeyed(config, plain, rows_of("json", 100))
    registry = CollectorRegistry()
    async with reading(config, Metrics(registry)) as reader:
        await until(lambda: "is held" in (reader.unready() or ""))
        assert f"intake of {framed} is held: registry {url}" in str(reader.unready())
        await until(lambda: total(registry, "intake_events_total", topic=plain) == 100)
        await until(lambda: total(registry, "intake_held_records", topic=framed) == 100)
        assert reader.unhealthy() is None
        assert reader.idle_seconds() == 0
        assert total(registry, "intake_events_total", topic=framed) == 0
        async with detour.open():
            await until(lambda: reader.idle_seconds() > 0.5)
        assert reader.unready() is None
        assert total(registry, "intake_held_records", topic=framed) == 0
    found = await records(config, "predictions")
    ids = sorted(json.loads(each.value)["event_id"] for each in found if b"avro" in each.key)
    assert ids == sorted(row["id"] for row in rows(100))
    assert await records(config, "dead_letters") == []
