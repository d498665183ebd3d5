import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
from record_logs import NOW, record

from streamproc.config.config import Config
from streamproc.decode.event_schema import Topic
from streamproc.kafka.clients import open_producer
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.pipeline.snapshot import encode_sections
from streamproc.worker.snapshots.records import Key
from streamproc.worker.snapshots.store import SnapshotStore

HOURS = 5 * 168


def written(folder: Path) -> Path:
    """Write a file of hourly events: a season, noise, a text, a rare value and a broken unit."""
    draw = np.random.default_rng(7)
    load = np.zeros(HOURS)
    for at, shock in enumerate(draw.normal(size=HOURS)):
        load[at] = 0.9 * load[at - 1] + shock
    day = 100 + 30 * np.sin(2 * np.pi * np.arange(HOURS) / 24) + 2 * load
    noise = draw.normal(5, 1, HOURS)
    noise[HOURS - 40 :] *= 1000
    lines = [
        json.dumps(
            {
                "model_id": "m",
                "ts": 1.7e9 + 3600 * at,
                "features": {
                    "season": day[at],
                    "unit": noise[at],
                    "steady": draw.normal(),
                    "rare": draw.normal() if at % 50 == 0 else None,
                    "land": str(draw.choice(["DE", "FR"])),
                },
            }
        )
        for at in range(HOURS)
    ]
    path = folder / "events.jsonl"
    path.write_text("\n".join(lines))
    return path


def test_each_series_has_a_state_and_a_character(run: Any, tmp_path: Path) -> None:
    """Seasons, dependence, texts, incidents and blind series are distinguished."""
    result = run("series", "--file", str(written(tmp_path)), "--json")
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    found = {row["series"]: (row["state"], row["character"]) for row in rows}
    assert found["feature:steady"] == ("watched", "independent")
    assert found["feature:season"][1] in {"daily", "weekly"}
    assert found["feature:land"][1] == "category"
    assert found["feature:rare"] == ("blind", "unknown")
    assert found["feature:unit"][0] == "firing"
    [unit] = [row for row in rows if row["series"] == "feature:unit"]
    assert unit["incident_id"]


def test_models_can_be_chosen(run: Any, tmp_path: Path) -> None:
    """A glob selects models; a person reads a table, with what a warm-up lacks."""
    path = str(written(tmp_path))
    assert "feature:rare" in run("series", "m*", "--file", path).stdout
    assert "17 of 200" in run("series", "--file", path).stdout
    assert "feature:rare" not in run("series", "other", "--file", path).stdout


def test_a_line_that_is_no_event_is_named(run: Any, tmp_path: Path) -> None:
    """The message has file, line and what is expected."""
    path = tmp_path / "events.jsonl"
    path.write_text('{"model_id": "m", "features": {"a": 1}}\n[1]\n')
    result = run("series", "--file", str(path))
    assert result.exit_code == 1
    assert f"{path}:2: expected an event" in result.stderr


def test_the_states_are_those_of_the_last_snapshots(
    run: Any, config: Config, config_file: Path, tmp_path: Path
) -> None:
    """Without a file the snapshots of the workers are read: those of this group, the newest."""
    lines = written(tmp_path).read_text().splitlines()
    records = [record(at, json.loads(line)) for at, line in enumerate(lines)]
    topic = config.topics.full_name("features")
    shard = PartitionMonitor(Topic.FEATURES, topic, 0, config)
    shard.process(records, NOW)
    asyncio.run(store(config, topic, encode_sections(shard, topic, 0, len(records)), len(records)))
    result = run("series", "--config", config_file, "--json")
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    found = {row["series"]: row["state"] for row in rows}
    assert found["feature:steady"] == "watched"
    assert found["feature:rare"] == "learning"
    assert found["feature:unit"] == "firing"
    assert {(row["topic"], row["partition"]) for row in rows} == {(topic, 0)}


async def store(config: Config, topic: str, sections: Any, following: int) -> None:
    """Write a snapshot as a worker does."""
    name = config.topics.full_name("snapshots")
    async with open_producer(config) as producer:
        await producer.send_and_wait(name, b"other", key=b"not a key of ours")
        key = Key(config.group, topic, 0, 1, "worker", 0, 0)
        await SnapshotStore(config, producer).write(key, sections, following, {})


def test_a_line_says_what_the_thresholds_allow(run: Any, tmp_path: Path) -> None:
    """With a budget for false alarms the command says it, and what is expected of it."""
    config = tmp_path / "streamproc.yaml"
    config.write_text("budget: 2 a week\ntopics: {partitions: 1}\n")
    result = run("series", "--file", str(written(tmp_path)), "--config", str(config))
    assert result.exit_code == 0, result.output
    [line] = [line for line in result.stderr.splitlines() if line.startswith("false alarms")]
    budget, allowed = line.split("; ")
    assert budget == "false alarms: the budget is 2 a week"
    assert 0.3 < float(allowed.split()[2]) <= 0.5, allowed
