"""Read the events of a data frame: pandas, Polars, Arrow, or what exports Arrow's stream."""

from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, Final, Protocol

from streamproc.tabular.arrow_values import arrow_values
from streamproc.tabular.errors import RowError

_SLICE: Final = 4096  # rows that are Python values at a time
_FIELDS: Final = ("model_id", "event_id", "ts", "model_version", "tags", "prediction", "label")
_FEATURES: Final = "features"


class DataFrame(Protocol):
    """A table of columns that exports Arrow's stream (Arrow PyCapsule interface)."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table."""


def is_frame(value: object) -> bool:
    """Whether a value is a table of columns, by Arrow's or the data frame interchange protocol."""
    return hasattr(value, "__arrow_c_stream__") or hasattr(value, "__dataframe__")


def plain_rows(frame: Any) -> Iterator[dict[str, Any]]:
    """Iterate over the rows of a table of pyarrow, with any columns: name → value.

    Of two columns of one name the last counts. What cannot be a JSON value, such as bytes or a year
    after 9999, is an empty object.
    """
    for columns in _slices(frame):
        for row in zip(*columns, strict=True):
            yield dict(zip(frame.column_names, row, strict=True))


def frame_rows(frame: Any) -> Iterator[dict[str, Any]]:
    """Iterate over the rows of a table of pyarrow, with all their fields.

    Columns as for `frame_events`. What cannot be a JSON value, such as bytes or a year after 9999,
    is an empty object.

    Raises
    ------
    RowError
        If the column `model_id` is missing, or one is there twice.
    """
    names = list(frame.column_names)
    _check(names)
    own = [name for name in names if name not in (*_FIELDS, _FEATURES)]
    for columns in _slices(frame):
        for row in zip(*columns, strict=True):
            values = dict(zip(names, row, strict=True))
            yield _event(values, own) | _given(values, "label")


def frame_events(frame: Any) -> Iterator[dict[str, Any]]:
    """Iterate over the events of a table, row by row.

    Parameters
    ----------
    frame
        The columns `model_id`, `event_id`, `ts`, `model_version`, `tags`, `prediction` and `label`
        are those fields, and `features` are features if it has structures; all other columns are
        features, each by its name. A named index of pandas is a column, too. With a column
        `label`, each row that has one also gives a label, after its event.

    Raises
    ------
    RowError
        If the column `model_id` is missing, a column is there twice, labels have no `event_id`, or
        the table needs a package to be read that is not installed.
    """
    frame = _readable(frame)
    names = [str(name) for name in _names(frame)]
    _check(names)
    own = [name for name in names if name not in (*_FIELDS, _FEATURES)]
    is_event = _FEATURES in names or "prediction" in names or bool(own)
    for columns in _slices(frame):
        for row in zip(*columns, strict=True):
            values = dict(zip(names, row, strict=True))
            if is_event:
                yield _event(values, own)
            if not _is_missing(values.get("label")):
                yield _given(values, "model_id", "event_id", "ts") | {"label": values["label"]}


def _event(values: dict[str, Any], own: list[str]) -> dict[str, Any]:
    event = _given(values, "model_id", "event_id", "ts", "model_version", "tags")
    if "prediction" in values:
        event["prediction"] = values["prediction"]
    features = {name: values[name] for name in own}
    nested = values.get(_FEATURES)
    if isinstance(event.get("tags"), dict):  # a structure has null where a row lacks a tag
        event["tags"] = {name: tag for name, tag in event["tags"].items() if tag is not None}
    event["features"] = features | nested if isinstance(nested, dict) else features
    return event


def _given(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: values[name] for name in names if not _is_missing(values.get(name))}


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, ``NaT`` or ``NA``."""
    if value is None or value.__class__.__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, float) and value != value  # noqa: PLR0124  NaN


def _check(names: list[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise RowError(f"the table has column {twice[0]!r} twice: rename one")
    if "model_id" not in names:
        raise RowError(
            "the table has no column 'model_id': add it, such as with"
            " frame.assign(model_id='fraud') in pandas"
        )
    if "label" in names and "event_id" not in names:
        raise RowError(
            "the table has labels and no column 'event_id', by which they are joined: add it"
        )


def _readable(frame: Any) -> Any:
    """Return a table of pandas, Polars or pyarrow."""
    if hasattr(frame, "iloc"):
        named = any(name is not None for name in frame.index.names)
        return frame.reset_index() if named else frame
    if hasattr(frame, "collect_schema") or hasattr(frame, "column_names"):
        return frame
    if find_spec("pyarrow") is None:
        raise RowError(
            f"a {type(frame).__name__} is read by pyarrow: pip install 'streamproc[parquet]'"
        )
    import pyarrow as pa  # noqa: PLC0415  an extra
    from pyarrow import interchange  # noqa: PLC0415

    return (
        pa.table(frame)
        if hasattr(frame, "__arrow_c_stream__")
        else interchange.from_dataframe(frame)
    )


def _names(frame: Any) -> list[Any]:
    return list(frame.column_names if hasattr(frame, "column_names") else frame.columns)


def _slices(frame: Any) -> Iterator[list[list[Any]]]:
    """Iterate over slices of rows, each as the columns' Python values."""
    for start in range(0, len(frame), _SLICE):
        if hasattr(frame, "iloc"):
            part = frame.iloc[start : start + _SLICE]
            yield [part.iloc[:, place].tolist() for place in range(part.shape[1])]
        elif hasattr(frame, "column_names"):
            yield [arrow_values(column) for column in frame.slice(start, _SLICE).columns]
        else:
            yield [column.to_list() for column in frame.slice(start, _SLICE).get_columns()]
