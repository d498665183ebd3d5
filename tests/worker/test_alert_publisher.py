import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import errors
from alert_factory import alert
from broker_topics import records
from worker.running import own_config

from streamproc.broker import EmbeddedBroker
from streamproc.config.config import Config
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.schemas.alert_marks import AlertMarks
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.records import DeadLetter, Reason
from streamproc.worker import publisher as module
from streamproc.worker.publisher import AlertPublisher

Refuses = Callable[[dict[str, Any]], Exception | None]


class Cluster:
    """A producer whose cluster confirms what it does not refuse."""

    def __init__(self, refuses: Refuses) -> None:
        self._refuses = refuses
        self.taken: list[dict[str, Any]] = []

    async def send(self, topic: str, value: bytes | None, **more: Any) -> asyncio.Future[None]:
        """Take a record, or refuse it when it is confirmed, as brokers do."""
        letter = {"topic": topic, "value": value, **more}
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        problem = self._refuses(letter)
        if problem is None:
            self.taken.append(letter)
            answer.set_result(None)
        else:
            answer.set_exception(problem)
        return answer


def outbox(refuses: Refuses) -> tuple[AlertPublisher, Cluster]:
    """Return an outbox, and the cluster behind it."""
    cluster: Any = Cluster(refuses)
    return AlertPublisher(Config(), cluster), cluster


def letter(value: bytes | None, *headers: tuple[str, bytes], offset: int = 7) -> DeadLetter:
    """Return a dead letter."""
    return DeadLetter(
        Reason.NOT_JSON, "what it is", "predictions", 3, offset, 99, -1, b"key", value, headers
    )


def too_large(size: int) -> Refuses:
    """Refuse what has more bytes, as `max.message.bytes` does."""

    def refuses(sent: dict[str, Any]) -> Exception | None:
        headers = sum(len(name) + len(value) for name, value in sent["headers"])
        body = len(sent["value"] or b"") + len(sent["key"] or b"")
        return errors.MessageSizeTooLargeError() if headers + body > size else None

    return refuses


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0)


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize(
    "problem", [errors.NotLeaderForPartitionError(), errors.KafkaTimeoutError(), TimeoutError()]
)
async def test_it_tries_until_the_cluster_is_back(problem: Exception) -> None:
    """What passes is waited for, and what was confirmed meanwhile is not sent again."""
    times = itertools.count()
    box, cluster = outbox(
        lambda sent: problem if sent["topic"] == "alerts" and next(times) < 3 else None
    )
    await box.publish([alert()], [letter(b"x")])
    assert [sent["topic"] for sent in cluster.taken] == ["dead-letters", "alerts"]


@pytest.mark.parametrize(
    "problem", [errors.TopicAuthorizationFailedError(), errors.ProducerFenced()]
)
async def test_what_does_not_pass_is_raised(problem: Exception) -> None:
    """A refusal for good ends the worker, rather than being tried for ever."""
    box, _ = outbox(lambda _: problem)
    with pytest.raises(type(problem)):
        await box.publish([alert()], [])


async def test_a_dead_letter_too_large_goes_without_its_value() -> None:
    """What its topic does not take is left out, and said; the coordinates lead to it."""
    box, cluster = outbox(too_large(1000))
    await box.publish([], [letter(b"x" * 2000, ("trace", b"1"))])
    (sent,) = cluster.taken
    assert (sent["value"], sent["key"]) == (None, b"key")
    said = dict(sent["headers"])
    assert said["omitted"].startswith(b"the value of 2000 bytes exceeds this topic")
    assert (said["topic"], said["partition"], said["offset"]) == (b"predictions", b"3", b"7")
    assert said["trace"] == b"1"


async def test_headers_too_large_are_left_out_too() -> None:
    """A record of huge headers gives a dead letter of our own headers, and ends no worker."""
    box, cluster = outbox(too_large(1000))
    await box.publish([], [letter(b"x", ("huge", b"h" * 2000), ("reason", b"theirs"))])
    (sent,) = cluster.taken
    assert (sent["value"], sent["key"]) == (None, b"")  # one of the two there has to be
    said = dict(sent["headers"])
    assert said["reason"] == b"not_json"
    assert "huge" not in said


async def test_what_is_too_large_only_together_keeps_its_value() -> None:
    """Brokers refuse a batch as a whole; each of its letters is tried on its own."""
    alone = itertools.count()
    box, cluster = outbox(lambda _: errors.MessageSizeTooLargeError() if next(alone) < 3 else None)
    await box.publish([], [letter(b"%d" % at, offset=at) for at in range(3)])
    assert [sent["value"] for sent in cluster.taken] == [b"0", b"1", b"2"]


