"""Events that are written plainly, read side by side: bytes to numbers with no object between."""

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
    """Plain events of one layout, in log order.

    Attributes
    ----------
    positions
        (events,): place of each record in its slice.
    rows
        (events,): row in the layout.
    ts
        (events,): event time, seconds since 1970.
    values
        (events, columns): the numbers of the features, then the prediction, if it is one.
    named
        (events,): whether there is an event_id.
    """

    positions: Ints
    rows: Ints
    ts: Floats
    values: Floats
    named: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.positions)

    def where(self, chosen: NDArray[np.bool_] | slice) -> "DecodedColumns":
        """Return some of the events."""
        return DecodedColumns(
            self.positions[chosen],
            self.rows[chosen],
            self.ts[chosen],
            self.values[chosen],
            self.named[chosen],
        )


class FastDecoder:
    """Reads the plain events of one layout.

    Parameters
    ----------
    shape
        Of the events: features that are numbers or always null, and a prediction that may be a
        number, or none.
    topic
        Where they come from.
    """

    def __init__(self, shape: EventSchema, topic: Topic) -> None:
        names = (*shape.numbers, *(name for name, _ in shape.others))
        self._features = (*_side_by_side(names), len(shape.numbers))
        self._columns = len(shape.numbers) + shape.has_number
        needed = kernel.PREDICTION if topic is Topic.PREDICTIONS else kernel.FEATURES
        self._required = 1 << kernel.MODEL_ID | 1 << needed
        self._models: _Models | None = None

    @staticmethod
    def fits(shape: EventSchema, topic: Topic) -> bool:
        """Whether events of a shape can be read so."""
        names = (*shape.numbers, *(name for name, _ in shape.others))
        return (
            shape.has_number == (topic is Topic.PREDICTIONS)
            and topic is not Topic.OUTCOMES
            and all(kind is FeatureType.NULL for _, kind in shape.others)
            and is_plain(names)
        )

    def forget(self) -> None:
        """Let the models be other ones from now on."""
        self._models = None

    def read(
        self,
        rows: Mapping[str, int],
        records: Sequence[Record],
        positions: Sequence[int],
        longest: int,
    ) -> DecodedColumns:
        """Read those of some records that are plain.

        Parameters
        ----------
        rows
            All models, each with its row; other ones than last time only after `forget`.
        records
            Of a slice.
        positions
            Which of them to look at, in ascending order.
        longest
            Those with more bytes are not read.
        """
        values = [records[position].value or b"" for position in positions]
        if max(map(len, values)) > longest:
            values = [value if len(value) <= longest else b"" for value in values]
        count = len(values)
        ends = np.cumsum(np.fromiter(map(len, values), np.int64, count) + 1).astype(np.uint64)
        data = np.frombuffer(b"\0".join((*values, b"")), np.uint8)
        bits, ts = np.empty((count, self._columns), np.uint64), np.empty(count, np.uint64)
        found, named = np.empty(count, np.int64), np.empty(count, np.bool_)
        models = self._models = self._models or _Models(tuple(rows.items()))
        kernel.scan(
            data, ends - np.uint64(1), _NAMES, self._features, models.table, self._required,
            bits, ts, found, named,
        )  # fmt: skip
        read = DecodedColumns(
            np.array(positions, np.int64),
            models.rows[found],
            ts.view(np.float64),
            bits.view(np.float64),
            named,
        )
        taken = found >= 0
        return _with_times(read if taken.all() else read.where(taken), records)


class _Models:
    """The models of a layout, to be found by the bytes of their ids."""

    def __init__(self, rows: Sequence[tuple[str, int]]) -> None:
        ids, ends = _side_by_side(name for name, _ in rows)
        digests = np.empty(len(ends), np.uint64)
        kernel.digests(ids, ends, digests)
        order = np.argsort(digests)
        # the last one stands for "none", at place -1
        self.rows = np.array([*(row for _, row in rows), -1], np.int64)
        self.table = ids, ends, order, digests[order]


def _side_by_side(names: Iterable[str]) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    encoded = [name.encode() for name in names]
    ends = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded))).astype(np.uint64)
    return np.frombuffer(b"".join(encoded) + b"\0", np.uint8), ends


_NAMES: Final = _side_by_side(_FIELDS)


def _with_times(found: DecodedColumns, records: Sequence[Record]) -> DecodedColumns:
    """Give each event its time in seconds, its record's if it has none; drop what has none."""
    ts = found.ts
    missing = np.isnan(ts)
    if missing.any():
        ts[missing] = [records[at].timestamp for at in found.positions[missing].tolist()]
        fits = (ts >= np.where(missing, FIRST_MS, FIRST_MS // 1000)) & (ts <= LAST_MS)
    else:
        fits = (ts >= FIRST_MS // 1000) & (ts <= LAST_MS)
    np.divide(ts, 1000, out=ts, where=missing | (ts >= MILLISECONDS_FROM))
    return found if fits.all() else found.where(fits)
