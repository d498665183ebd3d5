"""Where each webhook is in the alerts: a consumer group of its own keeps its place."""

from collections.abc import Iterable

from aiokafka import TopicPartition, errors

from streamproc.config.config import Config
from streamproc.kafka.clients import open_consumer
from streamproc.kafka.errors import BrokerError
from streamproc.sinks.webhook import Target


def group_of(config: Config, target: Target) -> str:
    """Give the group whose members share a webhook's alerts."""
    return f"{config.group}-webhook-{target.hook.name}"


async def begin(config: Config, targets: Iterable[Target]) -> None:
    """Let each webhook that has no place yet begin with what comes from now on.

    It is done before anything is watched, so that no alert falls between. What has no place later
    is a partition that was added since, which is read from its start.

    Raises
    ------
    BrokerUnreachableError, BrokerAuthError
        When the cluster does not answer, or refuses us.
    BrokerError
        When it does not keep the place.
    """
    async with open_consumer(config, config.topics.full_name("alerts")) as reader:
        ends = await reader.end_offsets(reader.assignment())
    for target in targets:
        group = group_of(config, target)
        try:
            await _begin(config, group, ends)
        except errors.CommitFailedError:
            continue  # another worker is at it already, and has begun
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
