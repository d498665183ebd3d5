import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from broker_topics import records, write
from worker.running import publish, watch_all
from worker.scenarios import story

from streamproc.config.config import Config
from streamproc.kafka.topics import ensure_topics
from streamproc.schemas.alerts import AlertEvent


@pytest.fixture
def watched(config: Config) -> Config:
    """Topics with a story, what a worker said of it, and a record that is no event."""

    async def _prepare() -> None:
        await publish(config, story(models=2))
        await write(config, "predictions", b"no event", key=b"model-1")
        await watch_all(config)

    asyncio.run(_prepare())
    return config


def rewritten(config: Config, stream: Any, change: Callable[[bytes], bytes]) -> None:
    """Write the first record of a topic once more, changed."""

    async def _rewrite() -> None:
        first = (await records(config, stream))[0]
        await write(config, stream, change(first.value), key=first.key)

    asyncio.run(_rewrite())


def test_a_replay_prints_what_the_worker_said(run: Any, config_file: Path, watched: Config) -> None:
    """--json gives the alerts of the topic, a line each, but for when they were made."""
    del watched
    said = [
        [
            AlertEvent.from_json(line).model_dump(exclude={"detected_at"})
            for line in run(command, "--json", "--config", config_file).stdout.splitlines()
        ]
        for command in ("alerts", "replay")
    ]
    assert said[0]
    assert said[0] == said[1]


def test_a_replay_prints_for_the_eye_and_by_model(
    run: Any, config_file: Path, watched: Config
) -> None:
    """Without --json alerts look as those of `alerts`; --model takes a glob."""
    del watched
    shown = run("replay", "--config", config_file).stdout
    assert shown == run("alerts", "--config", config_file).stdout
    assert run("replay", "--model", "model-0", "--config", config_file).stdout == ""


def test_what_a_worker_said_is_equal(run: Any, config_file: Path, watched: Config) -> None:
    """--compare ends with 0 and says how much was compared."""
    alerts = len(asyncio.run(records(watched, "alerts")))
    result = run("replay", "--compare", "--config", config_file)
    assert result.exit_code == 0
    assert result.stdout == (f"equal: 5200 events, {alerts} alerts, 1 dead letter; 0 repeated\n")


def test_an_alert_said_twice_is_equal(run: Any, config_file: Path, watched: Config) -> None:
    """The same alert again, as after a crash, is counted and no difference."""
    rewritten(watched, "alerts", lambda value: value)
    result = run("replay", "--compare", "--config", config_file)
    assert result.exit_code == 0
    assert result.stdout.endswith("; 1 repeated\n")


@pytest.mark.parametrize(
    ("stream", "change", "told"),
    [
        ("alerts", {"alert_id": "made-up"}, "alert made-up, firing, feature:amount of model"),
        ("alerts", {"severity": "critical"}, "was published twice, with severity ('warning' and"),
        ("alerts", None, "is not an alert"),
        ("dead_letters", None, "offset 1 of the dead letters does not say of what it is"),
    ],
)
def test_whatever_else_is_there_is_a_difference(
    run: Any, config_file: Path, watched: Config, stream: Any, change: Any, told: str
) -> None:
    """Something on the topics that the events do not give ends with 1, and a line that names it."""

    def _change(value: bytes) -> bytes:
        return (
            b"junk" if change is None else msgspec.json.encode(msgspec.json.decode(value) | change)
        )

    rewritten(watched, stream, _change)
    result = run("replay", "--compare", "--config", config_file)
    assert result.exit_code == 1
    assert told in result.stdout
    assert "\ndifferent: " in result.stdout


def test_whatever_is_missing_is_a_difference(run: Any, config_file: Path, watched: Config) -> None:
    """With another config the topics lack what it would have said, and hold what it would not."""
    text = config_file.read_text()
    config_file.write_text(
        text[:-1] + ', "models": [{"id": "*", "watch": [{"on": "*", "detectors": ["adwin"]}]}]}'
    )
    del watched
    result = run("replay", "--compare", "--config", config_file)
    assert result.exit_code == 1
    assert " is missing\n" in result.stdout
    assert " should not be there\n" in result.stdout


