"""`streamproc dead-letters` shows what was refused, and sends it again after a fix."""

import asyncio
from pathlib import Path
from typing import Any

from broker_topics import records
from worker.running import watch_all

from streamproc.config.config import Config
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics

GOOD = b'{"model_id": "m", "event_id": "a", "prediction": 1.5, "features": {"x": {}}}'
BAD = b'{"model_id": 7, "prediction": 1}'


async def refuse(config: Config) -> None:
    """Have a strict worker refuse one record that a lenient one takes, and one that none does."""
    await ensure_topics(config)
    topic = config.topics.full_name("predictions")
    headers = [("trace", b"t1"), ("topic", b"theirs")]
    async with open_producer(config) as producer:
        await producer.send_and_wait(topic, GOOD, key=b"m", headers=headers)
        await producer.send_and_wait(topic, BAD, partition=2)
    await watch_all(config.model_copy(update={"strict": True}))


def test_letters_are_printed_and_sent_again_once(
    run: Any, config: Config, config_file: Path
) -> None:
    """With key, timestamp and headers as they were; a second run sends nothing."""
    asyncio.run(refuse(config))
    shown = run("dead-letters", "--config", config_file)
    assert shown.exit_code == 0
    assert "2 dead letters: 2 wrong_type" in shown.stderr
    topic = config.topics.full_name("predictions")
    assert f"{topic}-2@0" in shown.stdout
    assert "$.model_id" in shown.stdout
    assert BAD.decode() in shown.stdout

    again = run("dead-letters", "--redrive", "--config", config_file)
    assert f"2 records sent to {topic} again" in again.stderr
    found = asyncio.run(records(config, "predictions"))
    copies = [record for record in found if record.value == GOOD]
    assert len(copies) == 2
    first, second = copies
    sent = [(each.key, each.timestamp, list(each.headers)) for each in (first, second)]
    assert sent[0] == sent[1]
    assert [record.partition for record in found if record.value == BAD] == [2, 2]

    third = run("dead-letters", "--redrive", "--config", config_file)
    assert "nothing to send" in third.stderr
    assert len(asyncio.run(records(config, "predictions"))) == 4


def test_a_topic_is_chosen_by_its_name(run: Any, config: Config, config_file: Path) -> None:
    """Others are neither shown nor counted."""
    asyncio.run(refuse(config))
    shown = run("dead-letters", "--topic", "*features", "--config", config_file)
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert "0 dead letters" in shown.stderr
