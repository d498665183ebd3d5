"""Read the rows of a batch: lists, tensors, data frames and comma-separated values."""

import csv
from collections.abc import Mapping, Sequence
from typing import Any, Final

from streamproc.decode.lenient import parse
from streamproc.decode.lenient_numbers import ROUNDING, as_number
from streamproc.intake.errors import IntakeError
from streamproc.schemas.records import Reason

_ONE_ROW: Final = [1]
_LABELS: Final = frozenset({str, int})
_NUMBERS: Final = frozenset({int, float})
_SUM_ROUNDING: Final = 0.01  # of probabilities that are rounded to two digits
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
        return list_rows(split.get("data"), _names(split.get("columns")) or columns, named=named)
    for name in _LISTS:
        found = value.get(name)
        if isinstance(found, dict):  # MLflow: column → values
            return _transposed(found)
        if isinstance(found, list):
            if found and isinstance(found[0], dict) and "datatype" in found[0]:
                return tensor_rows(found, columns, named=named)
            return list_rows(found, columns, named=named)
        if found is not None:
            raise IntakeError(Reason.WRONG_TYPE, f"`{name}` is neither a list nor columns")
    raise IntakeError(Reason.MISSING_FIELD, f"the body has none of {', '.join(_LISTS)}")


def _names(columns: Any) -> list[str]:
    """Return the column names of a data frame, which pandas may have as numbers."""
    if columns is None:
        return []
    if not isinstance(columns, list) or not all(each.__class__ in _LABELS for each in columns):
        raise IntakeError(Reason.WRONG_TYPE, "`dataframe_split.columns` is not a list of names")
    return [str(each) for each in columns]


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
    """Return the rows of tensors, or of one: one for each index of their first dimension.

    A tensor of one column has its own name. One of several columns has those of `columns`, else
    the name of the tensor with their numbers. A prediction is the values of the only tensor, or of
    the one that has probabilities.
    """
    if tensors.__class__ is dict:
        tensors = [tensors]
    if not isinstance(tensors, list) or not tensors:
        raise IntakeError(Reason.WRONG_TYPE, "the tensors are not a list")
    if named and (single := _single_row(tensors)) is not None:
        return [single]
    count = _count(tensors)
    cut = [(tensor, _cut(tensor, count)) for tensor in tensors]
    if not named:
        return _predicted(cut)
    rows: list[dict[str, Any]] = [{} for _ in range(count)]
    for tensor, parts in cut:
        name, width = str(tensor.get("name", "x")), len(parts[0]) if parts else 0
        names = list(columns) if len(columns) == width else _numbered(name, width)
        for row, values in zip(rows, parts, strict=True):
            row.update(zip([name] if width == 1 else names, values, strict=True))
    return rows


def _cut(tensor: Mapping[str, Any], count: int) -> list[list[Any]]:
    """Return the values of a tensor, row by row."""
    data = _flat(tensor.get("data"))
    width, remainder = divmod(len(data), count) if count else (0, len(data))
    if remainder or (count and not width):
        has = "no `data`" if data == [None] else f"{len(data)} values"
        detail = f"tensor {tensor.get('name')!r} has {has} for {count} rows"
        raise IntakeError(Reason.WRONG_TYPE, detail)
    return [data[at : at + width] for at in range(0, len(data), width)] if width else []


def _predicted(cut: Sequence[tuple[Mapping[str, Any], list[list[Any]]]]) -> list[Any]:
    """Return the predictions of tensors: the only one, or that of probabilities."""
    if len(cut) > 1:
        if not cut[0][1]:  # no rows
            return []
        names = [str(tensor.get("name", "x")) for tensor, _ in cut]
        rows = [
            [value for part in row for value in part]
            for row in zip(*(p for _, p in cut), strict=True)
        ]
        if len(rows[0]) == len(cut) and _are_probabilities(rows):  # an output for each class
            return [dict(zip(names, row, strict=True)) for row in rows]
        cut = [each for each in cut if _are_probabilities(each[1])]
    if len(cut) != 1:
        detail = (
            "there are several tensors, and not one of class → probability: name the prediction's,"
            " such as `prediction: {tensors: outputs.0}`"
        )
        raise IntakeError(Reason.WRONG_TYPE, detail)
    return [row[0] if len(row) == 1 else row for row in cut[0][1]]


def _are_probabilities(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether each row has several numbers from 0 to 1, of the sum 1."""
    return all(
        len(row) > 1
        and _NUMBERS.issuperset(map(type, row))
        and all(-ROUNDING <= each <= 1 + ROUNDING for each in row)
        and abs(sum(row) - 1) <= _SUM_ROUNDING
        for row in rows
    )


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
        first = shape[0] if shape else 1
        if first.__class__ is not int or first < 0:
            detail = f"tensor {tensor.get('name')!r} has the shape {shape[:9]}; expected counts"
            raise IntakeError(Reason.WRONG_TYPE, detail)
        counts.add(first)
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
