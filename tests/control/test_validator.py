from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from streamproc.control.command import Command, Reason, Refusal, sign
from streamproc.control.handlers import CommandHandler, CommandHandlers
from streamproc.control.validator import CommandValidator
from streamproc.schemas.section import Section

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)
SECRET = SecretStr("correct horse battery staple 1234")


class Which(Section):
    """The payload of the verb of these tests."""

    model_id: str


async def _act(command: Command, payload: Any) -> None:
    raise AssertionError(command, payload)  # a gate only says what is to be done


def gate() -> CommandValidator:
    """Give a gate at the start of its topic."""
    return CommandValidator(
        "control", SECRET, CommandHandlers(CommandHandler("rollback", Which, _act))
    )


def record(sequence: int, **fields: Any) -> bytes:
    """Give a command of that sequence, as it is written."""
    usual = {
        "issuer": "ci",
        "expires": NOW + timedelta(minutes=1),
        "verb": "rollback",
        "payload": {"model_id": "fraud"},
    }
    return sign(Command(sequence=sequence, **(usual | fields)), "control", SECRET)


def reason(found: object) -> Reason:
    """Give why something is refused; fail when it is not."""
    assert isinstance(found, Refusal)
    return found.reason


def test_a_command_comes_with_its_verb_and_payload() -> None:
    """What is let through has the payload that its verb wants."""
    found = gate().check(record(1), NOW)
    assert not isinstance(found, Refusal)
    command, verb, payload = found
    assert (command.id, verb.name, payload) == ("ci#1", "rollback", Which(model_id="fraud"))


def test_nothing_is_let_through_twice() -> None:
    """The same record again, wherever on the topic, is refused."""
    ours = gate()
    assert not isinstance(ours.check(record(1), NOW), Refusal)
    assert not isinstance(ours.check(record(2), NOW), Refusal)
    assert reason(ours.check(record(1), NOW)) is Reason.REPLAYED
    assert reason(ours.check(record(2), NOW)) is Reason.REPLAYED


def test_a_restart_knows_what_was_there() -> None:
    """Who reads the topic anew knows the sequences of commands that have long expired."""
    ours, later = gate(), NOW + timedelta(minutes=2)
    assert reason(ours.check(record(5), later)) is Reason.EXPIRED
    fresh = record(4, expires=later + timedelta(minutes=1))
    assert reason(ours.check(fresh, later)) is Reason.REPLAYED


def test_a_refused_command_counts_in_the_sequence() -> None:
    """A command that could not be obeyed cannot be sent again when it could."""
    ours = gate()
    assert reason(ours.check(record(3, verb="dance"), NOW)) is Reason.UNKNOWN_VERB
    assert reason(ours.check(record(3), NOW)) is Reason.REPLAYED


def test_a_strangers_command_counts_for_nothing() -> None:
    """What is not signed with the secret does not move the sequence of anybody."""
    ours = gate()
    forged = record(100)
    assert reason(ours.check(b"0" * 64 + forged[64:], NOW)) is Reason.BAD_SIGNATURE
    assert not isinstance(ours.check(record(1), NOW), Refusal)


def test_a_wrong_payload_names_its_field_and_not_its_value() -> None:
    """A payload that does not fit is refused by the name of its field."""
    found = gate().check(record(1, payload={"model_id": 666}), NOW)
    assert reason(found) is Reason.BAD_PAYLOAD
    assert isinstance(found, Refusal)
    assert "model_id" in found.detail
    assert "666" not in found.detail
