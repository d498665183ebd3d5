"""The demo as a user runs it: a process of its own, its output, its exit code."""

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from streamproc import Monitor
from streamproc.cli.alerting import describe
from streamproc.cli.main import app
from streamproc.demo import LEAST_EVENTS
from streamproc.demo.command import Demo
from streamproc.demo.judge import Finding, Verdict, judge
from streamproc.demo.report import report
from streamproc.demo.screen import WIDTH
from streamproc.demo.story import Story

SECONDS = 120  # when a test gives up; a run takes ten
MAIN = "from streamproc.cli.main import main; main()"


def _start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start the demo; its brokers' folders are made in this one."""
    return subprocess.Popen(  # noqa: S603  our own interpreter
        [sys.executable, "-c", MAIN, "demo", *arguments],
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _until(process: "subprocess.Popen[str]", pattern: str) -> str:
    """Return what the process wrote up to the first line that matches."""
    assert process.stdout is not None
    text = ""
    while not re.search(pattern, text):
        line = process.stdout.readline()
        assert line, f"it ended without {pattern!r}:\n{text}"
        text += line
    return text


def test_every_incident_is_found_and_named(tmp_path: Path) -> None:
    """With --exit it ends with 0, and finds through a broker what the pipeline finds alone."""
    process = _start(tmp_path, "--exit", "--no-dashboard", "--events", str(LEAST_EVENTS))
    out, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, errors) == (0, "")
    story = Story(LEAST_EVENTS)
    verdict = judge(story, Monitor().process(told.event for told in story.tell()))
    for incident in story.incidents:
        assert re.search(rf"firing .* {incident.model_id} {incident.series}", out)
    console = Console(file=io.StringIO(), width=WIDTH)
    with console.capture() as expected:
        console.print(report(story, verdict, describe))
    assert verdict.missed == ()
    assert out.endswith(expected.get())
    assert list(tmp_path.glob("streamproc-broker-*")) == []


def test_it_stays_until_it_is_stopped(tmp_path: Path) -> None:
    """Without --exit it says what to try, its broker answers, and Ctrl-C ends it with 0."""
    process = _start(tmp_path, "--events", str(LEAST_EVENTS))
    said = _until(process, r"publish FILE")
    broker = re.findall(r"--broker (kafka://\S+)", said)[0]
    alerts = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-c", MAIN, "alerts", "--json", "--broker", broker],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    assert alerts.stdout.count('"status":"firing"') == 5
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, errors) == (0, "")
    assert list(tmp_path.glob("streamproc-broker-*")) == []


def test_interrupted_in_the_middle_it_ends_clean(tmp_path: Path) -> None:
    """Before the end it says so; exit code 1, no traceback, no broker left."""
    process = _start(tmp_path)
    _until(process, r"firing")
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, errors) == (1, "")
    assert out.endswith("Interrupted: the story was not told to its end.\n")
    assert list(tmp_path.glob("streamproc-broker-*")) == []


def test_too_few_events_are_wrong_usage(tmp_path: Path) -> None:
    """Fewer events than the incidents need end with 2 before anything starts."""
    process = _start(tmp_path, "--events", str(LEAST_EVENTS - 1))
    out, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 2
    assert "--events" in errors
    assert str(LEAST_EVENTS) in errors
    assert out == ""


@pytest.mark.parametrize(
    ("arguments", "missed", "code"),
    [(["--exit"], 0, 0), (["--exit"], 1, 1), ([], 1, 0)],
    ids=["found", "missed", "missed, and looked at by a person"],
)
def test_the_exit_code_tells_of_a_missed_incident(
    arguments: list[str], missed: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --exit a missed incident is a failure; a person has read of it."""
    incidents = Story(LEAST_EVENTS).incidents[:missed]
    verdict = Verdict(tuple(map(Finding, incidents)), ())
    monkeypatch.setattr(Demo, "run", lambda _: verdict)
    assert CliRunner().invoke(app, ["demo", *arguments]).exit_code == code
