"""``streamproc incidents``, as the person on call types it."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from alert_factory import alert
from broker_topics import write
from incidents.logs import fired
from rich.console import Console
from worker.running import WorkerProcess, settings

from streamproc.broker import EmbeddedBroker
from streamproc.cli.alerts_render import describe
from streamproc.config.load import load
from streamproc.kafka.topics import ensure_topics
from streamproc.schemas.incidents import IncidentState
from streamproc.schemas.silences import Silence

SECRET = "correct horse battery staple 1234"  # noqa: S105  of this test


@pytest.fixture(scope="module")
def cluster(
    embedded_broker: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Run a worker with an incident of two models; return its config file."""
    folder = tmp_path_factory.mktemp("incidents")
    raw = settings(embedded_broker.bootstrap, control={"secret_env": "CONTROL"})
    file = folder / "streamproc.yaml"
    file.write_text(yaml.safe_dump(raw))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CONTROL", SECRET)
        with asyncio.Runner() as runner:
            worker = WorkerProcess(folder, raw)
            runner.run(_start(worker, raw))
            yield file
            runner.run(_stop(worker))


async def _start(worker: WorkerProcess, raw: dict[str, Any]) -> None:
    config = load(raw)
    await ensure_topics(config)
    await worker.__aenter__()
    await worker.port()
    for model in ("a1b2c3", "b2c3d4"):
        one = fired(
            model,
            incident_id=f"{model}0000",
            owner="risk-oncall",
            runbook="https://wiki.example.org/fx",
            message="feature 'fx_rate' rose from 1.1 to 110",
        )
        await write(config, "alerts", one.to_json(), key=model.encode())
    await worker.has_counted('event_groups{status="firing"}')


async def _stop(worker: WorkerProcess) -> None:
    await worker.__aexit__(None, None, None)


def incident(run: Any, cluster: Path) -> IncidentState:
    """Return the incident, as a program reads it."""
    [line] = run("incidents", "--json", "--config", cluster).stdout.splitlines()
    return IncidentState.from_json(line)


def test_the_list_and_its_filters(run: Any, cluster: Path) -> None:
    """One line an incident; what does not match is left out."""
    listed = run("incidents", "--config", cluster).stdout
    assert re.search(r"[ab]\w+0000 +\w+ +warning +\S+ \S+ +2 +fx_rate↑ +risk-oncall", listed)
    for flags in (["--owner", "other*"], ["--severity", "critical"], ["--kind", "system"]):
        assert run("incidents", *flags, "--json", "--config", cluster).stdout == ""
    for flags in (["--owner", "risk*", "--open"], ["--kind", "data"], ["--since", "1h"]):
        assert run("incidents", *flags, "--json", "--config", cluster).stdout.count("\n") == 1
    assert run("incidents", "--kind", "s*", "--config", cluster).stderr == (
        "no incident matches, of 1\n"
    )


def test_show_is_ten_lines_with_what_to_do(run: Any, cluster: Path) -> None:
    """What changed, since when, for whom, the runbook, and the next command."""
    shown = run("incidents", "show", "b2c3", "--config", cluster).stdout
    assert len(shown.splitlines()) <= 10
    for part in (
        "feature 'fx_rate' rose from 1.1 to 110",
        "between 2026-01-05 09:59:00Z and 2026-01-05 10:01:00Z",
        "mean 1.1 ± 0.1 of 2000 before, mean 110 ± 10 of 20 since",
        "2 (0 recovered)",
        "https://wiki.example.org/fx",
    ):
        assert part in shown
    everything = run("incidents", "show", "b2c3", "--all", "--config", cluster).stdout
    # Which of the two models comes first is up to the partitions of their alerts.
    assert re.search(r"joined: (a1b2c3|b2c3d4) feature:fx_rate", everything)
    given = run("incidents", "show", "b2c3", "--json", "--config", cluster).stdout
    assert IncidentState.from_json(given) == incident(run, cluster)


def test_acting_on_an_incident(run: Any, cluster: Path) -> None:
    """Each command waits until a worker has applied it, and says what follows."""
    flags = ("--by", "ana", "--config", cluster)
    acked = run("incidents", "ack", "a1b2", "--reason", "called", "--until", "2h", *flags)
    assert re.fullmatch(r"incident \w+: acknowledged\n", acked.stdout)
    assert run("incidents", "note", "a1b2", "asked the provider", *flags).exit_code == 0
    assert run("incidents", "assign", "a1b2", "platform", *flags).exit_code == 0
    found = incident(run, cluster)
    assert found.acknowledgement is not None
    assert (found.acknowledgement.by, found.acknowledgement.reason) == ("ana", "called")
    assert found.acknowledgement.until is not None
    assert found.owner == "platform"
    shown = run("incidents", "show", "a1b2", "--config", cluster).stdout
    assert "acknowledged by ana" in shown
    assert "asked the provider (ana" in shown


