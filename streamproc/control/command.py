"""Encode, sign and verify control commands."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from pydantic import SecretStr

VERSION: Final = 1
# The topic's records of the last hour, which it keeps for longer, are then all that could be sent
# again with a hope of being believed: and those are known by their sequence.
MAX_LIFETIME: Final = timedelta(hours=1)
MAX_BYTES: Final = 65_536
_PURPOSE: Final = b"streamproc control"
_SIGNATURE: Final = 64  # hexadecimal digits of SHA-256


class Reason(StrEnum):
    """Why a command is refused: the label of `streamproc_control_refused_total`."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    BAD_SIGNATURE = "bad_signature"
    UNSUPPORTED_VERSION = "unsupported_version"
    REPLAYED = "replayed"
    EXPIRED = "expired"
    LIVES_TOO_LONG = "lives_too_long"
    UNKNOWN_VERB = "unknown_verb"
    BAD_PAYLOAD = "bad_payload"


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody who has the secret wants done.

    Attributes
    ----------
    issuer
        Who sends it: 1 to 100 letters, digits, or ``. _ @ : -``.
    sequence
        Larger than that of every command of the same issuer before it.
    expires
        When it is no longer to be obeyed.
    verb
        What to do: lower case, words joined by ``_``.
    payload
        What to do it to: whatever the verb wants.
    version
        Of this form.
    """

    issuer: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._@:-]{1,100}\Z")]
    sequence: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    expires: Annotated[datetime, Meta(tz=True)]
    verb: Annotated[str, Meta(pattern=r"^[a-z][a-z_]{0,49}\Z")]
    payload: dict[str, Any] = msgspec.field(default_factory=dict)
    version: int = VERSION

    @property
    def id(self) -> str:
        """Names this command and no other: what a handler remembers so as to act only once."""
        return f"{self.issuer}#{self.sequence}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that is not obeyed.

    `detail` is for the log: it repeats nothing that a stranger could have written. `command` is
    there when it was signed with our secret, whatever else is wrong with it.
    """

    reason: Reason
    detail: str
    command: Command | None = None


def sign(command: Command, topic: str, secret: SecretStr) -> bytes:
    """Write a command for a topic: its signature, a line's end, and the command as JSON.

    Parameters
    ----------
    command
        What is to be done.
    topic
        Full name of the topic: a command for one is refused on every other.
    secret
        What workers and issuers share.

    Raises
    ------
    ValueError
        If the command would be refused by its form, whoever reads it.

    Examples
    --------
    >>> from datetime import UTC
    >>> now, secret = datetime(2026, 1, 5, tzinfo=UTC), SecretStr("s" * 32)
    >>> save = Command(issuer="ci", sequence=1, expires=now + timedelta(minutes=1), verb="save")
    >>> written = sign(save, "control", secret)
    >>> verify(written, "control", secret, now, {}) == save
    True
    >>> verify(written, "control", secret, now, {"ci": 1}).reason
    <Reason.REPLAYED: 'replayed'>
    """
    body = msgspec.json.encode(command)
    if len(body) + _SIGNATURE + 1 > MAX_BYTES:
        raise ValueError(f"the command is larger than {MAX_BYTES} bytes")
    try:
        _decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise ValueError(f"malformed command: {error}") from error
    return _mac(body, topic, secret) + b"\n" + body


def verify(
    record: bytes, topic: str, secret: SecretStr, now: datetime, last: Mapping[str, int]
) -> Command | Refusal:
    """Read a command, or say why it must not be obeyed.

    Nothing of a record is read before its signature holds: who does not have the secret reaches
    no parser.

    Parameters
    ----------
    record
        As it came.
    topic
        Full name of the topic that it came from.
    secret
        What workers and issuers share.
    now
        The wall clock, with its time zone.
    last
        The largest sequence so far of each issuer.
    """
    if len(record) > MAX_BYTES:
        return Refusal(Reason.TOO_LARGE, f"{len(record)} bytes exceed the limit of {MAX_BYTES}")
    signature, newline, body = record[:_SIGNATURE], record[_SIGNATURE:][:1], record[_SIGNATURE:][1:]
    if newline != b"\n":
        return Refusal(Reason.MALFORMED, "expected 64 hexadecimal digits, a newline, and JSON")
    if not hmac.compare_digest(signature, _mac(body, topic, secret)):
        return Refusal(
            Reason.BAD_SIGNATURE, f"it was not signed with this worker's secret for {topic}"
        )
    try:
        command = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Refusal(Reason.MALFORMED, f"valid signature, malformed command: {error}")
    return _timely(command, now, last.get(command.issuer, 0))


def _timely(command: Command, now: datetime, last: int) -> Command | Refusal:
    if command.version != VERSION:
        detail = f"version {command.version}; this worker supports version {VERSION}"
        return Refusal(Reason.UNSUPPORTED_VERSION, detail, command)
    if command.sequence <= last:
        detail = f"{command.id} does not exceed sequence {last}: repeated, or out of order"
        return Refusal(Reason.REPLAYED, detail, command)
    left = command.expires - now
    if left <= timedelta():
        return Refusal(Reason.EXPIRED, f"{command.id} expired {-left} ago", command)
    if left > MAX_LIFETIME:
        detail = f"{command.id} expires in {left}, by this clock; the maximum is {MAX_LIFETIME}"
        return Refusal(Reason.LIVES_TOO_LONG, detail, command)
    return command


def _mac(body: bytes, topic: str, secret: SecretStr) -> bytes:
    # No topic's name holds a null character, so no other topic and body give the same message.
    message = b"\0".join((_PURPOSE, topic.encode(), body))
    return hmac.digest(secret.get_secret_value().encode(), message, "sha256").hex().encode()


_decoder: Final = msgspec.json.Decoder(Command)
