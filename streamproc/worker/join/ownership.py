"""Acquire a partition's store and the right to write its outcomes.

1. The store must match the topics; otherwise it is rebuilt from them.
2. The mark of a new epoch fences all earlier owners.
3. Outcomes that they wrote after the store's position are noted, so that none is written twice.
"""

import logging
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from streamproc.join.entry import InputLog
from streamproc.performance.outcome_log import AcceptedRecord, OutcomeLog, OutcomeRow
from streamproc.worker.join.outcome_writer import FencedError, OutcomeWriter, fingerprint
from streamproc.worker.join.store import Store

Bounds = Mapping[InputLog, tuple[int, int]]

_PORTION: Final = 5000

_log = logging.getLogger(__name__)


async def mismatch(
    store: Store, outcomes: OutcomeWriter, inputs: Bounds, rewound: Collection[InputLog] = ()
) -> str | None:
    """Return why a store does not match its topics; None if it does.

    Parameters
    ----------
    store
        Store of the partition.
    outcomes
        Outcomes of the partition.
    inputs
        First and end offset of each input log.
    rewound
        Logs whose last joined record was deleted or replaced.

    Returns
    -------
    str or None
        One of `REBUILD_CAUSES`.
    """
    place = store.place
    if not place.outcomes:
        return "new"
    begin, end = await outcomes.bounds(place.outcomes)
    if (
        rewound
        or place.outcomes > end
        # Logs with a mark were compared by their record.
        or any(
            place.positions.get(log, 0) > last and log not in place.marks
            for log, (_, last) in inputs.items()
        )
    ):
        return "topic_made_anew"
    if place.outcomes < begin:
        return "outcomes_gone"
    if place.outcomes > begin:
        async for record in outcomes.read(place.outcomes - 1, place.outcomes):
            if fingerprint(record.key, record.value, record.headers) != place.tail:
                return "topic_made_anew"
    return None


async def acquire(
    store: Store,
    outcomes: OutcomeWriter,
    generation: int,
    progress: Callable[[int], object] = lambda _: None,
) -> dict[str, int]:
    """Begin an epoch, and note the outcomes written after the store's position.

    Parameters
    ----------
    store
        Empty, or matching the topics; it is not committed here.
    outcomes
        Outcomes of the partition; `acquire` sets their position.
    generation
        Generation of the group.
    progress
        Called with the number of outcomes read.

    Returns
    -------
    dict
        By input topic, the offset after the last record that a noted outcome comes from.
    """
    place = store.place
    sources: dict[str, int] = {}

    def note(records: list[Any]) -> None:
        _note_written(store, log.read(records), sources)
        progress(len(records))

    begin, end = await outcomes.bounds()
    if not place.outcomes:
        place.outcomes = begin
        place.silent_before = await _first_time(outcomes, begin, end)
    outcomes.next = place.outcomes
    log = OutcomeLog(place.epoch, place.seq, group=outcomes.group)
    await _read(outcomes, place.outcomes, end, note)
    epoch, writer = max(generation, log.epoch + 1), uuid.uuid4().hex
    while True:
        outcomes.next = end
        try:
            mark = await outcomes.claim(epoch, writer)
        except FencedError:
            epoch += 1
        else:
            break
    await _read(outcomes, end, mark.offset, note)
    _log.info(
        "%s-%d: epoch %d begins at offset %d",
        outcomes.topic,
        outcomes.partition,
        epoch,
        mark.offset,
    )
    place.outcomes, place.tail = outcomes.next, outcomes.tail
    place.epoch, place.seq = epoch, -1
    return sources


async def _read(
    outcomes: OutcomeWriter, start: int, stop: int, note: Callable[[list[Any]], object]
) -> None:
    """Note the records between two offsets, some thousands at a time."""
    portion: list[Any] = []
    async for record in outcomes.read(start, stop):
        portion.append(record)
        if len(portion) >= _PORTION:
            note(portion)
            portion = []
    if portion:
        note(portion)


def _note_written(store: Store, counted: Iterable[AcceptedRecord], sources: dict[str, int]) -> None:
    rows = [each.row for each in counted if isinstance(each.row, OutcomeRow)]
    store.note_written([row.outcome_id for row in rows])
    for row in rows:
        for source in (row.event_source, row.label_source):
            if source is not None:
                sources[source.topic] = max(sources.get(source.topic, 0), source.offset + 1)


async def _first_time(outcomes: OutcomeWriter, begin: int, end: int) -> int:
    """Return the timestamp of the first retained outcome; 0 if none was deleted."""
    if begin == 0:
        return 0
    async for record in outcomes.read(begin, end):
        return int(record.timestamp)
    return 0
