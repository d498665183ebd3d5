"""Which offset may be committed while several slices of a partition are being handled."""

from typing import Protocol

__all__ = ["InFlight"]


class Acked(Protocol):
    """A delivered message that knows whether its handler is done with it."""

    acked: bool


class InFlight:
    """Slices of one partition that were delivered, in order, and what may be committed.

    Faust's own bookkeeping counts single offsets and asks for their gaps; a slice is
    committed as a whole, so its order of delivery is all that matters: gaps inside of a
    slice or between two cannot hold a commit up, and nothing passes a slice in flight.

    Parameters
    ----------
    handled
        Offset before which all was handled already; None: not known.

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
        """Note that a slice ending at `last_offset` goes to its handlers."""
        self._settle()
        self._entries.append((message, last_offset))

    def committable(self) -> int | None:
        """Return the offset after the last record before which all was acknowledged.

        None while that is not known: the first slice is being handled.
        """
        self._settle()
        return self._committable

    def _settle(self) -> None:
        # Forgets what was acknowledged, also behind a slice that never will be: messages hold
        # their records, and commits are seconds apart.
        kept: list[tuple[Acked, int]] = []
        for message, last in self._entries:
            if not message.acked:
                kept.append((message, last))
            elif kept:  # done, but behind one that is not: it is covered when that one is done
                kept[-1] = (kept[-1][0], last)
            else:
                self._committable = last + 1
        self._entries = kept
