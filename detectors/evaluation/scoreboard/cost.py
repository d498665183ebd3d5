"""Table 6: what a value costs, and what a series holds."""

from collections.abc import Callable
from importlib import import_module

import numpy as np

from streamproc.detectors import registry
from streamproc.detectors.bank import Bank
from streamproc.detectors.evaluation.scoreboard import heldout_seeds
from streamproc.detectors.evaluation.scoreboard.entrants import ERRORS, RAW, RIVERS
from streamproc.detectors.evaluation.scoreboard.peers.environments import NOBODY, Peers
from streamproc.detectors.evaluation.scoreboard.peers.peer_comparison import PeerComparison
from streamproc.detectors.evaluation.scoreboard.result import Cell, Grid, Notify, Result
from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.spec import Entry

TITLE = "Cost"
SERIES = 100
RATE = 0.2
"""Of the errors and of the rarer of two categories."""
ROUNDS = 3
"""The fastest counts: whatever else runs on the machine only slows one down."""

Clock = Callable[[], float]
"""Seconds of processor time."""


def run(*, full: bool, notify: Notify, clock: Clock, peers: Peers = NOBODY) -> Result:
    """Time every detector as the pipeline configures it, and River's with its defaults."""
    length = 20_000 if full else 5_000
    rng = np.random.default_rng(heldout_seeds.COST)
    values = np.rint(rng.normal(size=(SERIES, length)).clip(-4.0, 4.0) * 4096.0) / 4096.0
    coins = (rng.random((SERIES, length)) < RATE).astype(np.float64)
    rows: dict[str, tuple[Cell, ...]] = {}
    for name in registry.names():
        notify(f"cost of {name}")
        entry = registry.get(name)
        mine, held = _bank(entry, coins if entry.family in RAW else values, clock)
        raw = (coins if name in ERRORS else values)[0]
        rows[name] = (mine, _river(name, raw, clock) if name in RIVERS else None, held)
    beside = PeerComparison(peers)
    theirs: dict[str, tuple[Cell, ...]] = {}
    for one, cost in beside.costs(values[:1], coins[:1]):
        notify(f"cost of {one.label}")
        theirs[one.label] = (cost, rows[one.ours][0] if one.ours else None)
    heads = ("detector", "ns a value", "River, ns a value", "bytes a series")
    notes = [
        (
            f"Seed {heldout_seeds.COST}. {SERIES} series, {length:,} values of each a call: N(0, "
            "1), or "
            f"errors at {RATE:g}; processor time, the fastest of {ROUNDS} rounds. River one value "
            "at a time from Python."
        ),
        "Bytes are those held after all values: they are bounded, see the contract suite.",
    ]
    grids = [Grid("Processor time and memory", heads, rows)]
    if theirs:
        columns = ("detector", "ns a value", "ours of that name")
        grids.append(Grid("Peers, one value at a time from their own Python", columns, theirs))
    return Result(6, TITLE, grids, notes, beside.skipped | dict(peers.absent))


def _bank(entry: Entry, values: Floats, clock: Clock) -> tuple[float, float]:
    def fresh() -> Bank:
        return entry.bank(SERIES, **entry.complete({}))

    fresh().update(values[:, :1000].copy())  # compiles
    best = np.inf
    for _ in range(ROUNDS):
        bank, began = fresh(), clock()
        bank.update(values)
        best = min(best, clock() - began)
    return best * 1e9 / values.size, bank.nbytes() / SERIES


def _river(name: str, values: Floats, clock: Clock) -> float:
    module, cls = RIVERS[name]
    detector = getattr(import_module(module), cls)()
    listed, began = values[:5000].tolist(), clock()
    for value in listed:
        detector.update(value)
    return (clock() - began) * 1e9 / len(listed)
