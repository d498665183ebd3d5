"""Read what SageMaker's data capture has of one side of a request, by its encoding."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

from streamproc.decode.lenient import parse
from streamproc.decode.structs import DECODE_ERRORS, classify_error
from streamproc.intake.errors import IntakeError
from streamproc.intake.rows import csv_text_rows, frame_rows, has_rows, list_rows
from streamproc.schemas.records import Reason

_LINES: Final = ("jsonlines", "jsonl", "ndjson")
# What built-in algorithms answer with for each row; the first one that is there counts.
_ANSWERS: Final = ("score", "scores", "probabilities", "predicted_label", "predicted_class")
_HINT: Final = (
    "only CSV, JSON and JSON lines are read: name the content type in the endpoint's"
    " CaptureContentTypeHeader, or map the record before"
)


def csv_rows(value: Any, columns: Sequence[str], *, named: bool) -> list[Any]:
    """Return lines of comma-separated values, or what a capture of an endpoint holds.

    Parameters
    ----------
    value
        The text, or an object with `data`, `encoding` and `observedContentType`.
    columns
        Names of values without names.
    named
        Whether rows are features, which need names.
    """
    if isinstance(value, dict):
        return _capture_rows(value, columns, named=named)
    return csv_text_rows(value, columns, named=named)


def _capture_rows(capture: Mapping[str, Any], columns: Sequence[str], *, named: bool) -> list[Any]:
    text, encoding = capture.get("data"), str(capture.get("encoding") or "CSV").upper()
    if not isinstance(text, str):
        raise IntakeError(Reason.MISSING_FIELD, "it has no `data` that is a text")
    kind = str(capture.get("observedContentType") or "").lower()
    if encoding == "BASE64":
        text = _decoded(text, kind)
        encoding = "JSON" if "json" in kind else "CSV" if "csv" in kind else encoding
    if encoding == "CSV":
        return csv_text_rows(text, columns, named=named)
    if encoding != "JSON":
        detail = f"its encoding is {encoding} and its content type {kind!r}: {_HINT}"
        raise IntakeError(Reason.UNSUPPORTED_CONTENT_TYPE, detail)
    try:
        if any(form in kind for form in _LINES):
            found = [parse(line.encode()) for line in text.splitlines() if line.strip()]
        else:
            found = parse(text.encode())
    except DECODE_ERRORS as error:
        raise IntakeError(*classify_error(error)) from error
    return _features(found, columns) if named else [_answer(each) for each in _predictions(found)]


def _decoded(text: str, kind: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except binascii.Error as error:
        detail = f"its encoding is BASE64, and its data are not: {error}"
        raise IntakeError(Reason.WRONG_TYPE, detail) from error
    except UnicodeDecodeError as error:
        detail = f"its data are binary, of the content type {kind!r}: {_HINT}"
        raise IntakeError(Reason.UNSUPPORTED_CONTENT_TYPE, detail) from error


def _features(found: Any, columns: Sequence[str]) -> list[Any]:
    if isinstance(found, dict) and has_rows(found):
        found = frame_rows(found, columns, named=False)
    elif not isinstance(found, list) or not isinstance(next(iter(found), None), dict | list):
        found = [found]  # the values of one row
    return list_rows([_values(each) for each in found], columns, named=True)


def _values(row: Any) -> Any:
    """Return the list of a row of built-in algorithms, ``{"features": [1, 2]}``; else the row."""
    return row["features"] if isinstance(row, dict) and row.keys() == {"features"} else row


def _predictions(found: Any) -> list[Any]:
    if isinstance(found, dict):
        return frame_rows(found, (), named=False) if has_rows(found) else [found]
    return found if isinstance(found, list) else [found]


def _answer(row: Any) -> Any:
    if not isinstance(row, dict):
        return row
    return next((row[name] for name in _ANSWERS if name in row), row)
