"""Hold a record of Arrow whose events are plain: numeric features, and at most a number."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from streamproc.decode.arrow_columns import (
    Bits,
    Flags,
    Floats,
    Times,
    is_number,
    is_text,
    mixed,
    numbers,
    text_hashes,
    times,
)
from streamproc.decode.event_schema import FeatureType, Topic
from streamproc.decode.layout import Layout
from streamproc.decode.validation import MAX_NAME_LENGTH
from streamproc.schemas.timestamps import MILLISECONDS_FROM

Ints = NDArray[np.int64]
_TEXTS: Final = ("model_id", "event_id", "model_version")
_FIELDS: Final = (*_TEXTS, "ts", "tags", "prediction", "features")


@dataclass(frozen=True, slots=True)
class PlainTable:
    """The columns of a record.

    Attributes
    ----------
    table
        The table of pyarrow.
    models, codes
        Distinct model ids, and (events,) the index of each event's; -1 without one.
    ts
        (events,): event time, seconds since 1970; NaN if missing.
    named
        (events,): whether the event has an `event_id`.
    hashes
        (events,): hash of all fields of the event, for deduplication.
    readable
        (events,): whether all fields are valid.
    coerced
        (events,): number of fields that are converted.
    features, prediction
        (events,): values, NaN if missing.
    """

    table: Any
    models: Sequence[str]
    codes: Ints
    ts: Floats
    named: Flags
    hashes: Bits
    readable: Flags
    coerced: Ints
    features: Mapping[str, Floats]
    prediction: Floats | None

    def __len__(self) -> int:
        return len(self.codes)

    def event(self, index: int) -> dict[str, Any]:
        """Return the fields of a readable event."""
        found: dict[str, Any] = {"model_id": self.models[self.codes[index]]}
        for name in ("event_id", "model_version", "tags"):
            if name in self.table.column_names:
                found[name] = self.table[name][index].as_py()
        if isinstance(found.get("tags"), dict):
            found["tags"] = {name: tag for name, tag in found["tags"].items() if tag is not None}
        seconds = float(self.ts[index])
        if seconds == seconds:  # noqa: PLR0124  not NaN
            found["ts"] = seconds if seconds < MILLISECONDS_FROM else seconds * 1000
        if self.prediction is not None:
            found["prediction"] = float(self.prediction[index])
        # NaN becomes null
        found["features"] = {name: float(each[index]) for name, each in self.features.items()}
        return found

    def fits(self, layout: Layout) -> Flags | None:
        """Return which events a layout can hold; None if there are columns that it does not have.

        A feature that was null so far is extended by its first value.
        """
        kinds = layout.kinds
        found = np.ones(len(self), np.bool_)
        for name, column in self.features.items():
            kind = kinds.get(name)
            if kind is None:
                return None
            if kind is FeatureType.NULL:
                found &= np.isnan(column)
        return found

    def values(self, layout: Layout) -> Floats:
        """Return (events, columns) for a layout, as of `DecodedColumns`."""
        names = layout.shape.numbers
        found = np.full((len(self), len(names) + layout.shape.has_number), np.nan)
        for place, name in enumerate(names):
            if (column := self.features.get(name)) is not None:
                found[:, place] = column
        if layout.shape.has_number and self.prediction is not None:
            found[:, -1] = self.prediction
        return found


def plain_table(table: Any, topic: Topic, most: int) -> PlainTable | None:
    """Return the columns of a table; None if it has others than plain ones.

    Parameters
    ----------
    table
        The table of pyarrow.
    topic
        Of the record: feature events have no prediction.
    most
        Maximum number of features.
    """
    columns = dict(zip(table.column_names, table.columns, strict=True))
    features = _features(columns)
    known = times(columns["ts"]) if "ts" in columns else _no_times(table.num_rows)
    if (
        len(columns) < table.num_columns
        or features is None
        or known is None
        or not _are_plain(columns, features, topic, most)
    ):
        return None
    codes, models = _models(columns["model_id"])
    prediction = numbers(columns["prediction"]) if "prediction" in columns else None
    readable = known.in_range & (codes >= 0)
    if topic is Topic.PREDICTIONS and prediction is not None:
        readable &= ~np.isnan(prediction)
    named, is_converted = _named(columns.get("event_id"), table.num_rows)
    coerced = (named & is_converted).astype(np.int64)
    coerced += known.is_local & ~np.isnan(known.seconds)
    values = {name: numbers(column) for name, column in features.items()}
    return PlainTable(
        table, models, codes, known.seconds, named,
        _hashes(columns, known.seconds, values, prediction),
        readable, coerced, values, prediction,
    )  # fmt: skip


def _features(columns: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the columns of features by name; None if one is there twice."""
    import pyarrow as pa  # noqa: PLC0415  an extra

    found = {name: column for name, column in columns.items() if name not in _FIELDS}
    nested = columns.get("features")
    if nested is None:
        return found
    if not pa.types.is_struct(nested.type):
        return None
    names = [each.name for each in nested.type.fields]
    if len({*names, *found}) < len(names) + len(found):
        return None
    return found | dict(zip(names, nested.flatten(), strict=True))


