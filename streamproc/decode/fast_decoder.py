"""Decode plain JSON events of one layout into columns, without Python objects."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamproc.decode import fast_decoder_kernel as kernel
from streamproc.decode.event_schema import EventSchema, FeatureType, Topic
from streamproc.decode.structs import FIRST_MS, LAST_MS, is_plain
from streamproc.schemas.records import Record
from streamproc.schemas.timestamps import MILLISECONDS_FROM

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_FIELDS: Final = (
    "model_id",
    "event_id",
    "ts",
    "prediction",
    "features",
    "model_version",
    "tags",
)


@dataclass(frozen=True, slots=True)
class DecodedColumns:
    """Plain events of one layout as columns, in log order.

    Attributes
    ----------
    positions
        (events,): position of each record in its slice.
    rows
        (events,): row of the model in the layout.
    ts
        (events,): event time, seconds since 1970.
    values
        (events, columns): numeric features, then the prediction if it is a number; NaN if missing.
    named
        (events,): whether the event has an `event_id`.
    """

    positions: Ints
    rows: Ints
    ts: Floats
    values: Floats
    named: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def indices(self) -> Ints | None:
        """(events,): index of each event in its record; None if each has its own."""
        return None

    def body(self, index: int, records: Sequence[Record]) -> bytes:
        """Return an event as JSON, from the records of the slice."""
        return records[self.positions[index]].value or b""

    def merged(self, other: "DecodedColumns") -> "DecodedColumns":
        """Return the events of both, in log order."""
        order = np.argsort(np.concatenate([self.positions, other.positions]), kind="stable")
        pairs = [
            (self.positions, other.positions),
            (self.rows, other.rows),
            (self.ts, other.ts),
            (self.values, other.values),
            (self.named, other.named),
        ]
        return DecodedColumns(*(np.concatenate(pair)[order] for pair in pairs))

    def where(self, chosen: NDArray[np.bool_] | slice) -> "DecodedColumns":
        """Return the selected events."""
        return DecodedColumns(
            self.positions[chosen],
            self.rows[chosen],
            self.ts[chosen],
            self.values[chosen],
            self.named[chosen],
        )


class FastDecoder:
    """Decode the plain events of one layout.

    Parameters
    ----------
    shape
        Schema of the events; see `fits`.
    topic
        The topic, which decides the required fields.

    Attributes
    ----------
    ignores
        Whether features that the layout does not have are ignored; otherwise their events are not
        plain.
    """

    def __init__(self, shape: EventSchema, topic: Topic) -> None:
        names = (*shape.numbers, *(name for name, _ in shape.others))
        self._features = _Names(names)
        self._numbers = len(shape.numbers)
        self._columns = len(shape.numbers) + shape.has_number
        needed = kernel.PREDICTION if topic is Topic.PREDICTIONS else kernel.FEATURES
        self._required = 1 << kernel.MODEL_ID | 1 << needed
        self.ignores = False
        self._models: _Models | None = None

    @staticmethod
    def fits(shape: EventSchema, topic: Topic) -> bool:
        """Whether a schema is supported: numeric or null features, numeric or no prediction."""
        names = (*shape.numbers, *(name for name, _ in shape.others))
        return (
            shape.has_number == (topic is Topic.PREDICTIONS)
            and topic is not Topic.OUTCOMES
            and all(kind is FeatureType.NULL for _, kind in shape.others)
            and is_plain(names)
        )

    def forget(self) -> None:
        """Drop the cached models, because models were added to or removed from the layout."""
        self._models = None

    def read(
        self,
        rows: Mapping[str, int],
        records: Sequence[Record],
        positions: Sequence[int],
        longest: int,
        values: list[bytes] | None = None,
    ) -> DecodedColumns:
        """Decode those of the records that are plain.

        Parameters
        ----------
        rows
            Row of each model of the layout; cached until `forget`.
        records
            Records of a slice.
        positions
            Positions of the records to decode, ascending.
        longest
            Maximum bytes; longer records are skipped.
        values
            What to decode in place of the values of these records.

        Returns
        -------
        DecodedColumns
            The plain events; the other positions are left to the general decoder.
        """
        if values is None:
            values = [each.value or b"" for each in map(records.__getitem__, positions)]
        if max(map(len, values)) > longest:
            values = [value if len(value) <= longest else b"" for value in values]
        count = len(values)
        lengths = np.fromiter(map(len, values), np.int64, count)
        data = np.frombuffer(b"\0".join((*values, b"")), np.uint8)
        bits, ts = np.empty((count, self._columns), np.uint64), np.empty(count, np.uint64)
        found, named = np.empty(count, np.int64), np.empty(count, np.bool_)
        models = self._models = self._models or _Models(tuple(rows.items()))
        names = self._features
        features = names.text, names.ends, self._numbers, names.order, names.digests, self.ignores
        done = kernel.decode(
            data, lengths, _NAMES, features, models.names.table, self._required,
            bits, ts, found, named, models.rows, _LIMITS,
        )  # fmt: skip
        read = DecodedColumns(
            np.fromiter(positions, np.int64, count),
            found if done else models.rows[found],
            ts.view(np.float64),
            bits.view(np.float64),
            named,
        )
        if done:
            return read
        taken = found >= 0
        return _with_times(read if taken.all() else read.where(taken), records)


class _Models:
    """Hash table of the model ids of a layout."""

    def __init__(self, rows: Sequence[tuple[str, int]]) -> None:
        self.names = _Names(name for name, _ in rows)
        # the last entry, at index -1, means "no model"
        self.rows = np.array([*(row for _, row in rows), -1], np.int64)


class _Names:
    """Concatenated names, where each ends, their order by hash, and the sorted hashes."""

    def __init__(self, names: Iterable[str]) -> None:
        self.text, self.ends = _concatenated(names)
        digests = np.empty(len(self.ends), np.uint64)
        kernel.digests(self.text, self.ends, digests)
        self.order = np.argsort(digests)
        self.digests = digests[self.order]

    @property
    def table(self) -> tuple[NDArray[np.uint8], NDArray[np.uint64], Ints, NDArray[np.uint64]]:
        """All of it."""
        return self.text, self.ends, self.order, self.digests


def _concatenated(names: Iterable[str]) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    """Return the UTF-8 of all names in one array, and where each ends."""
    encoded = [name.encode() for name in names]
    ends = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded))).astype(np.uint64)
    return np.frombuffer(b"".join(encoded) + b"\0", np.uint8), ends


_NAMES: Final = _concatenated(_FIELDS)
_LIMITS: Final = float(FIRST_MS // 1000), float(LAST_MS), float(MILLISECONDS_FROM)


def _with_times(found: DecodedColumns, records: Sequence[Record]) -> DecodedColumns:
    """Convert times to seconds, default to the record's timestamp, drop events out of range."""
    ts = found.ts
    missing = np.isnan(ts)
    if np.count_nonzero(missing):
        ts[missing] = [records[at].timestamp for at in found.positions[missing].tolist()]
        fits = (ts >= np.where(missing, FIRST_MS, FIRST_MS // 1000)) & (ts <= LAST_MS)
    else:
        fits = (ts >= FIRST_MS // 1000) & (ts <= LAST_MS)
    np.divide(ts, 1000, out=ts, where=missing | (ts >= MILLISECONDS_FROM))
    return found if fits.all() else found.where(fits)
