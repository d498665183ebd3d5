"""Texts to numbers that detectors of categories can tell apart, and back, in bounded memory."""

from collections.abc import Callable, Iterable
from zlib import crc32

MAX_LENGTH = 64
"""Characters of a text whose number is remembered; a longer one's is computed each time."""
SHOWN = 40
"""Characters of a text that an alert shows."""
MAX_TEXTS = 16_384
"""Texts remembered before it is asked which are still needed: 3 MB."""


class Vocabulary(dict[str | None, float]):
    """Text → number, the same in every process; None, a missing text, is NaN.

    The number is made of the CRC-32 and the length of the text's UTF-8: two texts of equal
    length share one once in four billion, and then count as one category.

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
        """Compute the number of a text, and remember it."""
        data = text.encode("utf-8", "surrogatepass")
        number = float(crc32(data) + ((len(data) & 0xFFFFF) << 32))
        self._names.setdefault(number, text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
        if len(text) <= MAX_LENGTH:
            self[text] = number
        return number

    def name(self, number: float) -> str:
        """Tell what an alert shows of a text: all of it, or its beginning.

        Raises
        ------
        KeyError
            If the number was made before the last `keep` that did not name it.
        """
        return self._names[number]

    def keep(self, needed: Callable[[], set[float]], room: int = MAX_TEXTS) -> None:
        """Forget all texts but the needed ones, if there are more than `room`."""
        if max(len(self), len(self._names)) <= room:
            return
        wanted = needed()
        self._names = {number: name for number, name in self._names.items() if number in wanted}
        kept = {text: number for text, number in self.items() if text is None or number in wanted}
        self.clear()
        self.update(kept)