def test_silences_are_listed_changed_and_removed(run: Any, cluster: Path) -> None:
    """A silence has an id, by which it is changed and ended."""
    made = run(
        *("incidents", "silence", "--feature", "fx_*", "--until", "2h"),
        *("--comment", "upgrade", "--config", cluster),
    )
    name = made.stdout.split()[1].rstrip(":")
    assert "active" in made.stdout
    assert "it covers 1 open incident now" in made.stderr
    assert incident(run, cluster).status == "silenced"
    run("incidents", "silence", "--edit", name, "--until", "4h", "--config", cluster)
    [line] = run("incidents", "silences", "--json", "--config", cluster).stdout.splitlines()
    silence = Silence.from_json(line)
    assert (silence.comment, silence.matchers.feature) == ("upgrade", "fx_*")
    assert (silence.end - silence.updated).total_seconds() > 3 * 3600
    assert name in run("incidents", "silences", "--config", cluster).stdout
    assert run("incidents", "unsilence", name[:6], "--config", cluster).exit_code == 0
    again = run("incidents", "unsilence", name, "--config", cluster)
    assert f"silence {name} has ended before: removed" in again.stderr
    assert run("incidents", "silences", "--json", "--config", cluster).stdout == ""
    over = run("incidents", "silences", "--all", "--json", "--config", cluster).stdout
    assert json.loads(over)["status"] == "removed"
    assert incident(run, cluster).status != "silenced"


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (("show", "nothing"), 1, "no incident is called 'nothing'"),
        (("unsilence", "nothing"), 1, "no silence is called 'nothing'"),
        (("silence", "--until", "2h"), 2, "this would silence everything"),
        (("silence", "--model", "a"), 2, "give the end"),
        (("silence", "--kind", "dat", "--until", "2h"), 2, "did you mean `data`?"),
        (("silence", "--severity", "warn*g*s", "--until", "2h"), 2, "no alert has the severity"),
        (("--kind", "dat"), 2, "no alert has the kind 'dat'; did you mean `data`?"),
        (("ack", "a1b2", "--until", "soon"), 2, "'soon' is neither a time"),
        (("ack", "a1b2", "--until", "0s"), 2, "'0s' is not in the future"),
        (("ack", "a1b2", "--until", "2020-01-01T00:00:00Z"), 2, "is not in the future"),
        (("silence", "--model", "a", "--until", "0s"), 2, "'0s' is not in the future"),
        (("silence", "--model", "a", "--start", "2h", "--until", "1h"), 2, "not after the start"),
        (("silence", "--model", "", "--until", "1h"), 2, "silence_set: matchers.model"),
        (("note", "a1b2", " "), 2, "it is empty"),
        (("assign", "a1b2", ""), 2, "it is empty"),
        (("show", "a1"), 1, "and the first 4 letters are needed"),
        (("--severity", "warn"), 2, ": 'warn' is not one of 'info', 'warning', 'critical'"),
    ],
)
def test_a_wrong_command_names_what_is_wrong(
    run: Any, cluster: Path, command: tuple[str, ...], code: int, message: str
) -> None:
    """Nothing is sent, and the message says what to give."""
    result = run("incidents", *command, "--config", cluster)
    assert (result.exit_code, message in " ".join(result.stderr.split())) == (code, True)


def test_alerts_print_owner_and_runbook() -> None:
    """Who reads an alert sees whom to ask and what to read."""
    console = Console(width=200)
    with console.capture() as captured:
        console.print(describe(alert(owner="risk-oncall", runbook="https://wiki.example.org/fx")))
    assert "owner risk-oncall, runbook https://wiki.example.org/fx" in captured.get()


def test_a_false_alarm_is_counted(run: Any, cluster: Path) -> None:
    """Who says that nothing had changed finds it in the list and in the rate of the week."""
    key = incident(run, cluster).incident_id
    flags = ("--false-alarm", "--reason", "unit test", "--config", cluster)
    assert run("incidents", "accept", key, *flags).stdout == f"incident {key}: resolved\n"
    listed = run("incidents", "--config", cluster)
    assert "false alarm" in listed.stdout
    assert "false alarms: 1 of the 1 incidents of the last 1w" in listed.stderr
    shown = run("incidents", "show", key, "--config", cluster).stdout
    assert "resolved (accepted, false alarm)" in shown
    assert "false alarm: unit test" in shown
    for command in ("ack", "accept"):
        late = run("incidents", command, key, "--config", cluster)
        assert (late.exit_code, "this changed nothing" in late.stderr) == (0, True)
