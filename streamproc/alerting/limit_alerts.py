"""Alerts about limits on models, series and features that a partition has reached."""

from datetime import datetime
from typing import Final

from streamproc.alerting.origin import Origin, identity
from streamproc.alerting.system_alerts import system_alert
from streamproc.schemas.alerts import AlertEvent

_ADVICE: Final = {
    "max_series": "raise the limit, spread the models over more partitions, or stop the producer"
    " that makes up names (see streamproc_series_refused)",
    "max_features": "raise the limit, or stop the producer that makes up names",
}


Reached = tuple[str, int, int | None]
"""A limit, its value, and the share of it that one partition has."""


def limit_alert(model_id: str, reached: Reached, origin: Origin, now: datetime) -> AlertEvent:
    """Report, once, that a partition has no room for what an event brings; `reached`: the limit."""
    limit = reached[0]
    message = (
        f"{_limit(reached, origin)}: what model {model_id!r} and later ones bring beyond it is not"
        f" watched; {_ADVICE[limit]}"
    )
    return _of_limit(("full", limit, model_id), model_id, message, origin, now)


def eviction_alert(model_id: str, reached: Reached, origin: Origin, now: datetime) -> AlertEvent:
    """Report, once, that a partition forgets models to have room for others."""
    message = (
        f"{_limit(reached, origin)}: the models that have been idle longest are forgotten as others"
        f" need their room, the first of them {model_id!r}; one that comes back warms up again;"
        " see streamproc_models_forgotten, and raise the limit if they are still in use"
    )
    return _of_limit(("forgotten", model_id), model_id, message, origin, now)


def _limit(reached: Reached, origin: Origin) -> str:
    limit, most, share = reached
    of = "" if share in {None, most} else f", of which this partition's share is {share},"
    place = f"partition {origin.partition} of topic {origin.topic!r}"
    return f"limits.{limit}, {most},{of} is reached on {place}"


def _of_limit(
    parts: tuple[str, ...], model_id: str, message: str, origin: Origin, now: datetime
) -> AlertEvent:
    of = {"model_id": model_id, "model_version": origin.model_version}
    return system_alert("limits", identity(parts, origin), message, origin, now, **of)
