"""Read times on the command line."""

from contextlib import suppress
from datetime import datetime
from typing import Literal

import typer


def moment(text: str, now: datetime, option: str, direction: Literal["past", "future"]) -> datetime:
    """Return the time that a text means: a time, `now`, or a duration before or after now.

    Raises
    ------
    typer.BadParameter
        If it means none.
    """
    from streamproc.schemas.timestamps import parse_timestamp  # noqa: PLC0415  --help
    from streamproc.schemas.units import parse_duration  # noqa: PLC0415  --help

    if text == "now":
        return now
    with suppress(ValueError):
        return parse_timestamp(text)
    with suppress(ValueError):
        duration = parse_duration(text)
        return now - duration if direction == "past" else now + duration
    raise typer.BadParameter(
        f"{text!r} is neither a time such as 2026-01-05T10:00:00Z, nor a stretch such as 15m, 2h"
        " or 7d, nor now",
        param_hint=option,
    )


def ending(text: str, now: datetime, option: str) -> datetime:
    """Return the time in the future that a text means: a time, or a duration from now.

    Raises
    ------
    typer.BadParameter
        If it means none, or is not after now: what ended then would begin and end at once.
    """
    end = moment(text, now, option, "future")
    if end <= now:
        raise typer.BadParameter(
            f"{text!r} is not in the future: now is {now:%Y-%m-%d %H:%M:%SZ}", param_hint=option
        )
    return end
