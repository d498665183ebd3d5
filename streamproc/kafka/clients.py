"""Open Kafka clients with timeouts, and errors that name the cause."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Container
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, errors
from aiokafka.admin import AIOKafkaAdminClient

from streamproc.kafka.closed_transports import report_closed_transports
from streamproc.kafka.compat import client_of
from streamproc.kafka.connectivity import CONNECT_SECONDS, probe
from streamproc.kafka.errors import BrokerUnreachableError
from streamproc.kafka.fetch_throttle import throttle_fetches
from streamproc.kafka.fetched_records import read_leniently, unpacked_limit
from streamproc.kafka.member_id import keep_member_id
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.kafka.security import client_options
from streamproc.kafka.sequences import reuse_refused_sequences

if TYPE_CHECKING:  # slow to load: clients do so only when they need a configuration
    from streamproc.config.config import Config

# A leader election takes seconds; a record not confirmed after half a minute has failed.
REQUEST_SECONDS: Final = 30.0
# How soon added partitions and recreated topics are noticed; the client's default is five minutes.
METADATA_MS: Final = 10_000
# Records were flushed before `stop`, which only closes connections (aiokafka issue 773).
STOP_SECONDS: Final = 5.0
# Brokers accept 1 MB a batch by default; a quarter of it keeps slow ones within the timeout.
_BATCH_BYTES: Final = 2**18
# The broker does not support idempotent producers, or does not permit them for this user.
_NOT_IDEMPOTENT: Final = (
    errors.UnsupportedVersionError,
    errors.IncompatibleBrokerVersion,
    errors.ClusterAuthorizationFailedError,
)

_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_producer(config: "Config", **settings: Any) -> AsyncIterator[AIOKafkaProducer]:
    """Start a producer whose records are confirmed by all replicas, in the order of their key.

    It is idempotent if the broker permits; otherwise a record may be written twice, but never out
    of order: aiokafka has one batch per partition in flight.

    Parameters
    ----------
    config
        Brokers and credentials.
    settings
        Arguments of ``AIOKafkaProducer`` that override the defaults here.

    Raises
    ------
    BrokerUnreachableError
        When no broker of ``config.broker`` answers within 10 s, or its cluster does not.
    BrokerAuthError
        When the broker rejects ``config.security``.
    """
    base = await _connect(config)
    ours = {"acks": "all", "linger_ms": 5, "max_batch_size": _BATCH_BYTES}
    client = AIOKafkaProducer(enable_idempotence=True, **(base | ours | settings))
    try:
        await _start(client.start, client.stop, base)
    except _NOT_IDEMPOTENT:
        client = AIOKafkaProducer(**(base | ours | settings))
        await _start(client.start, client.stop, base)
    report_closed_transports(client.client)
    reuse_refused_sequences(client)
    try:
        yield client
    finally:
        await _stop(client.stop)


async def know_partition(client: AIOKafkaProducer, topic: str, partition: int) -> None:
    """Refresh a producer's metadata if it does not know a partition yet.

    Sending to an unknown partition raises an AssertionError.
    """
    if partition not in await client.partitions_for(topic):
        await client.client.force_metadata_update()


@asynccontextmanager
async def open_consumer(
    config: "Config", *topics: str, as_parsed: Container[str] = (), **settings: Any
) -> AsyncIterator[AIOKafkaConsumer]:
    """Start a consumer of all partitions of some topics, from their start, without a group.

    It reads committed records only, and its end offsets are the last stable offsets. A record that
    cannot be parsed is returned as an `UnreadableRecord`.

    Parameters
    ----------
    config
        Brokers and credentials.
    topics
        Existing topics: requesting another one may create it.
    as_parsed
        Topics whose records are not converted, see `read_leniently`.
    settings
        Arguments of ``AIOKafkaConsumer`` that override the defaults here.

    Raises
    ------
    BrokerUnreachableError
        When no broker of ``config.broker`` answers within 10 s, or its cluster does not.
    BrokerAuthError
        When the broker rejects ``config.security``.
    ClientLibraryError
        When the package for Kafka's compression codecs is missing.
    """
    base = await _connect(config)
    ours = {
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
    }
    client = AIOKafkaConsumer(*topics, **(base | ours | settings))
    limit = unpacked_limit(config.limits)
    report_closed_transports(client_of(client))
    read_leniently(client, lambda: limit, as_parsed)
    throttle_fetches(client)
    keep_member_id(client)
    await _start(client.start, client.stop, base)
    try:
        yield client
    finally:
        await _stop(client.stop)


@asynccontextmanager
async def open_admin(config: "Config") -> AsyncIterator[AIOKafkaAdminClient]:
    """Start a client that creates and lists topics.

    Raises
    ------
    BrokerUnreachableError
        When no broker of ``config.broker`` answers within 10 s, or its cluster does not.
    BrokerAuthError
        When the broker rejects ``config.security``.
    """
    settings = await _connect(config)
    client = AIOKafkaAdminClient(**settings)
    await _start(client.start, client.close, settings)
    try:
        yield client
    finally:
        await _stop(client.close)


async def _connect(config: "Config") -> dict[str, Any]:
    options = client_options(config.security)
    address = await probe(config.bootstrap_servers, options)
    return {
        "bootstrap_servers": address,
        "request_timeout_ms": int(REQUEST_SECONDS * 1000),
        "metadata_max_age_ms": METADATA_MS,
        **options,
    }


async def _start(
    start: Callable[[], Awaitable[None]],
    stop: Callable[[], Awaitable[None]],
    settings: dict[str, Any],
) -> None:
    address = settings["bootstrap_servers"]
    try:
        with quiet_client():
            async with asyncio.timeout(CONNECT_SECONDS):
                await start()
    except BaseException as error:
        await _stop(stop)
        if isinstance(error, _NOT_IDEMPOTENT) or not isinstance(error, errors.KafkaError | OSError):
            raise
        raise BrokerUnreachableError(
            f"{address} answers, but its cluster does not within {CONNECT_SECONDS:.0f} s"
            f" ({str(error) or type(error).__name__}): check the broker's advertised.listeners,"
            " and whether it wants TLS or SASL (security: in the config)"
        ) from error


async def _stop(stop: Callable[[], Awaitable[None]]) -> None:
    # In a separate task: aiokafka swallows a cancellation of its caller while it closes, and the
    # caller would continue forever.
    stopping = asyncio.ensure_future(stop())
    with quiet_client():
        try:
            await asyncio.wait({stopping}, timeout=STOP_SECONDS)
        except asyncio.CancelledError:
            await asyncio.wait({stopping}, timeout=STOP_SECONDS)
            raise
        finally:
            stopping.cancel()
    if stopping.done():
        stopping.result()
    else:
        _log.info("a Kafka client did not stop within %.0f s: going on without it", STOP_SECONDS)
