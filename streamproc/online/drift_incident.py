"""The open drift incident of an online model."""

import math
from dataclasses import astuple, dataclass
from typing import Any

from streamproc.alerting.level import Level, is_back
from streamproc.detectors.series.change_points import Change


@dataclass(slots=True)
class DriftIncident:
    """A drift that was reported, and the errors since its last alarm.

    Attributes
    ----------
    id, detector
        Of its first alarm.
    reported_at
        Event time of its last alert, in seconds.
    quiet
        Labels since the last alarm.
    alarmed_at
        Event time of the last alarm. This and what follows are missing in earlier versions.
    n, mean, std
        Level of the errors before; n is 0 where it is unknown.
    reached
        Mean error that was reported.
    total
        Sum of the errors of the quiet labels.
    settled_at
        Event time at which it was found to be quiet on another level; None while it is not.
    """

    id: str
    detector: str
    reported_at: float
    quiet: int = 0
    alarmed_at: float = -math.inf
    n: int = 0
    mean: float = 0.0
    std: float = 0.0
    reached: float = math.inf
    total: float = 0.0
    settled_at: float | None = None

    @classmethod
    def opened(cls, alert_id: str, detector: str, ts: float, risen: Change) -> "DriftIncident":
        """Return the incident that an alarm opens."""
        was = risen.before
        return cls(alert_id, detector, ts, 0, ts, was.n, was.mean, was.std, risen.after.mean)

    def disturb(self, ts: float) -> None:
        """Note an alarm."""
        self.quiet, self.total, self.alarmed_at = 0, 0.0, ts

    def add(self, loss: float) -> None:
        """Count a label, and its error."""
        self.quiet += 1
        self.total += 0.0 if math.isnan(loss) else loss

    @property
    def level(self) -> float:
        """Mean error of the quiet labels."""
        return self.total / max(self.quiet, 1)

    @property
    def is_back(self) -> bool:
        """Whether the errors are as low as before."""
        if not self.n:
            return False
        before, now = Level(self.n, self.mean, self.std), Level(self.quiet, self.level)
        return self.level <= self.mean or is_back(before, now, Level(0, self.reached))

    def dump(self) -> list[Any]:
        """Return the state as plain values."""
        return list(astuple(self))
