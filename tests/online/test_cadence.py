"""Updates of what was learned go on whatever time a single event has."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from online.model_streams import LINEAR, changing
from online.outcome_streams import NOW, config, outcome

from streamproc.online.cadence import Cadence
from streamproc.online.partition_models import PartitionModels
from streamproc.online.state_codec import pack, unpack

BEGIN = 1_700_000_000
SETTLED = config(LINEAR["binary"], interval="10s")
FAR = datetime(9999, 6, 1, tzinfo=UTC)
HALF_DAY_AHEAD = datetime.fromtimestamp(BEGIN + 43_200, UTC)


def labels(count: int, start: int = 0) -> list[Any]:
    """Make a labelled outcome every second."""
    rows = changing("binary", count, count)
    return [
        outcome(start + place, start + place, "labelled", features=row, label=y)
        for place, (row, y) in enumerate(rows)
    ]


def with_time(record: Any, ts: datetime) -> Any:
    """Return an outcome of another time."""
    fields = msgspec.json.decode(record.value) | {"ts": ts}
    return outcome(record.offset, fields.pop("event_id"), fields.pop("status"), **fields)


def offsets(learned: Any) -> list[int]:
    """Return where updates were due."""
    return [update.source.offset for update in learned.updates if update.step == "learned"]


@pytest.mark.parametrize("ts", [FAR, HALF_DAY_AHEAD, datetime(1938, 4, 24, tzinfo=UTC)])
@pytest.mark.parametrize("place", [0, 1, 95])
def test_one_wrong_time_does_not_stop_the_updates(place: int, ts: datetime) -> None:
    """What is learned goes on being published, every interval of the other events."""
    records = labels(300)
    records[place] = with_time(records[place], ts)

    found = offsets(PartitionModels(SETTLED, "outcomes", 0).process(records, NOW))

    assert max(later - earlier for earlier, later in pairwise([0, *found, 299])) <= 20
    assert len(found) <= 300 / 10 + 2


def test_times_that_are_right_have_their_updates_where_they_had_them() -> None:
    """Without wrong times an update is due at the first label after each interval."""
    found = offsets(PartitionModels(SETTLED, "outcomes", 0).process(labels(200), NOW))

    assert found == list(range(10, 200, 10))


def test_a_state_of_before_with_a_wrong_time_recovers() -> None:
    """A model whose last update was of the year 9999 reports again."""
    before = PartitionModels(SETTLED, "outcomes", 0)
    before.process(labels(50), NOW)
    written = unpack(before.state())
    [seat] = written.pop("seats")
    del seat[4]["cadence"], written["schema"]
    seat[4]["told"] = FAR.timestamp()
    after = PartitionModels(SETTLED, "outcomes", 0)
    after.restore(b"".join(pack(written, [seat])))

    found = offsets(after.process(labels(100, 50), NOW))

    assert len(found) >= 9


@given(st.lists(st.floats(0, 1000).map(lambda time: round(time, 1)), max_size=60), st.integers(0))
def test_a_cadence_goes_on_from_its_state(times: list[float], cut: int) -> None:
    """Saved and restored anywhere, the same updates are due."""
    whole, first, second = Cadence(10.0, 50.0), Cadence(10.0, 50.0), Cadence(10.0, 50.0)
    cut %= len(times) + 1

    found = [first.take(time) for time in times[:cut]]
    second.load(msgspec.msgpack.decode(msgspec.msgpack.encode(first.dump())))
    found += [second.take(time) for time in times[cut:]]

    assert found == [whole.take(time) for time in times]


@given(st.lists(st.floats(0, 30), max_size=60))
def test_ordered_times_are_reported_greedily(gaps: list[float]) -> None:
    """Of times in order, an update is due whenever the last is an interval ago."""
    cadence, time, last = Cadence(10.0, 1e6), 0.0, None
    for gap in gaps:
        time += gap
        due = cadence.take(time)
        if last is None:
            last = time
        assert due == (time - last >= 10.0)
        last = time if due else last
