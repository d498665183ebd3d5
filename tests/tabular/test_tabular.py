import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from streamproc.tabular import RowError, open_table
from streamproc.tabular import source as source_module


def _write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def _read(path: Path, *text: str) -> list[tuple[int, dict[str, Any]]]:
    with open_table(path) as table:
        return [(row.line, dict(row.values)) for row in table.rows(text)]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.txt", "A.CSV"])
def test_csv_with_a_header(tmp_path: Path, name: str) -> None:
    """The first row names the columns, packed or not, whatever the file is called."""
    path = _write(tmp_path, name, "amount,country\n1.5,DE\n,FR\n")
    assert _read(path) == [
        (2, {"amount": 1.5, "country": "DE"}),
        (3, {"amount": None, "country": "FR"}),
    ]


def test_csv_without_a_header(tmp_path: Path) -> None:
    """When the first row is all numbers it is data, the columns get names, and we say so."""
    path = _write(tmp_path, "a.csv", "1,2\n3,4\n")
    assert _read(path) == [(1, {"c0": 1.0, "c1": 2.0}), (2, {"c0": 3.0, "c1": 4.0})]
    with open_table(path) as table:
        assert table.notices == [f"{path} has no header: its columns are called c0 … c1"]


def test_csv_as_rfc_4180_has_it(tmp_path: Path) -> None:
    """Quotes, doubled quotes, commas and line ends within quotes, CRLF and a BOM are read."""
    text = '\ufeffname,x\r\n"a ""b"", c\r\nd",1\r\n\r\ne,2\r\n'
    assert _read(_write(tmp_path, "a.csv", text)) == [
        (3, {"name": 'a "b", c\r\nd', "x": 1.0}),
        (5, {"name": "e", "x": 2.0}),
    ]


def test_a_column_without_a_name_gets_one(tmp_path: Path) -> None:
    """The nameless index that some programs write has a name by its place."""
    assert _read(_write(tmp_path, "a.csv", ",x\n0,1\n")) == [(2, {"c0": 0.0, "x": 1.0})]


def test_text_columns_keep_their_characters(tmp_path: Path) -> None:
    """An id that looks like a number is not made one."""
    path = _write(tmp_path, "a.csv", "id,x\n1e5,1e5\n")
    assert _read(path, "id") == [(2, {"id": "1e5", "x": 100_000.0})]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n1,2,3\n", r"a\.csv:3: 3 cells, but the file has 2 columns"),
        ("a,b\n1,2\n1\n", r"a\.csv:3: 1 cells"),
        ("a,b\n1,inf\n", r"a\.csv:2: column 'b': 'inf' is infinite"),
        ("", "is empty"),
        ("a,b,a\n1,2,3\n", r"a\.csv:1: the header names 'a' twice"),
        ('a,b\n1,"2\n', r"a\.csv:2: not csv"),
        (b"a,b\n1,2\n1,\xff\n", r"a\.csv:3: not UTF-8"),
    ],
)
def test_wrong_csv_is_an_error_with_its_line(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    """What cannot be read as csv is an error that names file and line."""
    with pytest.raises(RowError, match=message):
        _read(_write(tmp_path, "a.csv", content))


def test_rows_before_a_wrong_one_are_given(tmp_path: Path) -> None:
    """An error comes where it is, after the rows before it, not a block of the file earlier."""
    path = _write(tmp_path, "a.csv", b"a\n1\n2\n\xff\n3\n")
    with open_table(path) as table:
        rows = iter(table.rows())
        assert [next(rows).values["a"], next(rows).values["a"]] == [1.0, 2.0]
        with pytest.raises(RowError, match=":4:"):
            next(rows)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.ndjson", "a.txt"])
def test_jsonl(tmp_path: Path, name: str) -> None:
    """Each line is an object whose values are taken as they are; blank lines are nothing."""
    path = _write(tmp_path, name, '{"x": 1, "v": [1, 2.5]}\n\n{"x": "1", "y": null}\n')
    assert _read(path) == [(1, {"x": 1, "v": [1, 2.5]}), (3, {"x": "1", "y": None})]


def test_numbers_as_ids_in_jsonl(tmp_path: Path) -> None:
    """A number in a text column becomes its text."""
    assert _read(_write(tmp_path, "a.jsonl", '{"id": 7}\n{"id": "8"}\n'), "id") == [
        (1, {"id": "7"}),
        (2, {"id": "8"}),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1}\n[1]\n', r"a\.jsonl:2: not one JSON object"),
        ('{"a": 1}\n{"a": \n', r"a\.jsonl:2: not one JSON object"),
        ('{"a": Infinity}\n', r"a\.jsonl:1: not one JSON object"),
        ("\n", "is empty"),
        ('{"a":' * 5_000, r"a\.jsonl:1: not one JSON object"),
    ],
)
def test_wrong_jsonl_is_an_error_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    """What is not an object on one line is an error that names file and line."""
    with pytest.raises(RowError, match=message):
        _read(_write(tmp_path, "a.jsonl", content))


