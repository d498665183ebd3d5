"""``streamproc inputs`` lists how events were read, or not."""

import asyncio
import json
from pathlib import Path
from typing import Any

from broker_topics import write
from worker.running import publish, watch_all

from streamproc.cli.inputs_run import MAX_KEYS, Findings
from streamproc.config.config import Config
from streamproc.kafka.topics import ensure_topics
from streamproc.monitor import LogRecord

EVENT = b'{"model_id": "fraud", "event_id": 7, "prediction": 0.5, "features": {"a": NaN}}'


def test_what_workers_reported_is_listed_by_model(
    run: Any, config_file: Path, config: Config
) -> None:
    """Converted and unreadable fields, and unreadable records with their number."""

    async def _prepare() -> None:
        await ensure_topics(config)
        await write(config, "predictions", EVENT, b"junk", b"more", key=b"fraud")
        await write(config, "predictions", b"[none]", key=b"churn")
        await publish(config, [{"model_id": "[red]", "prediction": 1.0}])
        await watch_all(config)

    asyncio.run(_prepare())
    result = run("inputs", "--json", "--config", config_file)
    assert result.exit_code == 0
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert sorted((each["model_id"], each["finding"], each["count"]) for each in found) == [
        ("churn", "unreadable", 1),
        ("fraud", "field", 1),
        ("fraud", "field", 1),
        ("fraud", "unreadable", 2),
    ]
    messages = " ".join(each["message"] for each in found if each["model_id"] == "fraud")
    assert "`event_id` of model 'fraud' is sent as an integer" in messages
    assert "counts as missing" in messages
    assert "2 of its records could not be read: not_json" in messages
    printed = run("inputs", "fraud", "--config", config_file).stdout
    assert printed.count("fraud") >= 3
    assert "churn" not in printed


def test_without_findings_it_says_so(run: Any, config_file: Path, config: Config) -> None:
    """Nothing is printed on standard output."""
    asyncio.run(ensure_topics(config))
    result = run("inputs", "--config", config_file)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "no worker has reported anything about these inputs\n"


def test_dead_letters_under_ever_new_keys_are_counted_together() -> None:
    """A producer that keys by event does not fill the memory."""
    findings = Findings()
    place = {"topic": "predictions", "partition": 0, "timestamp": 1}
    for number in range(MAX_KEYS + 50):
        headers = [(name, str(value).encode()) for name, value in place.items()]
        headers += [("reason", b"empty"), ("detail", b"nothing"), ("offset", b"%d" % number)]
        findings.add_letter(LogRecord(number, b"", 0, b"%d" % number, headers))
    found = findings.of("*")
    assert len(found) == MAX_KEYS + 1
    assert found[0].model_id == "*"
    assert found[0].count == 50
