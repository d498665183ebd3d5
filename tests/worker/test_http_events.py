"""Events that are sent by HTTP are on their topics when the answer comes."""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pyarrow as pa
import pytest
import yaml
from aiohttp.test_utils import TestClient, TestServer
from aiokafka import errors
from broker_topics import records
from decode.arrow_logs import ipc
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from worker.running import WorkerProcess, own_config, read_alerts, settings, total
from worker.test_intake import native, rows

from streamproc.broker import EmbeddedBroker
from streamproc.config.config import Config
from streamproc.config.http_intake import HttpIntake
from streamproc.config.load import load
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.monitor import Monitor
from streamproc.schemas.content_types import ARROW_STREAM
from streamproc.worker.intake import admission
from streamproc.worker.intake.http_events import HttpEvents, HttpIntakeMetrics, accepting

TOKEN = "a token of thirty-two characters"  # noqa: S105  of this test
PREDICTION = {"model_id": "m", "event_id": "a", "ts": 5, "prediction": 0.5}
FEATURES = {"model_id": "m", "event_id": "a", "features": {"x": 1}}
LABEL = {"model_id": "m", "event_id": "a", "label": True}
KSERVE = {
    "ce-specversion": "1.0",
    "ce-id": "5f0c",
    "ce-type": "org.kubeflow.serving.inference.response",
    "ce-source": "http://localhost/",
    "ce-time": "2026-09-21T13:33:19.25Z",
    "ce-inferenceservicename": "churn",
    "ce-namespace": "caf%C3%A9",
    "content-type": "application/json",
}


class Silent:
    """A producer whose cluster does not confirm, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.sent = 0
        self.answer = asyncio.Event()

    async def send(self, *_: Any, **__: Any) -> "asyncio.Future[None]":
        """Return a confirmation that comes with `answer`."""
        self.sent += 1
        return asyncio.ensure_future(self._confirm())

    async def _confirm(self) -> None:
        await self.answer.wait()
        if self.error is not None:
            raise self.error


@asynccontextmanager
async def client_of(
    config: Config, producer: Any, token: str | None = None, **section: Any
) -> AsyncIterator[tuple[TestClient[Any, Any], CollectorRegistry]]:
    """Serve in this process, with a producer that the test gives."""
    registry = CollectorRegistry()
    secret = None if token is None else SecretStr(token)
    events = HttpEvents(
        config, HttpIntake(**section), producer, HttpIntakeMetrics(registry), secret
    )
    async with TestClient(TestServer(events.application())) as client:
        yield client, registry


@pytest.fixture
def config(embedded_broker: EmbeddedBroker) -> Config:
    """Give topics of the test's own."""
    return own_config(embedded_broker.bootstrap)


@pytest.fixture
async def client(config: Config) -> AsyncIterator[TestClient[Any, Any]]:
    """Give a client of a server with a real broker."""
    await ensure_topics(config)
    async with open_producer(config) as producer, client_of(config, producer) as (found, _):
        yield found


async def test_native_events_are_on_their_topics(
    config: Config, client: TestClient[Any, Any]
) -> None:
    """One event, a list, or a line each: unchanged, keyed by model, confirmed by the answer."""
    answer = await client.post("/events", json=PREDICTION)
    assert (answer.status, await answer.json()) == (200, {"events": 1, "skipped": 0})
    [record] = await records(config, "predictions")
    assert (record.key, json.loads(record.value)) == (b"m", PREDICTION)
    assert (await client.post("/events", json=[FEATURES, LABEL])).status == 200
    lines = "\n".join(map(json.dumps, [LABEL, FEATURES]))
    headers = {"content-type": "application/x-ndjson"}
    assert (await client.post("/events", data=lines, headers=headers)).status == 200
    for kind, event in (("features", FEATURES), ("labels", LABEL)):
        found = await records(config, kind)  # type: ignore[arg-type]
        assert [json.loads(each.value) for each in found] == [event, event]


