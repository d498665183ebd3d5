"""Create missing topics, and check existing ones without changing them."""

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streamproc.kafka.clients import open_admin
from streamproc.kafka.connectivity import CONNECT_SECONDS
from streamproc.kafka.errors import BrokerUnreachableError, TopicError

if TYPE_CHECKING:  # slow to load: clients do so only when they need a configuration
    from streamproc.config.config import Config, TopicKind

_log = logging.getLogger(__name__)

# Long enough for a controller election; the client's timeout is longer.
_CREATE_MS: Final = 15_000
_LOOK_SECONDS: Final = 0.05
_BROKER_DEFAULT: Final = -1  # asks for `default.replication.factor` (KIP-464)
OUTPUTS: "Final[tuple[TopicKind, ...]]" = ("outcomes", "online_predictions", "model_updates")
"""Topics that only workers write, co-partitioned with their input topics."""
JOINED: "Final[tuple[TopicKind, ...]]" = ("predictions", "features", "labels", *OUTPUTS)
"""Topics that need equal numbers of partitions."""
# Every recovery reads replaced records until compaction, which brokers only run on full segments,
# and by default only once half of a log is obsolete.
_COMPACTED: Final = {
    "cleanup.policy": "compact",
    "segment.bytes": str(32 * 2**20),
    "min.cleanable.dirty.ratio": "0.1",
}
# A command cannot be replayed while its record is retained: an hour would be enough, after which
# every command has expired.
_REMEMBERED: Final = {"retention.ms": str(7 * 86_400_000)}
# Incidents depend on the order of the log and on the time of its records. It is the broker's time,
# since the clocks of workers differ.
_ORDERED: "Final[tuple[TopicKind, ...]]" = ("control", "incidents", "incident_log")
_BROKER_TIME: Final = {"message.timestamp.type": "LogAppendTime"}
_ADVICE: Final[Mapping[type[Exception], str]] = {
    errors.InvalidReplicationFactorError: (
        "set topics.replication to at most the number of brokers"
    ),
    errors.TopicAuthorizationFailedError: "grant the user CREATE, or create it yourself",
    errors.ClusterAuthorizationFailedError: "grant the user CREATE, or create it yourself",
    errors.PolicyViolationError: "the cluster's policy forbids it: create it yourself",
}


async def has_topic(config: "Config", name: str) -> bool:
    """Whether a topic exists; asking does not create it.

    Raises
    ------
    BrokerUnreachableError, BrokerAuthError
        When the cluster cannot be asked.
    """
    async with open_admin(config) as admin:
        return name in await _names(config, admin)


async def existing_topics(config: "Config") -> set[str]:
    """Return the names of all topics that the user may see.

    Raises
    ------
    BrokerUnreachableError, BrokerAuthError
        When the cluster cannot be asked.
    """
    async with open_admin(config) as admin:
        return await _names(config, admin)


async def ensure_topics(
    config: "Config", only: "Collection[TopicKind] | None" = None
) -> tuple[str, ...]:
    """Create missing topics as configured; existing ones are not changed.

    Other processes may create the same topics concurrently.

    Parameters
    ----------
    config
        Names, partitions, replication and retention of the topics.
    only
        Kinds of topics to create; None: all that the config uses.

    Returns
    -------
    tuple of str
        The names of the topics that this call created.

    Raises
    ------
    TopicError
        When the cluster rejects one, or deletes snapshots or incidents by their age; the
        message names what to change.
    BrokerUnreachableError, BrokerAuthError
        When the cluster cannot be asked.
    """
    async with open_admin(config) as admin:
        there = await _names(config, admin)
        kinds = config.kinds if only is None else only
        absent = [kind for kind in kinds if config.topics.full_name(kind) not in there]
        created: tuple[str, ...] = ()
        if absent:
            partitions = await _partitions(config, admin, there)
            missing = [_new(config, kind, partitions) for kind in absent]
            created = await _create(config, admin, missing)
            await _await_leaders(config, admin, [topic.name for topic in missing])
        for kind in ("snapshots", "incidents"):
            name = config.topics.full_name(kind)
            if kind in kinds and name not in created:
                await _check_compacted(admin, name)
        return created


async def _names(config: "Config", admin: AIOKafkaAdminClient) -> set[str]:
    try:
        # List all: a metadata request for one name may auto-create the topic, with the broker's
        # default number of partitions.
        return set(await admin.list_topics())
    except (errors.KafkaError, TimeoutError) as error:
        raise _silent(config, error) from error


async def _partitions(config: "Config", admin: AIOKafkaAdminClient, there: set[str]) -> int:
    """Return the number of partitions for missing topics: that of the existing joined topics.

    Joined topics need equal numbers, and a producer may have auto-created one of them with the
    broker's default.
    """
    names = [config.topics.full_name(kind) for kind in JOINED]
    if not there.intersection(names):
        return config.topics.partitions
    counts = {0}
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            while 0 in counts:  # a topic that this broker does not know yet
                found = await admin.describe_topics(sorted(there.intersection(names)))
                counts = {len(topic["partitions"]) for topic in found}
                await asyncio.sleep(_LOOK_SECONDS if 0 in counts else 0)
    except (errors.KafkaError, TimeoutError) as error:
        raise _silent(config, error) from error
    return counts.pop() if len(counts) == 1 else config.topics.partitions


