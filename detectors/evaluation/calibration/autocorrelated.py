"""Series whose values depend on each other, and how long they run until a false alarm."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from streamproc.detectors.evaluation.calibration.run_lengths import lower_bound
from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.series_monitor import SeriesMonitor

SERIES = 100
"""Series that are measured together."""
CHUNK = 5000
"""Values a series and step."""
PERIODS = (24, 288)
"""Values of a day, where they come by the hour or every five minutes."""

Source = Callable[[np.random.Generator], Iterator[Floats]]


@compiled
def _follow(news: Floats, weight: float, last: Floats) -> None:
    """Add to each value its share of the one before, in place; `last` is kept for the next call."""
    for row in range(news.shape[0]):
        value = last[row]
        for t in range(news.shape[1]):
            value = weight * value + news[row, t]
            news[row, t] = value
        last[row] = value


def autoregressive(weight: float) -> Source:
    """Make AR(1): normal values, each of which keeps a share of the one before."""

    def chunks(rng: np.random.Generator) -> Iterator[Floats]:
        last = rng.normal(size=SERIES) / np.sqrt(1.0 - weight * weight)
        while True:
            values = rng.normal(size=(SERIES, CHUNK))
            _follow(values, weight, last)
            yield values

    return chunks


def seasonal(period: int) -> Source:
    """Make normal values upon a wave of their deviation, each series in a different phase."""

    def chunks(rng: np.random.Generator) -> Iterator[Floats]:
        rows = np.arange(CHUNK) + rng.integers(period, size=(SERIES, 1))
        while True:
            yield np.sqrt(2.0) * np.sin(2.0 * np.pi * rows / period) + rng.normal(size=rows.shape)
            rows = rows + CHUNK

    return chunks


DEPENDENT: dict[str, Source] = {
    "AR(1) .5": autoregressive(0.5),
    "AR(1) .9": autoregressive(0.9),
    **{f"wave of {period}": seasonal(period) for period in PERIODS},
}


def run_length(
    detectors: Mapping[str, Mapping[str, object]],
    source: Source,
    seed: np.random.SeedSequence,
    values: float,
    *,
    whiten: bool,
) -> float:
    """Bound the mean run length from below, as the pipeline runs: each alarm restarts a series.

    Parameters
    ----------
    detectors
        As in `SeriesMonitor`.
    source
        One of `DEPENDENT`.
    seed
        Of the values.
    values
        Simulated in all, at least.
    whiten
        As in `SeriesMonitor`.

    Returns
    -------
    float
        With 95 % confidence, in values, those of warm-ups included.
    """
    watch, seen, alarms = SeriesMonitor(detectors, SERIES, whiten=whiten), 0, 0
    for chunk in source(np.random.default_rng(seed)):
        alarms += len(watch.scan_all(chunk))
        seen += chunk.size
        if seen >= values:
            break
    return lower_bound(seen, alarms)
