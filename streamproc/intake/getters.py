"""Take fields from documents, as the configuration says."""

import csv
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from streamproc.config.intake_fields import Mapping as FieldMap
from streamproc.config.intake_fields import Rows, Spec
from streamproc.decode.structs import DECODE_ERRORS, classify_error
from streamproc.intake.captures import csv_rows
from streamproc.intake.documents import Document
from streamproc.intake.errors import IntakeError
from streamproc.intake.rows import frame_rows, list_rows, tensor_rows
from streamproc.schemas.records import Reason

ABSENT: Final = object()
"""What a getter returns for a field that a document does not have."""
Getter = Callable[[Document], Any]
RowsGetter = Callable[[Document], list[Any]]


def plain(value: Any) -> str | None:
    """Return a value as the configuration writes it; None if it is absent."""
    if value.__class__ is str:
        found: str = value
        return found
    if value is ABSENT or value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value}"


def getter(path: str) -> Getter:
    """Return a function that takes the value at a dotted path."""
    parts = tuple(path.split(".")) if path != "." else ()
    if len(parts) == 1:
        return _field(parts[0])

    def get(found: Document) -> Any:
        return _at(found.value, parts)

    return get


def _field(name: str) -> Getter:
    """Return a function that takes a field of an object, which is what most paths are."""
    parts = (name,)

    def get(found: Document) -> Any:
        value = found.value
        return value.get(name, ABSENT) if value.__class__ is dict else _at(value, parts)

    return get


def _at(value: Any, parts: Sequence[str]) -> Any:
    for part in parts:
        if isinstance(value, dict):
            value = value.get(part, ABSENT)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return ABSENT
    return value


def _paths(path: str | tuple[str, ...]) -> Getter:
    if isinstance(path, str):
        return getter(path)
    getters = [getter(each) for each in path]

    def get(found: Document) -> Any:
        values = (one(found) for one in getters)
        return next((v for v in values if v is not ABSENT and v is not None), ABSENT)

    return get


def spec_getter(spec: Spec) -> Getter:
    """Return a function that takes a field from where the configuration says."""
    if spec.path is not None:
        return _paths(spec.path)
    if spec.header is not None:
        name = spec.header
        return lambda found: _or_absent(found.header(name))
    if spec.ce is not None:
        attribute = spec.ce.lower()
        return lambda found: found.attributes.get(attribute, ABSENT)
    if spec.key is not None:
        pattern = re.compile(spec.key)
        return lambda found: _matched(pattern, found.key())
    if spec.topic is not None:
        of_topic = re.compile(spec.topic)
        return lambda found: _matched(of_topic, found.topic)
    const = spec.const
    return lambda _: const


def _or_absent(value: Any) -> Any:
    return ABSENT if value is None else value


def _matched(pattern: re.Pattern[str], text: str | None) -> Any:
    found = None if text is None else pattern.search(text)
    if found is None:
        return ABSENT
    return _or_absent(found[1] if pattern.groups else found[0])


def condition(name: str) -> Getter:
    """Return what `when` looks at: an attribute of a CloudEvent, else a path."""
    path = getter(name)

    def get(found: Document) -> Any:
        return found.attributes[name] if name in found.attributes else path(found)

    return get


def used_paths(fields: FieldMap) -> frozenset[str]:
    """Return the top-level names that other fields are taken from."""
    paths: list[str] = []
    for spec in (*fields.specs, fields.prediction):
        path = None if spec is None else spec.path
        if path is not None:
            paths += [path] if isinstance(path, str) else path
    return frozenset(paths)


def rows_getter(
    rows: Rows | None, columns: Sequence[str], used: frozenset[str], *, named: bool
) -> RowsGetter | None:
    """Return a function that gives one value for each event of a document."""
    if rows is None:
        return None
    if rows.omit is not None:
        return _all_but(rows.omit, used, rows.inside)
    if rows.only is not None:
        only = [(path, getter(path)) for path in rows.only]
        return lambda found: [{path: _or_none(get(found)) for path, get in only}]
    for path, read in ((rows.tensors, tensor_rows), (rows.frame, frame_rows), (rows.csv, csv_rows)):
        if path is not None:
            return _reader(getter(path), read, path, columns, named=named)
    if rows.rows is not None:
        return _reader(_paths(rows.rows), list_rows, str(rows.rows), columns, named=named)
    one, source = _paths(rows.path or "."), rows.path

    def single(found: Document) -> list[Any]:
        value = one(found)
        if value is ABSENT:
            raise IntakeError(Reason.MISSING_FIELD, f"the record has no `{source}`")
        return [value]

    return single


def _or_none(value: Any) -> Any:
    return None if value is ABSENT else value


def _reader(
    get: Getter, read: Callable[..., list[Any]], path: str, columns: Sequence[str], *, named: bool
) -> RowsGetter:
    def rows_of(found: Document) -> list[Any]:
        value = get(found)
        if value is ABSENT or value is None:
            raise IntakeError(Reason.MISSING_FIELD, f"the record has no `{path}`")
        where = "the value" if path == "." else f"`{path}`"
        try:
            return read(value, columns, named=named)
        except IntakeError as error:
            raise IntakeError(error.reason, f"{where}: {error.detail}") from error
        except DECODE_ERRORS as error:  # a text that should be JSON
            reason, detail = classify_error(error)
            raise IntakeError(reason, f"{where}: {detail}") from error
        except csv.Error as error:
            raise IntakeError(Reason.CORRUPT, f"{where}: {error}") from error

    return rows_of


def _all_but(omit: Sequence[str], used: frozenset[str], inside: str | None) -> RowsGetter:
    prefix = "" if inside is None else f"{inside}."
    left_out = frozenset(omit) | {
        path.removeprefix(prefix) for path in used if path.startswith(prefix)
    }
    get = getter(inside or ".")

    def others(found: Document) -> list[Any]:
        value = get(found)
        if not isinstance(value, dict):
            raise IntakeError(Reason.WRONG_TYPE, "the value is not an object")
        return [{name: each for name, each in value.items() if name not in left_out}]

    return others
