"""Comparisons of a window with a reference: statistics, bounds, counts, false alarms."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import jensenshannon

from streamproc.detectors import registry
from streamproc.detectors.bank import Bank
from streamproc.detectors.distribution import binned_kernel as kernel
from streamproc.detectors.distribution import binned_statistics as by
from streamproc.detectors.distribution import p_values
from streamproc.detectors.distribution.windowed_test import (
    AGAINST,
    BinnedBank,
    ReferenceBank,
    bounds,
)
from streamproc.detectors.errors import StateError

NUMBERS = ("ks", "cvm", "wasserstein", "psi", "jensen_shannon", "hellinger")
CATEGORIES = ("chi2", "g_test", "category_psi")
N, M = 500, 200


def _counts(seed: int, bins: int, least: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(seed)
    masses = rng.dirichlet(np.ones(bins), 2)
    a = rng.multinomial(N - least * bins, masses[0]) + least
    return a, rng.multinomial(M - least * bins, masses[1]) + least


def _expanded(counts: NDArray[Any]) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(counts)), counts)


@pytest.mark.parametrize("bins", [2, 5, 32])
def test_statistics_are_scipys(bins: int) -> None:
    """On any two histograms each statistic is what scipy computes."""
    for seed in range(20):
        a, b = _counts(seed, bins, least=1)
        x, y = _expanded(a), _expanded(b)
        n, m = float(N), float(M)
        assert by.kolmogorov(a, b, bins, n, m) == pytest.approx(stats.ks_2samp(x, y).statistic)
        assert by.wasserstein(a, b, bins, n, m) == pytest.approx(stats.wasserstein_distance(x, y))
        pearson = stats.chi2_contingency([a, b], correction=False).statistic
        assert by.chi2(a, b, bins, n, m) == pytest.approx(pearson)
        g = stats.chi2_contingency([a, b], correction=False, lambda_="log-likelihood").statistic
        table = np.arange(N + M + 1.0)
        table[1:] *= np.log(table[1:])
        sizes, masses = (N + M) / N + (N + M) / M, (N + M) * (1 / (a + b)).sum()
        williams = 1 + (sizes - 1) * (masses - 1) / (6 * (N + M) * (bins - 1))
        assert by.likelihood_ratio(a, b, bins, table) == pytest.approx(g / williams)
        p, q = ((c + 0.5) / (c.sum() + 0.5 * bins) for c in (a, b))
        psi = stats.entropy(p, q) + stats.entropy(q, p)
        assert by.stability(a, b, bins, n, m) == pytest.approx(psi)
        assert by.jensen_shannon(a, b, bins, n, m) == pytest.approx(jensenshannon(p, q) ** 2)
        distance = np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / np.sqrt(2)
        assert by.hellinger(a, b, bins, n, m) == pytest.approx(distance)


def test_cramer_von_mises_is_the_exact_one_in_fine_bins() -> None:
    """With a bin for each value, Cramér-von Mises is scipy's to a hundredth."""
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=N), rng.normal(0.3, 1, M)
    ranks = stats.rankdata(np.concatenate([x, y])).astype(int) - 1
    a, b = (np.bincount(part, minlength=N + M) for part in (ranks[:N], ranks[N:]))
    exact = stats.cramervonmises_2samp(x, y).statistic
    assert by.cramer(a, b, N + M, float(N), float(M)) == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize("bins", [2, 3, 8, 32])
def test_the_scale_of_cramer_von_mises_is_its_largest_eigenvalue(bins: int) -> None:
    """The scale of the bound is the largest eigenvalue that numpy finds, to a hundredth."""
    for seed in range(20):
        a, b = _counts(seed, bins)
        mass = (a + b) / (N + M)
        level = np.cumsum(mass)[:-1]
        covariance = np.minimum.outer(level, level) - np.outer(level, level)
        root = np.sqrt((mass[:-1] + mass[1:]) / 2)
        expected = np.linalg.eigvalsh(covariance * np.outer(root, root))[-1]
        work = np.zeros(bins)
        assert by.cramer_scale(a, b, bins, work) == pytest.approx(expected, rel=0.01)
    fine = np.full(256, 100)
    assert by.cramer_scale(fine, fine, 256, np.zeros(256)) == pytest.approx(np.pi**-2, rel=0.01)


