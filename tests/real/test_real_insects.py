"""The insects stream, whose chamber warms up: a static model, challenged once its error drifts."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streamproc.cli.main import app

ROOT = Path(__file__).parents[2]
# Beside the checkout, or beside the folder that several checkouts share.
FILE = next(
    (
        found
        for parent in Path(__file__).parents
        if (found := parent / "shared" / "data" / "insects_gradual_balanced.csv.gz").exists()
    ),
    None,
)
CHANGE = 14_028
DOCUMENT = (ROOT / "docs" / "learning.md").read_text()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(FILE is None, reason="the real streams are not here"),
]


def test_the_drift_is_found_and_what_is_promoted_errs_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """The documented command finds the drift on the error, and what is promoted errs half as often.

    No alarm comes before the drift, the first within 300 rows of it, and the promotion within 300
    of that; from there on the promoted versions are judged on the same rows as the static one.
    """
    assert FILE is not None
    monkeypatch.chdir(ROOT)
    [command] = re.findall(
        rf"^streamproc (models try {re.escape(FILE.name)} .*)$", DOCUMENT, re.MULTILINE
    )
    arguments = [str(FILE) if word == FILE.name else word for word in shlex.split(command)]

    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 0
    lines = re.findall(r"^alarm at row .*$", result.stdout, re.MULTILINE)
    assert all(line in DOCUMENT for line in lines), lines
    figures = [float(found.replace(",", "")) for found in re.findall(r"\d[\d,]*\.?\d*", lines[0])]
    alarm, version, promoted, error, static = figures
    alarms = [
        int(row.replace(",", "")) for row in re.findall(r"row +([\d,]+) .* firing", result.stdout)
    ]
    assert version == 2
    assert alarms[0] == alarm
    assert CHANGE < alarm < CHANGE + 300
    assert alarm < promoted < alarm + 300
    assert error < 0.6 * static
