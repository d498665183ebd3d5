"""What is wrong with events that can be decoded."""

from typing import Any

from streamproc.config.config import Limits
from streamproc.decode.structs import in_range
from streamproc.schemas.records import Reason, Record

# An alert names its series; one that no topic takes would be lost.
MAX_NAME_LENGTH = 1000


def validate(event: Any, record: Record, limits: Limits) -> tuple[Reason, str] | None:
    """Name what is wrong with an event whose types are right."""
    if not in_range(event.ts, record.timestamp):
        return Reason.WRONG_TYPE, "its time is not within the years 1 to 9999 in UTC"
    features, most = event.features or (), limits.max_features
    if len(features) > most:
        detail = f"{len(features)} features; limits.max_features is {most}"
        return Reason.TOO_MANY_FEATURES, detail
    longest = max(map(len, features), default=0)
    if longest > MAX_NAME_LENGTH:
        return Reason.WRONG_TYPE, f"a feature's name has {longest} characters, of {MAX_NAME_LENGTH}"
    return None
