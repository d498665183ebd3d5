import asyncio
from typing import Any, Literal

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from apache.kafka import ApacheKafka
from broker_topics import own_topics

from streamproc.config.config import Config, Control
from streamproc.kafka.clients import open_admin
from streamproc.kafka.errors import TopicError
from streamproc.kafka.topics import ensure_topics, has_topic

NAMES = (
    "predictions",
    "features",
    "labels",
    "outcomes",
    "alerts",
    "model-updates",
    "online-predictions",
    "dead-letters",
    "snapshots",
    "incidents",
    "incident-log",
)
ORDERED = ("incidents", "incident-log")


async def _partitions(config: Config, name: str) -> int:
    async with open_admin(config) as admin:
        (topic,) = await admin.describe_topics([name])
        return len(topic["partitions"])


async def _settings(config: Config, name: str) -> dict[str, str]:
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    async with open_admin(config) as admin:
        (answer,) = await admin.describe_configs([resource])
    (described,) = answer.resources
    return {name: value for name, value, *_ in described[-1]}


async def test_missing_topics_are_created_as_configured(bootstrap: str) -> None:
    """All topics exist afterwards, with the configured partitions, and are named."""
    config = own_topics(bootstrap, partitions=3)
    created = await ensure_topics(config)
    prefix = config.topics.prefix
    wanted = {f"{prefix}{name}" for name in NAMES}
    assert set(created) == wanted
    for name in NAMES:
        partitions = 1 if name in ORDERED else 3
        assert await _partitions(config, f"{prefix}{name}") == partitions, name


async def test_retention_is_set_on_creation(apache_kafka: ApacheKafka) -> None:
    """A topic that is created keeps its records for as long as the config says."""
    config = own_topics(apache_kafka.bootstrap, retention="2h")
    await ensure_topics(config, only={"alerts"})
    settings = await _settings(config, config.topics.full_name("alerts"))
    assert settings["retention.ms"] == str(2 * 3600 * 1000)


async def test_a_topic_that_exists_is_left_alone(bootstrap: str) -> None:
    """A second call with other settings creates nothing and changes nothing."""
    before = own_topics(bootstrap, partitions=1)
    await ensure_topics(before)
    topics = before.topics.model_copy(update={"partitions": 5})
    after = before.model_copy(update={"topics": topics})
    assert await ensure_topics(after) == ()
    assert await _partitions(after, after.topics.full_name("alerts")) == 1


async def test_the_control_topic_keeps_an_order(apache_kafka: ApacheKafka) -> None:
    """Commands have one partition, and are kept for longer than any of them can be obeyed."""
    config = own_topics(apache_kafka.bootstrap, partitions=3, retention="1m")
    config = config.model_copy(update={"control": Control(secret_env="A")})  # noqa: S106  a name
    name = config.topics.full_name("control")
    assert name in await ensure_topics(config)
    assert await _partitions(config, name) == 1
    assert int((await _settings(config, name))["retention.ms"]) > 3_600_000


async def test_several_may_create_at_once(bootstrap: str) -> None:
    """Of several callers at the same time each topic is created by exactly one."""
    config = own_topics(bootstrap)
    created = await asyncio.gather(*(ensure_topics(config) for _ in range(5)))
    names = [name for names in created for name in names]
    assert len(names) == len(set(names)) == len(NAMES)


async def test_only_the_wanted_topics_are_created(bootstrap: str) -> None:
    """Topics that were not asked for stay missing, and asking whether they exist creates none."""
    config = own_topics(bootstrap)
    assert await ensure_topics(config, only={"labels"}) == (f"{config.topics.prefix}labels",)
    for _ in range(2):
        assert not await has_topic(config, config.topics.full_name("alerts"))


async def test_too_many_replicas_are_refused_with_advice(apache_kafka: ApacheKafka) -> None:
    """A replication that the cluster cannot give is a typed error that names the setting."""
    config = own_topics(apache_kafka.bootstrap, replication=3)
    with pytest.raises(TopicError, match=r"topics\.replication"):
        await ensure_topics(config)


async def test_the_incident_log_has_the_time_of_the_broker(apache_kafka: ApacheKafka) -> None:
    """Waits and silences are measured by one clock, however wrong those of the workers are."""
    config = own_topics(apache_kafka.bootstrap)
    await ensure_topics(config, only={"incident_log"})
    settings = await _settings(config, config.topics.full_name("incident_log"))
    assert settings["message.timestamp.type"] == "LogAppendTime"


@pytest.mark.parametrize("kind", ["snapshots", "incidents"])
@pytest.mark.parametrize("policy", ["delete", "compact,delete"])
async def test_state_that_is_deleted_by_its_age_is_refused(
    policy: str,
    kind: Literal["snapshots", "incidents"],
    apache_kafka: ApacheKafka,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """State would be lost when its retention passes: the message has the command that helps."""
    config = own_topics(apache_kafka.bootstrap)
    name = config.topics.full_name(kind)
    async with open_admin(config) as admin:
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs={"cleanup.policy": policy})])
    if policy == "delete":
        with pytest.raises(TopicError, match=r"--add-config cleanup\.policy=compact"):
            await ensure_topics(config)
    else:
        await ensure_topics(config)
        assert f"{name} has cleanup.policy={policy}" in caplog.text


async def test_missing_topics_have_the_partitions_of_existing_ones(
    bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the broker that is asked does not know the partitions of a new topic yet."""
    config = own_topics(bootstrap, partitions=3)
    await ensure_topics(config, only={"predictions"})
    describe, calls = AIOKafkaAdminClient.describe_topics, 0

    async def late(client: AIOKafkaAdminClient, names: list[str]) -> list[dict[str, Any]]:
        nonlocal calls
        calls += 1
        found: list[dict[str, Any]] = await describe(client, names)
        return [{**topic, "partitions": []} for topic in found] if calls == 1 else found

    monkeypatch.setattr(AIOKafkaAdminClient, "describe_topics", late)
    other = own_topics(bootstrap, partitions=5, prefix=config.topics.prefix)
    await ensure_topics(other, only={"features"})
    assert await _partitions(other, other.topics.full_name("features")) == 3
