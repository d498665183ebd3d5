from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from worker.running import total

from streamproc.config.load import load
from streamproc.control.command import Command, sign
from streamproc.control.handlers import CommandHandler, CommandHandlers, NoPayload
from streamproc.errors import ConfigError
from streamproc.worker.control import ControlReader, serving_commands
from streamproc.worker.metrics import Metrics

NOW = 1_767_607_200.0
SECRET = "correct horse battery staple 1234"  # noqa: S105  of this test
CONFIG = load({"control": {"secret_env": "CONTROL"}})


class Listener:
    """Commands that are taken from this test, and what came of them."""

    def __init__(self) -> None:
        self.obeyed: list[str] = []
        self.registry = CollectorRegistry()
        verbs = CommandHandlers(
            CommandHandler("save", NoPayload, self._act),
            CommandHandler("burn", NoPayload, self._fail),
        )
        self.commands = ControlReader(CONFIG, Metrics(self.registry), verbs, lambda: NOW)

    async def _act(self, command: Command, _: Any) -> None:
        self.obeyed.append(command.id)

    async def _fail(self, command: Command, _: Any) -> None:
        raise RuntimeError(command.id)

    def count(self, name: str, **labels: str) -> float:
        """Return a counter."""
        return total(self.registry, name, **labels)


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROL", SECRET)


def record(sequence: int, verb: str = "save", seconds: float = 60) -> bytes:
    """Give a signed command that expires in so many seconds."""
    expires = datetime.fromtimestamp(NOW + seconds, UTC)
    command = Command(issuer="ci", sequence=sequence, expires=expires, verb=verb)
    return sign(command, "control", SecretStr(SECRET))


async def test_a_signed_command_is_acted_on_once() -> None:
    """A command is obeyed; the same bytes again are refused, counted and change nothing."""
    ours = Listener()
    await ours.commands.take(record(1), 0)
    await ours.commands.take(record(1), 1)
    assert ours.obeyed == ["ci#1"]
    assert ours.count("control_commands_total", verb="save", outcome="done") == 1
    assert ours.count("control_refused_total", reason="replayed") == 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "malformed"),
        (b"0" * 64 + b"\n{}", "bad_signature"),
        (b"x" * 100_000, "too_large"),
        (record(1, seconds=-1), "expired"),
        (record(1, seconds=4000), "lives_too_long"),
        (record(1, verb="dance"), "unknown_verb"),
    ],
)
async def test_refusals_are_counted_by_reason_and_logged(
    value: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is refused is counted, told in the log with its reason, and acted on by nobody."""
    ours = Listener()
    await ours.commands.take(value, 7)
    assert ours.obeyed == []
    assert ours.count("control_refused_total") == ours.count("control_refused_total", reason=reason)
    assert ours.count("control_refused_total") == 1
    assert f"refused the command at control offset 7: {reason}: " in caplog.text
    assert SECRET not in caplog.text


async def test_a_command_that_fails_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """An error in acting on a command is logged and counted; the next one is obeyed."""
    ours = Listener()
    await ours.commands.take(record(1, verb="burn"), 0)
    await ours.commands.take(record(2), 1)
    assert ours.obeyed == ["ci#2"]
    assert ours.count("control_commands_total", verb="burn", outcome="failed") == 1
    assert "RuntimeError: ci#1" in caplog.text


async def test_old_refusals_are_not_counted_again() -> None:
    """What was refused before a worker started is not new trouble after each restart."""
    ours = Listener()
    ours.commands._old = 2
    await ours.commands.take(record(1, seconds=-1), 0)
    await ours.commands.take(b"forged", 1)
    assert ours.count("control_refused_total") == 0
    await ours.commands.take(record(1), 2)
    assert ours.count("control_refused_total", reason="replayed") == 1


async def test_a_missing_secret_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that could not know a true command from a false one does not start."""
    monkeypatch.delenv("CONTROL")
    with pytest.raises(ConfigError, match=r"control\.secret_env: the variable"):
        async with serving_commands(CONFIG, Metrics(CollectorRegistry()), pytest.fail):
            pytest.fail("it started")
