"""Thresholds of equal run length for detectors of other libraries.

``python -m streamproc.detectors.evaluation.scoreboard.peers.calibrated`` measures them.

They are shipped as `knobs.json`: mean run lengths on the stationary series from
which our tables are made, each detector restarting after an alarm.
"""

import argparse
import itertools
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from streamproc.detectors.evaluation.calibration import run_lengths
from streamproc.detectors.evaluation.calibration.build_tables import SEED
from streamproc.detectors.evaluation.scoreboard.peers import environments
from streamproc.detectors.evaluation.scoreboard.peers.catalogue import (
    CATALOGUE,
    REQUIREMENTS,
    Theirs,
)
from streamproc.detectors.evaluation.scoreboard.peers.process import Peer, PeerError
from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.series_monitor import WARMUP

KNOBS = "knobs.json"
SERIES, LENGTH = 20, 12_500
"""Stationary values: at a run length of 10,000 some 25 alarms, so its deviation is a fifth of it,
and 2 % of a delay."""
ARL = 1e4
STEPS = 8
"""Halvings of the knob's range, in its logarithm."""
NEAR = 0.15
"""A knob is found when its run length is within this share of the wanted one."""
VALUES = ("N(0, 1)", "Student t(3)")
RISES = "Bernoulli(0.2)"
FALLS = tuple(f"Bernoulli({p:g})" for p in (0.25, 0.3, 0.4))
"""Before changes of table 3 that rise, and that fall."""


def sources(theirs: Theirs) -> tuple[str, ...]:
    """Stationary series, by the names of table 3, on which a detector takes part."""
    values = () if theirs.family == "error" else VALUES
    return (*values, RISES, *(FALLS if theirs.both else ()))


def stationary(source: str) -> Floats:
    """Series for calibration: in the unit that each learns, but 0 and 1 as they are."""
    if source in VALUES:
        made = run_lengths.standardised(source)
    else:
        made = run_lengths.errors(float(source.removeprefix("Bernoulli(").removesuffix(")")))
    rng = np.random.default_rng(np.random.SeedSequence([SEED, zlib.crc32(source.encode())]))
    chunks = itertools.islice(made(rng), LENGTH // run_lengths.CHUNK)
    values = np.hstack([chunk[:SERIES] for chunk in chunks])
    return values[:, WARMUP:] if source in VALUES else values  # no values, until there is a unit


def knob_for(peer: Peer, theirs: Theirs, values: Floats) -> dict[str, float] | None:
    """Halve the range of the knob until the run length is `ARL`; None if it does not reach so far.

    Raises
    ------
    PeerError
        If the peer fails.
    """
    assert theirs.knob is not None  # noqa: S101 - only those that have one are asked for
    loose, strict = np.log([theirs.knob.loose, theirs.knob.strict])
    best: dict[str, float] | None = None
    enough = int(3.0 * values.size / ARL)
    for _ in range(STEPS):
        middle = (loose + strict) / 2.0
        knob = float(f"{np.exp(middle):.4g}")
        found = peer.ask(theirs.name, theirs.params(knob), values, most=enough)
        alarms = sum(len(one) for one in found.alarms)
        length = found.values / max(1, alarms)
        if best is None or abs(np.log(length / ARL)) < abs(np.log(best["arl"] / ARL)):
            best = {"knob": knob, "arl": round(length)}
        if abs(np.log(length / ARL)) < NEAR:
            break
        loose, strict = (middle, strict) if length < ARL else (loose, middle)
    # Twice as long or half is another question than the one that table 3 asks.
    return best if best and 0.7 < best["arl"] / ARL < 1.4 else None


def calibrate(
    peer: Peer, mine: Iterable[Theirs], notify: Callable[[str], None]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Find the knobs of a peer's detectors on all sources; a string is why there is none."""
    for theirs in mine:
        found: dict[str, Any] = {}
        for source in sources(theirs):
            notify(f"{theirs.label} on {source}")
            try:
                one: Any = knob_for(peer, theirs, stationary(source))
            except PeerError as error:
                one = str(error)
            found[source] = one or "no knob gives this run length"
        yield theirs.label, found


def shipped() -> Mapping[str, Mapping[str, Any]]:
    """Read the knobs: detector → source → `knob` and its run length, or why there is none."""
    path = resources.files("streamproc.detectors.evaluation.scoreboard.peers") / KNOBS
    read: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))["detectors"]
    return read


def write(path: Path, found: Mapping[str, Any]) -> None:
    """Put the knobs into a file."""
    data = {"seed": SEED, "arl": ARL, "installed": REQUIREMENTS, "detectors": found}
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m streamproc.detectors.evaluation.scoreboard.peers.calibrated",
        description="Calibrate the detectors of the peers that are installed, on the seeds of "
        "our tables. Example: "
        "python -m streamproc.detectors.evaluation.scoreboard.peers.calibrated --only capymoa",
    )
    parser.add_argument("--peers", type=Path, metavar="DIR", help="their environments")
    parser.add_argument("--out", type=Path, metavar="FILE", help="not the shipped file")
    parser.add_argument("--only", choices=sorted(REQUIREMENTS), help="this peer alone")
    given = parser.parse_args(arguments)
    path = given.out or Path(
        str(resources.files("streamproc.detectors.evaluation.scoreboard.peers") / KNOBS)
    )
    found = dict(json.loads(path.read_text("utf-8"))["detectors"]) if path.is_file() else {}
    peers = environments.installed(environments.folder(given.peers))
    for peer in peers.here:
        if given.only in (None, peer.name):
            mine = [t for t in CATALOGUE if t.peer == peer.name and t.knob and not t.slow]
            with peer:
                for label, one in calibrate(peer, mine, _say):
                    found[label] = one
                    write(path, found)
    for name, why in peers.absent.items():
        _say(f"{name}: {why}")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
