from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

import streamproc.control.command as module
from streamproc.control.command import Command, Reason, Refusal, sign, verify

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)
SECRET = SecretStr("correct horse battery staple 1234")
TOPIC = "prod.control"


def command(**fields: object) -> Command:
    """Give a command that is obeyed, but for these fields."""
    usual = {"issuer": "ci@build", "sequence": 7, "verb": "rollback", "payload": {"model": "fraud"}}
    return Command(**(usual | {"expires": NOW + timedelta(minutes=1)} | fields))


def refused(record: bytes, last: dict[str, int] | None = None, topic: str = TOPIC) -> Refusal:
    """Give why a record is refused; fail when it is not."""
    found = verify(record, topic, SECRET, NOW, last or {})
    assert isinstance(found, Refusal)
    return found


def signed(body: bytes) -> bytes:
    """Sign whatever this is."""
    return module._mac(body, TOPIC, SECRET) + b"\n" + body


def test_a_signed_command_is_obeyed_as_it_was_sent() -> None:
    """What was signed with the secret, in time and in sequence, comes out as it went in."""
    sent = command()
    assert verify(sign(sent, TOPIC, SECRET), TOPIC, SECRET, NOW, {"ci@build": 6}) == sent


@given(st.data())
def test_a_changed_byte_is_refused(data: st.DataObject) -> None:
    """A command of which any one bit was changed is refused and not even read."""
    record = bytearray(sign(command(), TOPIC, SECRET))
    place = data.draw(st.integers(0, len(record) - 1))
    record[place] ^= 1 << data.draw(st.integers(0, 7))
    assert refused(bytes(record)).command is None


@given(st.binary(max_size=300))
def test_what_a_stranger_writes_is_refused(record: bytes) -> None:
    """Whatever is written without the secret is refused."""
    assert refused(record).reason in {Reason.MALFORMED, Reason.BAD_SIGNATURE}


@given(st.binary(max_size=300))
def test_nonsense_with_our_signature_is_refused(body: bytes) -> None:
    """Signed bytes that are no command are refused, not an error of the worker."""
    assert refused(signed(body)).reason is Reason.MALFORMED


def test_a_command_for_another_topic_is_refused() -> None:
    """A command for staging is not obeyed in production, even where both have one secret."""
    record = sign(command(), "staging.control", SECRET)
    assert refused(record).reason is Reason.BAD_SIGNATURE


def test_another_secret_is_refused() -> None:
    """A command that was signed with another secret is refused."""
    record = sign(command(), TOPIC, SecretStr("another secret that is long enough"))
    assert refused(record).reason is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("last", [7, 8])
def test_a_replayed_command_is_refused(last: int) -> None:
    """A command that was there before, or that comes after a later one, is refused."""
    found = refused(sign(command(), TOPIC, SECRET), {"ci@build": last})
    assert found.reason is Reason.REPLAYED


def test_each_issuer_has_a_sequence_of_its_own() -> None:
    """What one issuer has sent does not hold up another."""
    found = verify(sign(command(), TOPIC, SECRET), TOPIC, SECRET, NOW, {"somebody": 1000})
    assert found == command()


@pytest.mark.parametrize(
    ("left", "reason"),
    [
        (timedelta(), Reason.EXPIRED),
        (timedelta(days=-400), Reason.EXPIRED),
        (timedelta(hours=1, seconds=1), Reason.LIVES_TOO_LONG),
    ],
)
def test_a_command_is_obeyed_in_its_time_only(left: timedelta, reason: Reason) -> None:
    """A command that has expired, or that would live for more than an hour, is refused."""
    assert refused(sign(command(expires=NOW + left), TOPIC, SECRET)).reason is reason


def test_a_later_version_is_refused_whole() -> None:
    """A command in a form that this worker does not know is refused, and the versions are named."""
    found = refused(sign(command(version=2), TOPIC, SECRET))
    assert found.reason is Reason.UNSUPPORTED_VERSION
    assert "version 2" in found.detail


def test_a_large_record_is_refused_unread() -> None:
    """A record of more than 64 KiB is refused whatever it holds."""
    assert refused(b"x" * 65_537).reason is Reason.TOO_LARGE


def test_a_deep_payload_is_refused() -> None:
    """A signed payload a thousand levels deep is refused, not an error of the worker."""
    body = msgspec.json.encode(command(payload={"x": 0})).replace(
        b'"x":0', b'"x":' + b"[" * 5000 + b"]" * 5000
    )
    assert refused(signed(body)).reason is Reason.MALFORMED


@pytest.mark.parametrize(
    "fields",
    [
        {"issuer": ""},
        {"issuer": "a\nb"},
        {"sequence": 0},
        {"verb": "Roll back"},
        {"expires": NOW.replace(tzinfo=None)},
        {"payload": {"x": "y" * 70_000}},
    ],
)
def test_what_would_be_refused_is_not_signed(fields: dict[str, object]) -> None:
    """Whoever signs something that no worker takes hears of it at once."""
    with pytest.raises(ValueError, match=r"malformed command|larger than"):
        sign(command(**fields), TOPIC, SECRET)


def test_the_secret_is_in_no_message() -> None:
    """Neither the record nor a refusal shows the secret."""
    record = sign(command(), TOPIC, SECRET)
    shown = record + repr(refused(record, {"ci@build": 9})).encode()
    assert SECRET.get_secret_value().encode() not in shown
