"""Alerts about what is not watched: series without enough values, and features that are new."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from streamproc.alerting.origin import Origin, identity, owner_fields
from streamproc.config.model import ModelConfig
from streamproc.schemas.alerts import AlertEvent, Status

BLIND: Final = "warm_up"
"""Detector of alerts about series whose warm-up does not end."""
NEW: Final = "new_feature"
_NAMED: Final = 5


def blind_alert(
    status: Status,
    model: tuple[str, ModelConfig],
    series: Sequence[str],
    incident_id: str | None,
    origin: Origin,
    now: datetime,
) -> AlertEvent:
    """Say which series of a model have too few values to be watched, or that none has any more.

    Parameters
    ----------
    status
        `firing`, `updated` or `resolved`.
    model
        Its id and configuration.
    series
        The series, by name.
    incident_id
        The open incident; None opens one.
    origin
        The event at which it was found.
    now
        The wall clock.
    """
    name, config = model
    if status == "resolved":
        message = f"all series of model {name!r} have enough values to be watched"
    else:
        message = (
            f"{_named(series)} of model {name!r} cannot be watched: too few values for a warm-up;"
            " lower `warmup`, or list them with `streamproc series`"
        )
    alert_id = identity((BLIND, status, name), origin)
    return AlertEvent(
        **_fields(name, config, alert_id, origin, now),
        incident_id=incident_id or alert_id,
        status=status,
        reason="recovered" if status == "resolved" else None,
        kind="blind",
        series="features",
        detector=BLIND,
        message=message,
    )


def new_feature_alert(
    model: tuple[str, ModelConfig],
    found: tuple[str, int, int, int],
    origin: Origin,
    now: datetime,
) -> AlertEvent:
    """Say that events of a known model have a feature that they did not have before.

    Parameters
    ----------
    model
        Its id and configuration.
    found
        Name of the series, number of its values, and of events since the first one and before.
    origin
        The event at which it was found.
    now
        The wall clock.
    """
    name, config = model
    series, values, events, before = found
    alert_id = identity((NEW, name, series), origin)
    share = f"{100 * values / events:.2g} % or more" if values < events else "100 %"
    return AlertEvent(
        **_fields(name, config, alert_id, origin, now),
        incident_id=alert_id,
        status="firing",
        kind="quality",
        series=series,
        detector=NEW,
        message=(
            f"feature {series.removeprefix('feature:')!r} of model {name!r} is new: {share} of the"
            f" last {events} events have it, and none of the {before} before had it"
        ),
    )


def _named(series: Sequence[str]) -> str:
    more = len(series) - _NAMED
    names = ", ".join(series[:_NAMED])
    return f"{names} and {more} more series" if more > 0 else names


def _fields(
    name: str, config: ModelConfig, alert_id: str, origin: Origin, now: datetime
) -> dict[str, Any]:
    return {
        "alert_id": alert_id,
        "model_id": name,
        "severity": "info",
        **owner_fields(config),
        "model_version": origin.model_version,
        **origin.fields(now),
    }
