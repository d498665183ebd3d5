"""Kafka clients as we want them: started and stopped within a time, failing with a reason."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Container
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, errors
from aiokafka.admin import AIOKafkaAdminClient

from streamproc.config.config import Config
from streamproc.kafka.connectivity import CONNECT_SECONDS, probe
from streamproc.kafka.errors import BrokerUnreachableError
from streamproc.kafka.fetch_throttle import throttle_fetches
from streamproc.kafka.fetched_records import read_leniently, unpacked_limit
from streamproc.kafka.member_id import keep_member_id
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.kafka.security import client_options
from streamproc.kafka.sequences import reuse_refused_sequences

# A leader election takes seconds; what is not confirmed after half a minute will not be.
REQUEST_SECONDS: Final = 30.0
# How soon partitions that were added are known, and topics that were created again; five minutes
# with the client's default.
METADATA_MS: Final = 10_000
# What `stop` still has to send was flushed before: it only says good-bye (aiokafka issue 773).
STOP_SECONDS: Final = 5.0
# Brokers take a megabyte a batch unless configured; a quarter keeps a slow one within its time.
_BATCH_BYTES: Final = 2**18
# The broker says that it knows no idempotent producer, or that this user may not be one.
_NOT_IDEMPOTENT: Final = (
    errors.UnsupportedVersionError,
    errors.IncompatibleBrokerVersion,
    errors.ClusterAuthorizationFailedError,
)

_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_producer(config: Config, **settings: Any) -> AsyncIterator[AIOKafkaProducer]:
    """Start a producer whose records are confirmed by all replicas, in the order of their key.

    It is idempotent where the broker allows; where not, a record may be written twice, but never
    out of order: aiokafka has one batch of a partition under way at a time.

    Parameters
    ----------
    config
        Where the broker is, and who we are.
    settings
        Of ``AIOKafkaProducer``, in place of ours.

    Raises
    ------
    BrokerUnreachableError
        When no broker of ``config.broker`` answers within 10 s, or its cluster does not.
    BrokerAuthError
        When the broker refuses ``config.security``.
    """
    base = await _connect(config)
    ours = {"acks": "all", "linger_ms": 5, "max_batch_size": _BATCH_BYTES}
    client = AIOKafkaProducer(enable_idempotence=True, **(base | ours | settings))
    try:
        await _start(client.start, client.stop, base)
    except _NOT_IDEMPOTENT:
        client = AIOKafkaProducer(**(base | ours | settings))
        await _start(client.start, client.stop, base)
    reuse_refused_sequences(client)
    try:
        yield client
    finally:
        await _stop(client.stop)


async def know_partition(client: AIOKafkaProducer, topic: str, partition: int) -> None:
    """Let a producer hear of a partition that was added since it last asked.

    It refuses to send there otherwise, with an AssertionError.
    """
    if partition not in await client.partitions_for(topic):
        await client.client.force_metadata_update()


@asynccontextmanager
async def open_consumer(
    config: Config, *topics: str, as_parsed: Container[str] = (), **settings: Any
) -> AsyncIterator[AIOKafkaConsumer]:
    """Start a consumer of all partitions of some topics, from their start, in no group.

    It reads what is committed, and an end of it is that: the last stable offset. What it cannot
    read comes as an `UnreadableRecord`.

    Parameters
    ----------
    config
        Where the broker is, and who we are.
    topics
        Topics that exist: asking a broker for another may create it.
    as_parsed
        Topics whose records come as in `read_leniently`.
    settings
        Of ``AIOKafkaConsumer``, in place of ours.

    Raises
    ------
    BrokerUnreachableError
        When no broker of ``config.broker`` answers within 10 s, or its cluster does not.
    BrokerAuthError
        When the broker refuses ``config.security``.
    ClientLibraryError
        When the package for Kafka's codecs is missing.
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
    read_leniently(client, lambda: limit, as_parsed)
    throttle_fetches(client)
    keep_member_id(client)
    await _start(client.start, client.stop, base)
    try:
        yield client
    finally:
        await _stop(client.stop)


@asynccontextmanager
async def open_admin(config: Config) -> AsyncIterator[AIOKafkaAdminClient]:
    """Start a client that creates and lists topics.

    Raises
    ------
    BrokerUnreachableError
        When no broker of ``config.broker`` answers within 10 s, or its cluster does not.
    BrokerAuthError
        When the broker refuses ``config.security``.
    """
    settings = await _connect(config)
    client = AIOKafkaAdminClient(**settings)
    await _start(client.start, client.close, settings)
    try:
        yield client
    finally:
        await _stop(client.close)


async def _connect(config: Config) -> dict[str, Any]:
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
    # In a task of its own: aiokafka waits for its own tasks in a way that swallows a cancellation
    # of whoever closes it, who would then go on for ever.
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
