import json
from pathlib import Path

import numpy as np
import pytest

from streamproc.detectors import registry
from streamproc.detectors.evaluation.scoreboard import __main__ as command
from streamproc.detectors.evaluation.scoreboard import (
    cost,
    entrants,
    injected,
    oracle,
    parity,
    plots,
    power,
    real,
    streams,
)
from streamproc.detectors.evaluation.scoreboard.injected import Score
from streamproc.detectors.evaluation.scoreboard.result import Grid, Result, markdown, plain, shown
from streamproc.detectors.evaluation.scoreboard.scenarios import SCENARIOS


def quiet(_: str) -> None:
    """Tell nobody."""


def test_rivers_own_tests_hold_for_ours() -> None:
    """At every golden index River, its tests and our detector agree."""
    golden, random = parity.run(full=False, notify=quiet).grids
    assert {cells[-1] for cells in golden.rows.values()} == {"equal"}
    assert {cells[-1] for cells in random.rows.values()} == {"equal"}
    assert len(golden.rows) >= 10


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_an_oracle_knows_which_side_it_is_on(scenario: power.Scenario) -> None:
    """The likelihood ratio is on average negative before the change and positive after it."""
    rng = np.random.default_rng(1)
    assert scenario.ratio(scenario.before(rng, (10, 5000))).mean() < 0
    assert scenario.ratio(scenario.after(rng, (10, 5000))).mean() > 0
    # Of a log-likelihood ratio: E exp = 1 before the change.
    ratios = scenario.ratio(scenario.before(rng, (20, 20_000)))
    assert np.exp(ratios).mean() == pytest.approx(1.0, abs=0.05)


def test_a_scenario_changes_where_it_says() -> None:
    """Before the change nothing is new, long after it everything."""
    [slow] = [s for s in SCENARIOS if s.name == "N +1σ over 500"]
    values = slow.values(np.random.default_rng(2), (400, 3000), 1000)
    assert values[:, :1000].mean() == pytest.approx(0.0, abs=0.02)
    assert values[:, 1240:1260].mean() == pytest.approx(0.5, abs=0.06)
    assert values[:, 1500:].mean() == pytest.approx(1.0, abs=0.02)


def test_the_oracle_runs_as_long_as_asked() -> None:
    """The oracle's run length on new stationary values is the asked one."""
    [coin] = [s for s in SCENARIOS if s.name == "Bernoulli 0.2→0.4"]
    rng = np.random.default_rng(3)
    bound = oracle.bound_for(coin.ratio, coin.before(rng, (100, 5000)), 1000.0)
    rows = oracle.first_alarms(coin.ratio, coin.before(rng, (2000, 8000)), bound)
    assert np.where(rows < 0, 8000, rows).mean() == pytest.approx(1000.0, rel=0.1)


def test_delays_charge_misses() -> None:
    """Who never alarms is charged the whole horizon; who alarmed before the change is left out."""
    alarms = np.zeros((3, power.BEFORE + power.AFTER), np.bool_)
    alarms[0, power.BEFORE + 9] = True
    alarms[1, [power.BEFORE - 1, power.BEFORE + 9]] = True
    assert power.delay(alarms) == power.Delay((10 + power.AFTER) / 2, 0.5)


def test_baselines_alarm_as_often_as_they_say() -> None:
    """Never, every so many, at random as often."""
    values = np.zeros((50, 10_000))
    never, clockwork, chance = (b.alarms(values).mean() for b in entrants.baselines(100, 7))
    assert (never, clockwork) == (0.0, 0.01)
    assert chance == pytest.approx(0.01, rel=0.05)


def test_scores_are_those_of_the_published_protocol() -> None:
    """Each alarm within the window is right; late ones are wrong only when asked for."""
    as_published, corrected = Score(), Score()
    for score, late in ((as_published, False), (corrected, True)):
        score.add(np.array([10, 120, 130, 9000]), 100, late=late)
        score.add(np.array([], np.int64), 100, late=late)
    assert (as_published.right, as_published.wrong, as_published.missed) == (2, 1, 1)
    assert corrected.wrong == 2
    assert as_published.f1 == pytest.approx(2 * (2 / 3) * (2 / 3) / (4 / 3))
    assert as_published.delays == (20,)
    assert Score().f1 == 0.0


