"""Validate decoded events: time range, number of features and length of names."""

from typing import Any

from streamproc.config.config import Limits
from streamproc.decode.structs import in_range
from streamproc.schemas.records import Reason, Record

# Alerts contain the name of their series, and must not exceed the maximum size of a record.
MAX_NAME_LENGTH = 1000


def validate(event: Any, record: Record, limits: Limits) -> tuple[Reason, str] | None:
    """Return reason and detail of the first problem of an event; None if it is valid."""
    if not in_range(event.ts, record.timestamp):
        return Reason.WRONG_TYPE, "field `ts` is not within the years 1 to 9999 in UTC"
    features, limit = event.features or (), limits.max_features
    if len(features) > limit:
        detail = f"{len(features)} features exceed limits.max_features ({limit})"
        return Reason.TOO_MANY_FEATURES, detail
    longest = max(map(len, features), default=0)
    if longest > MAX_NAME_LENGTH:
        detail = f"a feature name has {longest} characters; at most {MAX_NAME_LENGTH} are allowed"
        return Reason.WRONG_TYPE, detail
    return None