async def grow_outputs(config: "Config", partitions: int) -> tuple[str, ...]:
    """Add partitions to output topics that have fewer; return their names.

    Raises
    ------
    TopicError
        When the cluster refuses.
    BrokerUnreachableError, BrokerAuthError
        When the cluster cannot be asked.
    """
    async with open_admin(config) as admin:
        names = [config.topics.full_name(kind) for kind in OUTPUTS if kind in config.kinds]
        try:
            found = await admin.describe_topics(names)
            small = [each["topic"] for each in found if 0 < len(each["partitions"]) < partitions]
            if small:
                await admin.create_partitions(
                    {name: NewPartitions(partitions) for name in small}, timeout_ms=_CREATE_MS
                )
                await _await_leaders(config, admin, small)
        except (errors.KafkaError, TimeoutError) as error:
            if isinstance(error, errors.KafkaError) and not error.retriable:
                raise TopicError(
                    f"partitions cannot be added to {', '.join(names)}: {error!r}; add them"
                    f" yourself (kafka-topics --alter --partitions {partitions})"
                ) from error
            raise _silent(config, error) from error
    return tuple(small)


async def _check_compacted(admin: AIOKafkaAdminClient, topic: str) -> None:
    """Make sure that a topic keeps the last record of each key.

    Raises
    ------
    TopicError
        If it deletes records by their age or by its size alone.
    """
    policy = await _policy(admin, topic)
    if policy is None:
        _log.warning(
            "the user may not DESCRIBE_CONFIGS of topic %s: check that its cleanup.policy is"
            " compact, or state is lost when its retention passes",
            topic,
        )
    elif "compact" not in policy:
        raise TopicError(
            f"topic {topic!r} has cleanup.policy={policy}: records would be deleted by their age"
            " and the state in them lost; set it with `kafka-configs --alter"
            f" --entity-type topics --entity-name {topic} --add-config cleanup.policy=compact`"
        )
    elif "delete" in policy:
        _log.warning(
            "topic %s has cleanup.policy=%s: state that is older than its retention is lost;"
            " set cleanup.policy=compact",
            *(topic, policy),
        )


async def _policy(admin: AIOKafkaAdminClient, topic: str) -> str | None:
    """Return the `cleanup.policy` of a topic; None where the broker does not say."""
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, {"cleanup.policy": None})
    try:
        responses = await admin.describe_configs([resource])
    except (errors.KafkaError, TimeoutError):
        return None
    for response in responses:
        for _, _, _, _, entries in response.resources:
            for name, value, *_ in entries:
                if name == "cleanup.policy":
                    return str(value)
    return None


async def _create(
    config: "Config", admin: AIOKafkaAdminClient, missing: list[NewTopic]
) -> tuple[str, ...]:
    try:
        response = await admin.create_topics(missing, timeout_ms=_CREATE_MS)
    except (errors.KafkaError, TimeoutError) as error:
        raise _silent(config, error) from error
    return tuple(name for name, *outcome in response.topic_errors if _created(name, outcome))


async def _await_leaders(config: "Config", admin: AIOKafkaAdminClient, names: list[str]) -> None:
    """Wait until new topics have leaders: the controller confirms before brokers know them."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            # Brokers send no event when they are ready, so poll.
            while not all(map(_led, await admin.describe_topics(names))):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_SECONDS)
    except (errors.KafkaError, TimeoutError) as error:
        raise _silent(config, error) from error


def _led(topic: dict[str, Any]) -> bool:
    partitions = topic["partitions"]
    return bool(partitions) and all(partition["leader"] >= 0 for partition in partitions)


def _created(name: str, outcome: list[Any]) -> bool:
    """Whether the broker created a topic; False if it existed already."""
    code, *message = outcome
    kind = errors.for_code(code)
    if kind is errors.TopicAlreadyExistsError:
        return False
    if kind is errors.NoError:
        return True
    reason = (message[0] if message else None) or kind.__name__
    raise TopicError(
        f"topic {name!r} cannot be created: {reason};"
        f" {_ADVICE.get(kind, 'create it yourself, or change topics: in the config')}"
    )


def _new(config: "Config", kind: "TopicKind", partitions: int) -> NewTopic:
    replicas = config.topics.replication
    return NewTopic(
        name=config.topics.full_name(kind),
        num_partitions=partition_count(config, kind, partitions),
        replication_factor=replicas or _BROKER_DEFAULT,
        # aiokafka takes -1 only beside assignments, of which none are made.
        replica_assignments=None if replicas else {},
        topic_configs=topic_settings(config, kind),
    )


def partition_count(config: "Config", kind: "TopicKind", joined: int | None = None) -> int:
    """Return the partitions of a topic that is created; `joined` for those of the joined topics."""
    if kind in _ORDERED:
        return 1
    return joined if joined and kind in JOINED else config.topics.partitions


def topic_settings(config: "Config", kind: "TopicKind") -> Mapping[str, str]:
    """Return the settings of a topic that is created, as the broker calls them."""
    if kind in {"snapshots", "incidents"}:
        return _COMPACTED
    if kind == "control":
        return _REMEMBERED
    retention = config.topics.retention
    settings = _BROKER_TIME if kind == "incident_log" else {}
    if retention is None:
        return settings
    return {**settings, "retention.ms": str(int(retention.total_seconds() * 1000))}


def _silent(config: "Config", error: Exception) -> BrokerUnreachableError:
    return BrokerUnreachableError(
        f"{config.broker} did not answer about its topics"
        f" ({str(error) or type(error).__name__}): check that its controller is up"
    )
