"""Publishes what a slice gave, and waits until the cluster has it."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer, errors

from streamproc.config.config import Config
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.clip import clip
from streamproc.schemas.records import DeadLetter
from streamproc.worker.record_timestamps import stamps_of

# A leader election lasts seconds; asking again sooner only adds load to a cluster in trouble.
RETRY_SECONDS: Final = 1.0
# The client tries by itself for as long as its cluster is away; past this it may hang (aiokafka
# issue 1101). What it still holds then is written twice when it does not.
HANG_SECONDS: Final = 180.0
# Characters of each text of an alert that is published in place of one that is too large.
SHORT_TEXT: Final = 60
SHORT_MESSAGE: Final = 200
_OURS: Final = ("reason", "detail", "topic", "partition", "offset", "timestamp")

_log = logging.getLogger(__name__)


class OutgoingRecord(NamedTuple):
    """A record to be written."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    alert: AlertEvent | None = None


class AlertPublisher:
    """Writes alerts and dead letters, each once, and waits for all replicas to have them.

    While the cluster is in trouble it tries for as long as it takes: nothing is acknowledged
    meanwhile, so nothing is lost. An alert that its topic does not take for its size is lost: a
    short one with the same ids is published in its place, if the topic takes that.

    Parameters
    ----------
    config
        Names of the topics.
    producer
        Its records are confirmed by all replicas.
    """

    def __init__(self, config: Config, producer: AIOKafkaProducer) -> None:
        self._alerts = config.topics.full_name("alerts")
        self._dead_letters = config.topics.full_name("dead_letters")
        self._producer = producer

    async def publish(
        self, alerts: Sequence[AlertEvent], dead_letters: Sequence[DeadLetter]
    ) -> frozenset[str]:
        """Return when everything is confirmed.

        Returns
        -------
        frozenset of str
            Ids of the alerts that were not published as they are.

        Raises
        ------
        aiokafka.errors.KafkaError
            If the cluster refuses a record for good.
        """
        left = [*self._of_alerts(alerts), *self._of_dead_letters(dead_letters)]
        lost: set[str] = set()
        while left:
            left = await self._send(left, lost)
            if left:
                topics = ", ".join(sorted({record.topic for record in left}))
                _log.warning("%d records for %s are not confirmed yet: retrying", len(left), topics)
                await asyncio.sleep(RETRY_SECONDS)
        return frozenset(lost)

    async def _send(self, letters: list[OutgoingRecord], lost: set[str]) -> list[OutgoingRecord]:
        """Return what has to be sent again."""
        results = await asyncio.gather(
            *(self._send_one(letter) for letter in letters), return_exceptions=True
        )
        again: list[OutgoingRecord] = []
        for letter, result in zip(letters, results, strict=True):
            if isinstance(result, errors.MessageSizeTooLargeError):
                # Perhaps only together with others: brokers refuse a batch as a whole.
                again += await self._send_smaller(letter, lost)
            elif is_retriable(result):
                again.append(letter)
            elif isinstance(result, BaseException):
                raise result
        return again

    async def _send_smaller(self, letter: OutgoingRecord, lost: set[str]) -> list[OutgoingRecord]:
        """Send a letter on its own, each time with less in it; return it if it has to wait."""
        for smaller in _ever_smaller(letter):
            try:
                await self._send_one(smaller)
            except errors.MessageSizeTooLargeError:
                continue
            except (errors.KafkaError, TimeoutError) as error:
                if is_retriable(error):
                    return [letter]
                raise
            if letter.alert is not None and smaller is not letter:
                lost.add(letter.alert.alert_id)
            return []
        _log.error(
            "topic %s rejected %s even without payload; the record is lost: raise the topic's"
            " max.message.bytes",
            letter.topic,
            _describe(letter),
        )
        if letter.alert is not None:
            lost.add(letter.alert.alert_id)
        return []

    async def _send_one(self, letter: OutgoingRecord) -> None:
        # aiokafka sends no record without key and value, which a dead letter may have neither of.
        key = b"" if letter.key is None and letter.value is None else letter.key
        topic, stamps = letter.topic, stamps_of(self._producer)
        stamp = stamps.of(topic)
        try:
            async with asyncio.timeout(HANG_SECONDS):
                confirmed = await self._producer.send(
                    topic, letter.value, key=key, headers=letter.headers, timestamp_ms=stamp
                )
                await confirmed
        except errors.InvalidTimestampError:
            if not stamps.refused(topic, stamp):
                raise
            await self._send_one(letter)

    def _of_alerts(self, alerts: Sequence[AlertEvent]) -> Iterator[OutgoingRecord]:
        for alert in alerts:
            yield OutgoingRecord(self._alerts, alert.model_id.encode(), alert.to_json(), [], alert)

    def _of_dead_letters(self, dead_letters: Sequence[DeadLetter]) -> Iterator[OutgoingRecord]:
        for letter in dead_letters:
            # Ours come last: where names collide, the last one counts in a dictionary.
            yield OutgoingRecord(
                self._dead_letters, letter.key, letter.value, [*letter.headers, *_headers(letter)]
            )


