"""Read the rows of a batch: lists, tensors, data frames and comma-separated values."""

import csv
from collections.abc import Mapping, Sequence
from typing import Any, Final

from streamproc.decode.lenient import parse
from streamproc.decode.lenient_numbers import as_number
from streamproc.intake.errors import IntakeError
from streamproc.schemas.records import Reason

_ONE_ROW: Final = [1]
_LISTS: Final = ("dataframe_records", "instances", "predictions", "inputs", "outputs")


def frame_rows(value: Any, columns: Sequence[str], *, named: bool) -> list[Any]:
    """Return the rows of a request or response of KServe, MLflow or the Open Inference Protocol.

    Parameters
    ----------
    value
        The body, or JSON as text.
    columns
        Names of values without names.
    named
        Whether rows are features, which need names.
    """
    if isinstance(value, str):
        value = parse(value.encode())
    if isinstance(value, list):
        return list_rows(value, columns, named=named)
    if not isinstance(value, dict):
        raise IntakeError(Reason.WRONG_TYPE, "the body is not an object or a list")
    split = value.get("dataframe_split")
    if isinstance(split, dict):
        return list_rows(split.get("data"), split.get("columns") or columns, named=named)
    for name in _LISTS:
        found = value.get(name)
        if isinstance(found, dict):  # MLflow: column → values
            return _transposed(found)
        if isinstance(found, list):
            if found and isinstance(found[0], dict) and "datatype" in found[0]:
                return tensor_rows(found, columns, named=named)
            return list_rows(found, columns, named=named)
    raise IntakeError(Reason.MISSING_FIELD, f"the body has none of {', '.join(_LISTS)}")


def list_rows(value: Any, columns: Sequence[str], *, named: bool) -> list[Any]:
    """Return the items of a list; unnamed values of features get the names of the columns."""
    if not isinstance(value, list):
        raise IntakeError(Reason.WRONG_TYPE, "the rows are not a list")
    return [_named(each, columns) for each in value] if named else value


def _named(row: Any, columns: Sequence[str]) -> Any:
    if isinstance(row, dict):
        return row
    values = row if isinstance(row, list) else [row]
    if columns and len(values) != len(columns):
        detail = f"a row has {len(values)} values, and `columns` names {len(columns)}"
        raise IntakeError(Reason.WRONG_TYPE, detail)
    return dict(zip(columns or _numbered("x", len(values)), values, strict=True))


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name}-{index}" for index in range(count)]


def _transposed(columns: Mapping[str, Any]) -> list[Any]:
    lengths = {len(each) if isinstance(each, list) else -1 for each in columns.values()}
    if len(lengths) != 1 or -1 in lengths:
        raise IntakeError(Reason.WRONG_TYPE, "the columns are not lists of one length")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def tensor_rows(tensors: Any, columns: Sequence[str], *, named: bool) -> list[Any]:
    """Return the rows of tensors: one for each index of their first dimension.

    A tensor of one column has its own name. One of several columns has those of `columns`, else
    the name of the tensor with their numbers. A prediction of one tensor has no name.
    """
    if not isinstance(tensors, list) or not tensors:
        raise IntakeError(Reason.WRONG_TYPE, "the tensors are not a list")
    has_names = named or len(tensors) > 1
    if has_names and (single := _single_row(tensors)) is not None:
        return [single]
    count = _count(tensors)
    rows: list[dict[str, Any]] = [{} for _ in range(count)]
    for tensor in tensors:
        data = _flat(tensor.get("data"))
        if has_names and len(data) == count:  # a column, as most tensors are
            name = str(tensor.get("name", "x"))
            for row, value in zip(rows, data, strict=True):
                row[name] = value
            continue
        width, remainder = divmod(len(data), count) if count else (0, 0)
        if remainder:
            detail = f"tensor {tensor.get('name')!r} has {len(data)} values for {count} rows"
            raise IntakeError(Reason.WRONG_TYPE, detail)
        cut = [data[at : at + width] for at in range(0, len(data), width)] if width else []
        if not has_names:
            return [row[0] if width == 1 else row for row in cut] or rows
        name = str(tensor.get("name", "x"))
        names = list(columns) if len(columns) == width else _numbered(name, width)
        for row, values in zip(rows, cut, strict=True):
            row.update(zip(names, values, strict=True))
    return rows


def _single_row(tensors: Sequence[Any]) -> dict[str, Any] | None:
    """Return the row of tensors of one value each, as of most requests; None of others."""
    row: dict[str, Any] = {}
    for tensor in tensors:
        if tensor.__class__ is not dict:
            return None
        name, shape, data = tensor.get("name"), tensor.get("shape"), tensor.get("data")
        if name.__class__ is not str or shape.__class__ is not list or data.__class__ is not list:
            return None
        if len(data) != 1 or shape[:1] != _ONE_ROW or data[0].__class__ is list:
            return None
        row[name] = data[0]
    return row


def _count(tensors: Sequence[Any]) -> int:
    counts: set[int] = set()
    for tensor in tensors:
        shape = tensor.get("shape") if tensor.__class__ is dict else None
        if shape.__class__ is not list:
            raise IntakeError(Reason.MISSING_FIELD, "a tensor has no shape")
        counts.add(int(shape[0]) if shape else 1)
    if len(counts) != 1:
        raise IntakeError(Reason.WRONG_TYPE, f"tensors have {sorted(counts)} rows")
    return counts.pop()


def _flat(data: Any) -> list[Any]:
    """Flatten nested lists, row by row."""
    if data.__class__ is not list:
        return [data]
    if (len(data) == 1 and data[0].__class__ is not list) or list not in map(type, data):
        flat: list[Any] = data
        return flat
    found: list[Any] = []
    for each in data:
        if each.__class__ is list:
            found += _flat(each)
        else:
            found.append(each)
    return found


def has_rows(value: Mapping[str, Any]) -> bool:
    """Whether `frame_rows` finds rows in a body."""
    return "dataframe_split" in value or any(name in value for name in _LISTS)


def csv_text_rows(text: Any, columns: Sequence[str], *, named: bool) -> list[Any]:
    """Return lines of comma-separated values; numbers are numbers, and names are left out."""
    if not isinstance(text, str):
        raise IntakeError(Reason.WRONG_TYPE, "the comma-separated values are not a text")
    rows: list[Any] = [
        [_cell(cell) for cell in row] for row in csv.reader(text.splitlines()) if row
    ]
    if named:
        if rows and columns and rows[0] == list(columns):
            del rows[0]
        return list_rows(rows, columns, named=True)
    return [row[0] if len(row) == 1 else row for row in rows]


def _cell(text: str) -> Any:
    number = as_number(text.strip())
    return text if number is None else number
