"""Measure time, memory and disk of events that wait for labels."""

import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from streamproc.config.config import Config
from streamproc.join.entry import InputLog
from streamproc.join.join import Join
from streamproc.monitor import LogRecord
from streamproc.tools.bench.process import answer, settings
from streamproc.worker.join.store import Store

PORTION: Final = 500
COMMIT_EVENTS: Final = 10_000
FEATURES: Final = 10
BEGIN: Final = 1_700_000_000
# All that waits is of half a horizon: nothing is swept while it is measured.
SPAN_SECONDS: Final = 3.5 * 86_400
# As many are measured as are needed for the pages of the file to be met at random.
MEASURED_SHARE: Final = 20
KILO: Final = 1024 if sys.platform.startswith("linux") else 1  # of a peak, in bytes

Tagged = tuple[InputLog, LogRecord]
Labels = Callable[[int], Iterator[Tagged]]


class Logs:
    """Events of one model, 300 bytes each, and labels of any of them.

    Parameters
    ----------
    pending
        How many events the time between two is made for.
    seed
        Of all random numbers.
    """

    def __init__(self, pending: int, seed: int) -> None:
        self._step = SPAN_SECONDS / pending
        self._draw = np.random.default_rng(seed)
        self._made = self._labels = 0

    def events(self, count: int) -> Iterator[Tagged]:
        """Give the next events."""
        values = self._draw.normal(size=(count, FEATURES))
        for row in values.tolist():
            features = ",".join(f'"feature_{i}":{value:.9f}' for i, value in enumerate(row))
            number, ts = self._made, BEGIN + self._made * self._step
            text = (
                f'{{"model_id":"fraud","event_id":"{number}","ts":{ts:.3f},'
                f'"prediction":0.5,"features":{{{features}}}}}'
            )
            yield InputLog.PREDICTIONS, LogRecord(number, text.encode())
            self._made += 1

    def labels(self, count: int) -> Iterator[Tagged]:
        """Give labels of events drawn from all that were given."""
        yield from self._labels_of(self._draw.integers(0, self._made, count).tolist())

    def soon(self, count: int) -> Iterator[Tagged]:
        """Yield the labels of the most recent events, each once."""
        yield from self._labels_of(range(self._made - 2 * count, self._made - count))

    def _labels_of(self, numbers: Iterable[int]) -> Iterator[Tagged]:
        ts = BEGIN + self._made * self._step
        for number in numbers:
            text = f'{{"model_id":"fraud","event_id":"{number}","ts":{ts:.3f},"label":true}}'
            yield InputLog.LABELS, LogRecord(self._labels, text.encode())
            self._labels += 1


def main() -> None:
    """Fill a store, then join labels while further events come."""
    options = settings()
    pending = options["pending"]
    path = Path(options["folder"]) / "labels.db"
    store = Store(path, Config().labels.memory)
    join, logs = Join(Config(), 0, store), Logs(pending, options["seed"])
    figures: dict[str, Any] = {"fill_us": _measured(join, store, logs, pending)}
    outcomes = max(PORTION, pending // MEASURED_SHARE)
    figures["soon_us"] = _measured(join, store, logs, outcomes, logs.soon)
    figures["join_us"] = _measured(join, store, logs, outcomes, logs.labels)
    figures["pending"] = len(store)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures["peak_rss_mb"] = peak * KILO / 2**20
    figures["disk_mb"] = sum(file.stat().st_size for file in path.parent.glob("labels.db*")) / 2**20
    store.close()
    answer(options, figures)


def _measured(
    join: Join, store: Store, logs: Logs, count: int, labels: Labels | None = None
) -> float:
    """Return microseconds of CPU for each event, with its label where there is one."""
    spent = 0.0
    for done in range(0, count, PORTION):
        portion = list(logs.events(min(PORTION, count - done)))
        if labels is not None:
            portion += labels(len(portion))
        began = time.process_time()
        join.process(portion)
        if done % COMMIT_EVENTS == 0:
            store.commit()
        spent += time.process_time() - began
    return spent / count * 1e6


if __name__ == "__main__":
    main()
