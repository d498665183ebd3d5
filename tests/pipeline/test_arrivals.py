"""Models that fall silent, and models that send more or fewer events than usual."""

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_logs import record, run, shard, state

from streamproc.decode.event_schema import Topic
from streamproc.monitor import LogRecord
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode
from streamproc.schemas.alerts import AlertEvent

MONDAY = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
ARRIVALS_ONLY = {"models": [{"id": "*", "watch": []}]}
Times = Iterator[float]


def every(step: float, start: float, stop: float, offset: float = 0.0) -> list[float]:
    """Return times from `start` to `stop`, in seconds after a Monday."""
    return (np.arange(start, stop, step) + offset).tolist()


def log_of(**models: list[float]) -> list[LogRecord]:
    """Return the records of models whose events come at these times."""
    events = sorted((at, model) for model, times in models.items() for at in times)
    return [
        record(offset, {"model_id": model, "ts": MONDAY + at, "features": {"a": 1.0}})
        for offset, (at, model) in enumerate(events)
    ]


def alerts_of(log: list[LogRecord], config: Any = ARRIVALS_ONLY) -> list[AlertEvent]:
    """Return the alerts about the arrival of events."""
    return [
        alert
        for alert in run(shard(config, Topic.FEATURES), log).alerts
        if alert.series == "events"
    ]


def of_model(name: str, **fields: Any) -> dict[str, Any]:
    """Return a configuration of one model, the others with the defaults."""
    return {"models": [{"id": name, "watch": [], **fields}, {"id": "*", "watch": []}]}


def _time(each: LogRecord) -> float:
    """Return the time of a record's event, in seconds after the Monday."""
    return float(json.loads(each.value or b"")["ts"]) - MONDAY


def hours_after(alert: AlertEvent, at: float) -> float:
    """Return how long after a time an alert came."""
    return (alert.ts.timestamp() - MONDAY - at) / HOUR


STOP = 8 * DAY
STEADY = every(MINUTE, 0, STOP)
BACK_AT = STOP + 5 * HOUR
OUTAGE = log_of(
    steady=STEADY + every(MINUTE, BACK_AT, STOP + DAY), other=every(MINUTE, 0, STOP + DAY, 30.0)
)


def test_a_silent_model_is_reported_within_the_hour() -> None:
    """A model with an event a minute that stops is an alert of kind silence, and so is its end."""
    fired, ended = alerts_of(OUTAGE)

    assert (fired.status, fired.kind, fired.model_id) == ("firing", "silence", "steady")
    assert hours_after(fired, STOP) < 1
    assert "no events since about 2026-01-12 23:57 UTC" in fired.message
    assert (ended.status, ended.reason) == ("resolved", "recovered")
    assert ended.incident_id == fired.incident_id
    assert 0 <= hours_after(ended, BACK_AT) < 0.1


def test_a_silent_model_counts_as_an_open_incident() -> None:
    """`streamproc_model_incidents_open` counts a silence while it lasts."""
    target = shard(ARRIVALS_ONLY, Topic.FEATURES)
    back = next(at for at, each in enumerate(OUTAGE) if _time(each) >= BACK_AT)
    run(target, OUTAGE[:back])

    assert target.open_incidents == {"steady": ["silence"]}
    run(target, OUTAGE[back:])
    assert target.open_incidents == {}


def office(weeks: int) -> list[float]:
    """Return the times of a model that sends on working days from 8 to 18."""
    days = [day for day in range(7 * weeks) if day % 7 < 5]
    return [at for day in days for at in every(MINUTE, day * DAY + 8 * HOUR, day * DAY + 18 * HOUR)]


def test_nights_and_weekends_are_no_silence() -> None:
    """A model that rests at night and at the weekend pages nobody while others go on."""
    log = log_of(office=office(4), other=every(10 * MINUTE, 0, 28 * DAY))

    assert alerts_of(log) == []


def test_a_model_of_office_hours_is_missed_at_its_hours() -> None:
    """Its rhythm, not its nights, decide how long such a model may be silent on a working day."""
    stopped = 21 * DAY + 10 * HOUR
    times = [at for at in office(4) if at < stopped]
    fired, *_ = alerts_of(log_of(office=times, other=every(10 * MINUTE, 0, 28 * DAY)))

    assert fired.kind == "silence"
    assert hours_after(fired, stopped) < 4


def test_an_outage_of_all_models_is_nobody_s_silence() -> None:
    """If all models of a partition stop, event time stands still, and no model is accused."""
    both = [at for at in STEADY if not 5 * DAY < at < 5.5 * DAY]

    assert alerts_of(log_of(one=both, two=[at + 20 for at in both])) == []


