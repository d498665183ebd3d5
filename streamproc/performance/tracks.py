"""All versions of all models of a partition of outcomes: how good they are, and were said to be."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec
import numpy as np

from streamproc.alerting.incident_state import UNKNOWN_FIRST, UNKNOWN_SIZE, GroupRecord, Moment
from streamproc.performance.label_bias import LabelBiasTest
from streamproc.performance.losses import ScoredPrediction
from streamproc.performance.metrics import WINDOW, Floats, compute_metrics
from streamproc.performance.outcome_log import OutcomeLog
from streamproc.performance.track import COLUMNS, ModelTrack, Window, new_track
from streamproc.schemas.version_key import MAX_VERSIONS, model_of, version_key
from streamproc.state.snapshot_format import Arrays, SnapshotError

TRACKS, ROWS, LENGTHS = "outcomes: tracks", "outcomes: rows", "outcomes: lengths"


# Names of models may come without end.
MAX_MODELS: Final = 1000


class Earlier(msgspec.Struct):
    """An incident as the version before wrote it; `said`: when it was last told."""

    incident: str
    series: list[str]
    said: Moment


class _State(msgspec.Struct):
    counted: tuple[int, int]
    tracks: list[tuple[str, ModelTrack]]
    groups: list[tuple[str, str | None, Earlier]] = []  # empty; the version before wants it
    biases: dict[str, dict[str, LabelBiasTest]] = {}


_state = msgspec.json.Decoder(_State)


class Performance:
    """Keeps a track of every version that labels come for.

    Attributes
    ----------
    tracks, windows
        By the version's id; the one whose last label is oldest comes first.
    log
        Which outcomes count.
    biases
        Whether labels come for some events only: by model, then by what tells events apart.

    Parameters
    ----------
    group
        The consumer group whose outcomes count; None: those of all.
    """

    def __init__(self, group: str | None = None) -> None:
        self.tracks: dict[str, ModelTrack] = {}
        self.windows: dict[str, Window] = {}
        self.log = OutcomeLog(group=group)
        self.biases: dict[str, dict[str, LabelBiasTest]] = {}
        self._versions: dict[str, dict[str, None]] = {}
        self._touched: set[str] = set()

    def surplus(self, key: str) -> str | None:
        """Name the version that has to give way when this one is new; None when none has."""
        if key in self.tracks:
            return None
        versions = self._versions.get(model_of(key), {})
        return next(iter(versions)) if len(versions) >= MAX_VERSIONS else None

    def touch(self, key: str, judged: ScoredPrediction) -> tuple[ModelTrack, Window]:
        """Give the track that the next label of a version belongs to."""
        track = self.tracks.pop(key, None) or new_track(judged)
        self.tracks[key] = track
        versions = self._versions.setdefault(model_of(key), {})
        versions.pop(key, None)
        versions[key] = None
        self._touched.add(key)
        return track, self.windows.setdefault(key, Window())

    def bias(self, model: str, by: str) -> LabelBiasTest:
        """Give the bets that the next counts of a model's labels belong to."""
        of_model = self.biases.pop(model, {})
        self.biases[model] = of_model
        if len(self.biases) > MAX_MODELS:
            del self.biases[next(iter(self.biases))]
        return of_model.setdefault(by, LabelBiasTest())

    def drop(self, key: str) -> None:
        """Forget a version."""
        del self.tracks[key], self.windows[key]
        self._touched.discard(key)
        model = model_of(key)
        del self._versions[model][key]
        if not self._versions[model]:
            del self._versions[model]

    def trim(self) -> None:
        """End a slice."""
        for key in self._touched:
            self.windows[key].trim()
        self._touched.clear()

    def figures(self, key: str, last: int | None = None, most: int = WINDOW) -> dict[str, float]:
        """Return the metrics of a version over its last labels up to number `last`."""
        track = self.tracks[key]
        upto = track.seen if last is None else last
        return compute_metrics(self.windows[key].upto(track.seen, upto, most), track.task)

    def fading(self, key: str) -> dict[str, float]:
        """Return the metrics of a version in which older labels count less."""
        track = self.tracks[key]
        rows = self.windows[key].upto(track.seen, track.seen, WINDOW)
        return compute_metrics(rows, track.task, fading=True)

    def latest(self, most: int) -> list[str]:
        """Return the versions whose last labels are newest, the newest first."""
        return list(islice(reversed(self.tracks), most))

    def state(self) -> Arrays:
        """Copy all there is to know, as plain arrays."""
        tracks = list(self.tracks.items())
        counted = self.log.epoch, self.log.seq
        text = msgspec.json.encode(_State(counted, tracks, biases=self.biases))
        windows = [self.windows[key].rows for key, _ in tracks]
        return {
            TRACKS: np.frombuffer(text, np.uint8),
            LENGTHS: np.array([len(rows) for rows in windows], np.int64),
            ROWS: np.concatenate([np.empty((0, COLUMNS)), *windows]),
        }

    def load(self, arrays: Arrays) -> list[GroupRecord]:
        """Go on as the one that made `arrays`.

        Returns
        -------
        list of GroupRecord
            The open incidents, where the version before wrote them.

        Raises
        ------
        SnapshotError
            If they do not fit together.
        """
        try:
            text, lengths, rows = arrays[TRACKS], arrays[LENGTHS], arrays[ROWS]
            state = _state.decode(text.tobytes())
            windows = list(_cut(rows, lengths.tolist()))
            self.log = OutcomeLog(*state.counted, group=self.log.group)
            self.biases = state.biases
            for (key, track), window in zip(state.tracks, windows, strict=True):
                self.tracks[key], self.windows[key] = track, Window(window)
                self._versions.setdefault(model_of(key), {})[key] = None
        except (KeyError, ValueError, TypeError, msgspec.MsgspecError) as error:
            raise SnapshotError(
                f"what it says of outcomes does not fit together: {error}"
            ) from error
        return [
            _record(version_key(model, version), group) for model, version, group in state.groups
        ]


def _record(key: str, group: Earlier) -> GroupRecord:
    sizes = dict.fromkeys(group.series, UNKNOWN_SIZE)
    return GroupRecord(key, group.incident, UNKNOWN_FIRST, group.said, tuple(sizes), sizes)


def _cut(rows: Floats, lengths: list[int]) -> Iterator[Floats]:
    if rows.shape != (sum(lengths), COLUMNS) or min(lengths, default=0) < 0:
        raise ValueError(f"{rows.shape} rows for {sum(lengths)} labels")
    at = 0
    for length in lengths:
        yield rows[at : at + length].copy()
        at += length
