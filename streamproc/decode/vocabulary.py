"""Map categories to numbers for detectors, and back, in bounded memory."""

from collections.abc import Callable, Iterable
from zlib import crc32

MAX_LENGTH = 64
"""Maximum characters of a text with a cached number; longer ones are hashed each time."""
SHOWN = 40
"""Characters of a text that an alert shows."""
MAX_TEXTS = 16_384
"""Cached texts (3 MB) before unused ones are dropped."""


class Vocabulary(dict[str | None, float]):
    """Map text to a number that is equal in every process; None (missing) is NaN.

    The number combines CRC-32 and length of the UTF-8 bytes. Two texts of equal length collide with
    a probability of 1 in 4 billion, and then count as one category.

    Examples
    --------
    >>> texts = Vocabulary()
    >>> texts.name(texts["DE"])
    'DE'
    """

    def __init__(self, known: Iterable[tuple[float, str]] = ()) -> None:
        super().__init__({None: float("nan")})
        self._names: dict[float, str] = dict(known)

    def __missing__(self, text: str) -> float:
        """Compute and cache the number of a text."""
        data = text.encode("utf-8", "surrogatepass")
        number = float(crc32(data) + ((len(data) & 0xFFFFF) << 32))
        self._names.setdefault(number, text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
        if len(text) <= MAX_LENGTH:
            self[text] = number
        return number

    def name(self, number: float) -> str:
        """Return the text of a number, truncated to `SHOWN` characters.

        Raises
        ------
        KeyError
            If the number is unknown, or `keep` dropped it.
        """
        return self._names[number]

    def keep(self, needed: Callable[[], set[float]], capacity: int = MAX_TEXTS) -> None:
        """Drop all texts but the needed ones, if there are more than `capacity`."""
        if max(len(self), len(self._names)) <= capacity:
            return
        wanted = needed()
        self._names = {number: name for number, name in self._names.items() if number in wanted}
        left = {text: number for text, number in self.items() if text is None or number in wanted}
        self.clear()
        self.update(left)
