"""Send prediction, feature and label events to Kafka."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Literal, Self

from aiokafka import AIOKafkaProducer, errors

from streamproc.client.drop_oldest import DropOldestQueue, Outgoing
from streamproc.client.event_fields import EventId, Features, Tags, Time
from streamproc.client.records import Stream, to_record
from streamproc.client.settings import Source, settle_client
from streamproc.client.tie_order import TieOrder
from streamproc.kafka.clients import REQUEST_SECONDS, open_producer
from streamproc.kafka.errors import ClientNotOpenError, DeliveryError, QueueFullError
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.kafka.topics import ensure_topics
from streamproc.schemas.events import AnyEvent

# The client gives up on a record after REQUEST_SECONDS; a record still pending then is a client bug
# (aiokafka issue 1101), and would be pending forever.
_DEADLINE: Final = REQUEST_SECONDS + 10

OnFull = Literal["block", "raise", "drop", "drop_oldest"]


class Publisher:
    """Send events in order, confirmed by the cluster, with bounded memory.

    A call validates its event and queues it; it waits only while `max_pending` records are
    unconfirmed. Leaving the ``async with`` block waits for all confirmations.

    Parameters
    ----------
    broker
        ``kafka://host:port``, with further hosts after commas; None: the broker of `config`.
    config
        Path of a config file, a dict, or a Config, such as for other topic names, TLS and SASL.
        None: the defaults.
    max_pending
        Maximum unconfirmed records, 1 or more. The default holds a few MB of small events
        and is more than a broker confirms in one round trip.
    on_full
        What a call does while `max_pending` records are unconfirmed: ``"block"`` waits for up to
        `timeout`, ``"raise"`` raises QueueFullError at once, ``"drop"`` drops the event and counts
        it, ``"drop_oldest"`` drops and counts the oldest event that Kafka's client has not got
        yet. The client gets up to half of `max_pending`, and 1,000 at most; these cannot be
        withdrawn.
    timeout
        Maximum seconds that a call waits; None: 40, when the client has given up on a record.

    Attributes
    ----------
    sent : int
        Events that the cluster has confirmed.
    dropped : int
        Events dropped because the queue was full.
    refused : int
        Events that the cluster did not confirm, or that are larger than it allows; a DeliveryError
        says so.

    Each event whose call returned is counted as one of the three, once that is known. A call that
    raises EventError or QueueFullError counts nothing.

    Raises
    ------
    ConfigError
        If the broker or the config cannot be used.
    BrokerUnreachableError, BrokerAuthError
        On entry, if the cluster does not answer within 10 s, or rejects the login.

    Examples
    --------
    >>> async def main() -> None:
    ...     async with Publisher("kafka://localhost:9092") as publisher:
    ...         await publisher.prediction("fraud", {"amount": 12.5}, 0.93, event_id="9f2c")
    ...         await publisher.label("fraud", "9f2c", True)
    """

    def __init__(
        self,
        broker: str | None = None,
        *,
        config: Source = None,
        max_pending: int = 10_000,
        on_full: OnFull = "block",
        timeout: float | None = None,
    ) -> None:
        self._config = settle_client(broker, config)
        self._max_pending = max_pending
        self._on_full = on_full
        self._timeout = _DEADLINE if timeout is None else timeout
        self.sent = self.dropped = self.refused = 0
        self._queue: DropOldestQueue | None = None
        self._topics: dict[Stream, str] = {}
        self._pending = 0
        self._failures: list[BaseException] = []
        self._has_capacity = asyncio.Event()
        self._idle = asyncio.Event()
        self._stack = AsyncExitStack()
        self._producer: AIOKafkaProducer | None = None
        self._turns = TieOrder()

    async def __aenter__(self) -> Self:
        self._producer = await self._stack.enter_async_context(open_producer(self._config))
        if self._on_full == "drop_oldest":
            queue = DropOldestQueue(self._hand_over, self._max_pending)
            self._queue = await self._stack.enter_async_context(queue)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            async with self._stack:
                if error is None:
                    await self.flush()
        finally:
            if self._queue is not None:
                self.dropped += self._queue.clear()

    async def prediction(
        self,
        model_id: str,
        features: Features | None,
        prediction: Any,
        *,
        event_id: EventId | None = None,
        ts: Time | None = None,
        model_version: str | int | None = None,
        tags: Tags | None = None,
    ) -> None:
        """Send a prediction and the features that it was made from.

        Parameters
        ----------
        model_id
            Id of the model, 1 to 255 characters. Events of one model stay in order.
        features
            Name → number, boolean, text, list of numbers, or None or NaN for missing. Scalars and
            arrays of NumPy, pandas, Polars, Arrow and PyTorch, `Decimal`, `UUID` and dates are
            converted, and a row of a data frame is taken, too.
        prediction
            A number, a class (text or boolean), or class → probability; a list or an array of
            probabilities has its indexes as classes.
        event_id
            Joins the prediction with its label; a text, an integer or a UUID.
        ts
            When it happened: a datetime with a zone, RFC 3339, or seconds or milliseconds since
            1970. None: when it is sent.
        model_version
            Version of the model.
        tags
            Segments of the event, such as ``{"region": "eu"}``.

        Raises
        ------
        EventError
            If a field is missing or has the wrong type; nothing is sent.
        DeliveryError
            If earlier records were not confirmed.
        """
        await self.send(
            _given(
                model_id=model_id,
                features=features,
                event_id=event_id,
                ts=ts,
                model_version=model_version,
                tags=tags,
            )
            | {"prediction": prediction}
        )

    async def features(
        self,
        model_id: str,
        features: Features,
        *,
        event_id: EventId | None = None,
        ts: Time | None = None,
        model_version: str | int | None = None,
        tags: Tags | None = None,
    ) -> None:
        """Send features or a business metric; parameters and errors as for `prediction`."""
        await self.send(
            _given(
                model_id=model_id,
                features=features,
                event_id=event_id,
                ts=ts,
                model_version=model_version,
                tags=tags,
            )
        )

    async def label(
        self,
        model_id: str,
        event_id: EventId,
        label: Any,
        *,
        ts: Time | None = None,
    ) -> None:
        """Send the label of an earlier event; the last one of an ``event_id`` is used.

        Parameters
        ----------
        model_id
            Id of the model.
        event_id
            Id of the labelled event.
        label
            A number, or a class (boolean or text).
        ts
            When it became known, as in `prediction`.

        Raises
        ------
        EventError
            If a field is missing or has the wrong type; nothing is sent.
        DeliveryError
            If earlier records were not confirmed.
        """
        await self.send(_given(model_id=model_id, event_id=event_id, ts=ts) | {"label": label})

    async def send(self, event: AnyEvent | Mapping[str, Any]) -> None:
        """Send an event, or a mapping with its fields.

        Parameters
        ----------
        event
            A mapping with ``label`` is a LabelEvent, one with ``prediction`` a PredictionEvent,
            any other a FeatureEvent.

        Raises
        ------
        EventError
            If a field is missing, unknown or has the wrong type; nothing is sent.
        TopicError
            If the topic is missing and cannot be created.
        DeliveryError
            If earlier records were not confirmed.
        QueueFullError
            If the queue is full, at once or after `timeout`; nothing is sent.
        ClientNotOpenError
            Outside of the ``async with`` block.
        """
        record = to_record(event)
        if self._producer is None:
            raise ClientNotOpenError("use the publisher in an async with block: it is not open")
        self._raise_failures()
        topic = self._topics.get(record.stream) or await self._topic(record.stream)
        if self._queue is not None:
            dropped = self._queue.put(Outgoing(topic, record, self._turns.now()))
            self.dropped += dropped
            self._pending += not dropped
            return
        if self._pending >= self._max_pending and not await self._wait_for_capacity():
            return
        try:
            async with asyncio.timeout(self._timeout):
                receipt = await self._produce(Outgoing(topic, record, self._turns.now()))
        except (errors.KafkaError, TimeoutError) as error:
            self.refused += 1
            raise self._undelivered(self._pending + 1, error) from error
        self._pending += 1
        receipt.add_done_callback(self._settled)

    async def _produce(self, outgoing: Outgoing) -> "asyncio.Future[Any]":
        """Give a record to Kafka's client; return its receipt."""
        if self._producer is None:
            raise ClientNotOpenError("use the publisher in an async with block: it is not open")
        topic, record, stamp = outgoing
        _, headers = self._turns.take(record, stamp)
        receipt: asyncio.Future[Any] = await self._producer.send(
            topic, record.value, record.key, timestamp_ms=stamp, headers=headers
        )
        return receipt

    async def _hand_over(self, outgoing: Outgoing) -> "asyncio.Future[Any]":
        """Give a queued record to Kafka's client; return its receipt, which may be an error."""
        try:
            async with asyncio.timeout(_DEADLINE):
                receipt = await self._produce(outgoing)
        except (errors.KafkaError, TimeoutError) as error:
            receipt = asyncio.get_running_loop().create_future()
            receipt.set_exception(error)
        receipt.add_done_callback(self._settled)
        return receipt

    async def _wait_for_capacity(self) -> bool:
        """Wait for capacity in the queue; return False if the event is dropped instead."""
        if self._on_full == "drop":
            self.dropped += 1
            return False
        if self._on_full == "raise":
            raise self._full("")
        try:
            async with asyncio.timeout(self._timeout):
                while self._pending >= self._max_pending:
                    self._has_capacity.clear()
                    await self._has_capacity.wait()
        except TimeoutError as error:
            raise self._full(f" for {self._timeout:g} s") from error
        return True

    def _full(self, how_long: str) -> QueueFullError:
        return QueueFullError(
            f"{self._pending} records are not confirmed by {self._config.broker}{how_long}: the"
            " queue is full (max_pending); check that the cluster is up"
        )

    async def flush(self) -> None:
        """Wait until every record sent so far is confirmed.

        Raises
        ------
        DeliveryError
            If some were not confirmed.
        """
        while self._pending:
            self._idle.clear()
            await self._wait(self._idle)
        self._raise_failures()

    async def _topic(self, stream: Stream) -> str:
        """Return the name of a stream's topic, created if it is missing."""
        await ensure_topics(self._config, only={stream})
        self._topics[stream] = self._config.topics.full_name(stream)
        return self._topics[stream]

    async def _wait(self, event: asyncio.Event) -> None:
        try:
            with quiet_client():
                async with asyncio.timeout(_DEADLINE):
                    await event.wait()
        except TimeoutError as error:
            raise self._undelivered(self._pending, error) from error

    def _settled(self, receipt: "asyncio.Future[Any]") -> None:
        self._pending -= 1
        if (
            self._pending <= self._max_pending // 2
        ):  # half: one wake-up a thousand records, not each
            self._has_capacity.set()
        if not self._pending:
            self._idle.set()
        error = asyncio.CancelledError() if receipt.cancelled() else receipt.exception()
        if error is None:
            self.sent += 1
        else:
            self.refused += 1
            self._failures.append(error)

    def _raise_failures(self) -> None:
        if self._failures:
            failures, self._failures = self._failures, []
            raise self._undelivered(len(failures), failures[0]) from failures[0]

    def _undelivered(self, count: int, error: BaseException) -> DeliveryError:
        return DeliveryError(
            f"{self._config.broker} did not confirm {count} record(s)"
            f" ({str(error) or type(error).__name__}): check that the cluster is up and that the"
            " records do not exceed its message.max.bytes"
        )


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
