"""Split a record's payload into events: a JSON object, an array, NDJSON lines, or Arrow's rows."""

import json
import re
from typing import Any, Final

import msgspec

from streamproc.decode.arrow_record import arrow_table, table_bodies
from streamproc.decode.nan_spellings import with_python_spelling
from streamproc.decode.structs import DECODE_ERRORS, classify_error
from streamproc.decode.unreadable import UnreadableError
from streamproc.schemas.content_types import ARROW_FILE, ARROW_STREAM, JSON, NDJSON
from streamproc.schemas.records import Headers, Reason, Record, UnreadableRecord

_ARROW: Final = frozenset({ARROW_STREAM, ARROW_FILE})
WHOLE_RECORD = -1  # index of an event that is the only one of its record

_document = msgspec.json.Decoder(msgspec.Raw)
_python: Final[json.JSONDecoder] = json.JSONDecoder()
_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_array = msgspec.json.Decoder(list[msgspec.Raw])


def bodies(record: Record, longest: int, *, strict: bool = True) -> list[tuple[int, bytes]]:
    """Return the index and the JSON of each event of a record.

    Unless `strict`, events may hold `NaN` and `Infinity`, which JSON does not have, as Python or
    other languages spell them.

    Raises
    ------
    UnreadableError
        If the record is empty, longer than `longest` bytes, of an unsupported content type, an
        invalid array or not the Arrow that its content type names, or if the Kafka client could not
        parse it.
    """
    value, form = _checked(record, longest)
    if form in _ARROW:
        return table_bodies(arrow_table(value, longest))
    if form == NDJSON or (form == JSON and _is_lines(value, strict=strict)):
        found = _lines(value)
    elif value.lstrip()[:1] == b"[":
        found = _elements(value, strict=strict)
    else:
        return [(WHOLE_RECORD, value)]
    if not found:
        raise UnreadableError(Reason.EMPTY, "the batch holds no event")
    return found


def table_of(record: Record, longest: int) -> Any | None:
    """Return the table of a record of Arrow; None if the record has another form.

    Raises
    ------
    UnreadableError
        As `bodies`.
    """
    value, form = _checked(record, longest)
    return arrow_table(value, longest) if form in _ARROW else None


def has_arrow(record: Record) -> bool:
    """Whether the content type of a record is one of Arrow's."""
    return any(_is_arrow(*header) for header in record.headers or ())


def event_count(record: Record, longest: int) -> int:
    """Return the number of events of a record, readable or not; 0 if it cannot be split."""
    try:
        table = table_of(record, longest)
        return len(bodies(record, longest, strict=False)) if table is None else table.num_rows
    except UnreadableError:
        return 0


def _checked(record: Record, longest: int) -> tuple[bytes, str]:
    """Return the value of a record, and its content type."""
    value = record.value
    if isinstance(record, UnreadableRecord):
        raise UnreadableError(record.reason, record.detail)
    if not value or not value.strip():
        raise UnreadableError(Reason.EMPTY, "the record has no value")  # a tombstone, or blank
    if len(value) > longest:
        detail = f"{len(value)} bytes exceed limits.record_bytes ({longest})"
        raise UnreadableError(Reason.TOO_LARGE, detail)
    return value, _content_type(record)


def original_value(record: Record) -> bytes | None:
    """Return the value of a record for its dead letter."""
    return record.original if isinstance(record, UnreadableRecord) else record.value


def original_headers(record: Record) -> Headers:
    """Return the headers of a record for its dead letter."""
    found = record.original_headers if isinstance(record, UnreadableRecord) else record.headers
    return tuple(found or ())


def letter_headers(record: Record, index: int) -> Headers:
    """Return the headers for the dead letter of an event, whose value is its JSON.

    A row of Arrow is JSON there, which its content type says.
    """
    headers = original_headers(record)
    if index == WHOLE_RECORD or not has_arrow(record):
        return headers
    return tuple(
        (name, JSON.encode()) if _is_arrow(name, value) else (name, value)
        for name, value in headers
    )


def _is_arrow(name: str, value: bytes | None) -> bool:
    return name.lower() == "content-type" and _form(value) in _ARROW


def _form(value: bytes | None) -> str:
    return _media_type((value or b"").decode("utf-8", "replace"))


def _content_type(record: Record) -> str:
    for name, value in record.headers or ():
        if name.lower() == "content-type":
            form = _form(value)
            if form not in (JSON, NDJSON, *_ARROW):
                detail = f"content-type is {form!r}; expected {JSON}, {NDJSON} or {ARROW_STREAM}"
                raise UnreadableError(Reason.UNSUPPORTED_CONTENT_TYPE, detail)
            return form
    return JSON


def _media_type(text: str) -> str:
    """Return the media type of a header, without parameters.

    Spring quotes header values, and Connect's `JsonConverter` wraps them in schema and payload.
    """
    text = text.strip()
    if text[:1] in {'"', "{"}:
        try:
            inner = msgspec.json.decode(text)
        except DECODE_ERRORS:
            inner = text
        inner = inner.get("payload") if isinstance(inner, dict) else inner
        text = inner if isinstance(inner, str) else text
    form = text.split(";")[0].strip().lower()
    if form == "text/json" or (form.startswith("application/vnd.kafka.") and form[-5:] == "+json"):
        return JSON
    return form


def _is_lines(value: bytes, *, strict: bool) -> bool:
    """Whether a value is NDJSON, and not one object that is printed over several lines."""
    first, newline, more = value.strip().partition(b"\n")
    if not newline or not more or first[:1] == b"[":
        return False
    try:
        _document.decode(first)
    except DECODE_ERRORS:
        return not strict and _is_lenient(first)
    return True


def _is_lenient(line: bytes) -> bool:
    try:
        _python.decode(with_python_spelling(line.decode()))
    except (ValueError, RecursionError):
        return False
    return True


def _lines(value: bytes) -> list[tuple[int, bytes]]:
    lines = (line.strip() for line in value.split(b"\n"))
    return list(enumerate(line for line in lines if line))


def _elements(value: bytes, *, strict: bool) -> list[tuple[int, bytes]]:
    try:
        return [(index, bytes(raw)) for index, raw in enumerate(_array.decode(value))]
    except DECODE_ERRORS as error:
        found = [] if strict else _lenient_elements(value)
        if not found:
            raise UnreadableError(*classify_error(error)) from error
        return found


def _lenient_elements(value: bytes) -> list[tuple[int, bytes]]:
    """Split an array whose elements may hold `NaN`; empty if it is not one."""
    try:
        text = value.decode().strip()
    except ValueError:
        return []
    return _elements_of(text) or _elements_of(with_python_spelling(text))


def _elements_of(text: str) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    try:
        at = 1
        while True:
            start = _BLANKS.match(text, at).end()  # type: ignore[union-attr]  # matches anything
            _, stop = _python.raw_decode(text, start)
            found.append((len(found), text[start:stop].encode()))
            at = _BLANKS.match(text, stop).end()  # type: ignore[union-attr]
            if text[at : at + 1] != ",":
                return found if text[at:] == "]" else []
            at += 1
    except (ValueError, RecursionError):
        return []