async def test_rows_of_arrow_are_events(config: Config, client: TestClient[Any, Any]) -> None:
    """Each is on the topic of its kind, and one with a label is a prediction and its label."""
    sent = [
        {"model_id": "m", "event_id": "1", "prediction": 0.5, "amount": 12.5, "label": True},
        {"model_id": "n", "event_id": "2", "prediction": 0.25, "amount": None, "label": None},
    ]
    headers = {"content-type": ARROW_STREAM}
    answer = await client.post("/events", data=ipc(pa.Table.from_pylist(sent)), headers=headers)
    assert (answer.status, await answer.json()) == (200, {"events": 3, "skipped": 0})
    predictions = {
        each.key: json.loads(each.value) for each in await records(config, "predictions")
    }
    assert predictions == {
        b"m": {"model_id": "m", "event_id": "1", "prediction": 0.5, "features": {"amount": 12.5}},
        b"n": {"model_id": "n", "event_id": "2", "prediction": 0.25, "features": {"amount": None}},
    }
    [label] = await records(config, "labels")
    assert json.loads(label.value) == {"model_id": "m", "event_id": "1", "label": True}


@pytest.mark.parametrize("body", [b"?", b""], ids=["not arrow", "nothing"])
async def test_what_is_not_arrow_is_refused(client: TestClient[Any, Any], body: bytes) -> None:
    """The answer says what is wrong, and nothing is published."""
    answer = await client.post("/events", data=body, headers={"content-type": ARROW_STREAM})
    assert answer.status == 422
    assert len((await answer.json())["problems"]) == 1


async def test_cloud_events_hold_native_events(
    config: Config, client: TestClient[Any, Any]
) -> None:
    """Binary, structured and in batches; their id and time are the event's if it has none."""
    data = {"model_id": "m", "prediction": 0.5}
    event = {"specversion": "1.0", "id": "c1", "type": "t", "source": "s", "data": data}
    timed = event | {"time": "2026-09-21T13:33:19Z"}
    for body, kind in (
        (event, "application/cloudevents+json"),
        ([timed, event], "application/cloudevents-batch+json; charset=utf-8"),
        (data, "application/json"),
    ):
        headers = {"content-type": kind}
        if body is data:
            headers |= {"ce-specversion": "1.0", "ce-id": "c%202"}
        answer = await client.post("/events", data=json.dumps(body), headers=headers)
        assert answer.status == 200, await answer.text()
    found = [json.loads(each.value) for each in await records(config, "predictions")]
    assert [each["event_id"] for each in found] == ["c1", "c1", "c1", "c 2"]
    assert [each.get("ts") for each in found] == [None, "2026-09-21T13:33:19Z", None, None]


async def test_kserve_can_log_without_a_broker_of_its_own(embedded_broker: EmbeddedBroker) -> None:
    """Its logger's requests are mapped as on Kafka; what no rule maps is skipped."""
    intake = [{"from": {"http": True}, "preset": "kserve"}]
    config = own_config(embedded_broker.bootstrap, intake=intake, http_intake={})
    await ensure_topics(config)
    async with open_producer(config) as producer, client_of(config, producer) as (client, _):
        body = json.dumps({"predictions": [0.25, 0.75]})
        answer = await client.post("/events", data=body, headers=KSERVE)
        assert await answer.json() == {"events": 2, "skipped": 0}
        other = await client.post("/events", data=body, headers=KSERVE | {"ce-type": "other"})
        assert await other.json() == {"events": 0, "skipped": 1}
    found = [json.loads(each.value) for each in await records(config, "predictions")]
    assert [(e["model_id"], e["event_id"], e["prediction"]) for e in found] == [
        ("churn", "5f0c_0", 0.25),
        ("churn", "5f0c_1", 0.75),
    ]
    assert found[0]["tags"] == {"namespace": "café"}


