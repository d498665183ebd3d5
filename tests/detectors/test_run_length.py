import numpy as np
import pytest

from streamproc import detectors
from streamproc.detectors import registry
from streamproc.detectors.bank import Bank
from streamproc.detectors.errors import ParameterError
from streamproc.detectors.evaluation.calibration import build_tables, run_lengths
from streamproc.detectors.runtime import run_length
from streamproc.detectors.runtime.params import Param
from streamproc.detectors.runtime.run_length import ARL, ParamResolver, RunLengths, ThresholdParam

CALIBRATED = [name for name in registry.names() if run_length.span(name, registry.get(name).knob)]
TABLED = [name for name in CALIBRATED if run_length.table(name)]


@pytest.mark.parametrize("name", TABLED)
def test_a_table_is_of_the_detector_as_it_is(name: str) -> None:
    """A table was simulated with the parameters that monitoring uses; else: rebuild it."""
    entry, table = registry.get(name), run_length.table(name)
    assert table is not None
    assert entry.knob is not None
    moved = {ARL.name, entry.knob.name, entry.knob.tied}
    fixed = {k: v for k, v in entry.monitoring.items() if k not in moved}
    assert table.parameters == fixed
    assert (np.diff(table.arl) > 0).all()
    assert len(set(np.sign(np.diff(table.knob)))) == 1


@pytest.mark.parametrize("name", CALIBRATED)
def test_every_run_length_on_offer_gives_a_valid_detector(name: str) -> None:
    """From one end of the span to the other `arl` builds both classes; longer is stricter."""
    entry = registry.get(name)
    low, high = run_length.span(name, entry.knob) or (0.0, 0.0)
    assert entry.knob is not None
    knobs = []
    for wanted in np.geomspace(low, high, 7).clip(low, high):
        resolved = registry.resolve(name, {"arl": float(wanted)})
        assert resolved.keys() == entry.params.keys()
        assert isinstance(entry.bank(2, arl=float(wanted)), Bank)
        entry.detector(arl=float(wanted))
        knobs.append(float(resolved[entry.knob.name]))
    sign = np.sign(entry.knob.strict - entry.knob.loose)
    assert (np.diff(knobs) * sign >= 0).all()


def test_a_class_takes_what_the_config_takes() -> None:
    """`arl=` in a constructor means what it means in a config, the other parameters included."""
    values = np.random.default_rng(1).normal(size=(3, 20_000))
    resolved = registry.resolve("page_hinkley", {"arl": 1000, "mode": "up"})
    expected = detectors.PageHinkleyBank(3, **resolved).update(values)  # type: ignore[arg-type]
    by_arl = registry.get("page_hinkley").bank(size=3, arl=1000, mode="up")
    assert expected.any()
    assert (by_arl.update(values) == expected).all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"arl": 1e4, "threshold": 20}, r"page_hinkley\.arl: stands for threshold; give one"),
        ({"arl": 10}, r"page_hinkley\.arl: expected float in \[100, 1e\+07\], got 10"),
        ({"arl": 1e8}, r"page_hinkley\.arl: expected float in \[100, 1e\+07\], got 1"),
        ({"arl": "1e4"}, r"page_hinkley\.arl: expected float .* got '1e4'"),
        ({"arl": True}, r"page_hinkley\.arl: expected float .* got True"),
        ({"arl": 1e4, "delta": 0.1}, r"page_hinkley\.delta: run lengths are known for 0.25 alone"),
        ({"arl": float("nan")}, r"page_hinkley\.arl: expected float .* got nan"),
    ],
)
def test_what_cannot_go_together_is_refused(params: dict[str, object], message: str) -> None:
    """Config and classes refuse a wrong `arl` by name, and say what is possible."""
    entry = registry.get("page_hinkley")
    for build in (
        lambda: registry.resolve("page_hinkley", params),
        lambda: entry.bank(1, **params),
    ):
        with pytest.raises(ParameterError, match=message):
            build()


def test_a_detector_without_calibration_says_so() -> None:
    """`arl` where there is neither theory nor table is refused with the way out."""
    for knob in (None, ThresholdParam("x", loose=1.0, strict=2.0)):
        choice = ParamResolver("nameless", {"x": Param("x", 1.0, "x")}, {"x": 1.0}, knob)
        with pytest.raises(ParameterError, match=r"nameless\.arl: .* no table .* own parameters"):
            choice.complete({"arl": 1e4})


def test_the_default_may_be_by_calibration() -> None:
    """`arl` among the monitoring values gives the knob, unless the knob is given."""
    knob = ThresholdParam("x", loose=1.0, strict=2.0, theory=lambda wanted, _: 1.0 / wanted)
    choice = ParamResolver("a", {"x": Param("x", 1.0, "x")}, {"x": 1.0, "arl": 1e6}, knob)
    assert choice.complete({}) == {"x": 1e-6}
    assert choice.complete({"arl": 100}) == {"x": 0.01}
    assert choice.complete({"x": 5}) == {"x": 5.0}


