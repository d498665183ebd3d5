"""Read the rows of a record that is a stream or a file of Arrow's IPC format."""

from typing import Any, Final

from streamproc.config.intake import Format
from streamproc.decode.arrow_record import arrow_table, check_json_size, table_rows
from streamproc.decode.payloads import has_arrow
from streamproc.decode.unreadable import UnreadableError
from streamproc.intake.errors import IntakeError
from streamproc.schemas.records import Record

# Dead letters of single rows are JSON. A stream begins with 0xffffffff, a file with "ARROW1".
_JSON: Final = frozenset({b"{", b"["})


def is_arrow(record: Record, form: Format) -> bool:
    """Whether a record with a value is one of Arrow, by its content type or by its entry."""
    if not record.value or form not in {"json", "arrow"}:
        return False
    return has_arrow(record) or (form == "arrow" and record.value[:1] not in _JSON)


def arrow_rows(value: bytes, longest: int) -> list[Any]:
    """Return the rows of a record as what JSON would give.

    Parameters
    ----------
    value
        The record's value.
    longest
        Bytes that it may have when it is decompressed.

    Raises
    ------
    IntakeError
        If it is not Arrow, is larger, or if pyarrow is not installed.
    """
    try:
        table = arrow_table(value, longest)
        check_json_size(table, longest)
    except UnreadableError as error:
        raise IntakeError(error.reason, error.detail) from error
    return table_rows(table)
