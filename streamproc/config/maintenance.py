"""Define maintenance windows: silences that come back by a schedule."""

from datetime import timedelta, tzinfo
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from streamproc.config.topics import ZoneName, zone_of
from streamproc.schemas.label_values import unknown_glob
from streamproc.schemas.section import Section, refuse, refuse_if_any
from streamproc.schemas.silences import SeriesMatchers
from streamproc.schemas.units import Duration

_FIELDS: Final = 5


def _cron(text: str) -> str:
    if len(text.split()) != _FIELDS:
        refuse(((), "expected five fields of cron: minute, hour, day, month, weekday"))
    try:
        from croniter import croniter  # noqa: PLC0415  only services have it
    except ImportError:  # a client does not need the times
        return text
    if not croniter.is_valid(text):
        refuse(((), "is not a schedule of cron, such as `0 2 * * mon-fri`"))
    return text


def _names_alerts(matchers: SeriesMatchers) -> SeriesMatchers:
    problems = {name: unknown_glob(name, glob) for name, glob in matchers}
    refuse_if_any([((name,), problem) for name, problem in problems.items() if problem])
    return matchers


class MaintenanceWindow(Section):
    """A silence that begins at the times of a cron expression.

    Examples
    --------
    >>> window = {"name": "reload", "cron": "0 2 * * *", "duration": "2h"}
    >>> MaintenanceWindow.model_validate(window).zone
    'UTC'
    """

    name: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9_.-]{1,100}$",
            description="Name of the window; its silence is `maintenance:<name>`.",
            examples=["nightly-load"],
        ),
    ]
    cron: Annotated[
        str,
        AfterValidator(_cron),
        Field(
            max_length=200,
            description="When it begins: minute, hour, day of the month, month, day of the week.",
            examples=["0 2 * * mon-fri"],
        ),
    ]
    duration: Annotated[
        Duration,
        Field(
            ge=timedelta(minutes=1),
            le=timedelta(days=31),
            description="How long it is.",
            examples=["2h"],
        ),
    ]
    zone: Annotated[
        ZoneName,
        Field(description="Time zone of `cron`, by its IANA name.", examples=["Europe/Berlin"]),
    ] = "UTC"
    match: Annotated[
        SeriesMatchers,
        AfterValidator(_names_alerts),
        Field(
            description="Globs for `model`, `feature`, `owner`, `kind` and `severity`, which all"
            " have to match.",
            examples=[{"model": "batch-*"}],
        ),
    ] = SeriesMatchers()
    comment: Annotated[
        str,
        Field(max_length=1000, description="Why.", examples=["features are rebuilt"]),
    ] = "maintenance"

    @property
    def tzinfo(self) -> tzinfo:
        """The time zone of `cron`."""
        return zone_of(self.zone)
