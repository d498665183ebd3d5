import json
from pathlib import Path

import numpy as np
import pytest

from streamproc.detectors.evaluation.calibration import __main__ as command
from streamproc.detectors.evaluation.calibration import measure
from streamproc.detectors.evaluation.calibration.distributions import DISTRIBUTIONS, Distribution
from streamproc.detectors.registry import DEFAULT
from streamproc.detectors.series_monitor import SeriesMonitor

WITH_SIGMA = [d for d in DISTRIBUTIONS if d.name != "constant"]
# No test can find one in so rare events: docs/false-alarms.md has the arithmetic.
FINDABLE = [d for d in WITH_SIGMA if d.name != "Bernoulli(0.01)"]


@pytest.mark.parametrize("distribution", WITH_SIGMA, ids=lambda d: d.name)
def test_a_shift_is_one_deviation_of_the_mean(distribution: Distribution) -> None:
    """The shifted series' mean lies one deviation of the series above."""
    rng = np.random.default_rng(1)
    before, after = (draw(rng, (20, 20_000)) for draw in (distribution.before, distribution.after))
    shift = (after.mean() - before.mean()) / before.std()
    assert shift == pytest.approx(1.0, abs=0.2 if "t(3)" in distribution.name else 0.05)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda d: d.name)
def test_stationary_series_stay_silent(distribution: Distribution) -> None:
    """On 200,000 stationary values of any shape no detector raises a false incident."""
    rng = np.random.default_rng(20)
    found = measure.false_incidents(distribution, rng, 10, 20_000)
    assert found == {"mixture": 0, "page_hinkley": 0, "adwin": 0}


@pytest.mark.parametrize("distribution", FINDABLE, ids=lambda d: d.name)
def test_a_shift_is_found_in_time(distribution: Distribution) -> None:
    """A shift of one deviation is found within 150 values, and hardly later than by the pair."""
    values = measure.shifted(distribution, np.random.default_rng(21), 300)
    pair = measure.delays(values, {name: {} for name in measure.PAIR})
    found = measure.delays(values, {name: {} for name in DEFAULT})
    assert min(pair.within, found.within) >= 0.97
    assert found.median <= pair.median + 1
    if distribution.name == "N(0, 1)":
        assert min(measure.delays(values, {name: {}}).within for name in measure.PAIR) >= 0.99


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda d: d.name)
@pytest.mark.parametrize("unit", measure.UNITS)
def test_another_unit_changes_no_alarm(distribution: Distribution, unit: str) -> None:
    """The same series in another unit alarms at the same rows."""
    values = measure.shifted(distribution, np.random.default_rng(22), 20)
    alarms, same = measure.same_alarms(values, *measure.UNITS[unit])
    assert alarms == same >= 20 * (distribution.name != "Bernoulli(0.01)")


def test_a_detector_that_cries_wolf_is_counted() -> None:
    """The measurement sees false incidents where there are some: River's own on N(0, 1)."""
    raw = measure.false_incidents_raw(DISTRIBUTIONS[0], np.random.default_rng(2), 10, 20_000)
    assert raw["page_hinkley"] > 50


def test_a_late_detector_is_counted_as_late() -> None:
    """A detector that needs 400 values is found out: none within 150, the delay beyond."""
    values = measure.shifted(DISTRIBUTIONS[0], np.random.default_rng(3), 50)
    slow = measure.delays(values, {"page_hinkley": {"threshold": 200.0}})
    assert slow.within == 0.0
    assert 150 < slow.median <= measure.AFTER
    assert not SeriesMonitor({"page_hinkley": {"threshold": 1e6}}, 50).scan_all(values)


def test_the_command_prints_and_writes_the_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The command prints one line a series and writes the same numbers as JSON."""
    small = command.Size(series=4, length=2_000, raw_length=2_000, repeats=20)
    monkeypatch.setattr(command, "QUICK", small)
    assert command.main(["--quick", "--json", str(tmp_path / "table.json")]) == 0
    report = json.loads((tmp_path / "table.json").read_text())
    printed = capsys.readouterr().out
    assert [row["distribution"] for row in report["rows"]] == [d.name for d in DISTRIBUTIONS]
    assert all(f"| {d.name} " in printed for d in DISTRIBUTIONS)
    assert report["parameters"]["adwin"]["clock"] == 16