def test_what_nobody_has_handled_is_left_out(run: Any, config_file: Path, watched: Config) -> None:
    """Records that the group has yet to handle are no difference; how many there are is told."""
    asyncio.run(publish(watched, story(models=2)))
    result = run("replay", "--compare", "--config", config_file)
    assert result.exit_code == 0
    assert result.stdout.startswith("equal: 5200 events, ")
    assert result.stderr == "5200 records not processed by group streamproc yet: skipped\n"


def test_what_was_never_read_is_a_difference(run: Any, config_file: Path, config: Config) -> None:
    """Partitions with records of which the group has committed nothing were not read."""

    async def _prepare() -> None:
        await publish(config, story(models=2))
        await ensure_topics(config)

    asyncio.run(_prepare())
    result = run("replay", "--compare", "--config", config_file)
    assert result.exit_code == 1
    assert "group streamproc has committed no offset of it: it was not read" in result.stdout
    assert "different: 0 events" in result.stdout


def test_outcomes_are_compared_with_their_labels(
    run: Any, config_file: Path, config: Config
) -> None:
    """An outcome that no label explains ends with 1; those of a worker are explained."""

    async def _prepare() -> None:
        events: list[Any] = []
        for number in range(30):
            names = {"model_id": "m", "event_id": str(number), "ts": 1_767_225_600 + number}
            events += [names | {"prediction": 0.5}, names | {"label": 1.0}]
        await publish(config, events)
        await watch_all(config)

    asyncio.run(_prepare())
    result = run("replay", "--compare", "--config", config_file)
    assert result.exit_code == 0
    assert "30 outcomes checked against 30 labels" in result.stderr

    async def _invent() -> None:
        first = next(each for each in await records(config, "outcomes") if each.value)
        made_up = msgspec.json.decode(first.value) | {"label": 0.0, "seq": 10**6}
        value = msgspec.json.encode(made_up)
        await write(config, "outcomes", value, key=first.key)

    asyncio.run(_invent())
    result = run("replay", "--compare", "--config", config_file)
    assert result.exit_code == 1
    assert "no label explains outcome" in result.stdout
    assert "counts twice" in result.stdout


def test_dead_letters_of_labels_are_compared(run: Any, config_file: Path, config: Config) -> None:
    """A label that cannot be read has to have one; a label that can be read must not."""

    async def _prepare() -> None:
        for number in range(10):
            names = {"model_id": "m", "event_id": str(number), "ts": 1_767_225_600 + number}
            await publish(config, [names | {"prediction": 0.5}, names | {"label": 1.0}])
            if number == 5:
                await write(config, "labels", b"no label", key=b"m")
        await watch_all(config)

    asyncio.run(_prepare())
    result = run("replay", "--compare", "--config", config_file)
    assert result.exit_code == 0
    assert ", 1 dead letter; " in result.stdout

    async def _invent() -> None:
        [letter] = await records(config, "dead_letters")
        headers = [(name, b"0" if name == "offset" else value) for name, value in letter.headers]
        await write(config, "dead_letters", letter.value, key=letter.key, headers=headers)

    asyncio.run(_invent())
    result = run("replay", "--compare", "--config", config_file)
    assert result.exit_code == 1
    assert re.search(r"the dead letter of \S+labels-\d@0 \(not_json\) should not be", result.stdout)


def test_a_topic_that_is_missing_is_named(run: Any, config_file: Path) -> None:
    """Without topics there is one line that says so, and exit code 1."""
    result = run("replay", "--config", config_file)
    assert result.exit_code == 1
    assert "no worker has run on it yet" in result.stderr


def test_compare_takes_no_choice_of_alerts(run: Any) -> None:
    """--compare with --json or --model is wrong usage."""
    assert run("replay", "--compare", "--json").exit_code == 2
    assert run("replay", "--compare", "--model", "x").exit_code == 2