def test_bounds_are_quantiles() -> None:
    """Bounds are where scipy's distributions fall to the level, far out too."""
    for level in (0.05, 1e-3, 1e-6, 1e-12):
        for freedom in (1, 2, 3, 7, 31, 255):
            assert p_values.chi2_bound(level, freedom) == pytest.approx(
                stats.chi2.isf(level, freedom)
            )
        # In the limit, whatever the sizes: P(√k D > x) = level.
        k = N * M / (N + M)
        bound = bounds(by.KS, level, N, M, 32)[0]
        assert stats.kstwobign.sf(bound * np.sqrt(k)) == pytest.approx(level, rel=0.01)
    assert p_values.chi2_bound(0.1, 0) == np.inf


def _naive(
    name: str, values: list[float], against: str, reference: int, window: int, stride: int
) -> list[int]:
    """Alarms of a detector, everything computed anew from the values at each comparison."""
    bank: Any = registry.get(name).bank(1, reference=reference, window=window, stride=stride)
    kind, scheme, _ = bank._modes
    bins, sample = int(bank._sizes[3]), int(bank._sizes[4])
    alarms, start = [], 0
    for t in range(len(values)):
        held = values[start : t + 1]
        first = reference
        if scheme == kernel.CODES and against == "warmup":
            first = min(reference, window)
        passed = len(held) - first
        if passed < window or (passed - window) % stride:
            continue
        edges = np.zeros(max(sample, bins))
        used, width = bins, 1.0
        if scheme != kernel.CODES:
            lay = kernel.equal_mass if scheme == kernel.EQUAL_MASS else kernel.equal_width
            used = lay(np.sort(held[:sample]), edges, bins)
            width = edges[1] - edges[0] if scheme == kernel.EQUAL_WIDTH and used > 3 else 1.0
        begin = {
            "warmup": 0,
            "previous": (passed - window) // reference * reference,
            "sliding": passed - window,
        }[against]
        parts = held[begin : begin + reference][: len(held) - window], held[-window:]
        if scheme == kernel.CODES:
            cap = bins - kernel.SHARED
            keys = np.full(cap, np.nan)
            grown = reference + (window if first < reference else 0)
            known = list(dict.fromkeys(held[:grown]))[:cap]
            keys[: len(known)] = known
            places = [[kernel.class_of(keys, len(known), v) for v in part] for part in parts]
        else:
            places = [list(np.searchsorted(edges[: used - 1], part)) for part in parts]
        counts = np.array([np.bincount(place, minlength=bins) for place in places])
        if scheme == kernel.CODES:
            counts = _merged(counts, keys, len(known))
            used += 1
        sizes = np.array([float(len(parts[0])), float(window), width])
        work = np.zeros(used)
        found, bound = kernel.judge(kind, counts, used, *bank._tables, sizes, work)
        if found > bound:
            alarms.append(t)
            start = t + 1
    return alarms


def _merged(counts: NDArray[Any], keys: NDArray[np.float64], known: int) -> NDArray[Any]:
    """Rare categories in their shared classes, and rare classes in the last one."""
    cap, merged = len(keys), np.hstack([counts, np.zeros((2, 1), np.int64)])
    for place in range(known):
        if merged[:, place].sum() < kernel.RARE:
            into = cap + kernel.shared_class(keys[place]) if known == cap else -1
            merged[:, into] += merged[:, place]
            merged[:, place] = 0
    for place in range(cap, cap + kernel.SHARED):
        if known < cap or merged[:, place].sum() < kernel.RARE:
            merged[:, -1] += merged[:, place]
            merged[:, place] = 0
    return merged


@pytest.mark.parametrize("against", AGAINST)
@pytest.mark.parametrize("name", [*NUMBERS, *CATEGORIES])
def test_counts_kept_up_are_counts_made_anew(name: str, against: str) -> None:
    """Against each reference, alarms are those of histograms made anew at every comparison."""
    rng = np.random.default_rng(8)
    levels = np.repeat(rng.integers(0, 12, 12), 350)
    values = np.concatenate([levels + rng.normal(size=len(levels)), np.repeat([3.0, 9.0], 400)])
    values = np.floor(values) if name in CATEGORIES else values
    sizes = {"reference": 120, "window": 50, "stride": 7}
    bank = registry.get(name).bank(1, against=against, **sizes)
    alarms = np.flatnonzero(bank.update(values[None])[0]).tolist()
    assert alarms == _naive(name, values.tolist(), against, **sizes)
    assert len(alarms) >= 5