def test_a_json_array_is_refused_with_advice(tmp_path: Path) -> None:
    """A file that is one JSON array is told from jsonl."""
    with pytest.raises(RowError, match="one object a line"):
        _read(_write(tmp_path, "a.json", '[{"a": 1}]'))


def test_a_cut_off_gzip_file_is_an_error(tmp_path: Path) -> None:
    """A gzip file that ends too early is an error with the line that it ends on."""
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 1000)[:-9])
    with pytest.raises(RowError, match=r"a\.csv\.gz:\d+: cannot be read"):
        _read(path)


def test_progress_reaches_the_end_of_the_file(tmp_path: Path) -> None:
    """What has been read of a packed file ends at its packed size."""
    path = _write(tmp_path, "a.csv.gz", "a\n" + "1\n" * 10_000)
    with open_table(path) as table:
        assert sum(1 for _ in table.rows()) == 10_000
        progress = table.progress()
    assert progress.done == progress.total == path.stat().st_size


def _parquet(path: Path, columns: dict[str, list[Any]]) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table(columns), path)
    return path


@pytest.mark.parametrize("name", ["a.parquet", "a.bin"])
def test_parquet(tmp_path: Path, name: str) -> None:
    """Parquet values become what events hold: NaN is missing, times texts, decimals numbers."""
    columns = {
        "x": [1.5, float("nan")],
        "n": [7, None],
        "b": [True, False],
        "t": [datetime(2026, 1, 5, 10, tzinfo=UTC), None],
        "naive": [datetime(2026, 1, 5, 10), None],  # noqa: DTZ001 - what files often hold
        "d": [date(2026, 1, 5), None],
        "m": [Decimal("1.25"), None],
        "v": [[1.0, 2.0], None],
    }
    first, second = _read(_parquet(tmp_path / name, columns), "n")
    time = "2026-01-05T10:00:00+00:00"
    assert first == (
        1,
        {
            "x": 1.5,
            "n": "7",
            "b": True,
            "t": time,
            "naive": "2026-01-05T10:00:00",
            "d": "2026-01-05",
            "m": 1.25,
            "v": [1.0, 2.0],
        },
    )
    assert second == (2, dict.fromkeys(columns) | {"b": False})


def test_an_infinite_number_in_parquet_is_an_error(tmp_path: Path) -> None:
    """Infinity is refused with its row and column, as in csv."""
    path = _parquet(tmp_path / "a.parquet", {"x": [1.0, float("inf")]})
    with pytest.raises(RowError, match=r"a\.parquet:2: column 'x': infinite"):
        _read(path)


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    """A file that only looks like parquet is an error, not a crash."""
    pytest.importorskip("pyarrow")
    with pytest.raises(RowError, match="is not a parquet file"):
        _read(_write(tmp_path, "a.parquet", b"PAR1 nothing"))


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra the message names it."""
    monkeypatch.setattr(source_module, "find_spec", lambda _: None)
    with pytest.raises(RowError, match=r"pip install 'streamproc\[parquet\]'"):
        _read(_write(tmp_path, "a.parquet", b"PAR1"))
