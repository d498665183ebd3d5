"""Outcomes that a cluster confirms are valid, or their writer stops."""

from types import SimpleNamespace
from typing import Any

import pytest

from streamproc.config.config import Config
from streamproc.kafka.errors import LogRewoundError, RecoveryError
from streamproc.worker.join.outcome_writer import OutcomeWriter


class _Producer:
    """A producer whose batches are confirmed at given offsets."""

    def __init__(self, *offsets: int) -> None:
        self._offsets = list(offsets)

    async def partitions_for(self, _: str) -> set[int]:
        """Return the only partition."""
        return {0}

    def create_batch(self) -> Any:
        """Return a batch that takes all records."""
        return SimpleNamespace(append=lambda **_: True)

    async def send_batch(self, *_: object, **__: object) -> Any:
        """Return when the next offset is confirmed."""

        async def confirmed() -> Any:
            return SimpleNamespace(offset=self._offsets.pop(0))

        return confirmed()


def writer(*offsets: int) -> OutcomeWriter:
    """Return a writer that has written ten records."""
    producer: Any = _Producer(*offsets)
    made = OutcomeWriter(Config(), producer, 0)
    made.next = 10
    return made


async def test_a_batch_without_an_offset_is_not_taken_for_valid() -> None:
    """A broker may have a repeated batch behind the epoch of another writer."""
    with pytest.raises(RecoveryError, match="outcomes-0 confirmed outcomes without their offset"):
        await writer(-1).write([(b"m", b"{}")])


async def test_a_log_that_lost_records_is_noticed() -> None:
    """Below the end that was known before, a record is of another log."""
    with pytest.raises(LogRewoundError, match="offset 9, below its previous end 10"):
        await writer(9).write([(b"m", b"{}")])


async def test_batches_one_after_the_other_are_valid() -> None:
    """The writer follows them by their offsets."""
    made = writer(10, 12)
    await made.write([(b"m", b"{}")] * 2)
    assert await made.write([(b"m", b"{}")]) == frozenset()
    assert made.next == 13
