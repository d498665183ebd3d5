"""Store each webhook's position in the alerts as a consumer group's offsets."""

from collections.abc import Iterable

from aiokafka import TopicPartition, errors

from streamproc.config.config import Config
from streamproc.kafka.clients import open_consumer
from streamproc.kafka.errors import BrokerError
from streamproc.sinks.targets import Target


def group_of(config: Config, target: Target) -> str:
    """Return the consumer group whose members share a webhook's alerts."""
    return f"{config.group}-webhook-{target.settings.name}"


async def begin(config: Config, targets: Iterable[Target]) -> None:
    """Commit the current end of its topic for each sink without committed offsets.

    It runs before any slice is processed, so that no alert is missed. Partitions that are added
    later have no committed offset, and are read from their start.

    Raises
    ------
    BrokerUnreachableError, BrokerAuthError
        If the cluster does not answer, or rejects the login.
    BrokerError
        If it does not store the offsets.
    """
    topics = [config.topics.full_name(topic) for topic in ("alerts", "incidents")]
    async with open_consumer(config, *topics) as reader:
        ends = await reader.end_offsets(reader.assignment())
    for target in targets:
        group = group_of(config, target)
        topic = config.topics.full_name(target.topic)
        try:
            await _begin(config, group, {at: end for at, end in ends.items() if at.topic == topic})
        except errors.CommitFailedError:
            continue  # another worker is already a member, and has committed
        except errors.KafkaError as error:
            raise BrokerError(
                f"{config.broker} did not store the offsets of group {group} ({error!r}): grant"
                " the user of security: READ on that group"
            ) from error


async def _begin(config: Config, group: str, ends: dict[TopicPartition, int]) -> None:
    async with open_consumer(config, group_id=group) as member:
        member.assign(list(ends))
        new = {home: end for home, end in ends.items() if await member.committed(home) is None}
        if new:
            await member.commit(new)