def _are_plain(
    columns: Mapping[str, Any], features: Mapping[str, Any], topic: Topic, most: int
) -> bool:
    """Whether the fields of events have the types that this module reads."""
    import pyarrow as pa  # noqa: PLC0415  an extra

    kinds = {name: column.type for name, column in columns.items()}
    tags = kinds.get("tags")
    prediction = kinds.get("prediction")
    if topic is Topic.PREDICTIONS:
        is_predicted = prediction is not None and is_number(prediction)
        if not is_predicted or pa.types.is_boolean(prediction):
            return False
    elif prediction is not None:
        return False
    return (
        "model_id" in kinds
        and "label" not in kinds
        and is_text(kinds["model_id"])
        and ("event_id" not in kinds or _is_id(kinds["event_id"]))
        and ("model_version" not in kinds or is_text(kinds["model_version"]))
        and (tags is None or pa.types.is_struct(tags))
        and (tags is None or all(is_text(each.type) for each in tags.fields))
        and len(features) <= most
        and all(is_number(column.type) for column in features.values())
        and all(len(name) <= MAX_NAME_LENGTH for name in features)
    )


def _is_id(kind: Any) -> bool:
    import pyarrow as pa  # noqa: PLC0415  an extra

    return is_text(kind) or bool(pa.types.is_integer(kind))


def _models(column: Any) -> tuple[Ints, Sequence[str]]:
    """Return the index of each row's model, and the models; those without a valid id are -1."""
    import pyarrow as pa  # noqa: PLC0415  an extra

    if pa.types.is_null(column.type):
        return np.full(len(column), -1), ()
    if pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    encoded = column.combine_chunks().dictionary_encode()
    names: list[str | None] = encoded.dictionary.to_pylist()
    codes: Ints = encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy()
    valid = np.array([*(name is not None and 0 < len(name) <= 255 for name in names), False])
    return np.where(valid[codes], codes, -1), [name or "" for name in names]


def _named(column: Any, rows: int) -> tuple[Flags, bool]:
    """Return which rows have an event id, and whether ids are integers."""
    import pyarrow as pa  # noqa: PLC0415  an extra

    if column is None:
        return np.zeros(rows, np.bool_), False
    return column.is_valid().to_numpy(), bool(pa.types.is_integer(column.type))


def _no_times(rows: int) -> Times:
    return Times(np.full(rows, np.nan), np.ones(rows, np.bool_), is_local=False)


def _hashes(
    columns: Mapping[str, Any],
    seconds: Floats,
    features: Mapping[str, Floats],
    prediction: Floats | None,
) -> Bits:
    """Return a hash of each row, whatever the order of its columns and the missing ones are."""
    import pyarrow as pa  # noqa: PLC0415  an extra

    found = np.zeros(len(seconds), np.uint64)
    for name in _TEXTS:
        column = columns.get(name)
        if column is not None:
            is_integer = pa.types.is_integer(column.type)
            of: Callable[[Any], Any] = _integers if is_integer else text_hashes
            _add(found, name, of(column), column.is_null().to_numpy())
    if "tags" in columns:
        tags = columns["tags"]
        for field, column in zip(tags.type.fields, tags.flatten(), strict=True):
            _add(found, f"tags.{field.name}", text_hashes(column), column.is_null().to_numpy())
    of_number = {"ts": seconds} | {f"features.{name}": each for name, each in features.items()}
    if prediction is not None:
        of_number["prediction"] = prediction
    for name, values in of_number.items():
        _add(found, name, (values + 0.0).view(np.uint64), np.isnan(values))
    return found


def _integers(column: Any) -> Bits:
    import pyarrow as pa  # noqa: PLC0415  an extra

    kind = pa.uint64() if column.type == pa.uint64() else pa.int64()
    found: Bits = column.cast(kind).fill_null(0).to_numpy().view(np.uint64)
    return found


def _add(found: Bits, name: str, bits: Bits, missing: Flags) -> None:
    """Add the hash of a field where it is not missing."""
    hashed = mixed(bits, xxh3_64_intdigest(name.encode()))
    hashed[missing] = 0
    found += hashed