def test_between_two_knobs_the_logarithms_are_on_a_line() -> None:
    """Half-way in log run length lies half-way in log knob."""
    assert RunLengths((1e-2, 1e-4), (1e3, 1e5), {}).at(1e4) == pytest.approx(1e-3)


@pytest.mark.parametrize(("values", "alarms", "exact"), [(1.0, 0, 1 / 2.9957), (50.0, 9, 3.1834)])
def test_the_lower_bound_is_that_of_exponential_runs(
    values: float, alarms: int, exact: float
) -> None:
    """The bound is 2 T / chi², with the quantiles of a table of chi²."""
    assert run_lengths.lower_bound(values, alarms) == pytest.approx(exact, rel=0.01)


def test_censored_runs_count_in_full() -> None:
    """The bound holds 95 times in a hundred on exponential runs that are cut off early."""
    rng = np.random.default_rng(5)
    runs = rng.exponential(1000.0, (2000, 100))
    seen, alarms = np.minimum(runs, 300.0).sum(axis=1), (runs < 300.0).sum(axis=1)
    bounds = [run_lengths.lower_bound(t, k) for t, k in zip(seen, alarms, strict=True)]
    assert (np.array(bounds) <= 1000.0).mean() == pytest.approx(0.95, abs=0.015)


def _measured(name: str, wanted: float, alarms: int) -> dict[str, float]:
    """Lower bounds of the run length on every source, from other seeds than the table's."""
    seed = np.random.SeedSequence(int(wanted))
    limit = alarms * wanted
    runs = {
        source: run_lengths.measured(name, {"arl": wanted}, chunks, seed, limit)
        for source, chunks in run_lengths.sources(registry.get(name).family).items()
    }
    return {source: run_lengths.lower_bound(r.values, r.alarms) for source, r in runs.items()}


def test_a_run_length_is_kept_quickly() -> None:
    """Page-Hinkley at 1,000 runs for at least so long on every source."""
    assert min(_measured("page_hinkley", 1000.0, 1000).values()) >= 1000.0


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [1e3, 1e4])
@pytest.mark.parametrize("name", TABLED)
def test_run_lengths_are_kept(name: str, wanted: float) -> None:
    """At 1,000 and 10,000 the measured run length's lower bound is no less than the asked one."""
    low, high = run_length.span(name, registry.get(name).knob) or (0.0, 0.0)
    if low <= wanted <= high:
        assert min(_measured(name, wanted, 400).values()) >= wanted


def test_a_rebuild_gives_the_same_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rebuilds agree to the last digit, and reach the longest run length on offer."""
    monkeypatch.setattr(build_tables, "EFFORT", 0.05)
    told: list[str] = []
    tables = [build_tables.rebuild(["page_hinkley"], told.append)["page_hinkley"] for _ in range(2)]
    assert tables[0] == tables[1]
    assert tables[0]["arl"][-1] == ARL.high
    assert len(told) == 2 * len(run_lengths.SHAPES)


def test_an_unknown_parameter_of_a_class_is_refused() -> None:
    """A constructor refuses a name that it does not know, with `arl=` and without."""
    with pytest.raises(TypeError, match="unexpected keyword argument 'dleta'"):
        detectors.ADWIN(dleta=0.1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'dleta'"):
        detectors.ADWIN(arl=1e4, dleta=0.1)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["ks", "kswin", "chi2", "hellinger"])
def test_a_theorem_takes_other_parameters_into_account(name: str) -> None:
    """Tests by comparison take `arl` at any stride: twice alpha a comparison is one in `arl`."""
    for stride in (1, 10, 50):
        params = registry.resolve(name, {"arl": 1e5, "stride": stride})
        assert float(params["alpha"]) == stride / 2e5


def test_without_a_theorem_another_parameter_needs_the_threshold() -> None:
    """What no run length was simulated for is refused by name, unless the knob is given too."""
    with pytest.raises(ParameterError, match=r"cusum\.k: run lengths are known for 0\.25 alone"):
        registry.resolve("cusum", {"k": 0.5})
    assert registry.resolve("cusum", {"k": 0.5, "h": 20.0})["k"] == 0.5


def test_the_default_is_a_million() -> None:
    """Without parameters a detector runs for a million values, or longer where set by hand."""
    for name in CALIBRATED:
        entry = registry.get(name)
        assert entry.knob is not None
        mine, million = (
            float(registry.resolve(name, given)[entry.knob.name]) for given in ({}, {"arl": 1e6})
        )
        stricter = np.sign(entry.knob.strict - entry.knob.loose) * (mine - million)
        by_hand = name in {"mixture", "adwin", "page_hinkley", "chi2", "g_test"}
        assert stricter > 0 if by_hand else stricter == 0
