"""What a shard has to say, on its way out."""

from typing import NamedTuple

from streamproc.schemas.alerts import AlertEvent


class PendingAlert(NamedTuple):
    """An alert before its incident is known.

    Attributes
    ----------
    place
        Of its event in the slice.
    series
        What it is about.
    alert
        None: no alert, since the series is not watched any more.
    model
        Id of the model in the catalogue whose incidents it belongs to; None: it stands alone.
    size
        Of the change that it reports, as `streamproc.alerting.effect_size`.
    urgent
        Whether it is published however short a time ago its incident was reported.
    """

    place: int
    series: str
    alert: AlertEvent | None
    model: str | None = None
    size: float = 0.0
    urgent: bool = False

    @property
    def order(self) -> tuple[int, bool, str]:
        """Sort key: position in the log, then removals before alerts, then the series."""
        return self.place, self.alert is not None, self.series


def standalone(place: int, alert: AlertEvent) -> PendingAlert:
    """Say something that is part of no incident of a model."""
    return PendingAlert(place, alert.series, alert)
