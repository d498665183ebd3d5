import pytest
from label_logs import BEGIN, DAY, join, tagged

from streamproc.join.entry import InputLog


def test_coverage_is_the_share_of_events_with_a_label_by_age() -> None:
    """Half of the events get a label within a minute, a quarter within a day: so it is told."""
    target = join("7d")
    events, labels = [], []
    for number in range(2400):
        name, ts = {"model_id": "m", "event_id": f"e{number}"}, BEGIN + number * DAY / 100
        events.append(name | {"ts": ts, "prediction": 0.5})
        if number % 4 != 3:
            delay = 30.0 if number % 2 == 0 else DAY / 2
            labels.append(name | {"ts": ts + delay, "label": 1})
    labels.sort(key=lambda label: label["ts"])
    records = [*tagged(InputLog.PREDICTIONS, events), *tagged(InputLog.LABELS, labels)]
    times = [event["ts"] for event in [*events, *labels]]

    target.process([records[i] for i in sorted(range(len(times)), key=times.__getitem__)])

    share = target.coverage("m")
    assert [*share] == [60.0, 3600.0, DAY, 7 * DAY]
    assert [share[60.0], share[3600.0]] == pytest.approx([0.5, 0.5], abs=0.01)
    assert [share[DAY], share[7 * DAY]] == pytest.approx([0.75, 0.75], abs=0.01)


def test_a_model_that_was_never_heard_of_has_no_coverage() -> None:
    """Nothing is said rather than zero."""
    assert join().coverage("m") == {}
