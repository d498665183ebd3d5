"""Decide when a model publishes a `learned` update, in intervals of event time."""

from typing import Any, Final

CONFIRMATIONS: Final = 3
"""Labels in a row that end an interval for good; a single wrong time does not."""


class Cadence:
    """Decides after which labels of a model an update is due.

    An update is due at the first label that is an interval after the label of the last update.
    Whether the next interval begins there is decided by the labels that follow: only three in a
    row that are as late move its beginning. So a wrong time costs one update too many, and the
    next one comes two labels later than it would.

    Parameters
    ----------
    interval
        Event time between two updates, seconds.
    horizon
        Seconds by which a label may come after its event; times that are further behind show that
        the beginning itself is wrong, as in states that were saved with such a time.

    Attributes
    ----------
    start : float or None
        When the interval began, seconds since 1970; None before the first label.

    Examples
    --------
    >>> cadence = Cadence(interval=10.0, horizon=3600.0)
    >>> times = [0.0, 5.0, 10.0, 15.0, 9e9, 16.0, 20.0, 21.0, 22.0, 30.0]
    >>> [time for time in times if cadence.take(time)]
    [10.0, 9000000000.0, 22.0, 30.0]
    """

    __slots__ = ("_behind", "_far", "_interval", "_run", "_seen", "_unconfirmed", "start")

    def __init__(self, interval: float, horizon: float) -> None:
        self.start: float | None = None
        self._interval, self._far = interval, 2.0 * horizon + interval
        self._run: list[tuple[float, bool]] = []
        """Times in a row that end the interval, and whether an update was due at each."""
        self._unconfirmed = False
        self._seen = self._behind = 0

    def take(self, time: float) -> bool:
        """Take the event time of the next label; return whether an update is due."""
        if self.start is None:
            self.start, self._seen = time, 1
            return False
        if not self._run and self._seen == CONFIRMATIONS:
            ahead = time - self.start
            if -self._far < ahead < self._interval:  # within the interval, as are nearly all
                self._behind = 0
                return False
        if self._seen < CONFIRMATIONS:  # the first time may be the wrong one
            self._seen += 1
            self.start = min(self.start, time)
        ahead = time - self.start
        if ahead >= self._interval:
            self._behind = 0
            return self._take_ahead(time)
        if self._run:
            self._unconfirmed = self._unconfirmed or any(due for _, due in self._run)
            self._run.clear()
        if ahead > -self._far:
            self._behind = 0
            return False
        return self._take_behind(time)

    def dump(self) -> list[Any]:
        """Return its state in plain values."""
        run = [[time, due] for time, due in self._run]
        return [self.start, self._seen, self._behind, self._unconfirmed, run]

    def load(self, written: list[Any]) -> None:
        """Restore what `dump` returned."""
        self.start, self._seen, self._behind, self._unconfirmed, run = written
        self._run = [(time, due) for time, due in run]

    def load_start(self, start: float | None) -> None:
        """Restore a state that was saved before times had to be confirmed."""
        self.start, self._seen = start, CONFIRMATIONS

    def _take_ahead(self, time: float) -> bool:
        run = self._run
        reported = [earlier for earlier, due in run if due and earlier <= time]
        if run:
            due = bool(reported) and time - max(reported) >= self._interval
        else:
            due = not self._unconfirmed
        run.append((time, due))
        return self._confirm() if len(run) == CONFIRMATIONS else due

    def _confirm(self) -> bool:
        """Begin the next interval at the earliest of the run; return whether an update is due."""
        first = min(range(CONFIRMATIONS), key=lambda place: self._run[place][0])
        confirmed = self._run[first:]
        due = confirmed[-1][1] or not any(due for _, due in confirmed)
        start, (last, _) = confirmed[0][0], confirmed[-1]
        following = [*confirmed[1:-1], (last, due)] if len(confirmed) > 1 else []
        self._run = [each for each in following if each[0] - start >= self._interval]
        self.start, self._unconfirmed = start, False
        return due

    def _take_behind(self, time: float) -> bool:
        self._behind += 1
        if self._behind < CONFIRMATIONS:
            return False
        self.start, self._behind, self._unconfirmed = time, 0, False
        return True
