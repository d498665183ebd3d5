import asyncio
from pathlib import Path
from typing import Any

import pytest
from broker_topics import write
from update_factory import story, update

from streamproc.config.config import Config
from streamproc.kafka.topics import ensure_topics
from streamproc.schemas.model_updates import ModelUpdate

COMMANDS = ["list", "show", "history", "promote", "rollback", "try"]


@pytest.fixture
def told(config: Config) -> list[ModelUpdate]:
    """Write a life to the topic, one update twice, two segments of another model, and junk."""
    updates = [
        *story(),
        update("s1", model_id="price", segment={"shop": "7"}, learned=7, metrics={"mae": 0.5}),
        update(
            "s2",
            model_id="price",
            segment={"shop": "8"},
            parameters={"form": "linear", "weights": {"km": 0.25}, "intercept": 1.5},
            model=[{"linear_model.LinearRegression": {}}],
        ),
    ]

    async def _prepare() -> None:
        await ensure_topics(config)
        values = [each.to_json() for each in updates]
        await write(config, "model_updates", values[0], b"junk", *values[1:], values[0])

    asyncio.run(_prepare())
    return updates


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_has_an_example(run: Any, command: str) -> None:
    """The help of every command about models has an example that begins as one would type it."""
    result = run("models", command, "--help")
    assert result.exit_code == 0
    assert f"Example:\n    streamproc models {command}" in result.stdout


@pytest.mark.usefixtures("told")
def test_list_shows_what_answers_and_what_happened(run: Any, config_file: Path) -> None:
    """Each model and segment has a line: version, labels, metrics beside production, last step."""
    result = run("models", "list", "--config", config_file)
    assert result.exit_code == 0
    lines = [line for line in result.stdout.splitlines() if "v1" in line]
    assert len(lines) == 3
    fraud = next(line for line in lines if "fraud" in line)
    assert "100" in fraud
    assert "accuracy 0.91 (production 0.88, floor 0.6)" in fraud
    assert "rolled_back v1" in fraud
    assert any("price shop=7" in line and "mae 0.5" in line for line in lines)


def test_list_as_json_is_the_update_of_each_version_that_answers(
    run: Any, config_file: Path, told: list[ModelUpdate]
) -> None:
    """Another program gets one ModelUpdate a line, of models that match a glob."""
    result = run("models", "list", "--json", "--model", "pri*", "--config", config_file)
    assert [ModelUpdate.from_json(line) for line in result.stdout.splitlines()] == told[-2:]


@pytest.mark.usefixtures("told")
def test_show_gives_the_versions_and_the_parameters(run: Any, config_file: Path) -> None:
    """All versions are listed, the one that answers first; then what it is, and its numbers."""
    fraud = run("models", "show", "fraud", "--config", config_file).stdout
    assert fraud.index("v1") < fraud.index("v2")
    assert "answers" in fraud
    assert "no plain parameters" in fraud
    price = run("models", "show", "price", "--segment", "shop=8", "--config", config_file).stdout
    assert '"km": 0.25' in price
    assert "linear_model.LinearRegression" in price


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "unknown online model 'nope'; known: fraud, price"),
        (["price"], "has no segment {}; there are: shop=7, shop=8 (--segment)"),
    ],
)
def test_an_unknown_model_is_named_with_those_there_are(
    run: Any, config_file: Path, arguments: list[str], said: str
) -> None:
    """A name that is none ends with 1, and says which there are."""
    result = run("models", "show", *arguments, "--config", config_file)
    assert result.exit_code == 1
    assert said in result.stderr


def test_history_tells_each_step_and_its_cause(
    run: Any, config_file: Path, told: list[ModelUpdate]
) -> None:
    """The steps come in their order, each once, without the learning between, unless asked for."""
    result = run("models", "history", "fraud", "--json", "--config", config_file)
    steps = [ModelUpdate.from_json(line) for line in result.stdout.splitlines()]
    assert steps == [each for each in told[:7] if each.step != "learned"]
    result = run("models", "history", "fraud", "--learned", "--json", "--config", config_file)
    assert [ModelUpdate.from_json(line) for line in result.stdout.splitlines()] == told[:7]
    text = run("models", "history", "fraud", "--config", config_file).stdout
    assert "because of ops#4" in text
    assert "2026-01-05 10:00:00Z rolled_back" in text


@pytest.mark.usefixtures("told")
def test_history_of_a_segment_leaves_out_the_others(run: Any, config_file: Path) -> None:
    """--segment narrows a model of many parts down to one."""
    arguments = ("models", "history", "price", "--learned", "--json", "--config", config_file)
    result = run(*arguments, "--segment", "shop=7")
    assert [ModelUpdate.from_json(line).learned for line in result.stdout.splitlines()] == [7]


def test_a_segment_must_be_a_pair(run: Any, config_file: Path) -> None:
    """What is no NAME=VALUE is wrong usage."""
    assert run("models", "show", "fraud", "--segment", "7", "--config", config_file).exit_code == 2


def test_without_a_topic_it_says_that_no_worker_has_run(run: Any, config_file: Path) -> None:
    """Where nothing ever learned, the error says so."""
    result = run("models", "list", "--config", config_file)
    assert result.exit_code == 1
    assert "no worker has run on it yet" in result.stderr
