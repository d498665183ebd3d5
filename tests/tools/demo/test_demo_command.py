"""The demo as a user runs it: a process of its own, its output, its exit code."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from demo_performance import perform
from rich.console import Console
from typer.testing import CliRunner

from streamproc.cli.alerts_render import describe
from streamproc.cli.main import app
from streamproc.tools.demo import MIN_EVENTS
from streamproc.tools.demo.command import Demo
from streamproc.tools.demo.console import WIDTH
from streamproc.tools.demo.events import Scenario
from streamproc.tools.demo.report import report
from streamproc.tools.demo.score import Finding, ObservedStep, Verdict, score

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
    """With --exit it ends with 0, and finds and learns through a broker what it does alone."""
    process = _start(tmp_path, "--exit", "--no-dashboard", "--events", str(MIN_EVENTS))
    out, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, errors) == (0, "")
    story = Scenario(MIN_EVENTS)
    played = perform(story)
    verdict = score(story, played.alerts, played.updates, played.statuses)
    for incident in story.incidents:
        assert re.search(rf"firing .* {incident.model_id} {incident.series}", out)
    console = Console(file=io.StringIO(), width=WIDTH)
    with console.capture() as expected:
        console.print(report(story, verdict, played.course, describe, WIDTH))
    assert verdict.missed == ()
    steps = re.findall(r"Z (challenger|promoted|retired|rolled back) +payments v(\d)", out)
    assert [step for step, _ in steps] == [
        *("challenger", "challenger", "promoted", "retired"),
        *("challenger", "challenger", "promoted", "retired", "rolled back"),
    ]
    assert steps[2][1] == steps[8][1] != steps[6][1]
    assert "\x1b" not in out
    # How far labels and answers are ahead of each other is not the same in every run.
    found, _, learnt = out.partition("What the online model")
    assert found.endswith(expected.get().partition("What the online model")[0])
    summary = " ".join(learnt.split())
    assert "none called over while it lasts; 3 of 3 steps of the online model taken" in summary
    assert "3 of 3 daily cycles learned" in summary
    assert list(tmp_path.glob("streamproc-*")) == []


def test_it_stays_until_it_is_stopped(tmp_path: Path) -> None:
    """Without --exit it says what to try, its broker answers, and Ctrl-C ends it with 0."""
    process = _start(tmp_path, "--events", str(MIN_EVENTS))
    said = _until(process, r"publish FILE")
    broker = re.findall(r"--broker (kafka://\S+)", said)[0]
    alerts = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-c", MAIN, "alerts", "--json", "--broker", broker],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    firing = [json.loads(line) for line in alerts.stdout.splitlines() if '"firing"' in line]
    assert {alert["model_id"] for alert in firing} == {
        incident.model_id for incident in Scenario(MIN_EVENTS).incidents
    }
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, errors) == (0, "")
    assert list(tmp_path.glob("streamproc-*")) == []


def test_interrupted_in_the_middle_it_ends_clean(tmp_path: Path) -> None:
    """Before the end it says so; exit code 1, no traceback, no broker and no learning left."""
    process = _start(tmp_path, "--events", str(2 * MIN_EVENTS))
    _until(process, "Z challenger")
    [learning] = _children(process, "online.process")
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, errors) == (1, "")
    assert out.endswith("Interrupted: the demo did not run to its end.\n")
    assert not Path(f"/proc/{learning}").exists()
    assert list(tmp_path.glob("streamproc-*")) == []


@pytest.mark.parametrize("when", ["Z firing", "publish FILE"])
def test_a_broker_that_is_killed_ends_it(when: str, tmp_path: Path) -> None:
    """It says so within seconds, at whatever moment; exit code 1, no traceback, nothing left."""
    process = _start(tmp_path, "--events", str(MIN_EVENTS))
    _until(process, when)
    [broker] = _children(process, "noida-db")
    os.kill(broker, signal.SIGKILL)
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert errors.startswith("error: the broker has ended")
    assert "Traceback" not in errors
    assert list(tmp_path.glob("streamproc-*")) == []


def test_a_learning_process_that_is_killed_ends_it(tmp_path: Path) -> None:
    """It names what ended; exit code 1, no traceback, nothing left."""
    process = _start(tmp_path, "--events", str(2 * MIN_EVENTS))
    _until(process, "Z firing")
    [learning] = _children(process, "online.process")
    os.kill(learning, signal.SIGKILL)
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "error: WorkerError: the process of the online models exited with code -9" in errors
    assert "Traceback" not in errors
    assert list(tmp_path.glob("streamproc-*")) == []


def _children(process: "subprocess.Popen[str]", name: str) -> list[int]:
    """Return the children whose command line has a name in it."""
    tasks = Path(f"/proc/{process.pid}/task").iterdir()
    children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return [child for child in children if name in Path(f"/proc/{child}/cmdline").read_text()]


def test_too_few_events_are_wrong_usage(tmp_path: Path) -> None:
    """Fewer events than the incidents need end with 2 before anything starts."""
    process = _start(tmp_path, "--events", str(MIN_EVENTS - 1))
    out, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 2
    assert "--events" in errors
    assert str(MIN_EVENTS) in errors
    assert out == ""


@pytest.mark.parametrize(
    ("arguments", "missed", "unlearnt", "code"),
    [(["--exit"], 0, 0, 0), (["--exit"], 1, 0, 1), (["--exit"], 0, 1, 1), ([], 1, 1, 0)],
    ids=["found", "missed", "not learned", "missed, and looked at by a person"],
)
def test_the_exit_code_tells_of_what_was_missed(
    arguments: list[str], missed: int, unlearnt: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --exit a missed incident or step is a failure; a person has read of it."""
    story = Scenario(MIN_EVENTS)
    findings = tuple(map(Finding, story.incidents[:missed]))
    verdict = Verdict(findings, (), tuple(map(ObservedStep, story.lessons[:unlearnt])))
    monkeypatch.setattr(Demo, "run", lambda _: verdict)
    assert CliRunner().invoke(app, ["demo", *arguments]).exit_code == code
