"""Keep the detectors of a partition to its share of the budget for false alarms."""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from streamproc.alerting.budget_alerts import BUDGET, budget_alert
from streamproc.alerting.origin import Origin
from streamproc.config.config import Config
from streamproc.detect.detector_group import DetectorGroup
from streamproc.detect.run_lengths import RunLengths, choose
from streamproc.detect.series_registry import SeriesRegistry
from streamproc.pipeline.event_days import SECONDS, EventDays
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.records import Record, SliceResult
from streamproc.state.json_array import from_json_array, to_json_array
from streamproc.state.snapshot_format import Arrays, SnapshotError

ARRAY: Final = "budget"
"""Name of the array of a snapshot."""
DAYS: Final = 7
"""Days that are remembered; a week is taken to have seven days like the busiest of them."""


class GroupValues(msgspec.Struct):
    """The values that the series of a detector group had: today so far, and on the last days."""

    today: int = 0
    days: list[int] = []


class BudgetState(msgspec.Struct):
    """What a snapshot holds.

    Attributes
    ----------
    days
        The day of the partition.
    groups
        Values by detector group.
    share
        False alarms a week that thresholds were chosen for.
    level
        Run length that they have; None: as configured.
    expected
        False alarms a week that are expected with it; None before the first choice.
    unknown
        Detectors that are not counted.
    checked
        Records of the day at which growth was last looked for.
    """

    days: EventDays
    groups: dict[str, GroupValues]
    share: float
    level: float | None = None
    expected: float | None = None
    unknown: list[str] = []
    checked: int = 0


_decoder: Final[msgspec.json.Decoder[BudgetState | None]] = msgspec.json.Decoder(BudgetState | None)


class BudgetWatch:
    """The run lengths of all detectors of a partition, which follow from the number of values.

    Thresholds are those of the configuration until the first day that was seen as a whole is over.
    Then they are chosen at the end of each day, and within a day when its values have become more
    than on any of the last days. They change at the end of a block of records, so that they do not
    depend on how the log is cut into slices.

    Parameters
    ----------
    catalogue
        The detector groups.
    topic, partition
        Coordinates that the alert contains.
    share
        False alarms a week that the partition may raise.

    Attributes
    ----------
    state
        The day, the values of groups, and what was chosen.
    """

    def __init__(self, catalogue: SeriesRegistry, topic: str, partition: int, share: float) -> None:
        self._catalogue = catalogue
        self._place = topic, partition
        self.state = BudgetState(EventDays(), {}, share)
        self.share = share
        self._base: dict[tuple[str, ...], int] = {}

    @staticmethod
    def of(
        config: Config, catalogue: SeriesRegistry, topic: str, partition: int
    ) -> "BudgetWatch | None":
        """Return that of a partition; None without a budget."""
        if config.budget is None:
            return None
        share = config.budget.of_partition(catalogue.topic.value, config.topics.partitions)
        return BudgetWatch(catalogue, topic, partition, share)

    def run(
        self,
        records: Sequence[Record],
        process: Callable[[Sequence[Record], datetime], SliceResult],
        now: datetime,
    ) -> SliceResult:
        """Process the records of a slice, and look at the budget after each block of them."""
        outcome, days, start = SliceResult(), self.state.days, 0
        while start < len(records):
            stop = min(start + days.left, len(records))
            outcome.extend(process(records[start:stop], now), start)
            if days.advance(stop - start):
                alert = self._end_block(records[stop - 1], now)
                if alert is not None:
                    outcome.alerts.append(alert)
                    outcome.positions.append(stop - 1)
            start = stop
        return outcome

    def _end_block(self, record: Record, now: datetime) -> AlertEvent | None:
        """Choose thresholds if a day is over, or has more values than those before it."""
        state = self.state
        complete, records = state.days.complete, state.days.records
        turn = state.days.end_block()
        if turn == "same":
            is_due = state.level is not None and records >= 2 * max(state.checked, 1)
            if not is_due and state.share == self.share:
                return None
            state.checked = records
            self._count()
        else:
            state.checked = 0
            self._count()
            self._begin_day(complete=complete and turn == "over")
        return self._choose(record, now)

    def _count(self) -> None:
        """Note the values of the day so far."""
        for key, group in self._catalogue.profiles.items():
            found = self.state.groups.setdefault(_name(key), GroupValues())
            found.today = group.values - self._base.get(key, 0)

    def _begin_day(self, *, complete: bool) -> None:
        """Add the day that is over to those that are remembered, unless it was not complete."""
        for key, group in self._catalogue.profiles.items():
            found = self.state.groups[_name(key)]
            if complete:
                found.days = [*found.days, found.today][-DAYS:]
            self._base[key], found.today = group.values, 0

    def _watched(self) -> Iterator[tuple[str, float, RunLengths]]:
        """Yield each detector with the values that it reads in a week."""
        for key, group in self._catalogue.profiles.items():
            found = self.state.groups.get(_name(key))
            if found is not None:
                values = float(DAYS * max(found.today, *found.days, 0))
                for label, lengths in group.run_lengths.items():
                    yield label, values, lengths

    def _choose(self, record: Record, now: datetime) -> AlertEvent | None:
        """Choose the run length, and return an alert if the share cannot be met."""
        state = self.state
        if not any(found.days for found in state.groups.values()):
            return None
        watched = [(values, lengths) for _, values, lengths in self._watched() if values]
        if not watched:
            return None
        state.share = self.share
        state.level, state.expected = choose(watched, self.share)
        state.unknown = sorted(
            {label for label, values, lengths in self._watched() if values and not lengths.known}
        )
        self._tune(state.level)
        reported = self._catalogue.limits_reported
        if (state.expected <= self.share and not state.unknown) or BUDGET in reported:
            return None
        reported.add(BUDGET)
        ts = float((state.days.day or 0) * SECONDS)
        origin = Origin(*self._place, record.offset, 0, ts, None)
        return budget_alert(self.share, state.expected, state.unknown, origin, now)

    def _tune(self, level: float | None) -> None:
        if level == self._catalogue.level:
            return
        self._catalogue.level = level
        for group in self._catalogue.profiles.values():
            group.tune(level)

    def arrays(self) -> Arrays:
        """Return the state as an array of a snapshot."""
        self._count()
        return {ARRAY: to_json_array(self.state)}

    def load(self, state: BudgetState) -> None:
        """Continue the state of a snapshot, once the state of the detectors is there."""
        self.state = state
        known = {_name(key): key for key in self._catalogue.profiles}
        state.groups = {name: found for name, found in state.groups.items() if name in known}
        for name, found in state.groups.items():
            group: DetectorGroup = self._catalogue.profiles[known[name]]
            self._base[known[name]] = group.values - found.today


def read(arrays: Arrays) -> BudgetState | None:
    """Read the state of a snapshot; None if it was written without a budget.

    Raises
    ------
    SnapshotError
        If it cannot be read.
    """
    state = from_json_array(arrays, ARRAY, _decoder, None)
    if state is None:
        return None
    if state.level is not None and not (math.isfinite(state.level) and state.level > 0):
        raise SnapshotError(f"array {ARRAY!r}: no run length can be {state.level}")
    if state.days.left < 1:
        raise SnapshotError(f"array {ARRAY!r}: a block has {state.days.left} records left")
    return state


def untune(catalogue: SeriesRegistry) -> None:
    """Set all thresholds as configured, after a snapshot that was written with a budget."""
    if catalogue.level is not None:
        catalogue.level = None
        for group in catalogue.profiles.values():
            group.tune(None)


def _name(key: tuple[str, ...]) -> str:
    return "-".join(key)