def test_the_longest_gap_can_be_set_by_hand() -> None:
    """`silence: {after: 2h}` reports a model after two hours, from its first event on."""
    log = log_of(rare=[0.0], other=every(MINUTE, 0, 3 * HOUR))

    assert alerts_of(log) == []
    (fired,) = alerts_of(log, of_model("rare", silence={"after": "2h"}))
    assert hours_after(fired, 0) == pytest.approx(2, abs=0.1)


def test_silence_can_be_switched_off() -> None:
    """With `silence: {watch: false}` a model may come and go."""
    assert alerts_of(OUTAGE, of_model("steady", silence={"watch": False}, volume=False)) == []


def test_a_model_that_ended_for_good_is_accepted() -> None:
    """After `policy.accept_after` its incident is resolved, and it is not reported again."""
    log = log_of(steady=STEADY, other=every(10 * MINUTE, 0, 12 * DAY))
    fired, ended = alerts_of(log, ARRIVALS_ONLY | {"policy": {"accept_after": "2d"}})

    assert (ended.status, ended.reason) == ("resolved", "accepted")
    assert ended.incident_id == fired.incident_id
    assert (ended.ts - fired.ts).total_seconds() == pytest.approx(2 * DAY, abs=HOUR)


def thinned(times: list[float], start: float, keep: int) -> list[float]:
    """Return times of which only one in `keep` is left from `start` on."""
    return [at for index, at in enumerate(times) if at < start or index % keep == 0]


@pytest.mark.parametrize(
    ("changed", "verb"),
    [
        (thinned(every(20.0, 0, 12 * DAY), 10 * DAY, 10), "fell to 10"),
        (every(60.0, 0, 10 * DAY) + every(20.0, 10 * DAY, 12 * DAY), "rose to 3"),
    ],
    ids=["a tenth", "three times"],
)
def test_another_volume_is_reported(changed: list[float], verb: str) -> None:
    """A tenth of the usual events, or three times as many, is an alert of kind data in hours."""
    fired, *_ = alerts_of(log_of(model=changed, other=every(MINUTE, 0, 12 * DAY)))

    assert (fired.kind, fired.detector, fired.model_id) == ("data", "volume", "model")
    assert verb in fired.message
    assert hours_after(fired, 10 * DAY) < 5
    assert fired.before is not None
    assert fired.after is not None


def test_the_usual_volume_ends_the_incident() -> None:
    """When as many events come as before, the incident is resolved as recovered."""
    times = (
        every(20.0, 0, 10 * DAY)
        + every(200.0, 10 * DAY, 11 * DAY)
        + every(20.0, 11 * DAY, 12 * DAY)
    )
    fired, ended = alerts_of(log_of(model=times, other=every(MINUTE, 0, 12 * DAY)))

    assert (ended.status, ended.reason) == ("resolved", "recovered")
    assert ended.incident_id == fired.incident_id
    assert 0 < hours_after(ended, 11 * DAY) < 5


def test_another_volume_is_accepted() -> None:
    """A volume that stays is the usual one after `policy.accept_after`."""
    times = every(MINUTE, 0, 10 * DAY) + every(10.0, 10 * DAY, 14 * DAY)
    config = ARRIVALS_ONLY | {"policy": {"accept_after": "1d"}}
    alerts = alerts_of(log_of(model=times, other=every(MINUTE, 0, 14 * DAY)), config)

    assert [(alert.status, alert.reason) for alert in alerts] == [
        ("firing", None),
        ("resolved", "accepted"),
    ]


def test_a_few_wrong_times_make_nobody_silent() -> None:
    """Single events that are years ahead do not move the clock of a partition."""
    log = log_of(one=STEADY, two=every(MINUTE, 0, STOP, 30.0))
    for at in range(500, len(log), 997):
        log[at] = record(at, {"model_id": "two", "ts": MONDAY + 900 * DAY, "features": {"a": 1.0}})

    assert alerts_of(log) == []


def test_silence_is_found_after_a_burst_of_wrong_times() -> None:
    """A clock that many wrong times moved into the future is set back, and silence is found."""
    before, late = every(20.0, 0, STOP, 3.0), every(20.0, STOP, STOP + 4 * DAY, 3.0)
    stopped = STOP + 3 * DAY
    wrong = [900 * DAY + at for at in range(5)]
    log = log_of(one=STEADY, two=before)
    events = [*wrong, *late, *every(MINUTE, STOP, stopped)]
    events = wrong + sorted(events[len(wrong) :])
    for offset, at in enumerate(events, len(log)):
        model = "two" if at % 20 == 3 or at > 900 * DAY else "one"
        log.append(record(offset, {"model_id": model, "ts": MONDAY + at, "features": {"a": 1.0}}))
    alerts = [alert for alert in alerts_of(log) if alert.kind == "silence"]

    assert [alert.model_id for alert in alerts] == ["one"]
    assert 0 < hours_after(alerts[0], stopped) < 2


