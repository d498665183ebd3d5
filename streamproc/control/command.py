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
# Only commands of the last hour can be replayed. The topic retains them for longer, so a replay is
# recognised by its sequence.
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
    """A command from an issuer with the secret.

    Attributes
    ----------
    issuer
        Name of the sender: 1 to 100 letters, digits, or ``. _ @ : -``.
    sequence
        Larger than that of every earlier command of the same issuer; 1 to 2⁶³ − 1.
    expires
        Time after which it is refused, with a time zone.
    verb
        Name of the command: lower case, words joined by ``_``.
    payload
        Arguments, as the command requires.
    version
        Version of this format.
    """

    issuer: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._@:-]{1,100}\Z")]
    sequence: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    expires: Annotated[datetime, Meta(tz=True)]
    verb: Annotated[str, Meta(pattern=r"^[a-z][a-z_]{0,49}\Z")]
    payload: dict[str, Any] = msgspec.field(default_factory=dict)
    version: int = VERSION

    @property
    def id(self) -> str:
        """The unique id of this command, by which handlers act only once."""
        return f"{self.issuer}#{self.sequence}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused command.

    `detail` is for the log, and repeats no unauthenticated text. `command` is set if the signature
    is valid.
    """

    reason: Reason
    detail: str
    command: Command | None = None


def sign(command: Command, topic: str, secret: SecretStr) -> bytes:
    """Encode a command for a topic: its signature, a newline, and the command as JSON.

    Parameters
    ----------
    command
        The command.
    topic
        Full name of the topic: a command for one is refused on every other.
    secret
        Secret that workers and issuers share.

    Raises
    ------
    ValueError
        If the command is malformed or too large, so that workers would refuse it.

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
    """Decode a command, or return the reason to refuse it.

    A record is only parsed once its signature is verified, so that no parser sees unauthenticated
    input.

    Parameters
    ----------
    record
        Value of the record.
    topic
        Full name of the topic that it was read from.
    secret
        Secret that workers and issuers share.
    now
        The wall clock, with a time zone.
    last
        The largest sequence of each issuer so far.
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
    # Topic names cannot contain a null character, so the encoding is unambiguous.
    message = b"\0".join((_PURPOSE, topic.encode(), body))
    return hmac.digest(secret.get_secret_value().encode(), message, "sha256").hex().encode()


_decoder: Final = msgspec.json.Decoder(Command)
