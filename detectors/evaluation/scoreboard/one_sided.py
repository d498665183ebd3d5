"""The default as it looks for rises alone, beside others that do: like with like."""

import functools
import itertools
import zlib

import numpy as np

from streamproc.detectors import registry
from streamproc.detectors.evaluation.calibration import run_lengths
from streamproc.detectors.evaluation.calibration.build_tables import SEED
from streamproc.detectors.evaluation.scoreboard import entrants
from streamproc.detectors.evaluation.scoreboard.entrants import Entrant
from streamproc.detectors.evaluation.scoreboard.peers.calibrated import ARL, LENGTH
from streamproc.detectors.registry import DEFAULT
from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.series_monitor import WARMUP

RISES = f"{DEFAULT[0]}, rises alone"
SERIES = 50
"""Stationary ones: some 60 alarms, so the run length is within a seventh, a delay within 2 %."""
STEPS = 12
"""Halvings of the range of the threshold's logarithm."""


def _stationary(source: str) -> Floats:
    chunks = run_lengths.standardised(source)(
        np.random.default_rng([SEED, zlib.crc32(source.encode())])
    )
    taken = itertools.islice(chunks, LENGTH // run_lengths.CHUNK)
    return np.hstack([chunk[:SERIES] for chunk in taken])[:, WARMUP:]


@functools.cache
def rises(source: str) -> Entrant:
    """Build the default with `mode` up, at a mean run length of `ARL` on one source.

    Parameters
    ----------
    source
        By its name in the tables of run lengths. Those tables are of both directions.
    """
    entry, values = registry.get(DEFAULT[0]), _stationary(source)
    knob = entry.knob
    assert knob is not None  # noqa: S101 - the default has one
    loose, strict = np.log([knob.loose, knob.strict])
    for _ in range(STEPS):
        params = entry.choice.turned(float(np.exp((loose + strict) / 2.0))) | {"mode": "up"}
        bank = entry.bank(SERIES, **registry.resolve(entry.name, params))
        middle = (loose + strict) / 2.0
        few = bank.update(values).sum() * ARL < values.size
        loose, strict = (loose, middle) if few else (middle, strict)
    one = entrants.ours(entry, **params)
    return Entrant(RISES, one.alarms, one.family)