DRAWS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "lognormal": lambda rng, shape: rng.lognormal(size=shape),
    "Bernoulli(.05)": lambda rng, shape: (rng.random(shape) < 0.05) * 1.0,
    "Bernoulli(.5)": lambda rng, shape: (rng.random(shape) < 0.5) * 1.0,
    "Poisson(2)": lambda rng, shape: rng.poisson(2.0, shape) * 1.0,
}


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("name", [*NUMBERS, *CATEGORIES])
def test_alpha_is_kept(name: str, draw: str) -> None:
    """One comparison of two samples of one distribution alarms about as often as alpha says."""
    series, alpha = 5_000, 1e-2
    until_the_first = 2 * M if name in CATEGORIES else N + M
    values = DRAWS[draw](np.random.default_rng(6), (series, until_the_first))
    bank = registry.get(name).bank(series, alpha=alpha, stride=M)
    # 50 alarms are expected at most, by limits that are a fifth off at worst; 3 deviations more.
    assert bank.update(values).sum() <= 83


@pytest.mark.parametrize("name", [*NUMBERS, *CATEGORIES])
def test_false_alarms_do_not_grow_with_the_data(name: str) -> None:
    """400,000 stationary values raise fewer false alarms than the union bound says."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=(50, 8_000)) if name in NUMBERS else rng.choice(9, (50, 8_000)) * 1.0
    alpha, stride = 1e-3, 10
    bank = registry.get(name).bank(50, alpha=alpha, stride=stride)
    assert bank.update(values).sum() <= values.size * alpha / stride


def _found(bank: Bank, values: NDArray[Any]) -> int:
    alarms = np.flatnonzero(bank.update(values[None])[0])
    return int(alarms[0]) if len(alarms) else -1


@pytest.mark.parametrize("name", NUMBERS)
def test_a_shift_of_one_deviation_is_found(name: str) -> None:
    """A shift of one deviation is found within a window of values."""
    values = np.random.default_rng(1).normal(np.repeat([0.0, 1.0], 1500), 1.0)
    assert 1500 < _found(registry.get(name).bank(1), values) < 1700


@pytest.mark.parametrize("name", ["psi", "jensen_shannon", "hellinger", "wasserstein"])
def test_a_doubled_spread_is_found(name: str) -> None:
    """A deviation that doubles is found within a window of values."""
    values = np.random.default_rng(1).normal(0, np.repeat([1.0, 2.0], 1500))
    assert 1500 < _found(registry.get(name).bank(1), values) < 1700


@pytest.mark.parametrize("name", NUMBERS)
def test_a_slow_change_needs_the_first_values_as_reference(name: str) -> None:
    """A change over 100,000 values is found against the first values, not against the last."""
    n = 100_000
    values = np.random.default_rng(2).normal(np.linspace(0, 3, n), 1.0)
    assert _found(registry.get(name).bank(1), values) > 0
    assert _found(registry.get(name).bank(1, against="sliding"), values) == -1


@pytest.mark.parametrize("name", NUMBERS)
def test_a_value_beside_a_constant_is_no_alarm_and_many_are(name: str) -> None:
    """After a constant, one other value in either direction is no alarm; a new level is."""
    values = np.full((2, 1500), 7.0)
    values[:, 800] = 6.0, 8.0
    bank = registry.get(name).bank(2)
    assert not bank.update(values).any()
    assert bank.update(np.repeat([[6.0], [8.0]], 300, axis=1)).any(axis=1).all()


def test_wasserstein_is_in_the_unit_of_the_values() -> None:
    """A shift by d is a distance of d, whatever the unit; a constant's change is a share."""
    rng = np.random.default_rng(3)
    for unit in (1.0, 1e-6, 1e6):
        values = unit * np.concatenate([rng.normal(size=700), rng.normal(3.0, 1.0, 200)])
        bank = registry.get("wasserstein").bank(1, alpha=1e-300, stride=200)
        bank.update(values[None])
        state = bank.state()
        edges, counts, bins = state["edges"][0], state["counts"][0], int(state["bins"][0])
        width = edges[1] - edges[0]
        distance = by.wasserstein(counts[0], counts[1], bins, 500.0, 200.0) * width
        assert distance == pytest.approx(3.0 * unit, rel=0.1)


@pytest.mark.parametrize("name", CATEGORIES)
def test_a_new_category_is_found(name: str) -> None:
    """A category that the reference has not seen is found, below the cap or beyond it."""
    rng = np.random.default_rng(5)
    for code in (7.0, 31.0, 32.0, 1e9, -1.0):
        values = rng.choice(5, 2000).astype(np.float64)
        values[1000:][rng.random(1000) < 0.15] = code
        assert 1000 < _found(registry.get(name).bank(1), values) < 1200


