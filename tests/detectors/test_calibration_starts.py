"""The command behind the figures of series that start often."""

import numpy as np
import pytest

from streamproc.detectors.evaluation.calibration import restarts


def test_the_figures_of_starts_are_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command prints a line for each shape and each change, every contestant in it."""
    monkeypatch.setattr("sys.argv", ["restarts"])
    monkeypatch.setattr(restarts, "SERIES", 20)
    monkeypatch.setattr(restarts, "CHUNK", 15)
    monkeypatch.setattr(restarts, "CHANGED", 10)
    restarts.main()
    lines = [line for line in capsys.readouterr().out.splitlines() if "|" in line]
    for title in (*restarts.STEADY, *restarts.CHANGES):
        [line] = [line for line in lines if line.split("|")[1].strip() == title]
        assert line.count("|") == 2 + len(restarts.CONTESTANTS)
    [certain] = [line for line in lines if "0 → 1" in line]
    assert "%" not in certain


def test_an_alarm_that_comes_twice_is_counted() -> None:
    """A level that comes and goes is found once and told again; a steady series is neither."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(2, restarts.BEFORE + restarts.AFTER))
    values[0, restarts.BEFORE : restarts.BEFORE + 1000] += 5.0
    delay, share, more = restarts.found(values, {"page_hinkley": {}})
    assert (share, more) == (0.5, 1)
    assert delay == np.inf
    assert restarts.found(values[:1], {"page_hinkley": {}})[0] < 20
