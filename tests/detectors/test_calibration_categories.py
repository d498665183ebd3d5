"""The command behind the figures of categories."""

import pytest

from streamproc.detectors.evaluation.calibration import categories


def test_the_figures_of_categories_are_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command prints a line for each steady and each changing mix, every detector in it."""
    monkeypatch.setattr("sys.argv", ["categories"])
    monkeypatch.setattr(categories, "SERIES", 10)
    monkeypatch.setattr(categories, "LENGTH", 5_000)
    categories.main()
    lines = [line for line in capsys.readouterr().out.splitlines() if "|" in line]
    for title in (*categories.STEADY, *categories.CHANGES):
        [line] = [line for line in lines if line.split("|")[1].strip() == title]
        assert line.count("|") == 5
    [quick] = [line for line in lines if "to 30, 30, 40 %" in line]
    assert quick.count("100 %") == 3