@pytest.mark.parametrize(
    ("body", "kind", "status", "reason"),
    [
        (b"{", "application/json", 422, "0: not_json"),
        (b"", "application/json", 422, "0: empty"),
        (b'[{"model_id": 7, "prediction": 1}]', "application/json", 422, "0: wrong_type"),
        (
            json.dumps([PREDICTION, {"prediction": 1}]).encode(),
            "application/json",
            422,
            "1: missing_field",
        ),
        (b"3", "application/json", 422, "0: wrong_type"),
        (b"[1]", "application/cloudevents-batch+json", 422, "0: wrong_type"),
        (b"{", "application/cloudevents-batch+json", 422, "Expected `array`"),
        (b"x", "text/plain", 415, "expected application/json"),
        (b"x" * 2000, "application/json", 413, "more than http_intake.max_bytes (1000)"),
    ],
)
async def test_a_request_that_cannot_be_read_is_refused(
    config: Config, body: bytes, kind: str, status: int, reason: str
) -> None:
    """The answer names each event and the reason, and nothing was sent."""
    producer = Silent()
    async with client_of(config, producer, max_bytes=1000) as (client, registry):
        answer = await client.post("/events", data=body, headers={"content-type": kind})
        assert answer.status == status
        assert reason in await answer.text()
        assert total(registry, "http_intake_requests_total", status=str(status)) == 1
    assert producer.sent == 0


async def test_strict_holds_for_requests_too(config: Config) -> None:
    """With `strict` an integer id is refused, which is converted otherwise."""
    event = PREDICTION | {"event_id": 7}
    for strict, status in ((False, 200), (True, 422)):
        producer = Silent()
        producer.answer.set()
        given = config.model_copy(update={"strict": strict})
        async with client_of(given, producer) as (client, _):
            assert (await client.post("/events", json=event)).status == status


async def test_a_body_of_unknown_length_is_limited_too(config: Config) -> None:
    """A client that does not say how much it sends is stopped at the limit."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 100

    async with client_of(config, Silent(), max_bytes=1000) as (client, _):
        headers = {"content-type": "application/json"}
        answer = await client.post("/events", data=chunks(), headers=headers)
        assert answer.status == 413


async def test_a_compressed_body_is_limited_by_its_content(config: Config) -> None:
    """What unpacks to more than the limit is stopped there; less is read."""
    producer = Silent()
    producer.answer.set()
    async with client_of(config, producer, max_bytes=2000) as (client, _):
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        bomb = gzip.compress(b" " * 1_000_000)
        assert len(bomb) < 2000
        answer = await client.post("/events", data=bomb, headers=headers)
        assert answer.status == 413
        small = gzip.compress(json.dumps(PREDICTION).encode())
        assert (await client.post("/events", data=small, headers=headers)).status == 200


@pytest.mark.parametrize("shown", [None, "Bearer x", f"Basic {TOKEN}"])
async def test_the_token_is_required(config: Config, shown: str | None) -> None:
    """Whoever does not show it sends nothing."""
    producer = Silent()
    producer.answer.set()
    async with client_of(config, producer, TOKEN) as (client, _):
        headers = {} if shown is None else {"Authorization": shown}
        refused = await client.post("/events", json=PREDICTION, headers=headers)
        assert refused.status == 401
        assert producer.sent == 0
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert (await client.post("/events", json=PREDICTION, headers=headers)).status == 200
        assert (await client.get("/events", headers=headers)).status == 405


async def test_no_answer_before_the_cluster_has_confirmed(config: Config) -> None:
    """The answer waits for the confirmation of all replicas."""
    producer = Silent()
    async with client_of(config, producer) as (client, _):
        asking = asyncio.ensure_future(client.post("/events", json=PREDICTION))
        async with asyncio.timeout(60):
            while producer.sent == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert not asking.done()
        producer.answer.set()
        assert (await asking).status == 200


@pytest.mark.parametrize(
    ("error", "status", "later"),
    [
        (errors.KafkaTimeoutError(), 503, "5"),
        (errors.NotEnoughReplicasError(), 503, "5"),
        (errors.TopicAuthorizationFailedError(), 500, None),
        (errors.MessageSizeTooLargeError(), 413, None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_a_cluster_that_does_not_confirm_is_an_error(
    config: Config, error: Exception, status: int, later: str | None
) -> None:
    """The sender keeps its events, and reads when to send again."""
    producer = Silent(error)
    producer.answer.set()
    async with client_of(config, producer) as (client, registry):
        answer = await client.post("/events", json=PREDICTION)
        assert answer.status == status
        assert answer.headers.get("Retry-After") == later
        assert total(registry, "http_intake_events_total") == 0


async def test_too_many_events_have_to_wait(config: Config) -> None:
    """The answer says for how many seconds, and nothing of it was sent."""
    producer = Silent()
    producer.answer.set()
    async with client_of(config, producer, events_per_second=0.1) as (client, _):
        assert (await client.post("/events", json=[PREDICTION] * 5)).status == 200
        answer = await client.post("/events", json=PREDICTION)
        assert answer.status == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 50
    assert producer.sent == 5


async def test_unconfirmed_bytes_are_limited(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the cluster is slow, senders wait, and not the memory of the worker."""
    monkeypatch.setattr(admission, "MAX_PENDING_BYTES", 100)
    producer = Silent()
    async with client_of(config, producer) as (client, _):
        asking = asyncio.ensure_future(client.post("/events", json=PREDICTION))
        async with asyncio.timeout(60):
            while producer.sent == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        answer = await client.post("/events", json=PREDICTION)
        assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
        producer.answer.set()
        assert (await asking).status == 200
        assert (await client.post("/events", json=PREDICTION)).status == 200


