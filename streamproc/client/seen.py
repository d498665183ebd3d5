"""What has been seen lately."""

from typing import Final

# 16 hexadecimal digits each: about 15 MB at worst. A worker that starts again repeats what it
# sent since its last snapshot, seconds ago, not the hundred thousand alerts before.
_CAPACITY: Final = 100_000


class Seen:
    """Remembers the last ids, in bounded memory; the oldest are forgotten first.

    Parameters
    ----------
    capacity
        How many ids are remembered, 1 or more.

    Examples
    --------
    >>> seen = Seen()
    >>> seen.before("a"), seen.before("a")
    (False, True)
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._ids: dict[str, None] = {}

    def before(self, identity: str) -> bool:
        """Whether an id was seen before; from now on it was."""
        if identity in self._ids:
            return True
        if len(self._ids) >= self._capacity:
            del self._ids[next(iter(self._ids))]
        self._ids[identity] = None
        return False
