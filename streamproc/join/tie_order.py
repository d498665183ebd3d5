"""Order events and labels that were written in the same millisecond."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Final

from streamproc.join.entry import InputLog
from streamproc.schemas.ordering_header import events_before
from streamproc.schemas.records import Record

Turn = tuple[float, InputLog, Record]
_LABELS: Final = InputLog.LABELS
_PLACE: Final = itemgetter(0, 1)


def in_tie_order(
    runs: Mapping[InputLog, Sequence[Record]], stamp: int
) -> list[tuple[InputLog, Record]]:
    """Put the records of one millisecond into one order; each log keeps its own.

    If a label's header has the number of its model's events that its producer wrote before it, the
    label comes after as many of them: a publisher at full speed writes dozens of both in a
    millisecond. Otherwise the logs are interleaved evenly, events before labels.

    Parameters
    ----------
    runs
        Records by their log.
    stamp
        The timestamp in milliseconds.
    """
    events = [(log, run) for log, run in runs.items() if log is not _LABELS]
    turns: list[Turn] = [
        ((place + 0.5) / len(run), log, record)
        for log, run in events
        for place, record in enumerate(run)
    ]
    if len(events) > 1:
        turns.sort(key=_PLACE)
    labels = runs.get(_LABELS, ())
    if labels:
        turns += _labels(labels, turns, stamp)
        turns.sort(key=_PLACE)
    return [(log, record) for _, log, record in turns]


def _labels(labels: Sequence[Record], events: Sequence[Turn], stamp: int) -> list[Turn]:
    places: dict[bytes | None, list[float]] = {}
    for place, _, record in events:
        if record.timestamp == stamp:
            places.setdefault(record.key, []).append(place)
    turns: list[Turn] = []
    at = 0.0
    for number, label in enumerate(labels):
        before = events_before(label.headers, stamp)
        mine = places.get(label.key, ())
        if before == 0:
            place = 0.0
        elif before is None or not mine:
            place = (number + 0.5) / len(labels)
        else:
            place = mine[min(before, len(mine)) - 1]
        at = max(at, place)
        turns.append((at, _LABELS, label))
    return turns