@pytest.mark.parametrize("name", CATEGORIES)
def test_many_new_categories_count_as_one(name: str) -> None:
    """What the reference has not seen is one class: ten new ones are as one new one."""
    rng = np.random.default_rng(6)
    new = rng.random((1, 2000)) < np.repeat([0.0, 0.1], 1000)
    values = rng.choice(5, (1, 2000)).astype(np.float64)
    one, ten = np.where(new, 8.0, values), np.where(new, rng.choice(np.arange(6, 90), 2000), values)
    banks = [registry.get(name).bank(1) for _ in range(2)]
    hits = [
        bank.scan(np.ascontiguousarray(v), np.array([[0, 0, 2000, 0]]))
        for bank, v in zip(banks, (one, ten), strict=True)
    ]
    assert hits[0].row[0] == hits[1].row[0] >= 1000
    assert hits[0].statistic[0] == hits[1].statistic[0] > hits[0].threshold[0]


def test_a_category_that_is_always_the_same_is_silent() -> None:
    """One category alone never alarms: there is nothing to compare."""
    for name in CATEGORIES:
        assert not registry.get(name).bank(1).update(np.zeros((1, 5000))).any()


@pytest.mark.parametrize("name", CATEGORIES)
def test_one_of_a_thousand_that_grows_is_found(name: str) -> None:
    """Among a thousand equal categories, most beyond the cap, one that takes a third is found."""
    rng = np.random.default_rng(7)
    values = rng.choice(1000, 2000).astype(np.float64)
    values[1000:][rng.random(1000) < 0.3] = 5000.0
    assert 1000 < _found(registry.get(name).bank(1), values) < 1200


MASSES = {
    "2": [0.5, 0.5],
    "2, one rare": [0.995, 0.005],
    "3": [0.5, 0.3, 0.2],
    "10": [0.1] * 10,
    "33": [1 / 33] * 33,
    "60": [1 / 60] * 60,
    "1000": [0.001] * 1000,
    "Zipf": (1 / np.arange(1, 1001) / (1 / np.arange(1, 1001)).sum()).tolist(),
    "3 and a long tail": [0.5, 0.3, 0.17] + [0.03 / 3000] * 3000,
    "never twice": None,
}


@pytest.mark.parametrize("masses", MASSES)
@pytest.mark.parametrize("name", CATEGORIES)
def test_steady_categories_of_any_number_are_no_alarm(name: str, masses: str) -> None:
    """With alpha .001 at most a thousandth of the comparisons alarm, however many categories."""
    rng = np.random.default_rng(9)
    shape = (40, 4000)
    p = MASSES[masses]
    values = rng.random(shape) if p is None else rng.choice(len(p), shape, p=p) * 1.0
    bank = registry.get(name).bank(40, alpha=1e-3)
    assert bank.update(values).sum() <= values.size * 1e-3 / 10


@pytest.mark.parametrize("against", AGAINST)
def test_bytes_are_those_of_the_docs(against: str) -> None:
    """A slot holds what the bank's notes say, against any reference."""
    bank: ReferenceBank = BinnedBankOf(100, against=against)
    rows, ring = (3, 200) if against == "previous" else (2, 200 + 500 * (against == "sliding"))
    assert bank.nbytes() / 100 == 24 + 8 * 96 + 2 * 32 * rows + ring


class BinnedBankOf(BinnedBank):
    """A bank of Kolmogorov-Smirnov tests by another name."""

    kind = by.KS
    owner = "BinnedBankOf"


@pytest.mark.parametrize("against", AGAINST)
@pytest.mark.parametrize(
    ("name", "value"),
    [("cursor", 10_000), ("cursor", -1), ("ring", 255), ("held", 7), ("bins", 33), ("seen", 501)],
)
def test_a_state_out_of_range_is_refused(name: str, value: int, against: str) -> None:
    """A state that would lead the loop out of its arrays is refused, and nothing changes."""
    bank = BinnedBankOf(2, against=against)
    bank.update(np.random.default_rng(1).normal(size=(2, 900)))
    state = bank.state()
    wrong = {key: array.copy() for key, array in state.items()}
    wrong[name][1] = value
    with pytest.raises(StateError, match=name):
        bank.load(wrong)
    assert all((bank.state()[key] == array).all() for key, array in state.items())