def eventful() -> list[LogRecord]:
    """Return a log with silences, volumes that change, wrong times and new models."""
    quarter = 15 * MINUTE
    log = log_of(
        silent=every(quarter, 0, 9 * DAY) + every(quarter, 10.5 * DAY, 12 * DAY),
        loud=every(quarter, 0, 9 * DAY, 7.0) + every(60.0, 9 * DAY, 9.5 * DAY, 7.0),
        other=every(30 * MINUTE, 0, 12 * DAY, 11.0),
        late=every(quarter, 3 * DAY, 12 * DAY, 13.0),
    )
    for at in range(700, len(log), 211):
        log[at] = record(at, {"model_id": "other", "ts": MONDAY + 99 * DAY, "features": {"b": 1.0}})
    return log


LOG = eventful()
CONFIG = of_model("late", silence={"after": "3h"}) | {"policy": {"accept_after": "1d"}}


def in_one_slice() -> tuple[Any, Any]:
    """Return what comes of the log in one slice."""
    target = shard(CONFIG, Topic.FEATURES)
    return run(target, LOG), state(target)


UNSPLIT = in_one_slice()


def test_the_log_has_alerts() -> None:
    """The log of the tests of splits has silences and volumes, that begin and end."""
    found = {(a.detector, a.status) for a in UNSPLIT[0].alerts if a.series == "events"}

    assert found >= {("silence", "firing"), ("silence", "resolved"), ("volume", "firing")}


@settings(max_examples=15)
@given(cuts=st.sets(st.integers(1, len(LOG) - 1), max_size=40))
def test_any_split_gives_the_same_arrivals(cuts: set[int]) -> None:
    """However a log is cut into slices, alerts and state are the same."""
    target = shard(CONFIG, Topic.FEATURES)

    assert run(target, LOG, cuts) == UNSPLIT[0]
    assert state(target) == UNSPLIT[1]


def test_one_record_at_a_time_gives_the_same_arrivals() -> None:
    """A slice of one record is a split too."""
    target = shard(CONFIG, Topic.FEATURES)

    assert run(target, LOG, range(1, len(LOG))) == UNSPLIT[0]
    assert state(target) == UNSPLIT[1]


def resumed(data: Callable[[bytes], bytes], at: int) -> list[AlertEvent]:
    """Return the alerts of the log with a snapshot and a restart before record `at`."""
    first = shard(CONFIG, Topic.FEATURES)
    alerts = run(first, LOG[:at]).alerts
    snapshot = decode(data(encode(first, "features", 0, at)))
    second = restore(snapshot, Topic.FEATURES, "features", 0, first.catalogue.config).shard
    return alerts + run(second, LOG[at:]).alerts


@pytest.mark.parametrize("share", [0.1, 0.5, 0.78, 0.8, 0.9])
def test_arrivals_survive_a_restart(share: float) -> None:
    """After a restart the same alerts follow, also within a silence."""
    assert resumed(lambda data: data, int(share * len(LOG))) == UNSPLIT[0].alerts


def test_a_snapshot_without_arrivals_is_read() -> None:
    """A snapshot of an earlier version is read; rhythms are learned from there on."""
    first = shard(CONFIG, Topic.FEATURES)
    run(first, LOG[:2000])
    snapshot = decode(encode(first, "features", 0, 2000))
    for name in [name for name in snapshot.arrays if name.startswith("arrivals: ")]:
        del snapshot.arrays[name]
    second = restore(snapshot, Topic.FEATURES, "features", 0, first.catalogue.config).shard

    assert run(second, LOG[2000:]).events == len(LOG) - 2000


def test_an_evicted_model_ends_its_silence() -> None:
    """A silent model that is forgotten, since others need its room, leaves no open incident."""
    config = of_model("rare", silence={"after": "1h"}) | {"limits": {"max_series": 2}}
    config["models"][0]["watch"] = config["models"][1]["watch"] = [
        {"on": "feature:a", "detectors": ["adwin"]}
    ]
    times = {
        "rare": [0.0],
        "other": every(MINUTE, 0, 8 * HOUR),
        "new": every(MINUTE, 7 * HOUR, 8 * HOUR),
    }
    fired, ended = alerts_of(log_of(**times), config)

    assert (ended.status, ended.reason) == ("resolved", "superseded")
    assert ended.incident_id == fired.incident_id


def test_outcomes_have_no_silence() -> None:
    """Versions of a model come to an end as others replace them: their outcomes may end."""
    target = shard(ARRIVALS_ONLY, Topic.OUTCOMES)

    assert not target.arrivals.open
    assert list(itertools.chain(target.arrivals.arrivals.counts)) == []
