from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from worker.records_of import slices
from worker.running import total
from worker.scenarios import payloads

from streamproc.config.config import Config
from streamproc.driver.slices import Slice
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.records import DeadLetter
from streamproc.worker.metrics import Metrics
from streamproc.worker.offsets import PartitionOffsets
from streamproc.worker.pipeline import Pipeline

HERE = ("predictions", 0)


class Shelf:
    """An outbox that keeps what it is given."""

    def __init__(self) -> None:
        self.alerts: list[AlertEvent] = []
        self.dead_letters: list[DeadLetter] = []

    async def publish(
        self, alerts: Sequence[AlertEvent], dead_letters: Sequence[DeadLetter]
    ) -> frozenset[str]:
        """Keep them."""
        self.alerts += alerts
        self.dead_letters += dead_letters
        return frozenset()


class Line(Pipeline):
    """A pipeline whose alerts and metrics a test can look at."""

    def __init__(self) -> None:
        self.shelf: Any = Shelf()
        self.registry = CollectorRegistry()
        super().__init__(Config(), self.shelf, Metrics(self.registry), clock=lambda: 1_767_225_630)

    async def all(self, *parts: Slice) -> dict[str, Any]:
        """Handle slices; return what came of all so far, none twice."""
        for part in parts:
            await self.handle(part)
        assert len(payloads(self.shelf.alerts)) == len(self.shelf.alerts)
        return payloads(self.shelf.alerts)


async def test_slices_that_come_again_change_nothing() -> None:
    """However many slices a seek repeats, and however they are cut then, each is watched once."""
    log = slices(0, 2600, 100)
    wanted = await Line().all(*log)
    assert {alert["status"] for alert in wanted.values()} == {"firing", "settled"}
    line = Line()
    assert await line.all(*log[:15], *slices(0, 2600, 70)) == wanted
    assert total(line.registry, "events_total") == 2600
    assert total(line.registry, "records_total") == 2600


async def test_the_latency_of_an_alert_is_of_its_own_record() -> None:
    """The latency counts from the record that an alert comes from, in a repeated slice too."""
    line = Line()
    await line.all(*slices(0, 1000, 1000), *slices(0, 2600, 2600))
    assert total(line.registry, "event_to_alert_seconds_count") == 2
    assert total(line.registry, "event_to_alert_seconds_sum") == pytest.approx(60)


async def test_a_partition_that_went_away_starts_anew() -> None:
    """What another owner advances is forgotten, with its figures."""
    line = Line()
    line.retain({HERE})
    await line.all(*slices(0, 1000, 1000))
    line.gauge(lambda _: PartitionOffsets(1000, 1000, 1000))
    assert total(line.registry, "series", topic="predictions") == 3
    line.retain({("features", 1)})
    assert total(line.registry, "series", topic="predictions") == 0
    line.retain({HERE})
    assert await line.all(*slices(1300, 1800, 100)) == {}  # what moved is normal to it


async def test_a_partition_that_stays_goes_on() -> None:
    """A rebalance that leaves a partition here leaves its state."""
    line = Line()
    for part in slices(0, 2600, 100):
        line.retain({HERE, ("features", part.first_offset)})
        await line.handle(part, PartitionOffsets(committed=part.first_offset, end=2600))
    assert payloads(line.shelf.alerts) == await Line().all(*slices(0, 2600, 100))


async def test_a_state_that_was_overtaken_starts_anew() -> None:
    """A worker that slept while another one handled its partition does not go on as if not."""
    line = Line()
    await line.all(*slices(0, 1200, 100))
    (late,) = slices(1500, 1600, 100)
    await line.handle(late, PartitionOffsets(committed=1500, end=2600))
    line.gauge(lambda _: PartitionOffsets(1600, 1600, 2600))
    assert total(line.registry, "series_warming") == 3


async def test_a_topic_that_was_made_anew_is_read_from_its_start() -> None:
    """Offsets that begin again are not taken for records that were seen."""
    line = Line()
    await line.all(*slices(0, 1200, 100))
    (again,) = slices(0, 100, 100)
    await line.handle(again, PartitionOffsets(committed=1200, end=100))
    assert total(line.registry, "events_total") == 1300


async def test_records_beyond_the_end_that_a_fetch_reported() -> None:
    """A state that has them goes on with those that follow."""
    log = slices(0, 2600, 100)
    line = Line()
    for part in log:
        await line.handle(part, PartitionOffsets(committed=0, end=part.first_offset - 50))
    assert payloads(line.shelf.alerts) == await Line().all(*log)


@pytest.mark.parametrize(
    ("mark", "lag"),
    [
        (PartitionOffsets(), 1),
        (PartitionOffsets(fetched=10), 1),
        (PartitionOffsets(fetched=0, end=10), 10),
        (PartitionOffsets(committed=4, fetched=6, end=10), 6),
        (PartitionOffsets(committed=4, fetched=10, end=10, in_flight=True), 6),
        (PartitionOffsets(committed=9, fetched=10, end=10), 0),
        (PartitionOffsets(fetched=10, end=10), 0),
        (PartitionOffsets(committed=0, fetched=0, end=0), 0),
    ],
)
def test_lag_counts_what_is_not_handled(mark: PartitionOffsets, lag: int) -> None:
    """Lag counts from what was handled, knows when it does not know, and ends at 0."""
    line = Line()
    line.retain({HERE})
    assert line.gauge(lambda _: mark) == lag
    assert total(line.registry, "lag_records", topic="predictions", partition="0") == lag


async def test_records_that_were_not_delivered_are_read_again() -> None:
    """A slice that begins after what is missing is not processed; the partition is read again."""
    log = [replace(part, begin=part.first_offset) for part in slices(0, 2600, 100)]
    wanted = await Line().all(*log)
    line = Line()
    asked: list[Any] = []
    line.on_reread = asked.append
    assert await line.all(*log[:5], *log[6:9]) == await Line().all(*log[:5])
    assert asked == [HERE]
    assert await line.all(*log[5:]) == wanted
    assert total(line.registry, "events_total") == 2600


async def test_records_that_are_missing_a_second_time_are_read_again() -> None:
    """A partition whose position was set may lose records again later."""
    log = [replace(part, begin=part.first_offset) for part in slices(0, 2600, 100)]
    line = Line()
    asked: list[Any] = []
    line.on_reread = asked.append
    await line.all(*log[:5], log[6], *log[5:9], log[10])
    assert asked == [HERE, HERE]
    assert total(line.registry, "events_total") == 900


async def test_offsets_without_a_record_are_no_loss() -> None:
    """Where the log itself has no records, as after a transaction, nothing is read again."""
    log = slices(0, 2600, 100)
    gaps = [replace(part, begin=part.first_offset) for part in log[:5]]
    gaps += [replace(log[6], begin=log[5].first_offset)]
    line = Line()
    line.on_reread = pytest.fail
    await line.all(*gaps)
    assert total(line.registry, "events_total") == 600
