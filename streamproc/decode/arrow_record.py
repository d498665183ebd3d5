"""Read a record that is a stream or a file of Arrow's IPC format."""

import struct
from importlib.util import find_spec
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamproc.decode.arrow_messages import measure
from streamproc.decode.unreadable import UnreadableError
from streamproc.schemas.records import Reason

# A file is this, a stream, and a footer for those who do not read from its start.
_MAGIC: Final = b"ARROW1\0\0"
# Bytes of limits.record_bytes that a row takes at least: an event of JSON takes more.
_MIN_ROW: Final = 16
_OF_LABELS: Final = ("model_id", "event_id", "ts")
# JSON repeats the names of columns in each row, and null takes no space in Arrow.
_MAX_GROWTH: Final = 8
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


def arrow_table(value: bytes, longest: int) -> Any:
    """Return the table of all batches of a record.

    Parameters
    ----------
    value
        The record's value.
    longest
        Bytes that it may have when it is decompressed; each row counts as 16 at least.

    Raises
    ------
    UnreadableError
        If it is not Arrow, is larger, has no column `model_id`, or if pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        detail = "Arrow is read by pyarrow: pip install 'streamproc[parquet]' where the worker runs"
        raise UnreadableError(Reason.UNSUPPORTED_CONTENT_TYPE, detail)
    import pyarrow as pa  # noqa: PLC0415  an extra

    data = pa.py_buffer(value.removeprefix(_MAGIC))
    try:
        found = measure(iter(pa.ipc.MessageReader.open_stream(data)))
        _check_size(found.rows, found.size, longest)
        table = pa.ipc.open_stream(data).read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, EOFError, struct.error, ValueError) as error:
        detail = f"not a stream of Arrow's IPC format: {error}"
        raise UnreadableError(Reason.CORRUPT, detail) from error
    _check_texts(table, longest)
    if not table.num_rows:
        raise UnreadableError(Reason.EMPTY, "the batch holds no event")
    return table


def table_bodies(table: Any) -> list[tuple[int, bytes]]:
    """Return the index and the JSON of each row of a table.

    Raises
    ------
    UnreadableError
        If it has no column `model_id`, or one twice.
    """
    return [(index, _encode(row)) for index, row in enumerate(_rows(table))]


def table_rows(table: Any) -> list[Any]:
    """Return the rows of a table, with any columns, as what JSON would give.

    Times and dates are texts, decimals numbers; bytes and durations are objects, which no field
    of an event takes. Of two columns of one name the last counts.
    """
    from streamproc.tabular.data_frame import plain_rows  # noqa: PLC0415  readers of files

    found: list[Any] = msgspec.json.decode(_encode(list(plain_rows(table))))
    return found


def event_bodies(table: Any) -> list[tuple[int, bytes]]:
    """Return the events of a table whose topic is not known: index of the row, and JSON.

    A row with a label is that label, and before it the event of its other fields, if it has any.

    Raises
    ------
    UnreadableError
        As `table_bodies`.
    """
    found: list[tuple[int, bytes]] = []
    for index, row in enumerate(_rows(table)):
        label = row.pop("label", None)
        if label is None or row["features"] or "prediction" in row:
            found.append((index, _encode(row)))
        if label is not None:
            named = {name: row[name] for name in _OF_LABELS if name in row}
            found.append((index, _encode(named | {"label": label})))
    return found


def _rows(table: Any) -> list[dict[str, Any]]:
    from streamproc.tabular.data_frame import frame_rows  # noqa: PLC0415  readers of files
    from streamproc.tabular.errors import RowError  # noqa: PLC0415

    try:
        return list(frame_rows(table))
    except RowError as error:
        reason = Reason.WRONG_TYPE if "model_id" in table.column_names else Reason.MISSING_FIELD
        raise UnreadableError(reason, str(error)) from error


def check_json_size(table: Any, longest: int) -> None:
    """Refuse a table whose rows are much longer as JSON: names are stored once, and null never.

    Raises
    ------
    UnreadableError
        If names and separators alone are longer than 8 times `longest`.
    """
    size = table.num_rows * sum(map(_names_size, table.schema))
    if size > _MAX_GROWTH * longest:
        detail = (
            f"{table.num_rows} rows of {table.num_columns} columns are {size} bytes of JSON at"
            f" least, more than {_MAX_GROWTH} times limits.record_bytes ({longest}): send fewer"
        )
        raise UnreadableError(Reason.TOO_LARGE, detail)


def _names_size(field: Any) -> int:
    """Return the bytes that the names of a column, and of those inside of it, take in a row."""
    import pyarrow as pa  # noqa: PLC0415  an extra

    inside = field.type.fields if pa.types.is_struct(field.type) else ()
    return len(field.name.encode()) + len('"":0,') + sum(map(_names_size, inside))


def _check_size(rows: int, size: int, longest: int) -> None:
    if size > longest:
        detail = f"{size} bytes, decompressed, exceed limits.record_bytes ({longest})"
        raise UnreadableError(Reason.TOO_LARGE, detail)
    if rows * _MIN_ROW > longest:
        detail = f"{rows} rows of {_MIN_ROW} bytes at least exceed limits.record_bytes ({longest})"
        raise UnreadableError(Reason.TOO_LARGE, detail)


def _check_texts(table: Any, longest: int) -> None:
    """Refuse texts that are stored once, and are much longer when each row has its own."""
    size = sum(_text_size(chunk) for column in table.columns for chunk in column.chunks)
    if size > longest:
        detail = f"texts of {size} bytes exceed limits.record_bytes ({longest})"
        raise UnreadableError(Reason.TOO_LARGE, detail)


def _text_size(array: Any) -> int:
    """Return the bytes of the texts of an array that may share their storage."""
    import pyarrow as pa  # noqa: PLC0415  an extra

    of, kind = pa.types, array.type
    if of.is_string_view(kind):
        return int(_view_lengths(array).sum())
    if of.is_dictionary(kind):
        return _repeated_size(array)
    if of.is_struct(kind):
        return sum(map(_text_size, array.flatten()))
    if of.is_list(kind) or of.is_large_list(kind) or of.is_fixed_size_list(kind):
        return _text_size(array.values)
    return _text_size(array.keys) + _text_size(array.items) if of.is_map(kind) else 0


def _repeated_size(array: Any) -> int:
    """Return the bytes of the texts of a dictionary, each as often as it occurs."""
    import pyarrow as pa  # noqa: PLC0415  an extra
    import pyarrow.compute as pc  # noqa: PLC0415

    words = array.dictionary
    if pa.types.is_string_view(words.type):
        lengths = pa.array(_view_lengths(words))
    elif pa.types.is_string(words.type) or pa.types.is_large_string(words.type):
        lengths = pc.binary_length(words)
    else:
        return 0
    return pc.sum(lengths.take(array.indices)).as_py() or 0


def _view_lengths(array: Any) -> NDArray[np.int64]:
    views = np.frombuffer(array.buffers()[1] or b"", np.int32).reshape(-1, 4)
    return views[array.offset : array.offset + len(array), 0].astype(np.int64)
