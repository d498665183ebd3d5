"""``streamproc export`` writes the labelled events of an incident to a file."""

import asyncio
import csv
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from worker.running import WorkerProcess, publish, settings

from streamproc.broker import EmbeddedBroker
from streamproc.config.load import load
from streamproc.kafka.topics import ensure_topics

EVENTS, SHIFT, UNLABELLED = 1500, 1300, 100
MODELS = ("fraud", "churn")
LABELLED = EVENTS - UNLABELLED


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
                "tags": {"country": "de"},
                "prediction": {"yes": 0.25, "no": 0.75},
            }


def labels() -> Iterator[dict[str, Any]]:
    """Give the labels of most events, and another one for two of them."""
    given = [(number, "no") for number in range(LABELLED)]
    for number, label in [*given, (SHIFT + 50, "yes"), (SHIFT - 50, "yes")]:
        for model in MODELS:
            ts = 1_767_225_700 + number
            yield {"model_id": model, "event_id": str(number), "ts": ts, "label": label}


@pytest.fixture(scope="module")
def cluster(embedded_broker: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run a worker until it has joined all labels and has an incident; return its config file."""
    folder = tmp_path_factory.mktemp("export")
    raw = settings(embedded_broker.bootstrap, topics={"partitions": 1}, redact=["email"])
    file = folder / "streamproc.yaml"
    file.write_text(yaml.safe_dump(raw))

    async def _prepare() -> None:
        config = load(raw)
        await ensure_topics(config)
        await publish(config, events())
        await publish(config, labels())
        async with WorkerProcess(folder, raw) as worker:
            await worker.has_counted('event_groups{status="firing"}')
            await worker.has_counted('outcomes_total{status="revised"}', above=3)
            await worker.has_counted("model_labels", above=2 * LABELLED + 3)

    asyncio.run(_prepare())
    return file


def export(run: Any, cluster: Path, file: Path, *flags: str) -> str:
    """Export the incident that began with the amount; return what the command says."""
    lines = run("incidents", "--json", "--config", cluster).stdout.splitlines()
    found = [json.loads(line) for line in lines if "feature:amount" in line]
    name = found[0]["incident_id"]
    result = run("export", file, "--incident", name, *flags, "--config", cluster)
    assert result.exit_code == 0, result.stderr
    return str(result.stderr)


def test_the_rows_are_the_labelled_events_since_the_change(
    run: Any, cluster: Path, tmp_path: Path
) -> None:
    """A parquet file has each labelled event of the model once, with its last label."""
    file = tmp_path / "rows.parquet"
    message = export(run, cluster, file)
    rows = pq.read_table(file).to_pylist()
    numbers = [int(row["event_id"]) for row in rows]

    assert numbers == list(range(numbers[0], LABELLED))
    assert abs(numbers[0] - SHIFT) <= 2
    assert {row["side"] for row in rows} == {"after"}
    assert [row["label"] for row in rows].count("yes") == 1
    assert rows[SHIFT + 50 - numbers[0]]["label"] == "yes"
    assert all(row["features.amount"] > 1000 for row in rows[3:])
    assert rows[0]["prediction.yes"] == 0.25
    assert rows[0]["ts"].year == 2026
    assert f"{len(rows)} events of model fraud from " in message
    assert [each.name for each in tmp_path.iterdir()] == ["rows.parquet"]


def test_rows_before_the_change_come_first(run: Any, cluster: Path, tmp_path: Path) -> None:
    """`--before` adds the last labelled events before the change, in a csv file as well."""
    file = tmp_path / "rows.csv"
    export(run, cluster, file, "--before", "60")
    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    sides = [row["side"] for row in rows]

    assert sides == ["before"] * 60 + ["after"] * (len(rows) - 60)
    assert [int(row["event_id"]) for row in rows] == list(range(LABELLED - len(rows), LABELLED))
    assert float(rows[0]["features.amount"]) < 100
    assert [row["label"] for row in rows].count("yes") == 2
    assert rows[0]["ts"].startswith("2026-01-01T00:2")


def test_redacted_fields_are_not_written(run: Any, cluster: Path, tmp_path: Path) -> None:
    """Features that the config names have no value in any format."""
    file = tmp_path / "rows.jsonl"
    export(run, cluster, file)
    rows = [json.loads(line) for line in file.read_text().splitlines()]

    assert {row["features.email"] for row in rows} == {"(redacted)"}
    assert {row["tags.country"] for row in rows} == {"de"}
    assert "example.org" not in file.read_text()


def test_another_ending_is_refused(run: Any, cluster: Path, tmp_path: Path) -> None:
    """The message names the endings, and nothing is written."""
    result = run("export", tmp_path / "rows.xlsx", "--incident", "0b71", "--config", cluster)

    assert result.exit_code == 2
    assert "ends with none of .parquet, .csv, .jsonl" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_incident_leaves_no_file(run: Any, cluster: Path, tmp_path: Path) -> None:
    """A file of an earlier export stays as it is."""
    file = tmp_path / "rows.csv"
    file.write_text("earlier")
    result = run("export", file, "--incident", "ffffffffffff", "--config", cluster)

    assert result.exit_code == 1
    assert file.read_text() == "earlier"
    assert [each.name for each in tmp_path.iterdir()] == ["rows.csv"]


def test_parquet_names_the_extra_that_it_needs(
    run: Any, cluster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without pyarrow the command ends before it reads anything, with the command to install it."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "streamproc.tabular.parquet_rows", raising=False)
    result = run("export", tmp_path / "a.parquet", "--incident", "0b71", "--config", cluster)

    assert result.exit_code == 1
    assert "pip install 'streamproc[parquet]'" in result.stderr


def test_an_incident_without_labels_is_reported(run: Any, cluster: Path, tmp_path: Path) -> None:
    """The message says which model has none, and where they would be."""
    lines = run("incidents", "--json", "--config", cluster).stdout.splitlines()
    name = json.loads(lines[0])["incident_id"]
    raw = yaml.safe_load(cluster.read_text())
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(raw | {"group": f"{raw['group']}-other"}))
    result = run("export", tmp_path / "a.csv", "--incident", name, "--config", other)

    assert result.exit_code == 1
    assert "no labelled event of model 'fraud' is in " in result.stderr
