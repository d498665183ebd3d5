"""Track which offset may be committed while slices of a partition are in flight."""

from typing import Protocol

__all__ = ["InFlight"]


class Acked(Protocol):
    """A delivered message with its acknowledgement."""

    acked: bool


class InFlight:
    """The delivered slices of one partition in order, and the offset to commit.

    Faust tracks single offsets and their gaps. Slices are committed as units in their order of
    delivery: gaps within or between them do not delay a commit, and no commit passes a slice in
    flight.

    Parameters
    ----------
    handled
        Offset before which everything is processed; None: unknown.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> queue, first, second = InFlight(), SimpleNamespace(acked=False), SimpleNamespace(acked=True)
    >>> queue.add(first, 99)
    >>> queue.add(second, 250)
    >>> queue.committable()          # the second one is done, the first is not
    >>> first.acked = True
    >>> queue.committable()
    251
    """

    def __init__(self, handled: int | None = None) -> None:
        self._entries: list[tuple[Acked, int]] = []
        self._committable = handled

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, message: Acked, last_offset: int) -> None:
        """Add a delivered slice that ends at `last_offset`."""
        self._settle()
        self._entries.append((message, last_offset))

    def pending(self) -> bool:
        """Return whether a delivered slice is not acknowledged yet."""
        self._settle()
        return bool(self._entries)

    def committable(self) -> int | None:
        """Return the offset before which everything is acknowledged.

        None while it is unknown, until the first slice is acknowledged.
        """
        self._settle()
        return self._committable

    def _settle(self) -> None:
        # Drop acknowledged messages, also after one that is not acknowledged: they hold their
        # records, and commits are seconds apart.
        pending: list[tuple[Acked, int]] = []
        for message, last in self._entries:
            if not message.acked:
                pending.append((message, last))
            elif pending:  # acknowledged after a pending one, which then covers both
                pending[-1] = (pending[-1][0], last)
            else:
                self._committable = last + 1
        self._entries = pending
