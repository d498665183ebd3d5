"""Table 1: the same alarms as River 0.26.1."""

import numpy as np

from streamproc.detectors import registry
from streamproc.detectors.evaluation.scoreboard import entrants, heldout_seeds
from streamproc.detectors.evaluation.scoreboard.result import Grid, Notify, Result
from streamproc.detectors.runtime.dtypes import Floats

TITLE = "Parity with River 0.26.1"
Golden = tuple[str, dict[str, object], dict[str, object], int, tuple[int, ...]]

GOLDEN: tuple[Golden, ...] = (
    ("adwin", {}, {}, 1, (1023,)),
    ("ddm", {}, {}, 2, (1049,)),
    ("eddm", {"alpha": 0.9, "beta": 0.8}, {"alpha": 0.9, "beta": 0.8}, 2, (1059,)),
    ("hddm_a", {}, {}, 2, (1047,)),
    ("hddm_a", {"mode": "both"}, {"two_sided_test": True}, 3, (531, 1015, 1545)),
    ("hddm_w", {}, {}, 2, (1018,)),
    ("hddm_w", {"mode": "both"}, {"two_sided_test": True}, 3, (507, 1032, 1508)),
    (
        "kswin",
        {"alpha": 0.0001, "window_size": 200, "stat_size": 100, "seed": 42},
        {"alpha": 0.0001, "window_size": 200, "stat_size": 100},
        1,
        (1042,),
    ),
    ("page_hinkley", {"mode": "up"}, {"mode": "up"}, 3, (588, 1681)),
    ("page_hinkley", {"mode": "down"}, {"mode": "down"}, 3, (1172,)),
    ("page_hinkley", {"mode": "both"}, {"mode": "both"}, 3, (588, 1097, 1585)),
)
"""Detector, our parameters, River's, stream, indices that River's own tests expect."""


def golden_stream(number: int) -> Floats:
    """Streams of River's own tests, (1, 2000): they are made with numpy's old generator."""
    rng = np.random.RandomState(12345)
    if number == 1:
        parts = [rng.randint(2, size=1000), rng.randint(8, size=1000)]
    elif number == 2:
        parts = [np.array([rng.binomial(1, p) for _ in range(1000)]) for p in (0.2, 0.8)]
    else:
        parts = [
            (rng.normal(mean, 0.1, 500) > 0).astype(np.int64) for mean in (0.0, 0.25, 0.0, 0.25)
        ]
    return np.concatenate(parts).astype(np.float64)[None]


def random_streams(series: int, length: int) -> dict[str, Floats]:
    """Streams whose level changes every 500 values."""
    rng = np.random.default_rng(heldout_seeds.PARITY)
    level = np.repeat(rng.normal(0, 3, (series, length // 500)), 500, axis=1)
    rates = np.repeat(rng.random((series, length // 500)) * 0.6, 500, axis=1)
    return {
        "values": level + rng.normal(size=level.shape),
        "errors": (rng.random(rates.shape) < rates).astype(np.float64),
    }


def run(*, full: bool, notify: Notify) -> Result:
    """Compare alarms at the golden indices and on random streams."""
    golden, random = {}, {}
    skipped: dict[str, str] = {}
    for name, mine, theirs, stream, expected in GOLDEN:
        if name not in registry.names():
            skipped[name] = "not in this version of the package"
            continue
        notify(f"golden {name}")
        values = golden_stream(stream)
        ours = tuple(np.flatnonzero(registry.get(name).bank(1, **mine).update(values)[0]).tolist())
        river = tuple(np.flatnonzero(entrants.river(name, **theirs).alarms(values)[0]).tolist())
        label = f"{name} {mine or ''} on stream {stream}"
        golden[label] = (str(expected), str(river), str(ours), _verdict(ours == river == expected))
    streams = random_streams(20 if full else 4, 20_000 if full else 5_000)
    for name in entrants.RIVERS:
        if name not in registry.names():
            continue
        if name == "kswin":  # equal given the same draws, see its tests; the draws are its own
            skipped[name] = "samples its reference with other random numbers"
            continue
        notify(f"random {name}")
        values = streams["errors" if name in entrants.ERRORS else "values"]
        found = registry.get(name).bank(len(values)).update(values)
        theirs_found = entrants.river(name).alarms(values)
        same = bool((found == theirs_found).all())
        random[name] = (int(theirs_found.sum()), int((found & theirs_found).sum()), _verdict(same))
    grids = [
        Grid("Indices of River's own tests", ("test", "expected", "River", "ours", ""), golden),
        Grid("Random streams", ("detector", "alarms of River", "the same", ""), random),
    ]
    return Result(1, TITLE, grids, [f"Seed {heldout_seeds.PARITY}."], skipped)


def _verdict(same: bool) -> str:  # noqa: FBT001 - reads as a sentence
    return "equal" if same else "DIFFERENT"
