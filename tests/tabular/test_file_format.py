from pathlib import Path
from typing import Any

import pytest

from streamproc.tabular import RowError, open_table
from streamproc.tabular.cell_kinds import CellKind, parser_of
from streamproc.tabular.file_format import FileFormat


def read(folder: Path, content: str | bytes, **form: Any) -> list[dict[str, Any]]:
    """Return the rows of a csv file with this content."""
    path = folder / "a.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_table(path, FileFormat(**form)) as table:
        return [dict(row.values) for row in table.rows()]


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ("a;b\n1;x\n", {}),
        ("a\tb\n1\tx\n", {}),
        ("a|b\n1|x\n", {}),
        ("a:b\n1:x\n", {"delimiter": ":"}),
        ("a;b\n1,0;x\n", {"decimal": ","}),
    ],
)
def test_other_separators_are_recognised_or_named(
    tmp_path: Path, content: str, form: dict[str, Any]
) -> None:
    """A header without commas tells the separator; --delimiter names any other."""
    assert read(tmp_path, content, **form) == [{"a": 1.0, "b": "x"}]


def test_a_recognised_separator_is_a_notice(tmp_path: Path) -> None:
    """The user sees what the file was taken for."""
    path = tmp_path / "a.csv"
    path.write_text("a;b\n1;2\n")
    with open_table(path) as table:
        assert table.notices == [f"{path} is separated by ';'"]


def test_a_decimal_comma_makes_numbers(tmp_path: Path) -> None:
    """With --decimal , a number has a comma, and a point makes a text of it, not another number."""
    content = "a;b\n12,5;1.441,60\n-3;2.0.1\n"
    assert read(tmp_path, content, decimal=",") == [
        {"a": 12.5, "b": "1.441,60"},
        {"a": -3.0, "b": "2.0.1"},
    ]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le", "shift_jis", "gb18030"])
def test_a_file_of_another_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    """--encoding takes each name that Python knows, wide ones included."""
    word = "Köln" if encoding == "cp1252" else "日本"
    assert read(tmp_path, f"a,b\n1,{word}\n".encode(encoding), encoding=encoding) == [
        {"a": 1.0, "b": word}
    ]


def test_utf_16_is_known_by_its_mark(tmp_path: Path) -> None:
    """Spreadsheets' "Unicode text" is read without a flag."""
    assert read(tmp_path, "a\tb\n1\tü\n".encode("utf-16")) == [{"a": 1.0, "b": "ü"}]


def test_a_wrong_encoding_names_the_flag(tmp_path: Path) -> None:
    """The message has the line and the next step."""
    with pytest.raises(RowError, match=r"a\.csv:2: not UTF-8 text: .*--encoding"):
        read(tmp_path, "a\nKöln\n".encode("cp1252"))


@pytest.mark.parametrize(
    ("kind", "decimal", "text", "value"),
    [
        ("number", ".", "$1,441.60", 1441.6),
        ("number", ".", "-$5", -5.0),
        ("number", ".", "$-5", -5.0),
        ("number", ".", "(1,000.5)", -1000.5),
        ("number", ".", "95.0%", 95.0),
        ("number", ".", "1 441.60 EUR", 1441.6),
        ("number", ".", "CHF 1'441.60", 1441.6),
        ("number", ",", "1.441,60 €", 1441.6),
        ("number", ".", "1e3", 1000.0),
        ("number", ".", "007", 7.0),
        ("number", ".", "n/a", ValueError),
        ("number", ".", "12 apples 3", ValueError),
        ("number", ".", "", None),
        ("percent", ".", "95.0%", 0.95),
        ("percent", ".", "95", 0.95),
        ("boolean", ".", "Yes", True),
        ("boolean", ".", "f", False),
        ("boolean", ".", "", None),
        ("boolean", ".", "maybe", ValueError),
        ("list", ".", "[1, 2.5]", [1.0, 2.5]),
        ("list", ".", "1 2.5", [1.0, 2.5]),
        ("list", ".", "[a]", ValueError),
        ("text", ".", "007", "007"),
        ("text", ".", "1.0", "1.0"),
    ],
)
def test_a_cell_of_a_named_kind(kind: CellKind, decimal: str, text: str, value: object) -> None:
    """--types reads money, percent, thousands, yes and no, and lists; nothing else is guessed."""
    if value is ValueError:
        with pytest.raises(ValueError, match="is n"):
            parser_of(kind, decimal)(text)
    else:
        assert parser_of(kind, decimal)(text) == value


def test_types_hold_in_jsonl_too(tmp_path: Path) -> None:
    """Texts of jsonl are parsed as those of csv, and numbers become texts where they are codes."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"price": "$2.50", "zip": 123, "x": NaN}\n{"price": "free"}\n')
    rejected: list[Any] = []
    with open_table(path, FileFormat(types={"price": "number", "zip": "text"})) as table:
        rows = [dict(row.values) for row in table.rows((), lambda *bad: rejected.append(bad))]
    assert rows == [{"price": 2.5, "zip": "123", "x": None}]
    assert rejected == [(2, f"{path}:2: column 'price': 'free' is not a number", {"price": "free"})]


def test_rows_that_cannot_be_read_are_passed_on(tmp_path: Path) -> None:
    """With somewhere to put them, bad rows do not end a file; each has its line and its cells."""
    path = tmp_path / "a.csv"
    path.write_bytes(b'a,b\n1,2\n1,2,3\n"x"y,2\n1,\xff\n1,inf\n3,4\n')
    rejected: list[tuple[int, str, Any]] = []
    with open_table(path) as table:
        rows = [row.values for row in table.rows((), lambda *bad: rejected.append(bad))]
    assert rows == [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}]
    assert [line for line, _, _ in rejected] == [3, 4, 5, 6]
    assert rejected[0][2] == ["1", "2", "3"]
    assert "3 cells" in rejected[0][1]
