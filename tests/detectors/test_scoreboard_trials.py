import gzip
from pathlib import Path

import numpy as np
import pytest

from streamproc.detectors.evaluation.scoreboard import entrants, friedman, plots, real, tuning
from streamproc.detectors.evaluation.scoreboard.entrants import Entrant
from streamproc.detectors.evaluation.scoreboard.injected import KINDS
from streamproc.detectors.evaluation.scoreboard.result import Grid, Result
from streamproc.detectors.evaluation.scoreboard.trial_cache import NOWHERE, TrialCache


def quiet(_: str) -> None:
    """Tell nobody."""


def rows(count: int) -> real.Stream:
    """Make a stream whose label is whether its first feature is large."""
    x = np.random.default_rng(1).random((count, 3))
    return real.Stream("made", x, (x[:, 0] > 0.5).astype(np.int64), 5)


def late(values: np.ndarray) -> np.ndarray:
    """Alarm at the last value alone."""
    alarms = np.zeros(values.shape, np.bool_)
    alarms[:, -1] = True
    return alarms


def test_a_kept_trial_is_not_made_again(tmp_path: Path) -> None:
    """What was kept is read, to the last bit, and what is not kept is made each time."""
    made = []

    def make() -> dict[str, np.ndarray]:
        made.append(1)
        return {"errors": np.array([True, False]), "sizes": np.array([0.1, np.pi])}

    kept = TrialCache(tmp_path / "trials")
    first, second = kept.made("one", make), kept.made("one", make)
    assert len(made) == 1
    assert {n: a.tobytes() for n, a in first.items()} == {n: a.tobytes() for n, a in second.items()}
    assert [path.name for path in (tmp_path / "trials").iterdir()] == ["one.npz"]
    NOWHERE.made("one", make)
    assert len(made) == 2


def test_kept_trials_give_the_same_scores(tmp_path: Path) -> None:
    """A run that goes on from kept trials ends as one that makes them all."""
    able = {True: [Entrant("late", late, "error")]}
    scores = [
        real.scored(rows(400), 0, trials, able, cache=kept, notify=quiet)[True]["late"]
        for trials, kept in ((2, NOWHERE), (1, TrialCache(tmp_path)), (2, TrialCache(tmp_path)))
    ]
    assert set(scores[0]) == set(KINDS)
    assert scores[0] == scores[2] != scores[1]
    assert len(list(tmp_path.iterdir())) == 2 * len(KINDS)


def test_a_slow_contestant_takes_fewer_trials_and_says_so() -> None:
    """One in ten, one at least, and the label has the number where it is not all."""
    slow, quick = (Entrant("who", late, "mean", slow=s) for s in (True, False))
    assert [entrants.trials_of(slow, n) for n in (1, 6, 1000)] == [1, 1, 100]
    assert entrants.counted(slow, 1000) == "who (100 trials)"
    assert entrants.counted(slow, 1) == entrants.counted(quick, 1000) == "who"


def test_quick_mode_waits_for_nobody_slow_and_says_so() -> None:
    """Those whom quick mode leaves out are the slow ones, each with a reason."""
    everyone = {one.label: one.slow for one in entrants.rivers(full=True)}
    taking_part = {one.label for one in entrants.rivers(full=False)}
    assert any(everyone.values())
    assert entrants.too_slow(full=True) == {}
    assert set(entrants.too_slow(full=False)) == {n for n, slow in everyone.items() if slow}
    assert taking_part == {name for name, slow in everyone.items() if not slow}


@pytest.mark.parametrize("published", [True, False])
def test_worse_means_more_errors_however_they_are_fed(*, published: bool) -> None:
    """One-sided contestants alarm where errors become more, not where they become fewer."""
    rng = np.random.default_rng(3)
    rising = (rng.random((1, 3000)) < np.where(np.arange(3000) < 1500, 0.2, 0.6)).astype(float)
    mine = {one.label: one for one in real.ours(1e4, published=published)}
    one = mine["page_hinkley, arl=10000, worse"]
    falling = rising[:, ::-1].copy()
    found = [one.alarms(1.0 - v if published else v).any() for v in (rising, falling)]
    assert found == [True, False]


def test_a_trial_of_friedman_is_its_own() -> None:
    """A trial is the same whichever were made before it, and errors rise after the change."""
    one, again = (friedman._trial("gra", 0, 7) for _ in range(2))
    assert one["sizes"].tobytes() == again["sizes"].tobytes()
    assert one["errors"][: friedman.STABLE].mean() < 0.3 < one["errors"][friedman.STABLE :].mean()


def test_the_power_supply_is_read_with_its_flaws(tmp_path: Path) -> None:
    """Comments, empty lines and a comma at the end of a row are no rows."""
    path = tmp_path / "p.arff.gz"
    text = "%\n@relation p\n@data\n1.5,2,0\n3,4.5,12\n5,6,23,\n\n"
    path.write_bytes(gzip.compress(text.encode()))
    x, y = tuning.power_supply(path)
    assert x.tolist() == [[1.5, 2.0], [3.0, 4.5], [5.0, 6.0]]
    assert y.tolist() == [0, 1, 1]


@pytest.mark.skipif(not plots.possible(), reason="matplotlib is not installed")
def test_bars_are_drawn_with_what_they_are_compared_with(tmp_path: Path) -> None:
    """A grid that names a column for it is drawn as bars, with marks by their names."""
    grid = Grid("F1 of all", ("who", "F1"), {"a": (0.5,), "b": (None,)}, bars="F1")
    [path] = plots.figures(Result(5, "five", [grid]), tmp_path)
    assert path.name == "f1-of-all.svg"
    assert path.read_text().startswith("<?xml")


def test_tuning_names_the_stream_that_it_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without its data the command says which file is missing, where, and how to name another."""
    with pytest.raises(SystemExit) as ended:
        tuning.main(["--data", str(tmp_path)])

    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"no {tuning.POWER} in {tmp_path}: say where it is with --data" in said
