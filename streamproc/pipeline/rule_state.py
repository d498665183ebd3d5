"""The counts and incidents of rules as arrays of a snapshot, and back."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamproc.alerting.rule_alerts import series_of
from streamproc.alerting.rule_messages import Example
from streamproc.decode.layout import Model
from streamproc.detect.rules.counts_kernel import COUNTS, JUDGED, OPEN, TIMES
from streamproc.detect.rules.recent_values import RecentValues
from streamproc.pipeline.rule_watch import RuleIncident, RuleWatch
from streamproc.state.json_array import to_json_array
from streamproc.state.snapshot_format import Arrays, SnapshotError

PREFIX: Final = "rules: "
"""Prefix of the names of these arrays."""
_DIGESTS, _PLACES, _COUNTS, _TIMES, _VIOLATIONS = (
    f"{PREFIX}{name}" for name in ("digests", "places", "counts", "times", "violations")
)
# Of rules `unique`, absent without any: row and number of values of each, then the values.
_RECENT, _VALUES, _AGES = (f"{PREFIX}{name}" for name in ("recent", "values", "ages"))


Values = tuple[NDArray[np.uint64], NDArray[np.int32]]
"""Digests of values, and how many values ago each came."""


class _Record(msgspec.Struct, frozen=True, array_like=True):
    """A `RuleIncident`, and the number of its row."""

    row: int
    id: str
    last_reported: float
    examples: tuple[Example, ...]


_decode_digests: Final = msgspec.json.Decoder(list[str]).decode
_decode_records: Final = msgspec.json.Decoder(list[_Record]).decode


def state(watch: RuleWatch, models: Sequence[Model]) -> Arrays:
    """Return the state; nothing without rules.

    Parameters
    ----------
    watch
        The rules of a partition.
    models
        Its models, in the order in which a snapshot has them.
    """
    if not watch.any:
        return {}
    digests: dict[str, int] = {}
    places: list[tuple[int, int]] = []
    counts: list[NDArray[np.int64]] = []
    times: list[NDArray[np.float64]] = []
    records: list[_Record] = []
    recent: list[tuple[int, Values]] = []
    for place, model in enumerate(models):
        table = watch.table(model.config)
        slot = table.slots.get(model.id)
        if slot is None:
            continue
        counts.append(table.counts[slot])
        times.append(table.times[slot])
        for at, rule in enumerate(table.rules):
            values = table.recent.get((slot, at))
            if values is not None:
                judged = int(table.counts[slot, at, JUDGED])
                recent.append((len(places), values.state(judged)))
            incident = watch.violations.get((model.id, series_of(rule)))
            if incident is not None:
                examples = tuple(incident.examples)
                about = incident.id, incident.last_reported, examples
                records.append(_Record(len(places), *about))
            places.append((place, digests.setdefault(rule.digest, len(digests))))
    return {
        _DIGESTS: to_json_array(list(digests)),
        _PLACES: np.array(places, np.int64).reshape(-1, 2),
        _COUNTS: np.concatenate([np.empty((0, COUNTS), np.int64), *counts]),
        _TIMES: np.concatenate([np.empty((0, TIMES)), *times]),
        _VIOLATIONS: to_json_array(records),
        **_recent_arrays(recent),
    }


def load(watch: RuleWatch, arrays: Arrays, models: Sequence[Model]) -> None:
    """Continue the state of a snapshot, also of a version that did not have it.

    A rule that was changed starts again, and its open incident is dropped.

    Raises
    ------
    SnapshotError
        If arrays do not fit together.
    """
    if _PLACES not in arrays or not watch.any:
        return
    try:
        digests = _decode_digests(arrays[_DIGESTS].tobytes())
        records = {each.row: each for each in _decode_records(arrays[_VIOLATIONS].tobytes())}
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SnapshotError(f"arrays '{PREFIX}…': {error}") from error
    places, counts, times = _checked(arrays, len(models), len(digests))
    recent = _recent_values(arrays, len(places))
    for row, (place, digest) in enumerate(places.tolist()):
        model = models[place]
        table = watch.table(model.config)
        rules = {rule.digest: at for at, rule in enumerate(table.rules)}
        at = rules.get(digests[digest])
        if at is None:
            continue
        slot = table.take(model.id)
        table.counts[slot, at], table.times[slot, at] = counts[row], times[row]
        values = table.recent.get((slot, at))
        if values is not None:
            _load_values(values, recent.get(row), int(counts[row, JUDGED]))
        record = records.get(row)
        if bool(record and record.id) != bool(counts[row, OPEN]):
            raise SnapshotError(f"array {_VIOLATIONS!r} and the counts differ in row {row}")
        if record is not None:
            incident = RuleIncident(record.id, record.last_reported, list(record.examples))
            watch.violations[model.id, series_of(table.rules[at])] = incident


def _recent_arrays(recent: Sequence[tuple[int, Values]]) -> Arrays:
    if not recent:
        return {}
    return {
        _RECENT: np.array([(row, len(ages)) for row, (_, ages) in recent], np.int64),
        _VALUES: np.concatenate([digests for _, (digests, _) in recent]),
        _AGES: np.concatenate([ages for _, (_, ages) in recent]),
    }


def _recent_values(arrays: Arrays, rows: int) -> dict[int, Values]:
    """Return the last values of each row that has any."""
    if _RECENT not in arrays:
        return {}
    values, ages = arrays.get(_VALUES), arrays.get(_AGES)
    found = arrays[_RECENT]
    if (
        values is None
        or ages is None
        or found.dtype != np.int64
        or values.dtype != np.uint64
        or ages.dtype != np.int32
        or found.shape != (len(found), 2)
        or (found < 0).any()
        or (found[:, 0] >= rows).any()
        or not len(values) == len(ages) == found[:, 1].sum()
    ):
        raise SnapshotError(f"arrays {_RECENT!r}, {_VALUES!r} and {_AGES!r} do not fit together")
    ends = np.cumsum(found[:, 1])[:-1]
    parts = zip(np.split(values, ends), np.split(ages, ends), strict=True)
    return dict(zip(found[:, 0].tolist(), parts, strict=True))


def _load_values(known: RecentValues, values: Values | None, judged: int) -> None:
    if values is None:
        raise SnapshotError(f"array {_RECENT!r} does not have the values of a rule `unique`")
    try:
        known.load(*values, judged)
    except ValueError as error:
        raise SnapshotError(f"array {_AGES!r}: {error}") from error


def _checked(
    arrays: Mapping[str, NDArray[np.generic]], models: int, digests: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    found = tuple(arrays.get(name) for name in (_PLACES, _COUNTS, _TIMES))
    columns = (2, np.int64), (COUNTS, np.int64), (TIMES, np.float64)
    rows = len(arrays[_PLACES])
    for name, array, (width, kind) in zip((_PLACES, _COUNTS, _TIMES), found, columns, strict=True):
        if array is None or array.dtype != kind or array.shape != (rows, width):
            raise SnapshotError(f"array {name!r} is missing, or has a wrong dtype or shape")
    places = arrays[_PLACES].astype(np.int64)
    if (places < 0).any() or (places >= (models, digests)).any():
        raise SnapshotError(f"array {_PLACES!r} has an index that does not exist")
    return places, arrays[_COUNTS].astype(np.int64), arrays[_TIMES].astype(np.float64)
