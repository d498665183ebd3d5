"""Alerts about an online model that is created, or is not."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from streamproc.config.online import Online
from streamproc.online import event_ids
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.clip import clip_message

_MAX_NAMES: Final = 5


def models_full(
    ref: event_ids.ModelRef, limit: int, origin: event_ids.EventOrigin, now: datetime
) -> AlertEvent:
    """Report that `online.max_models`, which is `limit`, is reached."""
    return event_ids.alert(
        ref,
        origin,
        now,
        "firing",
        "system",
        series=event_ids.ERROR,
        detector="limits",
        severity="critical",
        message=f"online.max_models, {limit}, is reached on partition {origin.partition}:"
        f" {ref.name} and later ones do not predict; raise the limit, or stop the producer that"
        " creates the tag values",
    )


def texts_left_out(
    ref: event_ids.ModelRef,
    online: Online,
    features: Mapping[str, Any] | None,
    origin: event_ids.EventOrigin,
    now: datetime,
) -> AlertEvent | None:
    """Report the text features that a model does not use; None if it uses all features.

    Parameters
    ----------
    ref
        The model.
    online
        Its settings.
    features
        Of its first event.
    origin, now
        That event, and the wall clock.
    """
    names = [name for name, value in (features or {}).items() if isinstance(value, str)]
    if online.model.texts or not names:
        return None
    listed = ", ".join(map(repr, names[:_MAX_NAMES]))
    if len(names) > _MAX_NAMES:
        listed += f" and {len(names) - _MAX_NAMES} others"
    return event_ids.alert(
        ref,
        origin,
        now,
        "firing",
        "system",
        series="features",
        detector="inputs",
        severity="info",
        message=clip_message(
            f"{ref.name} leaves out text features: {listed}; its first step reads numbers: take a"
            " classifier of trees, such as tree.HoeffdingTreeClassifier, or send numbers"
        ),
    )
