"""Send test alerts by ``streamproc sinks test``."""

import asyncio
import json
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from sinks.strict import Posted, strict_receiver
from sinks.test_apprise import receiving
from sinks.test_pagerduty import EVENTS, KEY, check

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl makes the certificate"
)


async def in_thread(run: Any, *arguments: object) -> Any:
    """Run a command while this loop serves the receiver."""
    with ThreadPoolExecutor(1) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, run, *arguments)


def config_file(folder: Path, *sinks: dict[str, Any]) -> Path:
    """Write a config."""
    file = folder / "streamproc.yaml"
    file.write_text(yaml.safe_dump({"sinks": list(sinks)}))
    return file


async def test_a_test_alert_is_marked_and_its_answer_printed(
    run: Any, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver gets one alert that says that it is a test, and its end where that is wanted."""
    monkeypatch.setenv("PAGERDUTY_KEY", KEY)
    async with strict_receiver(pair, check) as pagerduty:
        sink = pagerduty.settings(
            "pagerduty", url=f"{pagerduty.url}{EVENTS}", routing_key_env="PAGERDUTY_KEY"
        )
        other = {"name": "chat", "kind": "slack", "url_env": "NOT_SET_HERE"}
        file = config_file(tmp_path, sink, other)
        result = await in_thread(run, "sinks", "test", "pagerduty", "--config", file)
        assert result.exit_code == 0
        assert result.stdout == (
            "sink pagerduty: firing: delivered: answered 202: Event processed\n"
        )
        [posted] = pagerduty.accepted
        assert posted.body["payload"]["summary"].startswith("TEST: ")
        assert posted.body["payload"]["severity"] == "info"
        await in_thread(run, "sinks", "test", "pagerduty", "--resolve", "--config", file)
        first, last = pagerduty.accepted[1:]
        assert first.body["dedup_key"] == last.body["dedup_key"] != posted.body["dedup_key"]
        assert last.body["event_action"] == "resolve"


@pytest.mark.parametrize(
    ("status", "printed"),
    [
        (400, "error: sink pagerduty: refused: answered 400: the service is disabled\n"),
        (503, "error: sink pagerduty: not taken now, a worker would try again: answered 503: the"),
    ],
)
async def test_a_refusal_is_an_error_with_its_reason(
    status: int,
    printed: str,
    run: Any,
    pair: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The exit code is 1, and the receiver's reason is printed."""
    monkeypatch.setenv("PAGERDUTY_KEY", KEY)

    def refuse(_: Posted) -> tuple[int, str]:
        return status, json.dumps({"errors": ["the service is disabled"]})

    async with strict_receiver(pair, refuse) as pagerduty:
        sink = pagerduty.settings(
            "pagerduty", url=f"{pagerduty.url}{EVENTS}", routing_key_env="PAGERDUTY_KEY"
        )
        file = config_file(tmp_path, sink)
        result = await in_thread(run, "sinks", "test", "pagerduty", "--config", file)
    assert result.exit_code == 1
    assert result.stderr.startswith(printed)


async def test_a_sink_of_apprise_is_tried_as_well(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plug-in's reason is printed; without the extra the pip command is."""
    file = config_file(tmp_path, {"name": "phone", "kind": "apprise", "url_env": "APPRISE_URL"})
    async with receiving(monkeypatch) as receiver:
        result = await in_thread(run, "sinks", "test", "phone", "--config", file)
        assert (result.exit_code, result.stdout) == (
            0,
            "sink phone: firing: delivered: answered 200\n",
        )
        [posted] = receiver.got
        assert posted["message"].startswith("TEST: ")
        receiver.status = 403
        result = await in_thread(run, "sinks", "test", "phone", "--config", file)
        assert result.exit_code == 1
        assert result.stderr.startswith("error: sink phone: refused: answered 403: Failed to send")
    monkeypatch.setitem(sys.modules, "apprise", None)
    result = await in_thread(run, "sinks", "test", "phone", "--config", file)
    assert result.exit_code == 1
    assert result.stderr.endswith("apprise is not installed: pip install 'streamproc[apprise]'\n")


def test_a_receiver_that_does_not_answer(run: Any, tmp_path: Path) -> None:
    """Exit code 1, with the reason of the connection."""
    sink = {"name": "am", "kind": "alertmanager", "url": "http://127.0.0.1:9"}
    file = config_file(tmp_path, sink | {"networks": ["127.0.0.0/8"]})
    result = run("sinks", "test", "am", "--config", file)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: sink am: no answer: ")


def test_what_is_wrong_in_the_config_is_exit_code_2(run: Any, tmp_path: Path) -> None:
    """An unknown name and a missing secret are errors of the config."""
    file = config_file(
        tmp_path, {"name": "pager", "kind": "pagerduty", "routing_key_env": "NOT_SET_HERE"}
    )
    result = run("sinks", "test", "pagr", "--config", file)
    assert result.exit_code == 2
    assert "unknown sink 'pagr'; did you mean `pager`?" in result.stderr
    result = run("sinks", "test", "pager", "--config", file)
    assert result.exit_code == 2
    assert "sinks[0].routing_key_env: the variable that it names is not set" in result.stderr


def test_sinks_are_listed_with_who_hears(run: Any, tmp_path: Path) -> None:
    """Each sink is a line with what it asks for; then who hears of which model."""
    file = config_file(
        tmp_path, {"name": "pager", "kind": "pagerduty", "routing_key_env": "NOT_SET_HERE"}
    )
    first, second = run("sinks", "list", "--config", file).stdout.splitlines()
    assert first.startswith("pager (pagerduty): models *; info or more urgent; firing, updated")
    assert second.startswith("every model: data, prediction")
