"""Publish the alerts and dead letters of a slice, and wait for confirmation."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer, errors

from streamproc.config.config import Config
from streamproc.incidents.entries import SIGHTING, TYPE_HEADER
from streamproc.schemas.alert_marks import AlertMarks
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.clip import clip
from streamproc.schemas.deployments import VersionSighting
from streamproc.schemas.records import DeadLetter
from streamproc.worker.record_timestamps import stamps_of

# A leader election lasts seconds; retrying sooner only adds load to a failing cluster.
RETRY_SECONDS: Final = 1.0
# The client retries while its cluster is unreachable; after this long it may hang (aiokafka issue
# 1101). If it does not, records that it still holds are written twice.
HANG_SECONDS: Final = 180.0
# Characters of each text of an alert that is published in place of one that is too large.
SHORT_TEXT: Final = 60
SHORT_MESSAGE: Final = 200
MarksOf = Callable[[AlertEvent], Awaitable[AlertMarks]]
"""Returns what keeps an alert from paging at the moment."""
_OURS: Final = ("reason", "detail", "topic", "partition", "offset", "timestamp")

_log = logging.getLogger(__name__)


class OutgoingRecord(NamedTuple):
    """A record to write: an alert, a dead letter or a new version."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    alert: AlertEvent | None = None


class AlertPublisher:
    """Write alerts and dead letters, each once, and wait until all replicas have them.

    Retriable errors are retried without limit: nothing is acknowledged meanwhile, so nothing is
    lost. If an alert is too large for its topic, a shortened one with the same ids is published
    in its place, if that fits.

    Parameters
    ----------
    config
        Names of the topics.
    producer
        Waits for all replicas (``acks=all``).
    marks_of
        Gives the headers of an alert's record; None: they have none.
    """

    def __init__(
        self, config: Config, producer: AIOKafkaProducer, marks_of: MarksOf | None = None
    ) -> None:
        self._alerts = config.topics.full_name("alerts")
        self._dead_letters = config.topics.full_name("dead_letters")
        self._incident_log = config.topics.full_name("incident_log")
        self._producer = producer
        self._marks_of = marks_of

    async def report(self, versions: Sequence[VersionSighting]) -> None:
        """Append new versions of models to the log of incidents; return when all are confirmed.

        The incidents skip a version that they know, so one may come again.

        Raises
        ------
        aiokafka.errors.KafkaError
            If the cluster rejects a record with an error that cannot be retried.
        """
        headers: list[tuple[str, bytes | None]] = [(TYPE_HEADER, SIGHTING)]
        await self._until_sent(
            [
                OutgoingRecord(self._incident_log, each.model_id.encode(), each.to_json(), headers)
                for each in versions
            ],
            set(),
        )

    async def publish(
        self, alerts: Sequence[AlertEvent], dead_letters: Sequence[DeadLetter]
    ) -> frozenset[str]:
        """Publish alerts and dead letters; return when all are confirmed.

        Returns
        -------
        frozenset of str
            Ids of the alerts that were shortened or dropped.

        Raises
        ------
        aiokafka.errors.KafkaError
            If the cluster rejects a record with an error that cannot be retried.
        """
        if not alerts and not dead_letters:  # most slices
            return frozenset()
        left = [
            *[await self._of_alert(alert) for alert in alerts],
            *self._of_dead_letters(dead_letters),
        ]
        lost: set[str] = set()
        await self._until_sent(left, lost)
        return frozenset(lost)

    async def _until_sent(self, left: list[OutgoingRecord], lost: set[str]) -> None:
        """Send records, again and again as long as that may succeed."""
        while left:
            left = await self._send(left, lost)
            if left:
                topics = ", ".join(sorted({record.topic for record in left}))
                _log.warning("%d records for %s are not confirmed yet: retrying", len(left), topics)
                await asyncio.sleep(RETRY_SECONDS)

    async def _send(self, letters: list[OutgoingRecord], lost: set[str]) -> list[OutgoingRecord]:
        """Send records; return those to send again."""
        results = await asyncio.gather(
            *(self._send_one(letter) for letter in letters), return_exceptions=True
        )
        again: list[OutgoingRecord] = []
        for letter, result in zip(letters, results, strict=True):
            if isinstance(result, errors.MessageSizeTooLargeError):
                # Brokers reject a whole batch, so this record may fit when it is sent alone.
                again += await self._send_smaller(letter, lost)
            elif is_retriable(result):
                again.append(letter)
            elif isinstance(result, BaseException):
                raise result
        return again

    async def _send_smaller(self, letter: OutgoingRecord, lost: set[str]) -> list[OutgoingRecord]:
        """Send a record alone, smaller with each attempt; return it if it must be retried."""
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
        # aiokafka rejects a record without key and value; a dead letter may have neither.
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

    async def _of_alert(self, alert: AlertEvent) -> OutgoingRecord:
        marks = () if self._marks_of is None else (await self._marks_of(alert)).headers()
        key, value = alert.model_id.encode(), alert.to_json()
        return OutgoingRecord(self._alerts, key, value, [*marks], alert)

    def _of_dead_letters(self, dead_letters: Sequence[DeadLetter]) -> Iterator[OutgoingRecord]:
        for letter in dead_letters:
            # Our headers come last: readers that build a dictionary keep the last value of a name.
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
    """Whether an error of the cluster may pass, so that sending again can succeed."""
    # aiokafka does not mark its timeout as retriable; readers drop duplicates by id.
    if isinstance(result, TimeoutError | errors.KafkaTimeoutError):
        return True
    return isinstance(result, errors.KafkaError) and bool(result.retriable)


def _ever_smaller(letter: OutgoingRecord) -> Iterator[OutgoingRecord]:
    """Yield a record, then smaller versions of it.

    For an alert, a shortened one. For a dead letter, one without its value, then one with our
    headers only.
    """
    yield letter
    if letter.alert is not None:
        _log.error(
            "%s exceeds max.message.bytes of topic %s: publishing a shortened alert",
            *(_describe(letter), letter.topic),
        )
        yield letter._replace(value=_shortened(letter.alert).to_json())
        return
    if "reason" not in dict(letter.headers):
        return  # a version, which is small
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
    """Return an alert with the same ids, clipped texts and no optional details."""
    version, owner, segment = alert.model_version, alert.owner, alert.segment
    return alert.model_copy(
        update={
            "series": clip(alert.series, SHORT_TEXT),
            "message": clip(alert.message, SHORT_MESSAGE),
            "model_version": None if version is None else clip(version, SHORT_TEXT),
            "owner": None if owner is None else clip(owner, SHORT_TEXT),
            "segment": segment
            and {clip(tag, SHORT_TEXT): clip(value, SHORT_TEXT) for tag, value in segment.items()},
            "contributors": None,
        }
    )


def _describe(letter: OutgoingRecord) -> str:
    """Describe a record for the log: its alert id or source offset, and its size."""
    if letter.alert is not None:
        return f"alert {letter.alert.alert_id} of {len(letter.value or b'')} bytes"
    ours = dict(letter.headers)
    if "reason" not in ours:
        return f"the new version of a model, {len(letter.value or b'')} bytes,"
    topic, partition, offset = (
        (ours[name] or b"").decode() for name in ("topic", "partition", "offset")
    )
    return f"the dead letter of {topic}-{partition}@{offset}, {len(letter.value or b'')} bytes,"