async def test_an_alert_too_large_is_published_short_and_is_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An alert that its topic cannot hold has a short one in its place, with the same ids."""
    box, cluster = outbox(too_large(1000))
    given = alert(message="m" * 2000, segment={"region": "eu"})
    assert await box.publish([given, alert("a2")], []) == {given.alert_id}
    taken = [AlertEvent.from_json(sent["value"]) for sent in cluster.taken]
    short = next(each for each in taken if each.alert_id == given.alert_id)
    assert (short.incident_id, short.status) == (given.incident_id, given.status)
    assert short.message.startswith("mmm")
    assert short.segment == {"region": "eu"}
    assert len(taken) == 2
    assert f"alert {given.alert_id}" in caplog.text


async def test_an_alert_that_cannot_be_short_enough_is_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where the topic takes nothing of an alert, that is logged; it must not stop all others."""
    box, cluster = outbox(too_large(100))
    assert await box.publish([alert()], []) == {alert().alert_id}
    assert not cluster.taken
    assert "topic alerts rejected alert" in caplog.text


async def test_a_refused_timestamp_is_left_out() -> None:
    """A worker whose clock is a day fast publishes alerts without a timestamp of its own."""
    box, cluster = outbox(
        lambda sent: None if sent["timestamp_ms"] == -1 else errors.InvalidTimestampError()
    )
    assert not await box.publish([alert(f"a{at}") for at in range(3)], [letter(b"x")])
    assert {sent["timestamp_ms"] for sent in cluster.taken} == {-1}
    alerts = [sent["value"] for sent in cluster.taken if sent["topic"] == "alerts"]
    assert [AlertEvent.from_json(value).alert_id for value in alerts] == ["a0", "a1", "a2"]


@pytest.mark.usefixtures("_soon")
async def test_a_client_that_hangs_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record whose confirmation never comes is sent again after a time."""
    monkeypatch.setattr(module, "HANG_SECONDS", 0.01)
    box, cluster = outbox(lambda _: None)
    answers = [asyncio.get_running_loop().create_future()]
    send = cluster.send

    async def hang_once(*args: Any, **more: Any) -> asyncio.Future[None]:
        return answers.pop() if answers else await send(*args, **more)

    monkeypatch.setattr(cluster, "send", hang_once)
    await box.publish([alert()], [])
    assert len(cluster.taken) == 1


async def test_alerts_of_a_model_keep_their_order(embedded_broker: EmbeddedBroker) -> None:
    """Alerts go to the partition of their model, in the order in which they were given."""
    config = own_config(embedded_broker.bootstrap)
    await ensure_topics(config)
    given = [alert(f"a{at}", model_id=f"m{at % 3}") for at in range(300)]
    async with open_producer(config, linger_ms=0) as producer:
        await AlertPublisher(config, producer).publish(given, [])
    found = await records(config, "alerts")
    for model in range(3):
        wanted = [each.to_json() for each in given if each.model_id == f"m{model}"]
        assert [record.value for record in found if record.key == b"m%d" % model] == wanted


async def test_a_dead_letter_may_have_neither_key_nor_value(
    embedded_broker: EmbeddedBroker,
) -> None:
    """A tombstone without a key, or a batch that cannot be read, ends no worker."""
    config = own_config(embedded_broker.bootstrap)
    await ensure_topics(config)
    async with open_producer(config) as producer:
        bare = replace(letter(None), key=None)
        await AlertPublisher(config, producer).publish([], [bare])
    [record] = await records(config, "dead_letters")
    assert (record.value, dict(record.headers)["offset"]) == (None, b"7")


async def test_an_alert_is_marked_in_its_headers() -> None:
    """Readers see what is silenced, also of a shortened alert; other records are not marked."""

    async def marks_of(given: AlertEvent) -> AlertMarks:
        return AlertMarks(("s1",), ("i1", "i2")) if given.alert_id == "a1" else AlertMarks()

    cluster: Any = Cluster(too_large(1500))
    box = AlertPublisher(Config(), cluster, marks_of)
    await box.publish([alert("a1", message="x" * 2000), alert("a2")], [letter(b"x")])
    found = {sent["topic"] + (sent["value"] or b"")[13:15].decode(): sent for sent in cluster.taken}
    marked = found["alertsa1"]
    assert marked["headers"] == [("silenced", b"s1"), ("inhibited", b"i1,i2")]
    assert found["alertsa2"]["headers"] == []
    assert AlertEvent.from_json(marked["value"]).alert_id == "a1"
