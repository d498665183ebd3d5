"""``streamproc models try``: what an online model would have made of a file."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

CHANGE, ROWS, DELAY = 600, 1200, 20
MODEL = ["preprocessing.StandardScaler", "linear_model.LogisticRegression"]


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Write a file whose label follows from `a`, and from a certain row on from its opposite."""
    draw = random.Random(5)
    lines = ["order,a,b,label"]
    for number in range(ROWS):
        a, b = draw.gauss(0, 1), draw.gauss(0, 1)
        label = a > 0 if number < CHANGE else a < 0
        lines.append(f"o{number},{a:.6f},{b:.6f},{str(label).lower()}")
    path = tmp_path / "history.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def config_with(path: Path, **online: Any) -> Path:
    """Write a config with an online model that learned from its first 300 labels only."""
    soon = {"ddm": {"warm_start": 100, "drift_threshold": 3.0}}
    settled = {"model": MODEL, "train_for": 300, "detectors": [soon]}
    file = path / "streamproc.yaml"
    model = {"id": "m", "task": "binary", "online": settled | online}
    file.write_text(json.dumps({"models": [model]}))
    return file


def rows_of(text: str, what: str) -> list[int]:
    """Return the rows at which something was told."""
    found = re.findall(rf"^row +([\d,]+)  .*{what}", text, re.MULTILINE)
    return [int(row.replace(",", "")) for row in found]


def test_each_step_is_told_with_its_row_and_what_it_was_worth(
    run: Any, history: Path, tmp_path: Path
) -> None:
    """Alarm, challenger and promotion come in order; its loss is below that of doing nothing."""
    file = config_with(tmp_path, on_drift="challenge")
    flags = ["--model", "m", "--label", "label", "--id", "order", "--label-delay", DELAY]
    result = run("models", "try", history, *flags, "--config", file)
    assert result.exit_code == 0
    [alarm, *_] = rows_of(result.stdout, "firing")
    [begun, *_] = rows_of(result.stdout, "challenger")
    [promoted, *_] = rows_of(result.stdout, "promoted")
    assert CHANGE + DELAY <= alarm <= begun < promoted < ROWS
    [line] = re.findall(r"^alarm at row .*$", result.stdout, re.MULTILINE)
    assert line.startswith(f"alarm at row {alarm:,}, version 2 promoted at row {promoted:,}: ")
    mine, still = map(float, re.findall(r"\d\.\d{4}", line))
    assert mine < 0.3
    assert still > 0.8


def test_the_loss_of_each_tenth_is_shown_beside_that_of_no_reaction(
    run: Any, history: Path, tmp_path: Path
) -> None:
    """Ten parts and the whole, twice: equal before the drift, and what is shown adds up."""
    file = config_with(tmp_path, on_drift="reset")
    result = run("models", "try", history, "--model", "m", "--label", "label", "--config", file)
    table = re.findall(r"^ +([\d,]+) to ([\d,]+) +(\S+) +(\S+) *$", result.stdout, re.MULTILINE)
    assert [int(first.replace(",", "")) for first, *_ in table] == list(range(0, ROWS, ROWS // 10))
    assert all(mine == still for *_, mine, still in table[:5])
    assert table[-1][2] < table[-1][3]
    [(mine, still)] = re.findall(r"all 1200 rows +(\S+) +(\S+)", result.stdout)
    for place, whole in ((2, mine), (3, still)):
        assert sum(float(row[place]) for row in table) / 10 == pytest.approx(float(whole), abs=1e-4)


def test_with_nothing_but_notify_there_is_nothing_to_compare(
    run: Any, history: Path, tmp_path: Path
) -> None:
    """One column of losses, the alarm, and no change."""
    file = config_with(tmp_path)
    result = run("models", "try", history, "--model", "m", "--label", "label", "--config", file)
    assert result.exit_code == 0
    assert rows_of(result.stdout, "firing")
    assert "notify alone" not in result.stdout
    assert "alarm at row" not in result.stdout


def test_where_rows_are_read_from_changes_nothing(run: Any, history: Path, tmp_path: Path) -> None:
    """Standard input gives what the file gives."""
    file = config_with(tmp_path, on_drift="challenge")
    flags = ["--model", "m", "--label", "label", "--config", file]
    whole = run("models", "try", history, *flags)
    piped = run("models", "try", "-", *flags, stdin=history.read_text())
    assert whole.exit_code == piped.exit_code == 0
    assert piped.stdout == whole.stdout


def test_a_model_that_does_not_learn_is_wrong_config(
    run: Any, history: Path, tmp_path: Path
) -> None:
    """A config without `online` for the model is an error that says what is missing."""
    file = config_with(tmp_path)
    result = run("models", "try", history, "--model", "other", "--label", "label", "--config", file)
    assert result.exit_code == 2
    assert "no entry with `online` matches 'other'" in result.stderr


def test_a_column_that_is_not_there_is_wrong_usage(run: Any, history: Path, tmp_path: Path) -> None:
    """The file's columns are named."""
    file = config_with(tmp_path)
    result = run("models", "try", history, "--model", "m", "--label", "truth", "--config", file)
    assert result.exit_code == 2
    assert "no column 'truth'; the file has order, a, b, label" in " ".join(result.stderr.split())


def test_a_row_without_a_truth_is_answered_and_not_judged(
    run: Any, history: Path, tmp_path: Path
) -> None:
    """Labels that are missing count nowhere: of half of the rows the loss is that of the rest."""
    lines = history.read_text().splitlines()
    some = [re.sub(r"(true|false)$", "", line) if n % 2 else line for n, line in enumerate(lines)]
    history.write_text("\n".join(some) + "\n")
    file = config_with(tmp_path)
    result = run("models", "try", history, "--model", "m", "--label", "label", "--config", file)
    assert result.exit_code == 0
    assert re.search(r"all 1200 rows +0\.\d{4}", result.stdout)


@pytest.mark.parametrize(
    ("model", "is_left_out"), [(MODEL, True), (["tree.HoeffdingTreeClassifier"], False)]
)
def test_text_features_that_a_model_cannot_read_are_named(
    run: Any, tmp_path: Path, model: list[str], *, is_left_out: bool
) -> None:
    """`check` and `models try` name them where no step reads text (river issue 817)."""
    draw = random.Random(5)
    rows = [f"{draw.choice('AB')},{draw.gauss(0, 1):.3f},{draw.randrange(2)}" for _ in range(300)]
    data = tmp_path / "texts.csv"
    data.write_text("\n".join(["country,x,y", *rows]) + "\n")
    file = config_with(tmp_path, model=model)
    checked = run("check", file)
    tried = run("models", "try", data, "--model", "m", "--label", "y", "--config", file)
    assert (checked.exit_code, tried.exit_code) == (0, 0)
    assert ("text features are left out" in checked.stdout) == is_left_out
    assert ("reads text: country" in tried.stderr + tried.stdout) == is_left_out