def _headers(letter: DeadLetter) -> Iterator[tuple[str, bytes]]:
    yield "reason", letter.reason.encode()
    yield "detail", letter.detail.encode("utf-8", "replace")
    yield "topic", letter.topic.encode()
    yield "partition", str(letter.partition).encode()
    yield "offset", str(letter.offset).encode()
    yield "timestamp", str(letter.timestamp).encode()
    if letter.index >= 0:
        yield "index", str(letter.index).encode()


def is_retriable(result: BaseException | None) -> bool:
    """Whether what went wrong with a cluster is over in a while."""
    # The client calls its own time-out final; whether the record arrived, ids will tell.
    if isinstance(result, TimeoutError | errors.KafkaTimeoutError):
        return True
    return isinstance(result, errors.KafkaError) and bool(result.retriable)


def _ever_smaller(letter: OutgoingRecord) -> Iterator[OutgoingRecord]:
    """Give a letter, then what says less.

    Of an alert that is a short one; of a dead letter, it without its value, then our own headers
    alone.
    """
    yield letter
    if letter.alert is not None:
        _log.error(
            "%s exceeds max.message.bytes of topic %s: publishing a shortened alert",
            *(_describe(letter), letter.topic),
        )
        yield letter._replace(value=_shortened(letter.alert).to_json())
        return
    size = len(letter.value or b"")
    note = f"the value of {size} bytes exceeds this topic's limit; read it from its source topic"
    omitted = ("omitted", note.encode())
    _log.warning(
        "%s exceeds max.message.bytes of topic %s: publishing it without its value",
        *(_describe(letter), letter.topic),
    )
    yield letter._replace(value=None, headers=[*letter.headers, omitted])
    ours = dict(letter.headers)
    yield letter._replace(
        key=None, value=None, headers=[*((name, ours[name]) for name in _OURS), omitted]
    )


def _shortened(alert: AlertEvent) -> AlertEvent:
    """Return an alert with the same ids that says as little as an alert may."""
    version, owner = alert.model_version, alert.owner
    return alert.model_copy(
        update={
            "series": clip(alert.series, SHORT_TEXT),
            "message": clip(alert.message, SHORT_MESSAGE),
            "model_version": None if version is None else clip(version, SHORT_TEXT),
            "owner": None if owner is None else clip(owner, SHORT_TEXT),
            "segment": None,
            "contributors": None,
        }
    )


def _describe(letter: OutgoingRecord) -> str:
    """Say which record of ours this is, in a few words."""
    if letter.alert is not None:
        return f"alert {letter.alert.alert_id} of {len(letter.value or b'')} bytes"
    ours = dict(letter.headers)
    topic, partition, offset = (
        (ours[name] or b"").decode() for name in ("topic", "partition", "offset")
    )
    return f"the dead letter of {topic}-{partition}@{offset}, {len(letter.value or b'')} bytes,"
