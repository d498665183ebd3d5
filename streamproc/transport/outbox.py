"""Publishes what a slice gave, and waits until the cluster has it."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer, errors

from streamproc.contract.alerts import AlertEvent
from streamproc.contract.config import Config
from streamproc.core.record import DeadLetter

# A leader election lasts seconds; asking again sooner only adds load to a cluster in trouble.
RETRY_SECONDS: Final = 1.0
# The client tries by itself for as long as its cluster is away; past this it may hang (aiokafka
# issue 1101). What it still holds then is written twice when it does not.
HANG_SECONDS: Final = 180.0
_OURS: Final = ("reason", "detail", "topic", "partition", "offset", "timestamp")

_log = logging.getLogger(__name__)


class Letter(NamedTuple):
    """A record to be written."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class Outbox:
    """Writes alerts and dead letters, each once, and waits for all replicas to have them.

    While the cluster is in trouble it tries for as long as it takes: nothing is acknowledged
    meanwhile, so nothing is lost.
    """

    def __init__(self, config: Config, producer: AIOKafkaProducer) -> None:
        self._alerts = config.topics.full_name("alerts")
        self._dead_letters = config.topics.full_name("dead_letters")
        self._producer = producer

    async def publish(
        self, alerts: Sequence[AlertEvent], dead_letters: Sequence[DeadLetter]
    ) -> None:
        """Return when everything is confirmed.

        Raises
        ------
        aiokafka.errors.KafkaError
            If the cluster refuses a record for good.
        """
        left = [*self._of_alerts(alerts), *self._of_dead_letters(dead_letters)]
        while left:
            left = await self._send(left)
            if left:
                _log.warning("%d records are not confirmed yet; trying again", len(left))
                await asyncio.sleep(RETRY_SECONDS)

    async def _send(self, letters: list[Letter]) -> list[Letter]:
        """Return what has to be sent again."""
        results = await asyncio.gather(
            *(self._send_one(letter) for letter in letters), return_exceptions=True
        )
        again: list[Letter] = []
        for letter, result in zip(letters, results, strict=True):
            if isinstance(result, errors.MessageSizeTooLargeError):
                # Perhaps only together with others: brokers refuse a batch as a whole.
                again += await self._send_smaller(letter)
            elif passes(result):
                again.append(letter)
            elif isinstance(result, BaseException):
                raise result
        return again

    async def _send_smaller(self, letter: Letter) -> list[Letter]:
        """Send a letter on its own, each time with less in it; return it if it has to wait."""
        for smaller in _ever_smaller(letter):
            try:
                await self._send_one(smaller)
            except errors.MessageSizeTooLargeError:
                continue
            except (errors.KafkaError, TimeoutError) as error:
                if passes(error):
                    return [letter]
                raise
            return []
        _log.error("topic %s takes nothing of %s", letter.topic, _told(letter))
        return []

    async def _send_one(self, letter: Letter) -> None:
        # aiokafka sends no record without key and value, which a dead letter may have neither of.
        key = b"" if letter.key is None and letter.value is None else letter.key
        async with asyncio.timeout(HANG_SECONDS):
            confirmed = await self._producer.send(
                letter.topic, letter.value, key=key, headers=letter.headers
            )
            await confirmed

    def _of_alerts(self, alerts: Sequence[AlertEvent]) -> Iterator[Letter]:
        for alert in alerts:
            yield Letter(self._alerts, alert.model_id.encode(), alert.to_json(), [])

    def _of_dead_letters(self, dead_letters: Sequence[DeadLetter]) -> Iterator[Letter]:
        for letter in dead_letters:
            # Ours come last: where names collide, the last one counts in a dictionary.
            yield Letter(
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


def passes(result: BaseException | None) -> bool:
    """Whether what went wrong with a cluster is over in a while."""
    # The client calls its own time-out final; whether the record arrived, ids will tell.
    if isinstance(result, TimeoutError | errors.KafkaTimeoutError):
        return True
    return isinstance(result, errors.KafkaError) and bool(result.retriable)


def _ever_smaller(letter: Letter) -> Iterator[Letter]:
    """Give a letter, then a dead letter without its value, then with our own headers alone."""
    yield letter
    if not letter.headers:  # an alert is nothing without its value
        return
    size = len(letter.value or b"")
    note = f"the value, {size} bytes, is more than this topic takes; read it where it came from"
    omitted = ("omitted", note.encode())
    _log.warning(
        "%s is more than topic %s takes: its value is left out", _told(letter), letter.topic
    )
    yield letter._replace(value=None, headers=[*letter.headers, omitted])
    ours = dict(letter.headers)
    yield letter._replace(
        key=None, value=None, headers=[*((name, ours[name]) for name in _OURS), omitted]
    )


def _told(letter: Letter) -> str:
    """Say which record of ours this is, in a few words."""
    if not letter.headers:
        return f"an alert of {len(letter.value or b'')} bytes"
    ours = dict(letter.headers)
    topic, partition, offset = (
        (ours[name] or b"").decode() for name in ("topic", "partition", "offset")
    )
    return f"the dead letter of {topic}-{partition}@{offset}, {len(letter.value or b'')} bytes,"
