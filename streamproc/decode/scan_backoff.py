"""Back off from fast scans that found too few plain events."""

from typing import Final

from streamproc.decode.layout import Layout

_MAX_BACKOFF: Final = 31


class ScanBackoff:
    """Skip 1, 3, 7, 15, then 31 scans after each consecutive one that found too little.

    Scanned events have the same values as those of the general decoder, so only speed depends on
    this.

    Examples
    --------
    >>> scans = ScanBackoff()
    >>> scans.note(worth_it=False)
    >>> scans.due(), scans.due()
    (False, True)
    """

    def __init__(self) -> None:
        self._spared = self._left = 0

    def include(self, layout: Layout) -> None:
        """Scan next time if a layout was never scanned: what others found says nothing of it."""
        if not layout.hinted:
            layout.hinted = True
            self._spared = self._left = 0

    def due(self) -> bool:
        """Whether to scan now; each call counts as one opportunity."""
        if self._left:
            self._left -= 1
            return False
        return True

    def note(self, *, worth_it: bool) -> None:
        """Record whether a scan found enough plain events."""
        self._spared = self._left = 0 if worth_it else min(2 * self._spared + 1, _MAX_BACKOFF)
