"""Name the series of a segment: the events that have one value of a tag."""

from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from streamproc.schemas.series import SEGMENT

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(tuple[str, str, str]).decode


class SegmentSeries(NamedTuple):
    """A series of a segment.

    Attributes
    ----------
    tag, value
        The events that it has values of: those with this value of this tag.
    series
        Name of the model's series that has the values of all events.
    """

    tag: str
    value: str
    series: str

    @property
    def key(self) -> str:
        """Its name within a partition, which is that of no other series.

        Examples
        --------
        >>> SegmentSeries("region", "eu", "feature:km").key
        'segment:["region","eu","feature:km"]'
        """
        return SEGMENT + _encode(self).decode()

    @property
    def label(self) -> str:
        """Its name for people.

        Examples
        --------
        >>> SegmentSeries("region", "eu", "feature:km").label
        'feature:km in region=eu'
        """
        return self.series + in_segment({self.tag: self.value})


@lru_cache(maxsize=4096)
def segment_of(key: str) -> SegmentSeries | None:
    """Return the series of a segment by its name within a partition; None for other series.

    Raises
    ------
    ValueError
        If it begins as such a name and is none.

    Examples
    --------
    >>> segment_of('segment:["region","eu","feature:km"]').value
    'eu'
    >>> segment_of("feature:km") is None
    True
    """
    if not key.startswith(SEGMENT):
        return None
    try:
        return SegmentSeries(*_decode(key.removeprefix(SEGMENT)))
    except msgspec.MsgspecError as error:
        msg = f"{key!r} names no series of a segment: {error}"
        raise ValueError(msg) from error


def label_of(key: str) -> str:
    """Return the name for people of a series of a partition."""
    found = segment_of(key)
    return key if found is None else found.label


def in_segment(segment: dict[str, str] | None) -> str:
    """Say which part of the events is meant, behind what it is of.

    Examples
    --------
    >>> in_segment({"region": "eu"}), in_segment(None)
    (' in region=eu', '')
    """
    named = ", ".join(f"{tag}={value}" for tag, value in (segment or {}).items())
    return f" in {named}" if named else ""
