"""Define the models of the scenario, their series and their incidents."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from streamproc.tools.demo.generators import (
    DAY,
    Change,
    Draw,
    amount,
    by_hour,
    count,
    drift,
    duration,
    embedding,
    flag,
    late,
    level,
    missing,
    one_of,
    replaced,
    share,
    times,
)
from streamproc.tools.demo.labels import Truth, logistic

PREDICTION: Final = "prediction"


@dataclass(frozen=True)
class InjectedChange:
    """A change of one column of a model.

    Parameters
    ----------
    title
        A description for people.
    column
        Name of a feature, or ``prediction``.
    series
        The only series that should alarm.
    begins
        Where, as a share of the model's events, or of its history, above 0 and below 1.
    change
        The change of the values from there on.
    within
        Maximum detection delay in values of the series.
    within_share
        The same as a share of the model's events, for what grows with the story; the larger of
        the two counts.
    """

    title: str
    column: str
    series: str
    begins: float
    change: Change
    within: int
    within_share: float = 0.0


@dataclass(frozen=True)
class ModelSpec:
    """A model: what it sees and says, each column independent of all others.

    Parameters
    ----------
    id
        The model_id.
    period
        Seconds of event time between two events, on average.
    features
        Name → how its values are drawn.
    prediction
        How what it says is drawn; None makes feature events, or leaves it to `truth`.
    classes
        The classes of a prediction that is an object of probabilities.
    shown
        The series that the dashboard draws.
    twist
        What happens to one of its columns.
    truth
        What its labels are, and what happens to them; None: it has no labels.
    history
        How many of its events are of the time before the other models begin.
    seasonal
        Series that follow the hour of the day.
    """

    id: str
    period: float
    features: Mapping[str, Draw]
    prediction: Draw | None
    shown: str
    twist: InjectedChange | None = None
    classes: tuple[str, ...] = field(default=())
    truth: Truth | None = None
    history: int = 0
    seasonal: tuple[str, ...] = ()

    @property
    def untouched(self) -> bool:
        """Whether nothing happens to it, so that it must stay silent."""
        return self.twist is None and self.truth is None


MODELS: Final = (
    ModelSpec(
        id="heat-demand",
        period=3600.0,
        features={
            "outdoor_temp": by_hour(4.0, 2.0, 0.3),
            "load_mw": by_hour(40.0, 12.0, 1.2),
            "wind": amount(4.0, 0.4),
            "holiday": flag(0.04),
        },
        prediction=by_hour(40.0, 12.0, 1.2),
        shown=PREDICTION,
        twist=InjectedChange(
            title="forecasts come six hours late: local time was taken for UTC",
            column=PREDICTION,
            series=PREDICTION,
            begins=0.8,
            change=late(6),
            within=24,
        ),
        history=35 * DAY,
        seasonal=("feature:outdoor_temp", "feature:load_mw", PREDICTION),
    ),
    ModelSpec(
        id="card-fraud",
        period=2.0,
        features={
            "amount": amount(38.0, 0.45),
            "country": one_of("DE", "FR", "NL", "PL"),
            "new_device": flag(0.08),
            "account_days": duration(700.0, 1.0, 0),
        },
        prediction=share(0.8, 12.0),
        shown="amount",
        twist=InjectedChange(
            title="amounts arrive in cents, not euros",
            column="amount",
            series="feature:amount",
            begins=0.45,
            change=times(100.0),
            within=64,
        ),
    ),
    ModelSpec(
        id="loan-default",
        period=2.5,
        features={
            "income": level(3200.0, 320.0, 0),
            "debt_ratio": share(2.0, 5.0),
            "employed": flag(0.9),
            "age": level(41.0, 11.0, 0),
        },
        prediction=share(2.0, 18.0),
        shown="income",
        twist=InjectedChange(
            title="incomes creep up, a little with each event",
            column="income",
            series="feature:income",
            begins=0.4,
            change=drift(1500.0),
            within=0,
            within_share=0.5,
        ),
    ),
    ModelSpec(
        id="churn",
        period=2.2,
        features={
            "tenure_months": duration(26.0, 1.5, 0),
            "tickets": count(0.7),
            "monthly_bill": level(54.0, 9.0),
            "contract": flag(0.6),
        },
        prediction=share(3.0, 7.0),
        shown=PREDICTION,
        twist=InjectedChange(
            title="the model answers higher, its features are as ever",
            column=PREDICTION,
            series=PREDICTION,
            begins=0.62,
            change=replaced(share(6.0, 5.0)),
            within=128,
        ),
    ),
    ModelSpec(
        id="delivery-eta",
        period=2.0,
        features={
            "distance_km": duration(6.5, 2.0),
            "items": count(3.0),
            "traffic": level(1.2, 0.25),
            "rain": flag(0.22),
        },
        prediction=duration(31.0, 6.0),
        shown="traffic",
        twist=InjectedChange(
            title="the traffic feed is down: every value is null",
            column="traffic",
            series="quality:traffic",
            begins=0.54,
            change=missing(),
            within=64,
        ),
    ),
    ModelSpec(
        id="cold-chain",
        period=1.8,
        features={
            "temperature": level(-18.0, 0.4),
            "vibration": amount(0.02, 0.5),
            "door_open": flag(0.05),
            "pressure": level(101_325.0, 180.0, 0),
        },
        prediction=None,
        shown="door_open",
        twist=InjectedChange(
            title="a door stands open six times as often",
            column="door_open",
            series="feature:door_open",
            begins=0.7,
            change=replaced(flag(0.3)),
            within=256,
        ),
    ),
    ModelSpec(
        id="search-ranking",
        period=2.0,
        features={
            "query_words": count(2.4),
            "results": amount(140.0, 1.1),
            "device": one_of("phone", "desktop", "tablet"),
            "query_vector": embedding(4),
        },
        prediction=share(1.5, 4.0),
        shown="query_words",
    ),
    ModelSpec(
        id="ticket-router",
        period=2.4,
        features={
            "length": amount(320.0, 0.9),
            "attachments": count(0.3),
            "returning": flag(0.35),
            "weekday_load": level(0.0, 1.0, 3),
        },
        prediction=lambda draw, n: draw.dirichlet((4.0, 2.0, 1.0), n).round(4),
        classes=("billing", "technical", "other"),
        shown="length",
    ),
    ModelSpec(
        id="payments",
        period=0.77,  # labels take more events than features to tell of anything
        features={
            "amount": amount(38.0, 0.5),
            "km_from_home": duration(60.0, 2.0),
            "attempts": count(1.2),
            "night": flag(0.3),
        },
        prediction=None,
        shown="amount",
        truth=Truth(
            title="fraud changes its pattern; each feature looks as ever",
            # Large amounts far from home; then small ones, tried again and again.
            before=logistic(-18.6, amount=0.21, km_from_home=0.085),
            after=logistic(0.5, amount=-0.21, attempts=3.3),
            begins=0.28,
            within=128,
            turned=0.6,
            known=0.97,
        ),
    ),
)
