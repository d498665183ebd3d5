from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from streamproc.tabular import RowError, open_table
from streamproc.tabular import source as source_module
from streamproc.tabular.file_format import FileFormat

HEADER = [None, "when", "day", "x", "new", "city", "price", "id"]
FIRST = [0, datetime(2026, 1, 5, 10, 30), date(2026, 1, 5), 1.5, True, "DE", "$1,000", 7]  # noqa: DTZ001


def sheet(path: Path, *rows: list[Any], others: int = 0) -> Path:
    """Write a spreadsheet."""
    book = openpyxl.Workbook()
    active = book.active
    assert active is not None
    for row in rows:
        active.append(row)
    for number in range(others):
        book.create_sheet(f"other {number}")
    book.save(path)
    return path


@pytest.mark.parametrize("name", ["a.xlsx", "a.bin"])
def test_a_spreadsheet_is_read(tmp_path: Path, name: str) -> None:
    """Cells have their types; times are ISO 8601, empty cells and rows are nothing."""
    path = sheet(tmp_path / name, [], HEADER, FIRST, [], [1, None, time(9), 2], others=2)
    with open_table(path, FileFormat(types={"price": "number"})) as table:
        assert table.index == "c0"
        assert table.notices == [f"{path}: sheet 'Sheet' is read, and 2 more are not"]
        rows = [dict(row.values) for row in table.rows({"id"})]
    assert rows == [
        {
            "c0": 0.0,
            "when": "2026-01-05T10:30:00",
            "day": "2026-01-05",
            "x": 1.5,
            "new": True,
            "city": "DE",
            "price": 1000.0,
            "id": "7",
        },
        {
            "c0": 1.0,
            "when": None,
            "day": "09:00:00",
            "x": 2.0,
            "new": None,
            "city": None,
            "price": None,
            "id": None,
        },
    ]


def test_a_bad_cell_is_named_by_row_and_column(tmp_path: Path) -> None:
    """The row is that of the spreadsheet."""
    path = sheet(tmp_path / "a.xlsx", ["x", "p"], [1, "2"], [2, "free"])
    with (
        open_table(path, FileFormat(types={"p": "number"})) as table,
        pytest.raises(RowError, match=r"a\.xlsx:3: column 'p': 'free' is not a number"),
    ):
        list(table.rows())


def test_a_damaged_spreadsheet_is_refused(tmp_path: Path) -> None:
    """A damaged file and an empty sheet are errors."""
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(RowError, match="is not a spreadsheet"), open_table(path):
        pass
    with pytest.raises(RowError, match="is empty"), open_table(sheet(path)):
        pass


def test_a_spreadsheet_without_its_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra the message names it."""
    path = sheet(tmp_path / "a.xlsx", ["x"], [1])
    monkeypatch.setattr(source_module, "find_spec", lambda _: None)
    with pytest.raises(RowError, match=r"pip install 'streamproc\[xlsx\]'"), open_table(path):
        pass
