"""Choose the state and offset at which the new owner of a partition resumes."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from streamproc.state.snapshot_format import SnapshotError
from streamproc.worker.log_marks import RecordMark
from streamproc.worker.snapshots.codec import Codec, Decoded
from streamproc.worker.snapshots.records import Candidate, Key, SnapshotSet
from streamproc.worker.snapshots.store import Bounds, Partition, SnapshotStore

__all__ = ["Log", "Recovered", "of_other_logs", "recover"]

S = TypeVar("S")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Inputs of the recovery of a partition.

    Attributes
    ----------
    found
        Its snapshots.
    bounds
        First and end offset of its log.
    done
        Committed offset of the group; None: nothing is committed.
    signed
        Whether a worker of this version committed it.
    others
        Keys of the snapshots that belong to another log.
    rewound
        Offset up to which another log was processed; None: no other log is known.
    start
        Offset before which nothing is read; 0: the log is read from its first record.
    """

    found: SnapshotSet
    bounds: Bounds
    done: int | None
    signed: bool
    others: set[Key]
    rewound: int | None
    start: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered(Generic[S]):
    """The result of recovering a partition.

    Attributes
    ----------
    state
        From a snapshot, or fresh.
    next
        Offset to resume at; None: the committed offset.
    outcome
        `snapshot`, `none` if there was none, or `refused` if none could be used.
    saved
        Offset after the last record in the snapshot, if the state still equals the snapshot.
    mark
        Mark of the last record in the state; None: unknown.
    published_to
        Offset before which an earlier owner has published everything, since it committed it.
    gap
        First offset, end offset and reason of lost state or records; None: nothing is lost.
    rewound
        Whether the log is another one than the one that was processed.
    """

    state: S
    next: int | None
    outcome: str
    saved: int | None = None
    mark: RecordMark | None = None
    published_to: int = 0
    gap: tuple[tuple[int, int], str] | None = None
    rewound: bool = False


async def of_other_logs(
    store: SnapshotStore, found: Mapping[Partition, SnapshotSet]
) -> dict[Partition, set[Key]]:
    """Return the keys of the snapshots that do not belong to the current logs.

    Snapshots older than the newest one that matches are not checked.
    """
    others: dict[Partition, set[Key]] = {partition: set() for partition in found}
    left = {partition: collected.found() for partition, collected in found.items()}
    while left := {partition: older for partition, older in left.items() if older}:
        newest = {partition: older.pop(0) for partition, older in left.items()}
        marks = {
            partition: mark
            for partition, candidate in newest.items()
            if (mark := found[partition].mark(candidate)) is not None
        }
        contradicted = await store.contradicted(marks) if marks else set()
        for partition in contradicted:
            others[partition].add(newest[partition].key)
        left = {partition: left[partition] for partition in contradicted}
    return others


def recover(codec: Codec[S], partition: Partition, log: Log) -> Recovered[S]:
    """Choose the newest state that can be used."""
    newest, refused, rewound = _newest(codec, partition, log)
    outcome = "snapshot" if newest else "refused" if refused else "none"
    if rewound is not None:
        return _in_another_log(codec, partition, log, newest, rewound)
    begin, done = log.bounds.begin, log.done
    if newest is None:
        state = codec.fresh(partition)
        start = max(begin, log.start, done or 0)
        following = log.start if log.start > begin and not done else None
        if not start or not (refused or done):  # the log from its start, or its first owner
            return Recovered(state=state, next=following, outcome=outcome)
        reason = refused[0] if refused else "no snapshot exists"
        text = f"{codec.reset_note}, since their state cannot be recovered: {reason}"
        return Recovered(state=state, next=following, outcome=outcome, gap=((0, start), text))
    restored, mark = newest
    if done and not log.signed and done != restored.next:
        _log.warning(
            "ignoring the committed offset %d of %s-%d, which no worker of this version wrote:"
            " resuming at offset %d of the snapshot",
            *(done, *partition, restored.next),
        )
    # An offset that another program committed does not prove that anything was published.
    published_to = done if done and log.signed and done <= log.bounds.end else 0
    if restored.next < begin:
        text = f"records {restored.next} to {begin - 1} were deleted before they were read"
        gap = (restored.next, begin), text
        return Recovered(
            state=restored.state, next=begin, outcome=outcome, published_to=published_to, gap=gap
        )
    return Recovered(
        state=restored.state,
        next=restored.next,
        outcome=outcome,
        saved=restored.next,
        mark=mark,
        published_to=published_to,
    )


def _in_another_log(
    codec: Codec[S],
    partition: Partition,
    log: Log,
    newest: tuple[Decoded[S], RecordMark | None] | None,
    rewound: int,
) -> Recovered[S]:
    """Resume where the current log agrees with a snapshot, or at its beginning."""
    begin = log.bounds.begin
    text = (
        "the topic was restored, truncated or recreated, and processed records up to offset"
        f" {rewound} no longer exist"
    )
    if newest is None:
        return Recovered(
            state=codec.fresh(partition),
            next=begin,
            outcome="refused",
            gap=((rewound, begin), f"{text}; {codec.reset_note}"),
            rewound=True,
        )
    restored, mark = newest
    start = max(begin, restored.next)
    complete = start == restored.next
    return Recovered(
        state=restored.state,
        next=start,
        outcome="snapshot",
        saved=start if complete else None,
        mark=mark if complete else None,
        gap=((rewound, start), f"{text}; an earlier snapshot is used"),
        rewound=True,
    )


def _newest(
    codec: Codec[S], partition: Partition, log: Log
) -> tuple[tuple[Decoded[S], RecordMark | None] | None, list[str], int | None]:
    """Return the newest usable snapshot, why newer ones were refused, and `rewound`."""
    refused: list[str] = []
    rewound = log.rewound
    for candidate in log.found.found():
        try:
            restored = codec.decode(log.found.assemble(candidate), partition)
        except SnapshotError as error:
            reason = str(error)
        else:
            mark = log.found.mark(candidate)
            # Its mark was compared with the log; without one there are only the offsets.
            if candidate.key not in log.others and (mark or restored.next <= log.bounds.end):
                return (restored, mark), refused, rewound
            rewound = max(rewound or 0, restored.next)
            reason = f"it belongs to another log, up to offset {restored.next}"
        refused.append(reason)
        _warn(candidate, partition, reason)
    return None, refused, rewound


def _warn(candidate: Candidate, partition: Partition, reason: str) -> None:
    key = candidate.key
    _log.warning(
        "cannot use snapshot %d of epoch %d of %s-%d: %s",
        *(key.slot, key.epoch, *partition, reason),
    )