@pytest.mark.parametrize("kind", injected.KINDS)
def test_a_change_is_of_its_kind(kind: str) -> None:
    """Each injected change does to rows what its name says."""
    rng = np.random.default_rng(4)
    x = rng.random((400, 5))
    change = injected.change_of(kind, x, rng)
    kept = [change(row, i % 2) for i, row in enumerate(x)]
    labels = [one[1] for one in kept if one]
    if kind == "x-permutation":
        assert all(sorted(one[0]) == sorted(row) for one, row in zip(kept, x, strict=True) if one)
        assert labels == [i % 2 for i in range(400)]
    elif kind == "y-swap":
        assert len(set(labels)) == 1
    elif kind == "y-prior":
        assert 200 < len(labels) < 290
        assert abs(np.mean(labels) - 0.5) > 0.25
    else:
        assert len(labels) == 200


def test_a_trial_lets_a_model_meet_the_change() -> None:
    """Errors are told after the training, and swapped labels make more of them."""
    rng = np.random.default_rng(5)
    x = rng.random((3000, 2))
    labels = (x[:, 0] > 0.5).astype(np.int64)
    one = injected.Trial.of(injected.trial("y-swap", 0, x, labels, rng))
    assert one.rows[0] == 751
    assert 1500 <= one.change < 2400
    after = one.rows >= one.change
    assert one.errors[after][:200].mean() > one.errors[~after].mean() + 0.2


def test_a_static_model_of_insects_is_gaussian_naive_bayes() -> None:
    """On two far classes it makes no error, and on what it never saw it does."""
    rng = np.random.default_rng(6)
    label = np.array(["a", "b"])[rng.integers(2, size=6000)]
    x = rng.normal(size=(6000, 3)) + 9.0 * (label == "b")[:, None]
    x[5000:] = 9.0 - x[5000:]
    errors = real.naive_bayes_errors(x, label)
    assert len(errors) == 6000 - real.TRAINING
    assert errors[:1000].mean() < 0.01
    assert errors[1000:].mean() > 0.99


def test_what_is_absent_is_named(tmp_path: Path) -> None:
    """Without the data, table 5 is empty and says which stream it lacks and how to give it."""
    result = real.run(full=False, notify=quiet, data=tmp_path, trials=None)
    assert not result.grids
    assert "--data" in result.skipped["Electricity"]
    assert "--data" in result.skipped["INSECTS"]


def test_a_report_marks_leaders_and_gaps() -> None:
    """The lowest number of a column is bold, nothing is a dash, JSON has the same."""
    grid = Grid("g", ("who", "x"), {"a": (2.0,), "b": (1.0,), "c": (None,)}, "low")
    text = markdown(Result(9, "t", [grid], ["n"], {"q": "absent"}))
    assert "| b | **1** |" in text
    assert "| c | – |" in text
    assert "- Not measured: q: absent" in text
    assert plain(Result(9, "t", [grid]))["grids"][0]["rows"]["c"] == [None]
    assert (shown(12345.6), shown(0.12345)) == ("12,346", "0.123")


def test_the_command_writes_report_and_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One table by its number: report, JSON, and plots where they can be made."""
    grid = Grid("Some ratio", ("who", "x", "y"), {"a": (2.0, 1.0), "b": (1.0, None)}, "low")
    made = Result(1, "one", [grid])
    monkeypatch.setattr(command, "measure", lambda *_: made)
    out = tmp_path / "report"
    numbers = tmp_path / "n.json"
    assert command.main(["--table", "1", "--out", str(out), "--json", str(numbers)]) == 0
    assert "## 1. one" in (out / "report.md").read_text()
    assert json.loads(numbers.read_text())["tables"][0]["table"] == 1
    assert (out / "some-ratio.svg").is_file() == plots.possible()


def test_the_four_streams_change_in_the_middle() -> None:
    """Each stream is found by some detector after the change, and Page-Hinkley finds a shift."""
    made = streams.streams()
    assert len(made) == 4
    [first, *_] = streams.alarms("page_hinkley", made["mean + 1σ at once"])
    assert streams.CHANGE <= first < streams.CHANGE + 100
    assert streams.alarms("ddm", made["deviation × 2"]) == []


def test_every_detector_has_a_cost() -> None:
    """Each line has nanoseconds and bytes above 0, and River's beside those that it has."""
    ticks = iter(range(10**6))
    [grid] = cost.run(full=False, notify=quiet, clock=lambda: float(next(ticks))).grids
    assert list(grid.rows) == list(registry.names())
    for name, (mine, rivers, held) in grid.rows.items():
        assert isinstance(mine, float)
        assert isinstance(held, float)
        assert min(mine, held) > 0
        assert (rivers is not None) == (name in entrants.RIVERS)
