import pytest

from streamproc.alerting import end_messages, messages
from streamproc.alerting.level import Level
from streamproc.schemas.alerts import Summary


def summary(mean: float | None, std: float | None = 1.0, n: int = 500) -> Summary:
    """Describe a stretch of a series."""
    return Summary(n=n, mean=mean, std=std)


@pytest.mark.parametrize(
    ("series", "before", "after", "said"),
    [
        (
            "feature:amount",
            summary(41.2, 18),
            summary(4120, 1800),
            "feature 'amount' of model 'm' rose from 41.2 to 4120 (×100)",
        ),
        (
            "feature:age",
            summary(40, 10),
            summary(35, 10),
            "feature 'age' of model 'm' fell from 40 to 35 (-0.5 standard deviations)",
        ),
        (
            "feature:x",
            summary(0.0, 1.0),
            summary(0.1, 3.0),
            "feature 'x' of model 'm' changed its spread from ±1 to ±3 around 0.1",
        ),
        (
            "feature:x",
            summary(5.0, 0.0),
            summary(6.0, 0.0),
            "feature 'x' of model 'm' rose from 5 to 6",
        ),
        ("prediction", summary(0.1), summary(0.9), "prediction of model 'm' rose from 0.1 to 0.9"),
        (
            "prediction:cat",
            summary(0.5, 0.1),
            summary(0.2, 0.1),
            "prediction of class 'cat' by model 'm' fell from 0.5 to 0.2 (×0.4)",
        ),
        (
            "quality:age",
            summary(0.01),
            summary(1.0),
            "feature 'age' of model 'm' is missing in 100 % of events (before: 1 %)",
        ),
        (
            "feature:x",
            summary(10_000.0, 1.0),
            summary(10_003.0, 1.0),
            "feature 'x' of model 'm' rose from 10000 to 10003 (+3 standard deviations)",
        ),
        (
            "feature:flag",
            summary(0.002, (0.002 * 0.998 * 500 / 499) ** 0.5),
            summary(0.02, (0.02 * 0.98 * 500 / 499) ** 0.5),
            "feature 'flag' of model 'm' rose: it is 1 in 2 % of events (before: 0.2 %)",
        ),
        (
            "feature:flag",
            summary(0.0, 0.0),
            summary(0.02, (0.02 * 0.98 * 500 / 499) ** 0.5),
            "feature 'flag' of model 'm' rose: it is 1 in 2 % of events (before: 0 %)",
        ),
        (
            "feature:amount",
            summary(47.02, 5.0),
            summary(49_374.0, 5_000.0),
            "feature 'amount' of model 'm' rose from 47.02 to 49370 (×1050)",
        ),
        (
            "feature:x",
            summary(0.0, 1.0),
            summary(-380.0, 1.0),
            "feature 'x' of model 'm' fell from 0 to -380 (-380 standard deviations)",
        ),
        ("feature:x", summary(None), summary(1.0), "feature 'x' of model 'm' changed"),
        (
            "features",
            summary(0.0),
            summary(0.8),
            "the joint distribution of the numeric features of model 'm' changed",
        ),
        (
            "features",
            summary(0.8),
            summary(0.0),
            "the joint distribution of the numeric features of model 'm' is nearer to its ",
        ),
    ],
)
def test_the_sentence_says_what_changed(
    series: str, before: Summary, after: Summary, said: str
) -> None:
    """The message has the series, the levels and the size of the change, in plain words."""
    assert messages.change(messages.SeriesLabel(series, "m"), before, after).startswith(said)


def test_a_spread_that_changed_is_told_as_such_whatever_the_few_values_since_average() -> None:
    """Whose mean has not moved but by chance did not rise."""
    before, after = summary(0.0), summary(0.4, 2.0, 30)
    said = messages.change(messages.SeriesLabel("feature:x", "m"), before, after, spread=True)
    assert said == "feature 'x' of model 'm' changed its spread from ±1 to ±2 around 0.4"


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (summary(0.1, 2.0), "0.1 ± 2, for 500 values (before the incident: 0 ± 1)"),
        (summary(3.0, 1.2), "3, for 500 values (before the incident: 0)"),
    ],
)
def test_where_a_series_settled_is_told_with_the_spread_if_that_is_what_changed(
    now: Summary, said: str
) -> None:
    """What changed is what one wants to know of the end."""
    label = messages.SeriesLabel("feature:x", "m")
    levels = [Level(each.n, each.mean, each.std) for each in (summary(0.0), now)]
    message = end_messages.settled(label, *levels)
    assert message.startswith(f"feature 'x' of model 'm' has settled at {said}; it is open until")


def test_what_settled_beside_its_old_level_is_written_so_that_both_differ() -> None:
    """10,001 is not 10,000, although four digits are those of 10,000."""
    label = messages.SeriesLabel("feature:x", "m")
    message = end_messages.settled(label, Level(500, 9_999.98, 0.8), Level(200, 10_001.02, 0.8))
    assert "has settled at 10001.02, for 200 values (before the incident: 9999.98)" in message


def test_flags_settle_at_a_share_of_events() -> None:
    """True and false have no level of .43."""
    label = messages.SeriesLabel("feature:x", "m")
    levels = [Level(n, p, (p * (1 - p) * n / (n - 1)) ** 0.5) for n, p in ((900, 0.3), (200, 0.43))]
    message = end_messages.settled(label, *levels)
    assert "has settled: it is 1 in 43 % of events, for 200 values (before the incident: 30 %)" in (
        message
    )
