"""What the Kafka client could not parse, among records that are read."""

from typing import Any

import pytest
from label_logs import join
from record_logs import noise, record, run, shard, state

from streamproc.decode.event_schema import Topic
from streamproc.join.entry import InputLog
from streamproc.performance.outcome_log import OutcomeLog
from streamproc.schemas.outcomes import EPOCH_HEADER
from streamproc.schemas.records import Reason, UnreadableRecord


def unreadable(offset: int, topic: str = "predictions", **fields: Any) -> UnreadableRecord:
    """Make a record that could not be parsed."""
    return UnreadableRecord(
        *(topic, 0, offset, 1000 * offset, 0, Reason.NOT_UTF8, "the name of its header is odd"),
        **fields,
    )


@pytest.mark.parametrize("kind", [Topic.PREDICTIONS, Topic.FEATURES, Topic.OUTCOMES])
def test_it_is_one_dead_letter_and_the_rest_is_as_without_it(kind: Topic) -> None:
    """The dead letter has the reason, the place, and the record as far as it was parsed."""
    story = noise(40, seed=1) if kind is not Topic.OUTCOMES else []
    some: list[Any] = [record(offset, event) for offset, event in enumerate(story, 1)]
    key = some[0].key if some else b"k"
    bad = unreadable(
        41, key=key, original=b'{"model_id": "m"}', original_headers=[(EPOCH_HEADER, b"9")]
    )
    alone, mixed = shard(kind=kind), shard(kind=kind)
    wanted, found = run(alone, some), run(mixed, [*some, bad], range(1, len(some) + 1, 7))
    assert (found.alerts, found.events) == (wanted.alerts, wanted.events)
    assert state(mixed) == state(alone)
    [letter] = found.dead_letters
    assert (letter.offset, letter.reason, letter.detail) == (41, bad.reason, bad.detail)
    assert (letter.key, letter.value) == (key, b'{"model_id": "m"}')
    assert list(letter.headers) == [(EPOCH_HEADER, b"9")]


def test_it_is_not_joined_and_one_of_the_labels_is_a_dead_letter() -> None:
    """Who watches an event's topic has its dead letter; labels are read by the join alone."""
    label = b'{"model_id": "m", "event_id": "1", "label": 1}'
    joined = join().process(
        [
            (InputLog.PREDICTIONS, unreadable(1, original=b'{"model_id": "m", "prediction": 1}')),
            (InputLog.LABELS, unreadable(2, "labels", original=label)),
        ]
    )
    assert joined.drafts == []
    [letter] = joined.dead_letters
    assert (letter.offset, letter.reason, letter.value) == (2, Reason.NOT_UTF8, label)


def test_it_is_neither_learned_from_nor_obeyed() -> None:
    """Its headers are not those of a command or of an owner's mark."""
    log = OutcomeLog()
    bad = unreadable(1, original=b"{}", original_headers=[(EPOCH_HEADER, b"9")])
    assert log.read([bad]) == []
    assert (log.epoch, log.unreadable) == (-1, 1)


def test_it_says_where_it_is() -> None:
    """In one line, for a log."""
    assert str(unreadable(7)) == "predictions-0 at offset 7: the name of its header is odd"
