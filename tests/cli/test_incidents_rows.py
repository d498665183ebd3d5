"""``streamproc incidents rows`` reads the events around a change back from the log."""

import asyncio
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import RecordsToDelete
from aiokafka.structs import TopicPartition
from worker.running import WorkerProcess, publish, settings

from streamproc.broker import EmbeddedBroker
from streamproc.cli import event_rows
from streamproc.cli.event_rows import rows_around
from streamproc.config.load import load
from streamproc.kafka.clients import open_admin
from streamproc.kafka.errors import BrokerUnreachableError, TopicError
from streamproc.kafka.topics import ensure_topics

EVENTS, SHIFT = 1500, 1300
MODELS = ("fraud", "churn")


def events() -> Iterator[dict[str, Any]]:
    """Give events of two models in turn; the unit of an amount of the first one changes."""
    draw = random.Random(3)
    for number in range(EVENTS):
        for model in MODELS:
            unit = 1000.0 if model == MODELS[0] and number >= SHIFT else 1.0
            yield {
                "model_id": model,
                "event_id": str(number),
                "ts": 1_767_225_600 + number,
                "features": {"amount": unit * draw.gauss(10, 1), "email": f"{number}@example.org"},
                "tags": {"card_number": "4111"},
                "prediction": draw.random(),
            }


