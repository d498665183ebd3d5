"""Draw a series in one line of a terminal."""

from typing import Final

_BARS: Final = "▁▂▃▄▅▆▇█"
_MISSING: Final = "·"
# Bars that define the usual level; noise below this many of their deviations is drawn flat.
_USUAL: Final = 6
_CALM: Final = 10.0


class Spark:
    """Means of equal stretches of a series, a bar each.

    A series that stays as it was is a level line: the scale comes from how much the first bars
    differ, and from the largest difference since.

    Parameters
    ----------
    values
        How many values will come.
    width
        Into how many bars they go, 1 or more.

    Examples
    --------
    >>> spark = Spark(values=16, width=8)
    >>> for value in [1, 2] * 6 + [9, None, None, None]:
    ...     spark.add(value)
    >>> str(spark)
    '▄▄▄▄▄▄█·'
    """

    def __init__(self, values: int, width: int) -> None:
        self._values = max(values, 1)
        self._sums = [0.0] * width
        self._counts = [0] * width
        self._seen = 0

    def add(self, value: float | None) -> None:
        """Take the next value; None is a missing one."""
        bar = min(self._seen * len(self._sums) // self._values, len(self._sums) - 1)
        self._seen += 1
        if value is not None:
            self._sums[bar] += value
            self._counts[bar] += 1

    def __str__(self) -> str:
        done = min(self._seen * len(self._sums) // self._values, len(self._sums))
        bars = [
            total / count if count else None
            for total, count in zip(self._sums[:done], self._counts[:done], strict=True)
        ]
        usual = [bar for bar in bars[:_USUAL] if bar is not None]
        if not usual:
            return _MISSING * done
        middle = sum(usual) / len(usual)
        spread = (sum((bar - middle) ** 2 for bar in usual) / len(usual)) ** 0.5
        reach = max(abs(bar - middle) for bar in bars if bar is not None)
        scale = max(reach, _CALM * spread)
        return "".join(
            _MISSING if bar is None else _BARS[_height((bar - middle) / scale if scale else 0.0)]
            for bar in bars
        )


def _height(place: float) -> int:
    """Turn -1 … 1 into the index of a bar; 0 is the fourth of eight."""
    return round(3 + place * (4 if place > 0 else 3))
