import asyncio
import csv
import gzip
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from broker_topics import events

from streamproc.config.config import Config
from streamproc.kafka.clients import open_consumer
from streamproc.kafka.topics import ensure_topics

SCRIPT = "from streamproc.cli.main import main; main()"
DATA = Path(__file__).parents[3] / "shared" / "data"

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real data: {DATA} does not exist")


def _back(config: Config, stream: Any) -> list[dict[str, Any]]:
    return asyncio.run(events(config, stream))


def test_rows_arrive_as_exactly_these_events(
    run: Any, config: Config, config_file: Path, tmp_path: Path
) -> None:
    """Every row is one prediction event, in order, with every value as it was written."""
    file = tmp_path / "rows.csv"
    file.write_text(
        "id,when,amount,country,new,score,fraud\n"
        "a7,2026-01-05T10:00:00Z,12.5,DE,true,0.25,false\n"
        "007,1767607201,,NA,false,high,true\n"
    )
    columns = ["--prediction", "score", "--label", "fraud", "--ts", "when", "--id", "id"]
    result = run("publish", file, "--model", "m", *columns, "--config", config_file)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{file}: 2 rows sent as 2 prediction events and 2 labels of m")
    assert _back(config, "predictions") == [
        {
            "model_id": "m",
            "event_id": "a7",
            "ts": "2026-01-05T10:00:00Z",
            "features": {"amount": 12.5, "country": "DE", "new": True},
            "prediction": 0.25,
        },
        {
            "model_id": "m",
            "event_id": "007",
            "ts": "2026-01-05T10:00:01Z",
            "features": {"amount": None, "country": None, "new": False},
            "prediction": "high",
        },
    ]
    assert _back(config, "labels") == [
        {"model_id": "m", "event_id": "a7", "ts": "2026-01-05T10:00:00Z", "label": False},
        {"model_id": "m", "event_id": "007", "ts": "2026-01-05T10:00:01Z", "label": True},
    ]


@pytest.mark.parametrize("text", ["x,y\n1,2\n3,4\n", '{"x": 1, "y": 2}\n{"x": 3, "y": 4}\n'])
def test_standard_input_is_read(run: Any, config: Config, config_file: Path, text: str) -> None:
    """A dash reads csv or jsonl from standard input; without a prediction rows are features."""
    result = run("publish", "-", "--model", "m", "--config", config_file, stdin=text)
    assert result.exit_code == 0
    assert _back(config, "features") == [
        {"model_id": "m", "event_id": "0", "features": {"x": 1, "y": 2}},
        {"model_id": "m", "event_id": "1", "features": {"x": 3, "y": 4}},
    ]


def test_flags_come_from_the_environment(
    run: Any, config: Config, config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each flag can be set as STREAMPROC_<FLAG>."""
    settings = {
        "CONFIG": config_file,
        "MODEL": "m",
        "FEATURES": "y",
        "LABEL_DELAY": 1,
        "LABEL": "x",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"STREAMPROC_{name}", str(value))
    assert run("publish", "-", stdin="x,y\n1,2\n").exit_code == 0
    assert _back(config, "features") == [{"model_id": "m", "event_id": "0", "features": {"y": 2}}]


def test_the_flag_wins_over_the_config(run: Any, config_file: Path) -> None:
    """--broker is taken in place of the config's broker."""
    flags = ["--config", config_file, "--broker", "kafka://127.0.0.1:1"]
    result = run("publish", "-", "--model", "m", *flags, stdin="x\n1\n")
    assert result.exit_code == 1
    assert "127.0.0.1:1" in result.stderr


def test_a_file_without_a_header_is_noticed(run: Any, config: Config, config_file: Path) -> None:
    """The names that its columns get are told, on standard error."""
    result = run("publish", "-", "--model", "m", "--config", config_file, stdin="1,2\n")
    assert result.stderr == "standard input has no header: its columns are called c0 … c1\n"
    assert _back(config, "features")[0]["features"] == {"c0": 1, "c1": 2}


def test_a_wrong_row_ends_it_after_the_rows_before(
    run: Any, config: Config, config_file: Path
) -> None:
    """A wrong row is named by file and line, and what was sent before it is said and is there."""
    rows = "x,y\n1,2\n3,4\n5,6,7\n8,9\n"
    result = run("publish", "-", "--model", "m", "--config", config_file, stdin=rows)
    assert result.exit_code == 1
    assert result.stderr == (
        "error: standard input:4: 3 cells, but the file has 2 columns\n"
        "error: 2 rows sent before that\n"
    )
    assert [event["event_id"] for event in _back(config, "features")] == ["0", "1"]


def test_a_wrong_value_ends_it_with_file_and_line(run: Any, config_file: Path) -> None:
    """A value that no event may have is named by line and field."""
    flags = ["--ts", "when", "--config", config_file]
    result = run("publish", "-", "--model", "m", *flags, stdin="x,when\n1,yesterday\n")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: standard input:2: FeatureEvent: ts: expected RFC 3339")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--model", "m", "--prediction", "z"], "no column 'z'; the file has x, y"),
        (["--model", "m", "--features", "x,q"], "no column 'q'"),
        (["--model", ""], "1 to 255 characters"),
        (["--model", "m", "--rate", "0"], "more than 0"),
        (["--model", "m", "--rate", "nan"], "more than 0"),
        (["--model", "m", "--label-delay", "-1"], "label-delay"),
        (["--model", "m", "--broker", "localhost:9092"], "expected kafka://"),
        (["--model", "m", "--config", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        ([], "--model"),
    ],
)
def test_wrong_usage_ends_with_2(run: Any, flags: list[str], message: str) -> None:
    """Flags that cannot work are refused before anything is connected or sent."""
    result = run("publish", "-", *flags, stdin="x,y\n1,2\n")
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize("name", ["nowhere.csv", "."])
def test_a_file_that_is_none_is_wrong_usage(run: Any, name: str, tmp_path: Path) -> None:
    """A missing file, or a folder, is refused."""
    assert run("publish", tmp_path / name, "--model", "m").exit_code == 2


