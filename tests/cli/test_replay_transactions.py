"""What `replay --compare` says of topics that transactional producers write."""

import msgspec
from aiokafka import AIOKafkaProducer
from apache.cluster import ApacheKafka
from worker.running import own_config, publish, watch_all

from streamproc.cli.replay_run import compare
from streamproc.config.config import Config
from streamproc.kafka.topics import ensure_topics


async def write_transactions(config: Config, *ends: str, partition: int = 0) -> None:
    """Write five events in each of several transactions, which are committed or aborted."""
    await ensure_topics(config)
    topic = config.topics.full_name("predictions")
    async with AIOKafkaProducer(
        bootstrap_servers=config.bootstrap_servers, transactional_id=f"{topic}-{partition}"
    ) as producer:
        for end in ends:
            await producer.begin_transaction()
            for number in range(5):
                event = {"model_id": "m", "features": {"x": number}, "prediction": 0.5}
                await producer.send(topic, msgspec.json.encode(event), b"m", partition=partition)
            if end == "commit":
                await producer.commit_transaction()
            else:
                await producer.abort_transaction()


async def test_markers_at_the_end_are_not_records(apache_kafka: ApacheKafka) -> None:
    """A group that has handled every committed record has handled everything."""
    config = own_config(apache_kafka.bootstrap, topics={"partitions": 2})
    await write_transactions(config, "commit", "abort")
    await write_transactions(config, "abort", partition=1)  # nothing that could be read
    await watch_all(config)
    found = await compare(config)
    assert (found.monitor.events, found.waiting, found.differences) == (5, 0, [])


async def test_records_behind_markers_are_counted(apache_kafka: ApacheKafka) -> None:
    """What was committed behind aborted records and was not handled is still reported."""
    config = own_config(apache_kafka.bootstrap, topics={"partitions": 1})
    await publish(config, [{"model_id": "m", "features": {"x": 1}, "prediction": 0.5}])
    await watch_all(config)
    await write_transactions(config, "abort", "commit")
    found = await compare(config)
    assert found.monitor.events == 1
    assert found.waiting == 6  # five records and the marker behind them
