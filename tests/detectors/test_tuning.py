"""Detectors whose thresholds change while they run."""

import numpy as np
import pytest
from numpy.typing import NDArray

from streamproc.detectors import registry
from streamproc.detectors.runtime.slots import every_row
from streamproc.detectors.series_monitor import SeriesMonitor

BY_ARL = [name for name in registry.names() if registry.run_length_span(name)]
TUNABLE = [name for name in BY_ARL if registry.is_tunable(name)]


def quiet_then_shift(name: str) -> NDArray[np.float64]:
    """Return 40 series that change after 3,000 of 4,000 values, as the detector reads them."""
    draw = np.random.default_rng(5)
    chances = np.full(4000, 0.2)
    chances[3000:] = 0.5
    if registry.get(name).family in {"error", "category"}:
        return (draw.random((40, 4000)) < chances).astype(np.float64)
    return draw.normal(size=(40, 4000)) + 5 * (chances - 0.2)


@pytest.mark.parametrize("name", TUNABLE)
@pytest.mark.parametrize(("before", "after"), [(1e6, 1e4), (1e4, 1e6)])
def test_a_threshold_that_changes_counts_as_if_it_had_always_been_so(
    name: str, before: float, after: float
) -> None:
    """Where neither threshold alarms before, all alarms are those of the later threshold."""
    values = quiet_then_shift(name)
    params = {arl: registry.resolve(name, {"arl": arl}) for arl in (before, after)}
    entry = registry.get(name)
    old, expected = (entry.bank(40, **params[arl]) for arl in (before, after))
    tuned = entry.bank(0, **params[after])

    quiet = ~(old.update(values[:, :2000]) | expected.update(values[:, :2000])).any(axis=1)
    tuned.take_over(old)

    assert quiet.sum() > 10
    found = tuned.update(values[:, 2000:])[quiet]
    assert (found == expected.update(values[:, 2000:])[quiet]).all()
    assert found.any()


def test_detectors_that_remember_their_threshold_are_not_tuned() -> None:
    """They are five, and none of the defaults."""
    remember = {"bocpd", "eddm", "hddm_a", "hddm_w", "rddm"}
    assert {name for name in BY_ARL if not registry.is_tunable(name)} == remember


@pytest.mark.parametrize("name", BY_ARL)
def test_the_run_length_of_a_threshold_is_the_one_that_it_was_made_for(name: str) -> None:
    """What `arl` sets is read back, to nine digits."""
    for wanted in (2e4, 1e6, 1e7):
        params = registry.resolve(name, {"arl": wanted})
        assert registry.run_length(name, params) == pytest.approx(wanted, rel=1e-6)
        again = registry.at_run_length(name, registry.resolve(name, {}), wanted)
        assert again == pytest.approx(params)


@pytest.mark.parametrize("name", ["mixture", "page_hinkley", "adwin"])
def test_defaults_beyond_the_tables_count_as_measured(name: str) -> None:
    """A default has the run length of docs/false-alarms.md, a larger threshold the table's end."""
    assert registry.run_length(name, registry.resolve(name, {})) == 5e7
    strict = {"mixture": {"threshold": 1e9}, "page_hinkley": {"threshold": 60.0}}
    given = strict.get(name, {"delta": 1e-9})
    assert registry.run_length(name, registry.resolve(name, given)) == 1e7


def test_run_lengths_that_nobody_knows_are_none() -> None:
    """Neither a detector of River nor parameters without a table has a known run length."""
    assert registry.run_length("river:ADWIN", registry.resolve("river:ADWIN", {})) is None
    other = registry.resolve("mixture", {"clip": 5.0})
    assert registry.run_length("mixture", other) is None


def test_a_monitor_counts_all_of_its_values_through_alarms_and_resets() -> None:
    """Missing values do not count, and those before an alarm or a reset do."""
    monitor = SeriesMonitor({"page_hinkley": {"arl": 1e3}}, size=3)
    values = np.random.default_rng(3).normal(size=(3, 5000))
    values[0, ::2] = np.nan

    assert monitor.scan_all(values)
    monitor.reset(np.array([1]))

    assert monitor.values == 12_500


def test_a_monitor_that_is_tuned_alarms_by_its_new_thresholds() -> None:
    """The threshold of an alarm is the new one, of the detector that has one."""
    monitor = SeriesMonitor({"mixture": {}, "page_hinkley": {}}, size=1)
    values = np.random.default_rng(3).normal(size=(1, 3000))
    values[0, 2000:] += 3
    assert not monitor.scan_all(values[:, :2000])

    params = {
        name: registry.at_run_length(name, registry.resolve(name, {}), 1e4)
        for name in ("mixture", "page_hinkley")
    }
    monitor.tune(params)
    rows = np.arange(1000)
    [alarm, *_] = monitor.scan(values[:, 2000:], every_row(values[:, 2000:]), rows * 1.0, rows)

    limits = {"mixture": np.log(params["mixture"]["threshold"])}
    limits["page_hinkley"] = params["page_hinkley"]["threshold"]
    assert alarm.threshold == pytest.approx(limits[alarm.detector])
