"""Hold the performance tracks of all model versions of a partition of `outcomes`."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec
import numpy as np

from streamproc.alerting.incident_state import UNKNOWN_FIRST, UNKNOWN_SIZE, GroupRecord, Moment
from streamproc.performance.estimated_errors import EstimatedErrors
from streamproc.performance.feature_rows import FeatureRows
from streamproc.performance.feature_rows_state import load_rows, rows_state
from streamproc.performance.label_bias import LabelBiasTest
from streamproc.performance.losses import ScoredPrediction
from streamproc.performance.metrics import WINDOW, Floats, compute_metrics
from streamproc.performance.outcome_log import OutcomeLog
from streamproc.performance.track import COLUMNS, ModelTrack, Window, new_track
from streamproc.performance.version_comparison import VersionComparison, VersionComparisons
from streamproc.schemas.alerts import Contributor
from streamproc.schemas.version_key import MAX_VERSIONS, model_of, version_key
from streamproc.state.snapshot_format import Arrays, SnapshotError

TRACKS, ROWS, LENGTHS = "outcomes: tracks", "outcomes: rows", "outcomes: lengths"


# Bounds memory: producers may send any number of model names.
MAX_MODELS: Final = 1000
MAX_EXPLAINED: Final = 1000
"""Versions whose features are kept: the first ones, until some of them are dropped."""


class Earlier(msgspec.Struct):
    """An incident in the format of an earlier version, with the time of its last alert."""

    incident: str
    series: list[str]
    last_alert: Moment = msgspec.field(name="said")


class _State(msgspec.Struct):
    counted: tuple[int, int]
    tracks: list[tuple[str, ModelTrack]]
    groups: list[tuple[str, str | None, Earlier]] = []  # always empty; read by earlier versions
    biases: dict[str, dict[str, LabelBiasTest]] = {}
    releases: dict[str, VersionComparison] = {}
    estimated: dict[str, EstimatedErrors] = {}


_state = msgspec.json.Decoder(_State)


class Performance:
    """Hold a track of every model version that has labels.

    Attributes
    ----------
    tracks, windows
        By version key, least recently labelled first.
    rows
        By version key: features and losses of some labels.
    log
        Filter of the outcomes that count.
    biases
        Label bias tests: model → property of the events → test.
    releases
        Comparisons of new versions with the ones before.
    estimated
        By version key: the error that predictions without labels let expect.
    deviations
        Deviations of earlier estimates, by position of the prediction windows of this slice.

    Parameters
    ----------
    group
        Consumer group to read the outcomes of; None for all groups.
    """

    def __init__(self, group: str | None = None) -> None:
        self.tracks: dict[str, ModelTrack] = {}
        self.windows: dict[str, Window] = {}
        self.rows: dict[str, FeatureRows] = {}
        self.log = OutcomeLog(group=group)
        self.biases: dict[str, dict[str, LabelBiasTest]] = {}
        self.releases = VersionComparisons()
        self.estimated: dict[str, EstimatedErrors] = {}
        self.deviations: dict[int, list[float]] = {}
        self._versions: dict[str, dict[str, None]] = {}
        self._touched: set[str] = set()
        self._changes: dict[str, int] = {}

    def surplus(self, key: str) -> str | None:
        """Return the version to drop before this new one is added; None to drop none."""
        if key in self.tracks:
            return None
        versions = self._versions.get(model_of(key), {})
        return next(iter(versions)) if len(versions) >= MAX_VERSIONS else None

    def touch(self, key: str, scored: ScoredPrediction) -> tuple[ModelTrack, Window]:
        """Return track and window of a version for its next label, as the most recent one."""
        track = self.tracks.pop(key, None)
        if track is None:
            track = new_track(scored)
            track.changes = self._changes.pop(key, 0)
        self.tracks[key] = track
        versions = self._versions.setdefault(model_of(key), {})
        versions.pop(key, None)
        versions[key] = None
        self._touched.add(key)
        return track, self.windows.setdefault(key, Window())

    def keep(self, key: str, features: msgspec.Raw, scored: ScoredPrediction) -> None:
        """Keep the features of the last label of a version, to explain its errors later."""
        rows = self.rows.get(key)
        if rows is None:
            if bytes(features) == b"null" or len(self.rows) >= MAX_EXPLAINED:
                return
            rows = self.rows[key] = FeatureRows()
        rows.add(self.tracks[key].seen, features, scored)

    def explain(self, key: str, last: int, since: int) -> list[Contributor]:
        """Return the features that explain why a loss is larger; see `FeatureRows.explain`."""
        rows = self.rows.get(key)
        return [] if rows is None else rows.explain(last, since)

    def compare(
        self, key: str, scored: ScoredPrediction, ts: float, offset: int
    ) -> VersionComparison | None:
        """Compare versions by the next label; return the comparison if it gives a verdict."""
        if key not in self.tracks:
            versions = self._versions.get(model_of(key))
            if versions:
                old = next(reversed(versions))
                track, window = self.tracks[old], self.windows[old]
                rows = window.upto(track.seen, track.seen, WINDOW)
                self.releases.begin(old, track.task, rows, (key, scored, ts, offset))
        return self.releases.step(key, scored, ts)

    def bias(self, model: str, by: str) -> LabelBiasTest:
        """Return the label bias test of a model for one property, as the most recent one."""
        of_model = self.biases.pop(model, {})
        self.biases[model] = of_model
        if len(self.biases) > MAX_MODELS:
            del self.biases[next(iter(self.biases))]
        return of_model.setdefault(by, LabelBiasTest())

    def compare_estimate(self, key: str, loss: float) -> None:
        """Compare the last label of a version, and its error, with what was estimated."""
        estimated = self.estimated.get(key)
        if estimated is None:
            estimated = self.estimated[key] = EstimatedErrors()
        _, predicted, chance, _ = self.windows[key].fresh[-1]
        estimated.compare(self.tracks[key], predicted, chance, loss)

    def retask(self, key: str) -> None:
        """Drop a version whose task was inferred wrongly, before its next label."""
        self._changes[key] = self.tracks[key].changes + 1
        self.drop(key)

    def drop(self, key: str) -> None:
        """Drop a version."""
        del self.tracks[key], self.windows[key]
        self.rows.pop(key, None)
        self.estimated.pop(key, None)
        self._touched.discard(key)
        self.releases.forget(key)
        model = model_of(key)
        del self._versions[model][key]
        if not self._versions[model]:
            del self._versions[model]

    def trim(self) -> None:
        """Trim the windows that a slice has changed, at its end."""
        for key in self._touched:
            self.windows[key].trim()
            if key in self.rows:
                self.rows[key].trim()
        self._touched.clear()
        self.deviations.clear()

    def figures(self, key: str, last: int | None = None, limit: int = WINDOW) -> dict[str, float]:
        """Return the metrics over the last labels, at most `limit`, up to number `last`."""
        track = self.tracks[key]
        upto = track.seen if last is None else last
        return compute_metrics(self.windows[key].upto(track.seen, upto, limit), track.task)

    def fading(self, key: str) -> dict[str, float]:
        """Return the exponentially weighted metrics of a version."""
        track = self.tracks[key]
        rows = self.windows[key].upto(track.seen, track.seen, WINDOW)
        return compute_metrics(rows, track.task, fading=True)

    def latest(self, limit: int) -> list[str]:
        """Return at most `limit` versions, most recently labelled first."""
        return list(islice(reversed(self.tracks), limit))

    def state(self) -> Arrays:
        """Return the state as arrays, for a snapshot."""
        tracks = list(self.tracks.items())
        counted = self.log.epoch, self.log.seq
        text = msgspec.json.encode(
            _State(
                counted,
                tracks,
                biases=self.biases,
                releases=self.releases.models,
                estimated=self.estimated,
            )
        )
        windows = [self.windows[key].rows for key, _ in tracks]
        return {
            TRACKS: np.frombuffer(text, np.uint8),
            LENGTHS: np.array([len(rows) for rows in windows], np.int64),
            ROWS: np.concatenate([np.empty((0, COLUMNS)), *windows]),
            **rows_state(self.rows, [self.tracks[key].seen for key in self.rows]),
        }

    def load(self, arrays: Arrays) -> list[GroupRecord]:
        """Load the state that `state` returned.

        Returns
        -------
        list of GroupRecord
            Open incidents in snapshots of earlier versions; else empty.

        Raises
        ------
        SnapshotError
            If the arrays are missing or inconsistent.
        """
        try:
            text, lengths, rows = arrays[TRACKS], arrays[LENGTHS], arrays[ROWS]
            state = _state.decode(text.tobytes())
            windows = list(_cut(rows, lengths.tolist()))
            self.log = OutcomeLog(*state.counted, group=self.log.group)
            self.biases = state.biases
            self.releases.models = state.releases
            self.estimated = state.estimated
            for (key, track), window in zip(state.tracks, windows, strict=True):
                self.tracks[key], self.windows[key] = track, Window(window)
                self._versions.setdefault(model_of(key), {})[key] = None
            self.rows = load_rows(arrays, self.tracks)
        except (KeyError, ValueError, TypeError, msgspec.MsgspecError) as error:
            raise SnapshotError(
                f"inconsistent arrays {TRACKS!r}, {ROWS!r}, {LENGTHS!r}: {error}"
            ) from error
        return [
            _record(version_key(model, version), group) for model, version, group in state.groups
        ]


def _record(key: str, group: Earlier) -> GroupRecord:
    sizes = dict.fromkeys(group.series, UNKNOWN_SIZE)
    return GroupRecord(key, group.incident, UNKNOWN_FIRST, group.last_alert, tuple(sizes), sizes)


def _cut(rows: Floats, lengths: list[int]) -> Iterator[Floats]:
    if rows.shape != (sum(lengths), COLUMNS) or min(lengths, default=0) < 0:
        raise ValueError(f"{rows.shape} rows for {sum(lengths)} labels")
    at = 0
    for length in lengths:
        yield rows[at : at + length].copy()
        at += length