@pytest.mark.parametrize("text", ["", "x,y\n"])
def test_nothing_to_publish_is_a_failure(run: Any, config_file: Path, text: str) -> None:
    """An empty file, or a header alone, says so and fails: it is hardly what was meant."""
    result = run("publish", "-", "--model", "m", "--config", config_file, stdin=text)
    assert result.exit_code == 1
    assert "there is nothing to publish" in result.stderr


def test_names_from_the_user_are_no_markup(run: Any, config_file: Path, tmp_path: Path) -> None:
    """Brackets in names are printed as they are, and control characters as escapes."""
    file = tmp_path / "[red]rows.csv"
    file.write_text("x\n1\n")
    result = run("publish", file, "--model", "[bold]\x1b[2J", "--config", config_file)
    assert "[red]rows.csv" in result.stdout
    assert "[bold]\\x1b[2J" in result.stdout


def test_parquet_is_read(run: Any, config: Config, config_file: Path, tmp_path: Path) -> None:
    """A parquet file's rows are events too."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"x": [1.5, None]}), tmp_path / "a.parquet")
    assert (
        run("publish", tmp_path / "a.parquet", "--model", "m", "--config", config_file).exit_code
        == 0
    )
    assert [event["features"] for event in _back(config, "features")] == [{"x": 1.5}, {"x": None}]


def test_interrupted_it_says_how_far_it_came(config: Config, config_file: Path) -> None:
    """Ctrl-C ends it with 1 and the number of rows that were sent, and no traceback."""
    asyncio.run(ensure_topics(config, only={"features"}))
    # The second row is due in a quarter of an hour.
    flags = ["--model", "m", "--rate", "0.001", "--config", str(config_file)]
    with subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-c", SCRIPT, "publish", "-", *flags],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write("x\n1\n2\n")
        process.stdin.close()
        asyncio.run(_await_record(config))
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "interrupted: 1 row sent\n"
    assert process.returncode == 1


def test_a_live_pipe_is_sent_row_by_row(config: Config, config_file: Path) -> None:
    """A row that is written into a pipe is on its topic before the next one is written."""
    asyncio.run(ensure_topics(config, only={"features"}))
    flags = ["--model", "m", "--config", str(config_file)]
    with subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-c", SCRIPT, "publish", "-", *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("x\n1\n")
        process.stdin.flush()
        asyncio.run(_await_record(config))
        process.stdin.write("2\n")
        process.stdin.close()
        assert "2 rows sent" in process.stdout.read()
    assert process.returncode == 0


async def _await_record(config: Config) -> None:
    async with (
        asyncio.timeout(60),
        open_consumer(config, config.topics.full_name("features")) as consumer,
    ):
        await consumer.getone()


@needs_data
@pytest.mark.parametrize(
    ("name", "flags", "rows", "columns"),
    [
        ("insects_gradual_balanced.csv.gz", [], 24_150, 34),
        ("elec2_norm.csv.gz", ["--label", "target", "--label-delay", "100"], 45_312, 6),
    ],
)
def test_real_files_arrive_row_by_row(
    run: Any,
    config: Config,
    config_file: Path,
    name: str,
    flags: list[str],
    rows: int,
    columns: int,
) -> None:
    """Every row of a real file is one event, in the file's order, with the file's numbers."""
    assert (
        run("publish", DATA / name, "--model", "m", *flags, "--config", config_file).exit_code == 0
    )
    with gzip.open(DATA / name, "rt", newline="") as file:
        lines = list(csv.reader(file))[-rows:]
    sent = _back(config, "features")
    assert [event["event_id"] for event in sent] == [str(number) for number in range(rows)]
    assert all(
        list(event["features"].values()) == [float(cell) for cell in line[:columns]]
        for event, line in zip(sent, lines, strict=True)
    )
    if flags:
        labels = _back(config, "labels")
        assert [label["label"] for label in labels] == [float(line[-1]) for line in lines]
