"""Measure nanoseconds per value: banks, monitored series, and River from Python."""

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from streamproc.detectors import registry
from streamproc.detectors.bank import Bank
from streamproc.detectors.mean.adwin import ADWINBank
from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.runtime.slots import every_row
from streamproc.detectors.series_monitor import SeriesMonitor
from streamproc.tools.bench.peers.river_pair import pair
from streamproc.tools.bench.process import answer, settings

NAMES: Final = ("adwin", "page_hinkley")
STATE_SLOTS: Final = 50
STATE_VALUES: Final = 100_000


def pair_scan(size: int) -> Callable[[Floats], None]:
    """Return what feeds a matrix to a bank of each detector, as a worker's series are watched."""
    banks: list[Bank] = [
        registry.get(name).bank(size, **registry.resolve(name, {})) for name in NAMES
    ]

    def scan(values: Floats) -> None:
        tasks = every_row(values)
        for bank in banks:
            bank.scan(values, tasks)

    return scan


def watch_scan(size: int) -> Callable[[Floats], None]:
    """Return what feeds a matrix through standardiser, detectors and change points."""
    watch = SeriesMonitor({name: {} for name in NAMES}, size)

    def scan(values: Floats) -> None:
        watch.scan_all(values)

    return scan


def nanoseconds(
    scan: Callable[[Floats], None], draw: np.random.Generator, size: int, width: int, calls: int
) -> float:
    """Time calls of `width` N(0, 1) values for each of `size` series, after a first one."""
    matrices = [draw.normal(size=(size, width)) for _ in range(2)]
    warm = draw.normal(size=(size, max(256, width)))  # past the warm-up of a series
    scan(warm)
    began = time.process_time()
    for call in range(calls):
        scan(matrices[call % 2])
    return (time.process_time() - began) * 1e9 / (size * width * calls)


def river_nanoseconds(draw: np.random.Generator, size: int, values: int) -> float:
    """Time River's pair, fed one value at a time from Python."""
    pairs = [pair() for _ in range(size)]
    columns = draw.normal(size=(values, size)).tolist()
    began = time.process_time()
    for column in columns:
        for (adwin, page_hinkley), value in zip(pairs, column, strict=True):
            adwin.update(value)
            page_hinkley.update(value)
    return (time.process_time() - began) * 1e9 / (size * values)


def state_bytes(draw: np.random.Generator) -> float:
    """Return the bytes of an ADWIN in a bank whose windows hold 100,000 values."""
    bank = ADWINBank(STATE_SLOTS)
    for _ in range(STATE_VALUES // 5000):
        bank.scan(values := draw.normal(size=(STATE_SLOTS, 5000)), every_row(values))
    return bank.nbytes() / bank.size


def main() -> None:
    """Measure everything once."""
    options = settings()
    draw = np.random.default_rng(options["seed"])
    series = options["series"]
    figures: dict[str, Any] = {"bytes": state_bytes(draw)}
    figures["river"] = river_nanoseconds(draw, 11, options["values"] // 11 // 10)
    for size, width in ((11, 500), (series, 100), (series, 10), (series, 1)):
        calls = max(1, min(options["values"] // (size * width), 2000))
        for name, make in (("pair", pair_scan), ("watch", watch_scan)):
            figures[f"{name}/{size}/{width}"] = nanoseconds(make(size), draw, size, width, calls)
    answer(options, figures)


if __name__ == "__main__":
    main()