@pytest.fixture(scope="module")
def cluster(embedded_broker: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run a worker until it has an incident; return its config file."""
    folder = tmp_path_factory.mktemp("rows")
    raw = settings(embedded_broker.bootstrap, topics={"partitions": 1}, redact=["email", "card_*"])
    file = folder / "streamproc.yaml"
    file.write_text(yaml.safe_dump(raw))

    async def _prepare() -> None:
        config = load(raw)
        await ensure_topics(config)
        await publish(config, events())
        async with WorkerProcess(folder, raw) as worker:
            await worker.has_counted('event_groups{status="firing"}')

    asyncio.run(_prepare())
    return file


def rows(run: Any, cluster: Path, *flags: str) -> str:
    """Return what is printed for the only incident."""
    [line] = run("incidents", "--json", "--config", cluster).stdout.splitlines()
    name = json.loads(line)["incident_id"]
    result = run("incidents", "rows", name, *flags, "--config", cluster)
    assert result.exit_code == 0, result.stderr
    return str(result.stdout)


def test_the_rows_are_those_before_and_after_the_change(run: Any, cluster: Path) -> None:
    """In log order, of this model only, and divided where the values changed."""
    found = [json.loads(line) for line in rows(run, cluster, "--json", "-n", "20").splitlines()]
    sides = [row["side"] for row in found]
    assert sides == ["before"] * 20 + ["after"] * 20
    numbers = [int(row["event_id"]) for row in found]
    assert numbers == list(range(numbers[0], numbers[0] + 40))
    assert abs(numbers[20] - SHIFT) <= 2
    assert all(
        (row["features"]["amount"] > 100) == (number >= SHIFT)
        for row, number in zip(found, numbers, strict=True)
    )


def test_rows_far_from_the_change_are_found_among_those_of_other_models(
    run: Any, cluster: Path
) -> None:
    """Each is there once, however far the log has to be read for them."""
    found = [json.loads(line) for line in rows(run, cluster, "--json", "-n", "900").splitlines()]
    numbers = [int(row["event_id"]) for row in found]
    assert numbers == list(range(numbers[0], EVENTS))
    assert sum(row["side"] == "before" for row in found) == 900


def test_redacted_fields_are_not_printed(run: Any, cluster: Path) -> None:
    """Features and tags that the config names have no value."""
    for line in rows(run, cluster, "--json").splitlines():
        row = json.loads(line)
        assert row["features"]["email"] == row["tags"]["card_number"] == "(redacted)"
        assert row["features"]["amount"] > 0


def test_the_table_shows_the_changed_feature(run: Any, cluster: Path) -> None:
    """And where the change is, on a terminal of any width."""
    printed = rows(run, cluster, "-n", "3")
    head, _, titles, *lines = printed.splitlines()
    assert head.startswith("model fraud, feature:amount: 3 events before and 3 from ")
    assert titles.split() == ["offset", "ts", "event_id", "amount", "prediction"]
    assert [line.split()[0] == "--" for line in lines if line.strip()].count(True) == 1
    assert "example.org" not in printed


def show(run: Any, cluster: Path, *flags: str) -> str:
    """Return what `incidents show` prints of the only incident."""
    [line] = run("incidents", "--json", "--config", cluster).stdout.splitlines()
    name = json.loads(line)["incident_id"]
    result = run("incidents", "show", name, *flags, "--config", cluster)
    assert result.exit_code == 0, result.stderr
    return str(result.stdout)


def test_deciles_are_those_of_the_events_around_the_change(run: Any, cluster: Path) -> None:
    """Nine values for up to 1,000 events before, and those since, beside the levels."""
    printed = show(run, cluster, "--deciles")
    before, since = re.findall(r"(?:deciles   before|          since ) +(.*) \(of (\d+) ", printed)
    values = [[float(each) for each in side[0].split()] for side in (before, since)]

    assert (before[1], 190 <= int(since[1]) <= 210) == ("1000", True)
    assert [len(side) for side in values] == [9, 9]
    assert values[0] == sorted(values[0])
    assert abs(values[0][4] - 10) < 0.5
    assert abs(values[1][4] - 10_000) < 500
    assert "deciles" not in show(run, cluster)


def test_deciles_as_json(run: Any, cluster: Path) -> None:
    """The incident stays as it is, and has one more key."""
    plain, more = (json.loads(show(run, cluster, "--json", *f)) for f in ((), ("--deciles",)))
    found = more.pop("deciles")

    assert more == plain
    assert (found["series"], found["before"]["n"]) == ("feature:amount", 1000)
    assert len(found["since"]["deciles"]) == 9


def test_a_model_that_is_no_member_is_refused(run: Any, cluster: Path) -> None:
    """The message names the members."""
    [line] = run("incidents", "--json", "--config", cluster).stdout.splitlines()
    name = json.loads(line)["incident_id"]
    result = run("incidents", "rows", name, "--model", "other", "--config", cluster)
    assert result.exit_code == 2
    assert "'other' is not a member of this incident; its first ones are fraud" in result.stderr


def test_rows_of_a_segment_have_its_tags(cluster: Path) -> None:
    """Others of the model are not among them, also where the tag is redacted in what is printed."""
    config = load(yaml.safe_load(cluster.read_text()))
    place = (config.topics.full_name("predictions"), 0, 500)
    found, other = (
        asyncio.run(rows_around(config, place, MODELS[0], 5, {"card_number": number}))
        for number in ("4111", "5500")
    )
    assert [len(side) for side in found] == [5, 5]
    assert other == ([], [])


def test_events_that_retention_has_removed_are_reported(cluster: Path) -> None:
    """The message says where the log begins."""
    config = load(yaml.safe_load(cluster.read_text()))
    topic = config.topics.full_name("predictions")

    async def _read() -> None:
        before, after = await rows_around(config, (topic, 0, 0), MODELS[1], 5)
        assert (before, len(after)) == ([], 5)
        async with open_admin(config) as admin:
            await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=9)})
        await rows_around(config, (topic, 0, 5), MODELS[1], 5)

    with pytest.raises(TopicError, match=r"-0 begins at offset 9: the events around offset 5"):
        asyncio.run(_read())


def test_a_broker_that_stops_answering_is_named(
    cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command ends, and says of which partition it got no events."""
    config = load(yaml.safe_load(cluster.read_text()))
    topic = config.topics.full_name("predictions")

    async def _hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(AIOKafkaConsumer, "end_offsets", _hang)
    monkeypatch.setattr(event_rows, "READ_SECONDS", 0.1)
    with pytest.raises(BrokerUnreachableError, match=r"did not return the events of \S+-0"):
        asyncio.run(rows_around(config, (topic, 0, 9), MODELS[1], 5))
