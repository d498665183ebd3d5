"""Store the features that are kept of labels in a snapshot, and read them back."""

from collections.abc import Container, Iterable, Mapping
from typing import Final

import msgspec
import numpy as np

from streamproc.performance.feature_rows import FeatureRows
from streamproc.state.json_array import to_json_array
from streamproc.state.snapshot_format import Arrays

NAMES: Final = "outcomes: features"
NUMBERS: Final = "outcomes: feature rows"
VALUES: Final = "outcomes: feature values"


class _Record(msgspec.Struct, frozen=True, array_like=True):
    """A version, its features in the order of their columns, and its number of labels."""

    key: str
    names: tuple[str, ...]
    labels: int


_decode: Final = msgspec.json.Decoder(list[_Record]).decode


def rows_state(rows: Mapping[str, FeatureRows], seen: Iterable[int]) -> Arrays:
    """Return the kept labels as arrays; the loss of each comes before its features.

    Parameters
    ----------
    rows
        By version.
    seen
        Number of the last label of each version.
    """
    samples = [of.sample(last) for of, last in zip(rows.values(), seen, strict=True)]
    records = [
        _Record(key, tuple(of.names), len(numbers))
        for (key, of), (numbers, _, _) in zip(rows.items(), samples, strict=True)
    ]
    values = [np.column_stack([losses, values]).ravel() for _, losses, values in samples]
    return {
        NAMES: to_json_array(records),
        NUMBERS: np.concatenate([np.empty(0, np.int64), *(numbers for numbers, _, _ in samples)]),
        VALUES: np.concatenate([np.empty(0, np.float32), *values]),
    }


def load_rows(arrays: Arrays, versions: Container[str]) -> dict[str, FeatureRows]:
    """Return the kept labels that `rows_state` stored; none in snapshots of earlier versions.

    Raises
    ------
    KeyError, ValueError, msgspec.MsgspecError
        If the arrays are inconsistent.
    """
    if NAMES not in arrays:
        return {}
    found: dict[str, FeatureRows] = {}
    numbers, values = arrays[NUMBERS], arrays[VALUES]
    row = cell = 0
    for record in _decode(arrays[NAMES].tobytes()):
        width, labels = 1 + len(record.names), record.labels
        if record.key not in versions or labels < 0:
            raise ValueError(f"features of version {record.key!r}, which has no labels")
        block = values[cell : cell + labels * width].reshape(labels, width)
        rows = found[record.key] = FeatureRows(record.names)
        rows.numbers = numbers[row : row + labels].astype(np.int64)
        rows.losses = block[:, 0].astype(np.float32)
        rows.values = block[:, 1:].astype(np.float32)
        if len(rows.numbers) != labels:
            raise ValueError(f"{len(rows.numbers)} of {labels} labels of version {record.key!r}")
        row, cell = row + labels, cell + labels * width
    if (row, cell) != (len(numbers), len(values)):
        raise ValueError(f"features of {len(numbers)} labels, not of {row}")
    return found
