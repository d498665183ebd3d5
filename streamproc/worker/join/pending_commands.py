"""Keep the commands that the next owner of a partition must write, too."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple


class ModelCommandRecord(NamedTuple):
    """A command for an online model, as the outcomes carry it.

    Attributes
    ----------
    model_id
        Model that it is for.
    body
        A JSON object with the command's `id`, by which models apply it only once.
    expires
        Time after which it is not written any more, with a time zone.
    """

    model_id: str
    body: bytes
    expires: datetime


class PendingCommands:
    """The commands that have not expired, in the order in which they were sent.

    A worker forwards a command to the partitions that it joins. Those that it is assigned later
    receive it when their join begins: their previous owner may have left before the command came.

    Parameters
    ----------
    clock
        Returns the current time, with a time zone.

    Examples
    --------
    >>> from datetime import timedelta
    >>> now = datetime(2026, 1, 5, tzinfo=UTC)
    >>> pending = PendingCommands(clock=lambda: now)
    >>> pending.add(ModelCommandRecord("fraud", b"{}", now + timedelta(minutes=5)))
    >>> pending.add(ModelCommandRecord("churn", b"{}", now - timedelta(minutes=5)))
    >>> [each.model_id for each in pending]
    ['fraud']
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._commands: list[ModelCommandRecord] = []

    def add(self, command: ModelCommandRecord) -> None:
        """Keep a command until it expires."""
        self._commands = [*self, command]

    def __iter__(self) -> Iterator[ModelCommandRecord]:
        now = self._clock()
        return iter([each for each in self._commands if each.expires > now])
