"""When to try again what was in vain: reading events side by side that are not plain."""

from typing import Final

_MAX_BACKOFF: Final = 31


class ScanBackoff:
    """Spares scans after those that found too little, twice as many after each, up to 31.

    What is read side by side is read as it would be alone, so nothing but time depends on this.

    Examples
    --------
    >>> scans = ScanBackoff()
    >>> scans.note(worth_it=False)
    >>> scans.due(), scans.due()
    (False, True)
    """

    def __init__(self) -> None:
        self._spared = self._left = 0

    def due(self) -> bool:
        """Whether to scan; each call is one time that it could be done."""
        if self._left:
            self._left -= 1
            return False
        return True

    def note(self, *, worth_it: bool) -> None:
        """Say what came of a scan."""
        self._spared = self._left = 0 if worth_it else min(2 * self._spared + 1, _MAX_BACKOFF)
