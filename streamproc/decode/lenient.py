"""Decode events with fields of unusual types: convert them without loss, or drop the field.

Producers write what their language writes: `NaN` of Python, nested objects, integer ids, times
without a zone. Such a field must not cost the event. What identifies an event stays strict.
"""

import json
import math
import re
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, Literal, NamedTuple

import msgspec

from streamproc.decode.event_schema import Topic
from streamproc.decode.lenient_numbers import ROUNDING
from streamproc.decode.nan_spellings import with_python_spelling
from streamproc.decode.structs import (
    DECODE_ERRORS,
    LAST_MS,
    GenericFeatures,
    GenericPrediction,
    Prediction,
)

COUNTED: Final = ("coerced", "missing")
"""Kinds of notes that are counted."""
_MAX_DEPTH: Final = 8  # of nested objects among the features; deeper ones count as missing
_LAST_US, _LAST_NS = LAST_MS * 1000, LAST_MS * 1_000_000
_LOCAL_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?([+-]\d\d(?::?\d\d)?)?"
)
_PLAIN_TIMES: Final = frozenset({"--T::", "-- ::", "--T::.", "-- ::."})
"""Separators of a time in the form above: its fifth character, and each third up to the 20th."""
_PLAIN_LENGTH: Final = len("2026-01-05T10:00:00.123456789")
_DIGITS: Final = re.compile(r"[0-9]{10,20}")  # as protobuf writes 64-bit integers in JSON
_TYPES: Final[dict[type, str]] = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}


class LenientPrediction(GenericPrediction, gc=False, kw_only=True):
    """A prediction event whose prediction may be missing."""

    prediction: Prediction | None  # type: ignore[assignment]  # wider than in the strict struct


class Note(NamedTuple):
    """What was done with a field.

    Attributes
    ----------
    kind
        `coerced`: converted without loss; `missing`: it could not be read; `ambiguous`: it may
        mean something else; `foreign`: a text that looks like a number in another notation;
        `mixed`: a text that often is a number, and sometimes a word.
    field
        The field, as alerts name it.
    found
        What was sent.
    """

    kind: Literal["coerced", "missing", "ambiguous", "foreign", "mixed"]
    field: str
    found: str


class LenientDecoder:
    """Decode events that the strict decoder of a topic rejects.

    Parameters
    ----------
    struct
        Struct of the topic's events.
    zone
        Time zone of a `ts` that names none.

    Attributes
    ----------
    struct
        As given.

    Examples
    --------
    >>> decoder = LenientDecoder(GenericFeatures, UTC)
    >>> event, notes = decoder.decode(b'{"model_id": "m", "features": {"a": 1, "b": NaN}}')
    >>> event.features, notes
    ({'a': 1.0, 'b': None}, [Note(kind='missing', field="feature 'b'", found='NaN')])
    """

    def __init__(self, struct: type[Any], zone: tzinfo) -> None:
        self.struct = struct
        self._zone = zone

    def decode(self, body: bytes) -> tuple[Any, list[Note]]:
        """Return an event, and what was done with its fields.

        Raises
        ------
        msgspec.MsgspecError, UnicodeDecodeError, RecursionError
            If it is not JSON, or if a field that identifies it is missing or has the wrong type.
        """
        fields = parse(body)
        notes: list[Note] = []
        if isinstance(fields, dict):
            self.repair(fields, notes)
        return msgspec.convert(fields, self.struct), notes

    def repair(self, fields: dict[str, Any], notes: list[Note]) -> None:
        """Convert the fields of an event in place, and note what was done."""
        if fields.get("event_id").__class__ is int:
            fields["event_id"] = str(fields["event_id"])
            notes.append(Note("coerced", "`event_id`", "an integer"))
        if fields.get("ts") is not None:
            fields["ts"] = time_of(fields["ts"], self._zone, notes)
        if "model_version" in fields:
            fields["model_version"] = _text(fields["model_version"], "`model_version`", notes)
        if "tags" in fields:
            fields["tags"] = _tags(fields["tags"], notes)
        if "features" in fields:
            fields["features"] = features_of(fields["features"], notes)
        if "prediction" in fields:
            fields["prediction"] = prediction_of(fields["prediction"], notes)
        if "label" in fields and not _is_finite(fields["label"]):
            fields["label"] = None


def lenient_decoder(topic: Topic, zone: tzinfo) -> LenientDecoder:
    """Return the lenient decoder of a watched topic."""
    return LenientDecoder(_STRUCTS[topic], zone)


_STRUCTS: Final[dict[Topic, type[Any]]] = {
    Topic.PREDICTIONS: LenientPrediction,
    Topic.FEATURES: GenericFeatures,
}


def parse(body: bytes) -> Any:
    """Parse JSON, with `NaN`, `Infinity` and numbers beyond the range of float64.

    The first two also as other languages spell them: `nan`, `-inf`.
    """
    try:
        return msgspec.json.decode(body)
    except DECODE_ERRORS as error:
        try:
            fields = _loads(body.decode())
            if b"\\u" in body:
                msgspec.json.encode(fields)  # half of a surrogate pair is not a character
        except (ValueError, RecursionError):
            raise error from None
        return fields


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        spelled = with_python_spelling(text)
        if spelled == text:
            raise
        return json.loads(spelled)


