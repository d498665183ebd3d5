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
    from streamproc.tabular.data_frame import frame_rows  # noqa: PLC0415  readers of files
    from streamproc.tabular.errors import RowError  # noqa: PLC0415

    try:
        return list(enumerate(map(_encode, frame_rows(table))))
    except RowError as error:
        reason = Reason.WRONG_TYPE if "model_id" in table.column_names else Reason.MISSING_FIELD
        raise UnreadableError(reason, str(error)) from error


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