async def test_events_by_http_are_watched(
    embedded_broker: EmbeddedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker gives the alerts of the same events on Kafka."""
    monkeypatch.setenv("EVENTS_TOKEN", TOKEN)
    given = settings(embedded_broker.bootstrap)
    given["http_intake"] = {"port": 0, "token_env": "EVENTS_TOKEN", "events_per_second": 100_000}
    events = [native(row) for row in rows()]
    async with WorkerProcess(tmp_path, given) as worker:
        await worker.logged("accepting events on ")
        [url] = re.findall(r"accepting events on (http://\S+/events)", worker.stderr)
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
            for first in range(0, len(events), 500):
                async with session.post(url, json=events[first : first + 500]) as answer:
                    assert answer.status == 200
        await worker.has_counted("events_total", above=len(events) - 1)
        assert await worker.stop() == 0
    expected = Monitor().process(events)
    assert expected
    alerts = await read_alerts(load(given))
    assert [a.message for a in alerts] == [a.message for a in expected]


PAGE = (Path(__file__).parents[2] / "docs" / "intake.md").read_text()


async def test_the_commands_of_the_docs(
    embedded_broker: EmbeddedBroker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each prints what the page shows."""
    section = PAGE.split("## Events by HTTP\n")[1].split("\n## ")[0]
    [block] = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    [session] = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    monkeypatch.setenv("STREAMPROC_EVENTS_TOKEN", TOKEN)
    config = load(settings(embedded_broker.bootstrap) | yaml.safe_load(block) | {"http": None})
    assert config.http_intake is not None
    free = config.http_intake.model_copy(update={"port": 0})
    with caplog.at_level("INFO"):
        async with accepting(config, free, CollectorRegistry()):
            [port] = re.findall(r"http://127\.0\.0\.1:(\d+)/events", caplog.text)
            for part in session.removeprefix("$ ").split("\n$ "):
                command, _, shown = part.strip().rpartition("\n")
                command = command.replace(":9465/", f":{port}/")
                running = await asyncio.create_subprocess_shell(
                    command, stdout=asyncio.subprocess.PIPE
                )
                printed, _ = await running.communicate()
                assert printed.decode().strip() == shown
    assert len(await records(config, "predictions")) == 1
    assert len(await records(config, "features")) == 2