def time_of(value: Any, zone: tzinfo, notes: list[Note]) -> Any:
    """Return a time that the struct accepts, or the value as it is."""
    if isinstance(value, str):
        if value.isdecimal() and _DIGITS.fullmatch(value):
            notes.append(Note("coerced", "`ts`", "a text of digits"))
            value = int(value)
        else:
            return _local_time(value, zone, notes)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if math.isnan(value):
            return "NaN"
        if LAST_MS < value <= _LAST_US:
            return value / 1_000_000
        if _LAST_US < value <= _LAST_NS:
            return value / 1_000_000_000
    return value


def _local_time(text: str, zone: tzinfo, notes: list[Note]) -> Any:
    """Parse a time without a zone, or with an offset that lacks its colon."""
    if text.endswith("Z"):
        return text
    # Matching the expression takes ten times as long as parsing.
    is_plain = text[4:20:3] in _PLAIN_TIMES and len(text) <= _PLAIN_LENGTH
    if not is_plain and _LOCAL_TIME.fullmatch(text) is None:
        return text
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            notes.append(Note("coerced", "`ts`", "a time without a zone"))
            time = datetime.combine(time, time.time(), zone)
        elif is_plain and _LOCAL_TIME.fullmatch(text) is None:
            return text
        return time if time.tzinfo is UTC else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return text


def _text(value: Any, field: str, notes: list[Note]) -> str | None:
    """Return a text; numbers and booleans become what JSON calls them."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float) and _is_finite(value):
        notes.append(Note("coerced", field, _TYPES[value.__class__]))
        return msgspec.json.encode(value).decode()
    notes.append(Note("missing", field, _found(value)))
    return None


def _tags(value: Any, notes: list[Note]) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        notes.append(Note("missing", "`tags`", _found(value)))
        return None
    texts = {name: _text(tag, f"tag {name!r}", notes) for name, tag in value.items()}
    return {name: text for name, text in texts.items() if text is not None}


def features_of(value: Any, notes: list[Note]) -> dict[str, Any] | None:
    """Return readable features: nested objects by dotted names, None for unreadable values."""
    if value is None:
        return None
    if not isinstance(value, dict):
        notes.append(Note("missing", "`features`", _found(value)))
        return None
    found: dict[str, Any] = {}
    nested: list[tuple[str, Any]] = []
    for name, each in value.items():
        if each.__class__ is float and math.isfinite(each):
            found[name] = each
        elif each.__class__ is dict and each:
            nested.append((name, each))
        else:
            found[name] = _feature(name, each, notes)
    for name, each in nested:
        notes.append(Note("coerced", f"feature {name!r}", "an object"))
        _flatten(name, each, found, notes, 1)
    return found


def _flatten(
    prefix: str, value: dict[str, Any], found: dict[str, Any], notes: list[Note], depth: int
) -> None:
    """Add the leaves of an object; names that are given already keep their values."""
    for key, each in value.items():
        name = f"{prefix}.{key}"
        if each.__class__ is dict and each and depth < _MAX_DEPTH:
            _flatten(name, each, found, notes, depth + 1)
        elif name not in found:
            found[name] = _feature(name, each, notes)


def _feature(name: str, value: Any, notes: list[Note]) -> Any:
    """Return the value of a feature; None if it cannot be read."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        if (number := _float(value)) is not None:
            return number
    elif isinstance(value, list):
        numbers = [_float(each) for each in value]
        if None not in numbers:
            return numbers
    notes.append(Note("missing", f"feature {name!r}", _found(value)))
    return None


def prediction_of(value: Any, notes: list[Note]) -> Any:
    """Return a readable prediction: a list of probabilities by index; None if unreadable."""
    given = value
    found: Any
    while value.__class__ is list and len(value) == 1:
        value = value[0]
    if value is None or isinstance(value, bool | str):
        found = value
    elif isinstance(value, int | float):
        found = _float(value)
    else:
        if isinstance(value, list):
            value = {str(index): each for index, each in enumerate(value)}
        found = _probabilities(value)
    if found is None:
        notes.append(Note("missing", "`prediction`", _found(given)))
    elif given.__class__ is list:
        notes.append(Note("coerced", "`prediction`", "a list"))
    return found


def _probabilities(value: dict[str, Any]) -> dict[str, float] | None:
    """Return class → probability, rounded into [0, 1]; None if it is something else."""
    found: dict[str, float] = {}
    for name, each in value.items():
        number = _float(each)
        if number is None or each.__class__ is bool:
            if each is None or (each.__class__ is float and math.isnan(each)):
                continue
            return None
        if not -ROUNDING <= number <= 1.0 + ROUNDING:
            return None
        found[name] = min(max(number, 0.0), 1.0)
    return found or None


def _float(value: Any) -> float | None:
    """Return a number or boolean as a finite float; None if it is not one."""
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _is_finite(value: Any) -> bool:
    return not isinstance(value, int | float) or _float(value) is not None


def _found(value: Any) -> str:
    """Describe a value that cannot be read."""
    if value.__class__ in {int, float}:
        return "NaN" if value != value else "an infinite number"  # noqa: PLR0124
    return _TYPES.get(value.__class__, "something else")
