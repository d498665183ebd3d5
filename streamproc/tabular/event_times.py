"""Read the times of a file: with a zone or without, by a format, or of a spreadsheet."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_ZONED: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)? ?([Zz]|[+-]\d\d:?\d\d)")
_NAIVE: Final = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d([.,]\d+)?)?)?")
_DAY_OR_MONTH: Final = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})"
    r"(?:[ T,]+(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,6})\d*)?)?\s*([AaPp][Mm])?)?"
)
# Day 0 of spreadsheets, such that day 61 is 1 March 1900: they count 29 February 1900, which was
# not (ECMA-376, part 1, 18.17.4.1).
_SPREADSHEET: Final = datetime(1899, 12, 30)  # noqa: DTZ001  in the zone of the file
_FORMATS: Final = ("us", "eu", "excel")


class EventTimes:
    """Read times as RFC 3339, and remember what they were taken for.

    Parameters
    ----------
    zone
        Of times without one.
    form
        None: ISO 8601, or numbers of seconds or milliseconds; ``us``: month/day/year; ``eu``:
        day/month/year; ``excel``: days since 1899-12-30; or a format of ``strptime``.

    Attributes
    ----------
    taken
        What times were taken for, each with the number of rows.

    Examples
    --------
    >>> EventTimes(UTC).read("2026-01-05"), EventTimes(UTC, "us").read("1/5/2026 3:00 PM")
    ('2026-01-05T00:00:00+00:00', '2026-01-05T15:00:00+00:00')
    """

    def __init__(self, zone: tzinfo = UTC, form: str | None = None) -> None:
        self.taken: dict[str, int] = {}
        self._zone = zone
        self._form = form
        readers: Mapping[str, Callable[[str], datetime]] = {
            "us": self._day_and_month,
            "eu": self._day_and_month,
            "excel": _of_spreadsheet,
        }
        self._read = readers.get(form or "", self._by_format)

    def read(self, value: object) -> object:
        """Return a time with its zone; a value that is none is returned as it is.

        Raises
        ------
        ValueError
            If a text does not fit the format, or may be two times.
        """
        if isinstance(value, datetime):
            value = value.isoformat()
        if self._form is not None:
            return self._zoned(self._read(str(value)), f"--ts-format {self._form}")
        if not isinstance(value, str):
            return self._counted(value, "seconds or milliseconds")
        text = value.strip()
        if _ZONED.fullmatch(text):
            return self._counted(text, "times with a zone")
        if _NAIVE.fullmatch(text):
            kind = "dates" if len(text) == 10 else "times without a zone"
            return self._zoned(datetime.fromisoformat(text.replace(",", ".")), kind)
        if _DAY_OR_MONTH.fullmatch(text):
            raise ValueError(
                f"{value!r} may have the day or the month first: name it, --ts-format us or eu"
            )
        return value

    def _day_and_month(self, text: str) -> datetime:
        found = _DAY_OR_MONTH.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is not a time of --ts-format {self._form}")
        first, _, second, year, hour, minute, seconds, fraction, half = found.groups()
        month, day = (first, second) if self._form == "us" else (second, first)
        hours = int(hour or 0)
        if half:
            hours = hours % 12 + (12 if half.lower() == "pm" else 0)
        fraction = (fraction or "0").ljust(6, "0")
        return datetime(  # noqa: DTZ001  the caller adds the zone
            *(int(year), int(month), int(day), hours, int(minute or 0), int(seconds or 0)),
            int(fraction),
        )

    def _by_format(self, text: str) -> datetime:
        return datetime.strptime(text.strip(), self._form or "")  # noqa: DTZ007  zoned by the caller

    def _zoned(self, time: datetime, kind: str) -> str:
        if time.tzinfo is None:
            time = time.replace(tzinfo=self._zone)
            kind = f"{kind} in {self._zone}"
        self._counted(None, kind)
        return time.isoformat()

    def _counted(self, value: object, kind: str) -> object:
        self.taken[kind] = self.taken.get(kind, 0) + 1
        return value


def _of_spreadsheet(text: str) -> datetime:
    days = float(text)
    if not 0 <= days < 2_958_466:  # the year 10000
        raise ValueError(f"{text!r} is not a day of a spreadsheet")
    return _SPREADSHEET + timedelta(milliseconds=round(days * 86_400_000))
