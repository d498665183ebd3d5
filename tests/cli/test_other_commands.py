import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from streamproc.cli.main import app
from streamproc.config.json_schema import config_schema, events_schema

SCRIPT = "from streamproc.cli.main import main; main()"
COMMANDS = [
    command.callback.__name__.replace("_", "-")
    for command in app.registered_commands
    if command.callback
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(run: Any, command: str) -> None:
    """The help of every command has an example that begins as one would type it."""
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Example:\n    streamproc {command} " in result.stdout


def test_help_loads_nothing_heavy() -> None:
    """Help is there at once: it imports no compiler, no Kafka client and no contract."""
    code = (
        "import sys; from streamproc.cli.main import app; app(['--help'], standalone_mode=False);"
        "heavy = {'numba', 'numpy', 'faust', 'aiokafka', 'pydantic', 'rich'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert said.stdout.splitlines()[-1] == "[]"


def test_the_module_is_the_command(run: Any) -> None:
    """Where no script is on the path, ``python -m streamproc`` does the same."""
    said = subprocess.run(
        [sys.executable, "-m", "streamproc", "schema", "events"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout == run("schema", "events").stdout


@pytest.mark.parametrize("arguments", [[], ["nope"], ["schema"], ["schema", "nope"], ["check"]])
def test_what_is_no_command_ends_with_2(run: Any, arguments: list[str]) -> None:
    """Unknown or incomplete commands are wrong usage."""
    assert run(*arguments).exit_code == 2


def test_check_says_what_is_watched(run: Any, tmp_path: Path) -> None:
    """A valid config is summarised, model by model, and ends with ok."""
    file = tmp_path / "a.yaml"
    file.write_text(
        "topics: {prefix: prod.}\n"
        "models:\n"
        "  - id: 'fraud-*'\n"
        "    owner: '[red]risk'\n"
        "    watch:\n"
        "      - {on: 'feature:*', detectors: [adwin, {page_hinkley: {threshold: 20}}]}\n"
        "      - {on: prediction, detectors: []}\n"
        "  - {id: quiet, watch: []}\n"
    )
    result = run("check", file)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[-1] == "ok"
    [topics] = [line for line in lines if line.startswith("topics  ")]
    assert topics.startswith("topics  prod.predictions, prod.features, ")
    assert "prod.control" not in topics
    assert "model fraud-* (owner [red]risk, severity warning)" in lines
    watched = next(line for line in lines if line.startswith("  feature:*: "))
    assert "adwin(" in watched
    assert "threshold=20" in watched
    assert "; texts: chi2(" in watched
    assert "  prediction: not watched" in lines
    assert "  nothing is watched" in lines
    assert "every other model (severity warning)" in lines


def test_check_of_webhooks(run: Any, tmp_path: Path) -> None:
    """Webhooks are summarised; a secret that is not here is told, a wrong target ends with 2."""
    file = tmp_path / "a.yaml"
    pager = "{name: pager, url_env: NOT_SET_HERE, allow: [hooks.example.org], severity: critical}"
    file.write_text(f"webhooks: [{pager}]\n")
    result = run("check", file)
    assert result.exit_code == 0
    *_, absent, last = result.stdout.splitlines()
    assert last == "ok"
    assert absent.startswith(
        f"not on this machine: {file}:1: webhooks[0].url_env: the variable that it names"
    )
    assert (
        "webhook pager to hooks.example.org (models *; critical or more urgent; " in result.stdout
    )
    wrong = "{name: chat, url: https://chat.example.org/T0KEN, allow: [hooks.example.org]}"
    file.write_text(f"webhooks: [{pager}, {wrong}]\n")
    result = run("check", file)
    assert result.exit_code == 2
    assert f"{file}:1: webhooks[1].url: webhook target refused: host 'chat.example.org'" in (
        result.stderr
    )
    assert "T0KEN" not in result.stderr + result.stdout


def test_check_gives_every_problem_on_its_line(run: Any, tmp_path: Path) -> None:
    """A wrong config ends with 2 and one line for each problem, with file, line and field."""
    file = tmp_path / "a.yaml"
    file.write_text("broker: localhost\npolicy: {resolve_after: 0}\n")
    result = run("check", file)
    assert result.exit_code == 2
    assert result.stdout == ""
    problems = result.stderr.splitlines()
    assert [problem.split(": ")[1:3] for problem in problems] == [
        [f"{file}:1", "broker"],
        [f"{file}:2", "policy.resolve_after"],
    ]


def test_check_of_a_file_that_is_missing(run: Any, tmp_path: Path) -> None:
    """A config that does not exist is a config error."""
    result = run("check", tmp_path / "a.yaml")
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr


@pytest.mark.parametrize(
    ("document", "schema"), [("config", config_schema()), ("events", events_schema())]
)
def test_schema_prints_json_schema(run: Any, document: str, schema: dict[str, Any]) -> None:
    """The printed schema is the contract's, as JSON."""
    result = run("schema", document)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == schema


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_broker_says_its_address_and_ends_when_told(number: signal.Signals, tmp_path: Path) -> None:
    """The broker prints one line with its address when it is ready; interrupted, it ends with 0."""
    with subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-c", SCRIPT, "broker"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "STREAMPROC_PORT": "0", "STREAMPROC_DATA_DIR": str(tmp_path)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("127.0.0.1:")
        process.send_signal(number)
        assert process.stdout.read() == ""
    assert process.returncode == 0
