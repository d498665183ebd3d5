import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from alert_factory import alert
from demo_performance import perform

from streamproc.broker.embedded import EmbeddedBroker
from streamproc.cli.alerts_render import describe
from streamproc.cli.demo import EVENTS
from streamproc.config.config import Config
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.events import LabelEvent, parse_event
from streamproc.tools.demo.events import Scenario
from streamproc.tools.demo.report_online import worth
from streamproc.tools.demo.score import score
from streamproc.tools.demo.step_text import describe_step

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
CLUSTER = "kafka://kafka-1:9092"
# Run by other tests, or the very thing that runs this one.
ELSEWHERE = {
    "make demo": "tests/tools/demo",
    "streamproc broker &": "the broker of this test, and tests/cli",
    f"streamproc worker --broker {CLUSTER},kafka-2:9092 --processes 4": "tests/cli",
}


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    """Return every command of every console block, in order."""
    lines = "".join(blocks("console")).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """Run the broker that the commands and examples use."""
    with EmbeddedBroker() as running:
        yield f"kafka://{running.bootstrap}"


def on_any_port(words: list[str], folder: Path) -> list[str]:
    """Let a worker serve its metrics on a free port: 9464 may be another one's here."""
    if words[1] != "worker":
        return words
    named = words.index("--config") + 1 if "--config" in words else None
    said = {} if named is None else yaml.safe_load((ROOT / words[named]).read_text())
    file = folder / "streamproc.yaml"
    file.write_text(yaml.safe_dump(said | {"http": {"port": 0}}))
    rest = words if named is None else words[: named - 1] + words[named + 1 :]
    return [*rest, "--config", str(file)]


def run(command: str, broker: str, folder: Path) -> str:
    """Run a command of the README from the top of the checkout; return what it prints."""
    words = on_any_port(shlex.split(command), folder)
    program = [sys.executable, "-c", "from streamproc.cli.main import main; main()"]
    done = subprocess.run(  # noqa: S603  # commands of our own README
        [*program, *words[1:]],
        cwd=ROOT,
        env=os.environ | {"STREAMPROC_BROKER": broker},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_command_works_in_order(broker: str, tmp_path: Path) -> None:
    """Whoever types the commands one after another gets through, and sees the alert described."""
    printed = {
        command: run(command, broker, tmp_path)
        for command in commands()
        if command not in ELSEWHERE
    }

    assert "feature 'km' of model 'rides' rose" in printed["streamproc alerts"]
    alerts = [
        AlertEvent.from_json(line) for line in printed["streamproc alerts --json"].splitlines()
    ]
    assert {alert.series for alert in alerts} == {"feature:km"}
    assert printed["streamproc check configs/full.yaml"].endswith("ok\n")
    assert "properties" in json.loads(printed["streamproc schema config"])
    [tried] = [
        told for command, told in printed.items() if command.startswith("streamproc models try")
    ]
    assert "\nalarm at row 2,164, version 3 promoted at row 2,289: mean loss" in tried


def test_the_example_without_kafka_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The example of Monitor runs as it stands, and gives the very alert that is shown."""
    [example] = [block for block in blocks("python") if "Monitor" in block]
    keep = example.replace("Monitor().process(events)", "(alerts := Monitor().process(events))")
    scope: dict[str, Any] = {}
    exec(compile(keep, "README.md", "exec"), scope)  # noqa: S102  # our own README

    [text] = [block.strip() for block in blocks("text") if block.startswith("feature 'km'")]
    assert capsys.readouterr().out == f"firing {text}\n"
    shown = AlertEvent.from_json(blocks("json")[-1]).model_dump()
    given = scope["alerts"][0].model_dump()
    assert given.keys() == shown.keys()
    for name in given.keys() - {"detected_at"}:
        same = given[name] == shown[name]
        assert same or rounded(given[name]) == rounded(shown[name]), name


def rounded(value: Any) -> Any:
    """Round the numbers of a field as the README does."""
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


def test_the_examples_of_the_client_run(broker: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The example of Publisher and Alerts runs against a broker, and prints the alert there."""
    asyncio.run(_tell(broker, alert()))
    [example] = [block for block in blocks("python") if "Publisher" in block]
    ends = example.replace(CLUSTER, broker).replace("follow=True", "follow=False")
    lines = textwrap.indent(ends, "    ")
    scope: dict[str, object] = {}
    exec(compile(f"async def main():\n{lines}", "README.md", "exec"), scope)  # noqa: S102

    asyncio.run(scope["main"]())  # type: ignore[operator]
    assert alert().message in capsys.readouterr().out


async def _tell(broker: str, event: AlertEvent) -> None:
    config = Config(broker=broker)
    await ensure_topics(config)
    async with open_producer(config) as producer:
        await producer.send_and_wait("alerts", event.to_json(), event.model_id.encode())


def test_the_demo_tells_what_is_shown_of_it() -> None:
    """Lines and figures that are shown of the demo are those of its story, in their order."""
    story = Scenario(EVENTS)
    alerts, updates, course, *_ = perform(story)
    told = [(alert.ts, describe(alert)) for alert in alerts]
    told += [(update.ts, describe_step(update)) for update in updates if update.ts is not None]
    told.sort(key=lambda each: each[0])
    lines = "\n".join(text.plain for _, text in told).splitlines()
    for name in ("heat-demand prediction", "payments error"):
        [shown] = [block for block in blocks("text") if name in block]
        later = iter(without_ids(lines))
        assert all(line in later for line in without_ids(shown.splitlines()))

    verdict = score(story, alerts, updates)
    late, found = verdict.findings[:2]
    assert (late.incident.model_id, late.events) == ("heat-demand", 2)
    assert "fires at the second late forecast" in README
    assert story.history == 5 * 7 * 24
    assert "its five weeks" in README
    assert verdict.over == ()
    good, _, back = (worth(learnt, course) for learnt in verdict.learnt)
    diagram = next(block for block in blocks("mermaid") if "error alarm" in block)
    for part in (f"{found.events} labels later", f"{good[0]} wrong → {good[1]}"):
        assert part in diagram
    assert f"{back[0]} wrong → {back[1]}" in diagram
    assert f"known {story.labels.delay} events later" in README


def without_ids(lines: list[str]) -> list[str]:
    """Return lines without ids of incidents, which depend on the group."""
    return [re.sub(r"(?<=incident )[0-9a-f]{8}", "…", line) for line in lines]


def test_the_json_is_of_the_contract() -> None:
    """The event, the label and the alert that the README shows are such."""
    event, label, alert = blocks("json")

    assert parse_event(json.loads(event)).model_id == "fraud"
    assert isinstance(parse_event(json.loads(label)), LabelEvent)
    assert AlertEvent.from_json(alert).series == "feature:km"


def test_links_lead_somewhere() -> None:
    """Every file that the README links to is there."""
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
