"""Choose the state that the new owner of a partition goes on with, and where."""

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
    """What is known of a partition that is to be resumed.

    Attributes
    ----------
    found
        Its snapshots.
    bounds
        Of its log.
    done
        What the group has committed of it; None: nothing.
    signed
        Whether a worker of this version has committed it.
    others
        Keys of the snapshots that are of another log.
    rewound
        Offset up to which another log was handled; None: not known that there was one.
    """

    found: SnapshotSet
    bounds: Bounds
    done: int | None
    signed: bool
    others: set[Key]
    rewound: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered(Generic[S]):
    """What a partition goes on with.

    Attributes
    ----------
    state
        From a snapshot, or fresh.
    next
        Where to go on; None: where the group has committed.
    outcome
        `snapshot`, `none` as there was none, or `refused`.
    saved
        Offset after what the snapshot holds, if the state is still that of the snapshot.
    mark
        Of the last record in the state; None: not known.
    told
        Offset before which everything was published by whoever committed it.
    gap
        From which offset to which one, and why; None: nothing is lost.
    rewound
        Whether the log is another one than the one that was handled.
    """

    state: S
    next: int | None
    outcome: str
    saved: int | None = None
    mark: RecordMark | None = None
    told: int = 0
    gap: tuple[tuple[int, int], str] | None = None
    rewound: bool = False


async def of_other_logs(
    store: SnapshotStore, found: Mapping[Partition, SnapshotSet]
) -> dict[Partition, set[Key]]:
    """Return the keys of the snapshots that are not of the logs that are there now.

    Those behind the newest one that is of its log are not looked at.
    """
    others: dict[Partition, set[Key]] = {partition: set() for partition in found}
    left = {partition: collected.found() for partition, collected in found.items()}
    while left := {partition: rest for partition, rest in left.items() if rest}:
        newest = {partition: rest.pop(0) for partition, rest in left.items()}
        marks = {
            partition: mark
            for partition, candidate in newest.items()
            if (mark := found[partition].mark(candidate)) is not None
        }
        gone = await store.contradicted(marks) if marks else set()
        for partition in gone:
            others[partition].add(newest[partition].key)
        left = {partition: left[partition] for partition in gone}
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
        start = max(begin, done or 0)
        if not start or not (refused or done):  # all of the log, or the first owner ever
            return Recovered(state=state, next=None, outcome=outcome)
        reason = refused[0] if refused else "no snapshot exists"
        text = f"{codec.reset_note}, since their state cannot be recovered: {reason}"
        return Recovered(state=state, next=None, outcome=outcome, gap=((0, start), text))
    restored, mark = newest
    if done and not log.signed and done != restored.next:
        _log.warning(
            "ignoring the committed offset %d of %s-%d, which no worker of this version wrote:"
            " resuming at offset %d of the snapshot",
            *(done, *partition, restored.next),
        )
    # What another program has committed was watched by nobody, and published by nobody.
    told = done if done and log.signed and done <= log.bounds.end else 0
    if restored.next < begin:
        text = f"records {restored.next} to {begin - 1} were deleted before they were read"
        gap = (restored.next, begin), text
        return Recovered(state=restored.state, next=begin, outcome=outcome, told=told, gap=gap)
    return Recovered(
        state=restored.state,
        next=restored.next,
        outcome=outcome,
        saved=restored.next,
        mark=mark,
        told=told,
    )


def _in_another_log(
    codec: Codec[S],
    partition: Partition,
    log: Log,
    newest: tuple[Decoded[S], RecordMark | None] | None,
    rewound: int,
) -> Recovered[S]:
    """Go on where the log that is there agrees with a snapshot, or at its beginning."""
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
    whole = start == restored.next
    return Recovered(
        state=restored.state,
        next=start,
        outcome="snapshot",
        saved=start if whole else None,
        mark=mark if whole else None,
        gap=((rewound, start), f"{text}; an earlier snapshot is used"),
        rewound=True,
    )


def _newest(
    codec: Codec[S], partition: Partition, log: Log
) -> tuple[tuple[Decoded[S], RecordMark | None] | None, list[str], int | None]:
    """Return the newest snapshot that can be used, why those before it cannot, and `rewound`."""
    refused: list[str] = []
    rewound = log.rewound
    for candidate in log.found.found():
        try:
            restored = codec.decode(log.found.whole(candidate), partition)
        except SnapshotError as error:
            reason = str(error)
        else:
            if candidate.key not in log.others and restored.next <= log.bounds.end:
                return (restored, log.found.mark(candidate)), refused, rewound
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
