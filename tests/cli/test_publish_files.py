"""`streamproc publish` takes files as people have them, and says what it took them for."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from broker_topics import events

from streamproc.config.config import Config


def _back(config: Config, stream: Any) -> list[dict[str, Any]]:
    return asyncio.run(events(config, stream))


def test_a_file_of_a_european_spreadsheet(
    run: Any, config: Config, config_file: Path, tmp_path: Path
) -> None:
    """Separator, encoding, decimal comma, money, percent and local times arrive as their values."""
    file = tmp_path / "a.csv"
    file.write_bytes(
        "id;wann;betrag;quote;ort\na;05.01.2026 10:00;1.441,60 €;95,0%;Köln\n".encode("cp1252")
    )
    flags = ["--ts", "wann", "--ts-format", "eu", "--tz", "Europe/Berlin", "--decimal", ","]
    flags += ["--types", "betrag=number,quote=percent", "--encoding", "cp1252", "--id", "id"]
    result = run("publish", file, "--model", "m", *flags, "--config", config_file)
    assert result.exit_code == 0, result.stderr
    assert _back(config, "features") == [
        {
            "model_id": "m",
            "event_id": "a",
            "ts": "2026-01-05T09:00:00Z",
            "features": {"betrag": 1441.6, "quote": 0.95, "ort": "Köln"},
        }
    ]


def test_the_last_line_says_what_was_taken_for_what(
    run: Any, config_file: Path, tmp_path: Path
) -> None:
    """Kinds of features, forms of times, the id, and what was left out, in one line."""
    file = tmp_path / "a.csv"
    file.write_text(",when,x,city,y\n0,2026-01-05,1.5,DE,1\n1,2026-01-06,2,,1\n")
    flags = ["--ts", "when", "--label", "y", "--config", config_file]
    result = run("publish", file, "--model", "m", *flags)
    assert result.stdout.splitlines()[-1] == (
        "taken as features: x (number); city (text); label: y (number); ts: when (dates in UTC);"
        " event_id: row number; left out: c0"
    )
    assert "column 'c0' has no name and counts rows: it is left out" in result.stderr


def test_objects_lists_and_later_columns_of_jsonl(
    run: Any, config: Config, config_file: Path, tmp_path: Path
) -> None:
    """Objects get dotted names, later columns are sent, and lists of texts are missing."""
    file = tmp_path / "a.jsonl"
    file.write_text(
        '{"a": 1, "user": {"age": 31, "geo": {"lat": 2.5}}, "tags": ["x"]}\n'
        '{"a": 2, "v": [0.5, 1]}\n'
        '{"a": 3}\n'
    )
    result = run("publish", file, "--model", "m", "--config", config_file)
    assert result.exit_code == 0, result.stderr
    assert [event["features"] for event in _back(config, "features")] == [
        {"a": 1, "user.age": 31, "user.geo.lat": 2.5, "tags": None},
        {"a": 2, "tags": None, "v": [0.5, 1]},
        {"a": 3, "tags": None, "v": None},
    ]
    last = result.stdout.splitlines()[-1]
    assert "in later rows alone: v" in last
    assert "missing, since not a list of numbers: tags in 1 row" in last


def test_with_named_features_later_columns_are_not_sent(
    run: Any, config: Config, config_file: Path
) -> None:
    """Who names the features gets these alone."""
    rows = '{"a": 1, "b": 2}\n{"a": 2, "c": 3}\n'
    flags = ["--features", "a", "--config", config_file]
    run("publish", "-", "--model", "m", *flags, stdin=rows)
    assert [event["features"] for event in _back(config, "features")] == [{"a": 1}, {"a": 2}]


def test_a_column_that_looks_like_an_id_is_noted(
    run: Any, config: Config, config_file: Path
) -> None:
    """It is sent as it was before, and standard error names the flag."""
    rows = "order_id,x\n" + "".join(f"o{n},{n % 3}\n" for n in range(30))
    result = run("publish", "-", "--model", "m", "--config", config_file, stdin=rows)
    assert "column 'order_id' has another value in each row" in result.stderr
    assert "--id order_id" in result.stderr
    assert _back(config, "features")[0]["features"] == {"order_id": "o0", "x": 0}


def test_bad_rows_are_skipped_into_a_file(
    run: Any, config: Config, config_file: Path, tmp_path: Path
) -> None:
    """All other rows are sent; the file has line, reason and row of each bad one."""
    rejects = tmp_path / "bad.jsonl"
    rows = "x,when,p\n1,2026-01-05,1\n2,soon,1\n3,2026-01-05\n4,2026-01-05,\n5,2026-01-05,1\n"
    flags = ["--ts", "when", "--prediction", "p", "--skip-bad", rejects, "--config", config_file]
    result = run("publish", "-", "--model", "m", *flags, stdin=rows)
    assert result.exit_code == 0, result.stderr
    assert [event["features"]["x"] for event in _back(config, "predictions")] == [1, 5]
    bad = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [each["line"] for each in bad] == [4, 5, 3] or [each["line"] for each in bad] == [
        4,
        3,
        5,
    ]
    assert all(each["reason"] and each["row"] for each in bad)
    assert f"3 rows skipped, see {rejects}" in result.stdout


def test_rejects_do_not_overwrite_a_file(run: Any, config_file: Path, tmp_path: Path) -> None:
    """A file of rejects that exists is wrong usage, and nothing is sent."""
    rejects = tmp_path / "bad.jsonl"
    rejects.write_text("precious")
    flags = ["--skip-bad", rejects, "--config", config_file]
    result = run("publish", "-", "--model", "m", *flags, stdin="x\n1\n")
    assert result.exit_code == 2
    assert "--skip-bad" in result.stderr
    assert rejects.read_text() == "precious"


def test_a_dry_run_lists_columns_and_sends_nothing(run: Any, tmp_path: Path) -> None:
    """Each column with its part, kind and examples; it needs no broker, and names bad rows."""
    file = tmp_path / "a.csv"
    file.write_text("when,amount,city,score\n2026-01-05,12.5,DE,0.5\n2026-01-06,7,FR,1\nx,1,DE\n")
    flags = ["--prediction", "score", "--ts", "when", "--broker", "kafka://127.0.0.1:1"]
    result = run("publish", file, "--model", "m", *flags, "--dry-run")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[:3] for line in lines[:5]] == [
        ["COLUMN", "TAKEN", "AS"],
        ["when", "ts", "text"],
        ["amount", "feature", "number"],
        ["city", "feature", "text"],
        ["score", "prediction", "number"],
    ]
    assert lines[2].endswith("12.5, 7")
    assert lines[5] == f"{file}: 2 rows read, none sent; 1 row cannot be read"
    assert f"{file}:4: 3 cells" in lines[6]
    assert lines[7].startswith("taken as features: amount (number); city (text)")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--tz", "Mars"], "unknown time zone 'Mars'"),
        (["--types", "x=money"], "expected COL=KIND"),
        (["--delimiter", "ab"], "one character"),
        (["--decimal", ";"], "must be . or ,"),
        (["--encoding", "klingon"], "unknown encoding"),
    ],
)
def test_wrong_flags_are_wrong_usage(run: Any, flags: list[str], message: str) -> None:
    """Flags that cannot be meant end with 2 before anything is read."""
    result = run("publish", "-", "--model", "m", *flags, stdin="x\n1\n")
    assert result.exit_code == 2
    assert message in result.stderr


def test_an_ambiguous_date_is_refused_with_the_flag(run: Any, config_file: Path) -> None:
    """Month or day first is for the user to say."""
    flags = ["--ts", "when", "--config", config_file]
    result = run("publish", "-", "--model", "m", *flags, stdin="x,when\n1,01/02/2026\n")
    assert result.exit_code == 1
    assert "standard input:2: column 'when': '01/02/2026' may have the day" in result.stderr
    assert "--ts-format us or eu" in result.stderr
