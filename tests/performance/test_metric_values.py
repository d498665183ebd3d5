import numpy as np
import pytest
from river import metrics, utils

from streamproc.performance.metrics import HALF_LIFE, WINDOW, compute_metrics


def draws(count: int, seed: int, classes: int = 2) -> np.ndarray:
    """Draw rows of a classifier that is often right."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, classes, count)
    if classes == 2:
        chance = np.clip(draw.normal(0.2 + 0.6 * truth, 0.3), 0, 1)
        predicted = (chance >= 0.5).astype(float)
    else:
        predicted = np.where(draw.random(count) < 0.7, truth, draw.integers(0, classes, count))
        chance = draw.uniform(0.4, 1, count)
    return np.stack([truth, predicted, chance, np.full(count, 0.3)], axis=1)


def weighted(metric: metrics.base.Metric, rows: np.ndarray, *, fading: bool) -> float:
    """Feed River's metric, with weights that halve."""
    ages = np.arange(len(rows))[::-1]
    for row, age in zip(rows.tolist(), ages.tolist(), strict=True):
        metric.update(row[0], row[1], 0.5 ** (age / HALF_LIFE) if fading else 1.0)
    return float(metric.get())


@pytest.mark.parametrize("fading", [False, True])
def test_classifiers_have_river_s_figures(*, fading: bool) -> None:
    """Accuracy and F1 over the window and fading are those of River's metrics with weights."""
    two, many = draws(WINDOW, 1), draws(WINDOW, 2, classes=5)

    found = compute_metrics(two, "binary", fading=fading)
    assert found["accuracy"] == pytest.approx(weighted(metrics.Accuracy(), two, fading=fading))
    assert found["f1"] == pytest.approx(weighted(metrics.F1(), two, fading=fading))
    found = compute_metrics(many, "multiclass", fading=fading)
    assert found["f1"] == pytest.approx(weighted(metrics.MacroF1(), many, fading=fading))


@pytest.mark.parametrize("fading", [False, True])
def test_regressions_have_river_s_figures(*, fading: bool) -> None:
    """MAE and R² over the window and fading are those of River's metrics with weights."""
    draw = np.random.default_rng(3)
    truth = draw.normal(50, 9, WINDOW)
    rows = np.stack([truth, truth + draw.normal(0, 4, WINDOW), truth, truth], axis=1)

    found = compute_metrics(rows, "regression", fading=fading)

    assert found["mae"] == pytest.approx(weighted(metrics.MAE(), rows, fading=fading))
    assert found["r2"] == pytest.approx(weighted(metrics.R2(), rows, fading=fading))


def test_the_window_is_river_s_rolling_window() -> None:
    """After more labels than fit, the figures are those of River's rolling metrics."""
    rows = draws(WINDOW + 300, 4)
    accuracy, area = utils.Rolling(metrics.Accuracy, WINDOW), metrics.RollingROCAUC(WINDOW)
    for truth, predicted, chance, _ in rows.tolist():
        accuracy.update(truth, predicted)
        area.update(bool(truth), chance)

    found = compute_metrics(rows[-WINDOW:], "binary")

    assert found["accuracy"] == pytest.approx(accuracy.get())
    assert found["roc_auc"] == pytest.approx(area.get())


def test_calibration_error_is_how_far_chances_are_from_shares() -> None:
    """A model that is too sure is off by how much, a calibrated one by next to nothing."""
    sure = np.tile([[1, 1, 0.9, 0.1], [0, 1, 0.9, 0.1]], (250, 1))
    sure[:50, 0] = 1
    assert compute_metrics(sure, "binary")["calibration_error"] == pytest.approx(
        0.9 - sure[:, 0].mean()
    )
    draw = np.random.default_rng(5)
    chance = draw.random(WINDOW)
    good = np.stack([draw.random(WINDOW) < chance, chance >= 0.5, chance, chance], axis=1)
    assert compute_metrics(good.astype(float), "binary")["calibration_error"] < 0.06


def test_what_is_not_defined_is_left_out() -> None:
    """No figure is made up: no area under a curve of one class, no R² of one value."""
    one = np.array([[1.0, 1.0, 0.9, 0.1]])
    assert compute_metrics(np.empty((0, 4)), "binary") == {}
    assert "roc_auc" not in compute_metrics(one, "binary")
    assert "r2" not in compute_metrics(one, "regression")
    nothing = np.array([[1.0, 0.0, np.nan, 0.5]])
    assert set(compute_metrics(nothing, "binary")) == {"accuracy", "expected_accuracy", "f1"}
