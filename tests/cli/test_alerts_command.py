import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alert_factory import alert
from broker_topics import write
from rich.console import Console

from streamproc.cli.alerts_render import as_line, describe
from streamproc.config.config import Config
from streamproc.kafka.topics import ensure_topics
from streamproc.schemas.alert_marks import AlertMarks
from streamproc.schemas.alerts import AlertEvent

SCRIPT = "from streamproc.cli.main import main; main()"


@pytest.fixture
def written(config: Config) -> list[AlertEvent]:
    """Three alerts on the topic, one of them twice, and a record that is none."""
    alerts = [
        alert("a1"),
        alert("a2", status="resolved", model_id="price"),
        alert("a3", status="updated", severity="critical"),
    ]

    async def _prepare() -> None:
        await ensure_topics(config)
        values = [each.to_json() for each in alerts]
        await write(config, "alerts", values[0], b"junk", *values[1:], values[0])

    asyncio.run(_prepare())
    return alerts


def test_json_is_one_alert_a_line_and_nothing_else(
    run: Any, config_file: Path, written: list[AlertEvent]
) -> None:
    """Standard output holds each alert once, as JSON, and ends at the end of the topic."""
    result = run("alerts", "--json", "--config", config_file)
    assert result.exit_code == 0
    assert [AlertEvent.from_json(line) for line in result.stdout.splitlines()] == written


def test_models_can_be_chosen_by_a_glob(
    run: Any, config_file: Path, written: list[AlertEvent]
) -> None:
    """--model takes a glob of model ids."""
    result = run("alerts", "--json", "--model", "pr*", "--config", config_file)
    assert [AlertEvent.from_json(line) for line in result.stdout.splitlines()] == [written[1]]


@pytest.mark.parametrize(
    ("since", "count"),
    [("1h", 3), ("7d", 3), ("now", 0), ("2099-01-01T00:00:00Z", 0), ("2026-01-01T00:00:00Z", 3)],
)
@pytest.mark.usefixtures("written")
def test_since_takes_a_stretch_or_a_time(
    run: Any, config_file: Path, since: str, count: int
) -> None:
    """--since counts from when alerts were published."""
    result = run("alerts", "--json", "--since", since, "--config", config_file)
    assert len(result.stdout.splitlines()) == count


def test_alerts_for_the_eye(run: Any, config_file: Path, written: list[AlertEvent]) -> None:
    """Without --json each alert has its time, status, severity, model, series and sentence."""
    result = run("alerts", "--config", config_file)
    lines = result.stdout.splitlines()
    assert lines[0].split() == [
        *("2026-01-05", "10:00:00.000Z", "firing", "warning"),
        *("fraud", "feature:amount", "adwin"),
    ]
    assert lines[1].strip() == written[0].message
    assert lines[2].strip() == f"incident {written[0].incident_id[:8]}"
    assert len(lines) == 3 * len(written)


def test_an_incident_of_several_series_is_shown_as_one() -> None:
    """Beneath the sentence are the incident's short id and the largest shares, of several only."""
    shares = {"feature:amount": 0.8, "prediction": 0.15, "quality:age": 0.04, "feature:age": 0.01}
    parts = [{"series": series, "share": share} for series, share in shares.items()]
    several = describe(alert(incident_id="6d1e814346e34bbb", contributors=parts)).plain

    assert several.splitlines()[2] == (
        "    incident 6d1e8143: feature:amount 80 %, prediction 15 %, quality:age 4 %, …"
    )
    single = describe(alert(incident_id="6d1e814346e34bbb")).plain
    assert single.splitlines()[2:] == ["    incident 6d1e8143"]


def test_nothing_from_an_alert_steers_the_terminal() -> None:
    """Markup, escapes and line ends in an alert are shown, not obeyed."""
    hostile = "[bold]x[/bold]\x1b[2J\nok"
    console = Console(force_terminal=True, color_system=None, width=500)
    parts = [{"series": hostile, "share": 1.0}]
    told = alert(model_id=hostile, series=hostile, message=hostile, contributors=parts)
    with console.capture() as capture:
        console.print(describe(told))
    shown = "[bold]x[/bold]\\x1b[2J ok"
    assert capture.get().count(shown) == 4
    assert "\x1b[2J" not in capture.get()


def test_a_topic_that_is_missing_is_a_failure(run: Any, config_file: Path) -> None:
    """Without a topic there is one line that says so."""
    result = run("alerts", "--config", config_file)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "no worker has run on it yet" in result.stderr


def test_a_broker_that_is_down_is_a_failure(run: Any) -> None:
    """Without a broker there is one line with its address and what to check."""
    result = run("alerts", "--broker", "kafka://127.0.0.1:1")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        "error: cannot reach a Kafka broker at 127.0.0.1:1: Connection refused; check --broker"
        " and that the broker runs (`streamproc broker` starts one)\n"
    )


@pytest.mark.parametrize(
    "flags", [["--since", "yesterday"], ["--broker", "x"], ["--nope"], ["--since", "10:00"]]
)
def test_wrong_usage_ends_with_2(run: Any, flags: list[str]) -> None:
    """Flags that mean nothing are refused before anything is connected."""
    assert run("alerts", *flags).exit_code == 2


@pytest.mark.usefixtures("written")
def test_following_shows_what_comes_until_interrupted(config: Config, config_file: Path) -> None:
    """With --follow an alert appears at once, and Ctrl-C is a quiet end with 0."""
    flags = ["alerts", "--follow", "--json", "--model", "late", "--config", str(config_file)]
    with subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-c", SCRIPT, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        late = alert("a9", model_id="late")
        asyncio.run(write(config, "alerts", late.to_json()))
        assert AlertEvent.from_json(process.stdout.readline()) == late
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == b""
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode == 0


@pytest.mark.usefixtures("written")
def test_a_reader_that_has_enough_is_no_failure(config_file: Path) -> None:
    """When the program behind the pipe ends, as `head` does, so do we, without a word."""
    flags = ["alerts", "--json", "--config", str(config_file)]
    with subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-c", SCRIPT, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().splitlines()
    assert [line for line in said if not line.startswith(b"skipped")] == []
    assert process.returncode == 0


def test_a_silenced_alert_is_marked() -> None:
    """For the eye at the end of the first line; as JSON in fields that other alerts do not have."""
    plain = alert()
    marked = plain.marked(AlertMarks(("s1", "s2"), ("i1",)))
    line = describe(marked).plain.splitlines()[0]
    assert line.endswith("adwin silenced by s1, s2 inhibited by i1")
    assert json.loads(as_line(marked)) == {
        **json.loads(plain.to_json()),
        "silenced_by": ["s1", "s2"],
        "inhibited_by": ["i1"],
    }
    assert as_line(plain) == plain.to_json() + b"\n"


def test_the_marks_of_records_are_printed(run: Any, config_file: Path, config: Config) -> None:
    """The command reads the headers that a worker wrote."""

    async def _prepare() -> None:
        await ensure_topics(config)
        await write(config, "alerts", alert().to_json(), headers=[("silenced", b"s1")])

    asyncio.run(_prepare())
    result = run("alerts", "--config", config_file)
    assert result.stdout.splitlines()[0].endswith("feature:amount adwin silenced by s1")
    found = json.loads(run("alerts", "--json", "--config", config_file).stdout)
    assert (found["silenced_by"], "inhibited_by" in found) == (["s1"], False)
