"""`streamproc intake try` shows what becomes of records before a worker reads them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from apicurio.serialised import serialised
from apicurio.server import Apicurio
from broker_topics import own_topics

from streamproc.broker import EmbeddedBroker
from streamproc.cli.intake_try import try_records
from streamproc.config.load import load
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.registry.errors import RegistryUnavailableError


@pytest.fixture
def entry(tmp_path: Path) -> Any:
    """Return what writes a config with one entry of `intake`."""

    def _entry(topic: str, **more: Any) -> Path:
        path = tmp_path / "streamproc.yaml"
        fields = {"event_id": "id", "prediction": "score", "features": {"omit": []}}
        path.write_text(
            yaml.safe_dump({"intake": [{"from": {"topics": [topic]}, "map": fields}], **more})
        )
        return path

    return _entry


def test_each_line_of_a_file_is_explained(run: Any, entry: Any, tmp_path: Path) -> None:
    """Events, conversions and reasons, and a last line of counts on stderr."""
    lines = [
        json.dumps({"id": 7, "score": 0.5, "amount": float("nan")}),
        json.dumps({"id": "b"}),
        json.dumps(
            {
                "topic": "scores",
                "partition": 2,
                "offset": 11,
                "ts": 5000,
                "headers": ["a", "b"],
                "key": "k",
                "payload": '{"id": "c", "score": 1.5}',
            }
        ),
    ]
    file = tmp_path / "sample.jsonl"
    file.write_text("\n".join(lines))
    result = run("intake", "try", file, "--config", entry("scores"))
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        (
            'scores-0@0  predictions: {"model_id":"scores","event_id":"7",'
            '"features":{"amount":null},"prediction":0.5}'
        ),
        "scores-0@0    `event_id`: converted from an integer",
        "scores-0@0    feature 'amount': missing, sent as NaN",
        "scores-0@1  refused: missing_field: the record has no `score`",
        (
            'scores-2@11  predictions: {"model_id":"scores","event_id":"c","ts":5.0,"features":{},'
            '"prediction":1.5}'
        ),
    ]
    assert "3 records: 2 predictions, 1 refused" in result.stderr


def test_it_fails_if_nothing_becomes_an_event(run: Any, entry: Any, tmp_path: Path) -> None:
    """A script can tell a mapping that does not fit at all."""
    file = tmp_path / "sample.jsonl"
    file.write_text('{"id": 1}\n')
    assert run("intake", "try", file, "--config", entry("scores")).exit_code == 1


def test_a_topic_that_no_entry_matches_is_an_error(run: Any, entry: Any, tmp_path: Path) -> None:
    """The message names it."""
    file = tmp_path / "sample.jsonl"
    file.write_text("{}\n")
    result = run("intake", "try", file, "--topic", "others", "--config", entry("scores"))
    assert result.exit_code == 2
    assert "no entry matches topic 'others'" in result.stderr


async def test_the_last_records_of_a_topic_are_read(
    embedded_broker: EmbeddedBroker, entry: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """As many as asked for, from all of its partitions."""
    base = own_topics(embedded_broker.bootstrap)
    await ensure_topics(base, ["features"])
    topic = base.topics.full_name("features")
    config = load(entry(topic, broker=base.broker))
    async with open_producer(config) as producer:
        for number in range(40):
            body = json.dumps({"id": f"i{number}", "score": number / 40}).encode()
            await producer.send(topic, body, partition=number % 4)
        await producer.flush()
    assert not await try_records(config, topic, 8, None)
    printed = capsys.readouterr()
    assert printed.out.count("predictions:") == 8
    assert '"event_id":"i39"' in printed.out
    assert "8 records: 8 predictions" in printed.err


async def test_records_of_a_registry_are_tried(
    embedded_broker: EmbeddedBroker,
    apicurio: Apicurio,
    entry: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With their schemas; without an answer of the registry it says so, and judges nothing."""
    base = own_topics(embedded_broker.bootstrap)
    await ensure_topics(base, ["features"])
    topic = base.topics.full_name("features")
    row = {"id": "a", "model": "m", "at": 5, "amount": 2.5, "score": 0.5}
    [value] = serialised(apicurio.url, "avro", topic, [row])
    config = load(entry(topic, broker=base.broker, registry={"url": apicurio.url}))
    async with open_producer(config) as producer:
        await producer.send_and_wait(topic, value)
        await producer.send_and_wait(topic, b"\0\0\0\x03\xe7" + value[5:])
    assert not await try_records(config, topic, 8, None)
    printed = capsys.readouterr().out
    assert '"prediction":0.5' in printed
    assert "refused: unknown_schema: the registry does not know schema id 999" in printed
    away = load(entry(topic, broker=base.broker, registry={"url": "http://127.0.0.1:1"}))
    with pytest.raises(RegistryUnavailableError, match=r"http://127\.0\.0\.1:1 does not answer"):
        await try_records(away, topic, 8, None)
