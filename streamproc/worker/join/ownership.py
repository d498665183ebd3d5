"""How the owner of a partition comes by its store, and by the right to write its outcomes.

1. The store must be of the past that the topics have; else it is made anew.
2. The mark of a new epoch ends the right of all owners before.
3. What they have written since the store's place is noted, so that it is not written again.
"""

import logging
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from streamproc.join.entry import InputLog
from streamproc.performance.outcome_log import OutcomeLog, OutcomeRow
from streamproc.worker.join.outcome_writer import FencedError, OutcomeWriter, fingerprint
from streamproc.worker.join.store import Store

Bounds = Mapping[InputLog, tuple[int, int]]

_PORTION: Final = 5000

_log = logging.getLogger(__name__)


async def mismatch(
    store: Store, outcomes: OutcomeWriter, inputs: Bounds, rewound: Collection[InputLog] = ()
) -> str | None:
    """Return why a store is not of the past of these topics; None when it is.

    Parameters
    ----------
    store
        That of the partition.
    outcomes
        Those of the partition.
    inputs
        First offset and the one after the last, of each log.
    rewound
        Logs whose last record that was joined is no longer there, or another one.
    """
    place = store.place
    if not place.outcomes:
        return "new"
    begin, end = await outcomes.bounds()
    if (
        rewound
        or place.outcomes > end
        or any(place.positions.get(log, 0) > last for log, (_, last) in inputs.items())
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
) -> None:
    """Begin an epoch, and note what was told since the store's place; nothing is committed.

    Parameters
    ----------
    store
        Empty, or of the past of these topics.
    outcomes
        Those of the partition; `acquire` sets their place.
    generation
        Of the group.
    progress
        Called with the number of outcomes that were read.
    """
    place = store.place
    begin, end = await outcomes.bounds()
    if not place.outcomes:
        place.outcomes = begin
        place.silent_before = await _first_time(outcomes, begin, end)
    outcomes.next = place.outcomes
    log = OutcomeLog(place.epoch, place.seq, group=outcomes.group)
    await _note(store, outcomes, log, end, progress)
    epoch, writer = max(generation, log.epoch + 1), uuid.uuid4().hex
    while True:
        outcomes.next = end
        try:
            mark = await outcomes.claim(epoch, writer)
        except FencedError:
            epoch += 1
        else:
            break
    await _note(store, outcomes, log, mark.offset, progress, end)
    _log.info(
        "%s-%d: epoch %d begins at offset %d",
        outcomes.topic,
        outcomes.partition,
        epoch,
        mark.offset,
    )
    place.outcomes, place.tail = outcomes.next, outcomes.tail
    place.epoch, place.seq = epoch, -1


async def _note(
    store: Store,
    outcomes: OutcomeWriter,
    log: OutcomeLog,
    stop: int,
    progress: Callable[[int], object],
    start: int | None = None,
) -> None:
    """Note the outcomes up to an offset that count."""
    portion: list[Any] = []
    async for record in outcomes.read(store.place.outcomes if start is None else start, stop):
        portion.append(record)
        if len(portion) >= _PORTION:
            _tell(store, log, portion)
            progress(len(portion))
            portion = []
    _tell(store, log, portion)


def _tell(store: Store, log: OutcomeLog, records: list[Any]) -> None:
    rows = [counted.row for counted in log.read(records)]
    store.tell([row.outcome_id for row in rows if isinstance(row, OutcomeRow)])


async def _first_time(outcomes: OutcomeWriter, begin: int, end: int) -> int:
    """Return the time of the first outcome that is still there; 0 while all are."""
    if begin == 0:
        return 0
    async for record in outcomes.read(begin, end):
        return int(record.timestamp)
    return 0
