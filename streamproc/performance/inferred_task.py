"""Decide when outcomes contradict the task that was inferred for a model version.

Numbers between 0 and 1 with labels 0 and 1 are taken for the probabilities of a binary classifier.
One faulty prediction or label must not change that, nor may a faulty first one prevent it.
"""

from typing import Final

from streamproc.performance.losses import ScoredPrediction
from streamproc.performance.metrics import ACTUAL
from streamproc.performance.track import ModelTrack, Window

MIN_FITTING: Final = 10
"""Outcomes of a classifier after which a single other one does not count.

A regression gives as many numbers between 0 and 1, with labels of both 0 and 1, only by chance.
"""
TRIAL: Final = 100
"""Outcomes of which one may be odd. With fewer, one in some hundred rows, which regressions of
small counts have, would be refused; with more, their labels would be refused for longer."""
MAX_CHANGES: Final = 1
"""Earlier changes of the task after which a regression stays one, so that it does not alternate."""


def is_refuted(track: ModelTrack, window: Window) -> bool:
    """Count an outcome of another task than an uncertain one; return whether the task changes."""
    track.odd += 1
    labels = set(window.upto(track.seen, track.seen, track.seen)[:, ACTUAL].tolist())
    if track.seen < MIN_FITTING or len(labels) < len(track.classes):
        return True
    return track.odd > 1 + track.seen // TRIAL


def is_classifier(track: ModelTrack, guessed: ScoredPrediction) -> bool:
    """Whether the outcomes of a regression so far, and this one, are those of a classifier.

    Parameters
    ----------
    track
        A version that was inferred to be a regression; the outcomes that say so are counted.
    guessed
        The outcome, scored by the task that it suggests itself.
    """
    track.odd += guessed.task == "regression"
    return guessed.task == "binary" and track.seen + 1 >= TRIAL and track.odd <= 1


def is_on_trial(track: ModelTrack) -> bool:
    """Whether a regression that was inferred may still turn out to be a classifier."""
    return track.task == "regression" and track.seen < TRIAL and track.changes <= MAX_CHANGES
