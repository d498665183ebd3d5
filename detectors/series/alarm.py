"""What a watched series raises when it changes."""

from dataclasses import dataclass

from streamproc.detectors.series.category_counts import ShareChange
from streamproc.detectors.series.change_points import Change


@dataclass(frozen=True, slots=True)
class Alarm:
    """A change, as the first detector to see it tells it.

    Attributes
    ----------
    column, row
        Where in the scanned matrix.
    slot
        The series.
    detector
        Name of the detector; the first in order if several alarmed at this row.
    others
        Names of those others.
    statistic, threshold
        The detector's test statistic and what it exceeded, standardised.
    change
        Where the change most likely began, and how it was before and after.
    restarts
        How often this slot had alarmed before.
    expected
        Whether the values of the series depend on each other, so that detectors, which count on
        independent ones, alarm without a change.
    reason
        Of a finding that no detector made, what it is about, as `series.follow.Reason`.
    hours
        Of a finding about the hours of the day, by how many the series is late; early if negative.
    instance
        Of a finding in few values, the last of them and the profile at its hour; None of others.
    profile
        What was usual at each hour by then; None where no profile shows it.
    """

    column: int
    row: int
    slot: int
    detector: str
    others: tuple[str, ...]
    statistic: float
    threshold: float
    change: Change | ShareChange
    restarts: int
    expected: bool = False
    reason: str = ""
    hours: int = 0
    instance: tuple[float, float] | None = None
    profile: tuple[float, ...] | None = None
