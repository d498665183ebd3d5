import math

from hypothesis import given
from hypothesis import strategies as st

from streamproc.alerting.effect_size import size_of
from streamproc.detectors.series.category_counts import CategoryDistribution, ShareChange
from streamproc.detectors.series.change_points import Change, Moments
from streamproc.schemas.effect_size import MAX_SIZE, MIN_SIZE

ANY = st.floats(allow_nan=False, allow_infinity=False)


def moved(before: tuple[float, float], after: tuple[float, float]) -> float:
    """Return the size of a change from one mean and deviation to another."""
    return size_of(Change(Moments(500, *before), Moments(30, *after), 0.0, 500, "up"))


def mixed(before: dict[float, float], after: dict[float, float]) -> float:
    """Return the size of a change of shares."""
    keys = before.keys() | after.keys()
    sides = [
        CategoryDistribution(500, {key: each.get(key, 0.0) for key in keys}, 0.0)
        for each in (before, after)
    ]
    return size_of(ShareChange(*sides, ts=0.0, offset=500))


@given(ANY, ANY.map(abs), ANY, ANY.map(abs))
def test_a_change_has_a_finite_size(mean: float, std: float, later: float, spread: float) -> None:
    """Whatever the numbers, subnormal and huge ones too, a size is within its bounds."""
    assert MIN_SIZE <= moved((mean, std), (later, spread)) <= MAX_SIZE


@given(st.floats(0.1, 10), st.floats(-3, 3), st.floats(0.1, 5), st.integers(-40, 40))
def test_a_size_has_no_unit(std: float, by: float, spread: float, exponent: int) -> None:
    """Times 2ⁿ, and the size is the same to the bit."""
    unit = 2.0**exponent
    plain = moved((0.0, std), (by, spread))
    assert moved((0.0, std * unit), (by * unit, spread * unit)) == plain


def test_a_size_is_in_deviations_before_the_change() -> None:
    """Two deviations are two, a spread that doubles is one, a constant that moves is the most."""
    assert moved((10, 2), (14, 2)) == 2
    assert moved((10, 2), (10, 4)) == 1
    assert moved((10, 0), (11, 0)) == MAX_SIZE
    assert moved((10, 0), (10, 0)) == MIN_SIZE


def test_a_text_counts_as_a_rate() -> None:
    """Shares that move by a fifth are as large as a boolean that moves by as much."""
    rate = moved((0.2, 0.4), (0.4, math.sqrt(0.24)))
    assert mixed({1.0: 0.2, 2.0: 0.8}, {1.0: 0.4, 2.0: 0.6}) == rate
    three = mixed({1.0: 0.1, 2.0: 0.8, 3.0: 0.1}, {1.0: 0.2, 2.0: 0.6, 3.0: 0.2})
    assert math.isclose(three, rate)
    assert mixed({1.0: 1.0}, {2.0: 1.0}) == MAX_SIZE
    assert mixed({1.0: 1.0}, {1.0: 1.0}) == MIN_SIZE
