"""Print dead letters, and send them to their topics again."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

import typer
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from streamproc.config.config import Config
from streamproc.errors import StreamprocError
from streamproc.kafka.clients import open_consumer, open_producer
from streamproc.kafka.errors import TopicError
from streamproc.kafka.topics import existing_topics, has_topic
from streamproc.terminal import count, note, printable

_OURS: Final = {"reason", "detail", "topic", "partition", "offset", "timestamp", "index", "omitted"}
_SHOWN: Final = 200  # characters of a value
_POLL_MS: Final = 500
_JOIN_SECONDS: Final = 60.0


class Letter(NamedTuple):
    """A dead letter, as its topic has it."""

    topic: str
    partition: int
    offset: int
    event: int
    timestamp: int
    reason: str
    detail: str
    is_complete: bool
    record: ConsumerRecord

    @property
    def place(self) -> str:
        """Where its record was read."""
        index = f"[{self.event}]" if self.event >= 0 else ""
        return f"{self.topic}-{self.partition}@{self.offset}{index}"

    def original_headers(self) -> list[tuple[str, bytes | None]]:
        """Return the headers that its record had: ours are the last of their name."""
        left = dict.fromkeys(_OURS)
        found: list[tuple[str, bytes | None]] = []
        for name, value in reversed(list(self.record.headers)):
            if name in left:
                del left[name]
            else:
                found.append((name, value))
        return found[::-1]


def read_letter(record: ConsumerRecord) -> Letter | None:
    """Read a record of the dead letters; None if it does not name its source."""
    texts = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
    try:
        return Letter(
            texts["topic"],
            int(texts["partition"]),
            int(texts["offset"]),
            int(texts.get("index", "-1")),
            int(texts["timestamp"]),
            texts["reason"],
            texts["detail"],
            "omitted" not in texts,
            record,
        )
    except (KeyError, ValueError):
        return None


async def print_letters(config: Config, glob: str, *, follow: bool) -> None:
    """Print the dead letters of topics that match, then the number of each reason."""
    reasons: Counter[str] = Counter()
    async with open_consumer(config, await _topic(config)) as consumer:
        async for record in _records(consumer, follow=follow):
            letter = read_letter(record)
            if letter is not None and fnmatchcase(letter.topic, glob):
                reasons[letter.reason] += 1
                _print(letter)
    parts = ", ".join(f"{number} {reason}" for reason, number in reasons.most_common())
    note(count(reasons.total(), "dead letter") + (f": {parts}" if parts else ""))


def _print(letter: Letter) -> None:
    time = datetime.fromtimestamp(letter.timestamp / 1000, UTC).isoformat(timespec="seconds")
    typer.echo(f"{letter.place}  {time}  {letter.reason}: {printable(letter.detail)}")
    value = letter.record.value
    if value is not None:
        text = printable(value[: 4 * _SHOWN].decode("utf-8", "replace"))
        typer.echo(f"    {text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}")


async def send_again(config: Config, glob: str) -> None:
    """Send the dead letters of topics that match to these topics; each of them once.

    Raises
    ------
    StreamprocError
        If the cluster does not confirm a record. What was sent before is not sent again.
    """
    sent: Counter[str] = Counter()
    left: Counter[str] = Counter()
    there = await existing_topics(config)
    group = f"{config.group}.redrive"  # its committed offsets say what was sent
    topic = await _topic(config)
    async with (
        open_producer(config, max_request_size=2 * config.limits.record_bytes) as producer,
        open_consumer(config, topic, group_id=group) as consumer,
    ):
        await _assigned(consumer)
        async for record in _records(consumer, follow=False):
            letter = read_letter(record)
            if letter is None or not fnmatchcase(letter.topic, glob):
                continue
            if not letter.is_complete or record.value is None or letter.topic not in there:
                left[letter.topic] += 1
                continue
            await _send(producer, letter)
            sent[letter.topic] += 1
        await consumer.commit()
    for name, number in sent.most_common():
        note(f"{count(number, 'record')} sent to {name} again")
    for name, number in left.most_common():
        note(f"{count(number, 'record')} of {name} cannot be sent: without value, or topic")
    if not sent:
        note("nothing to send: what is there was sent before")


async def _send(producer: Any, letter: Letter) -> None:
    record = letter.record
    try:
        await producer.send_and_wait(
            letter.topic,
            record.value,
            key=record.key,
            partition=letter.partition if record.key is None else None,
            headers=letter.original_headers(),
            timestamp_ms=letter.timestamp or None,
        )
    except Exception as error:
        raise StreamprocError(
            f"{letter.topic} does not take {letter.place} again: {error}; run the command again"
            " once that is corrected"
        ) from error


async def _topic(config: Config) -> str:
    name = config.topics.full_name("dead_letters")
    if not await has_topic(config, name):
        raise TopicError(f"{config.broker} has no topic {name!r}: no worker has run on it yet")
    return name


async def _assigned(consumer: AIOKafkaConsumer) -> None:
    """Wait for the group's assignment, without reading."""
    async with asyncio.timeout(_JOIN_SECONDS):
        while not consumer.assignment():  # noqa: ASYNC110  the client has no event for it
            await asyncio.sleep(0.05)


async def _records(consumer: AIOKafkaConsumer, *, follow: bool) -> AsyncIterator[ConsumerRecord]:
    """Yield the records up to the ends of now, or without end."""
    ends = await consumer.end_offsets(consumer.assignment())
    while follow or any([await consumer.position(home) < end for home, end in ends.items()]):
        for home, records in (await consumer.getmany(timeout_ms=_POLL_MS)).items():
            for record in records:
                if follow or record.offset < ends[home]:
                    yield record
