"""Choose the tuned detector of table 5.

``python -m streamproc.detectors.evaluation.scoreboard.tuning`` prints the candidates.

Two real streams with nothing of Electricity in them get the same changes, and the
detector and run length with the highest mean F1 over both, over changes at once
and gradual ones, is written into `streamproc.detectors.evaluation.scoreboard.real` by hand.
"""

import argparse
import gzip
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.evaluation.scoreboard import heldout_seeds, real
from streamproc.detectors.evaluation.scoreboard.entrants import Entrant
from streamproc.detectors.evaluation.scoreboard.injected import KINDS, MAX_DELAY
from streamproc.detectors.evaluation.scoreboard.real import Stream
from streamproc.detectors.evaluation.scoreboard.trial_cache import TrialCache

POWER = "powersupply.arff.gz"
NOON = 12
"""Hours before it are one label of the power supply, those after it the other."""
HALF = ("2", "3", "4")
"""Labels of INSECTS, of six, that make one: its rows are shuffled, so it changes no more."""
ARLS = (1e3, 3e3, 1e4, 3e4, 1e5, 1e6)
TRIALS = 10
"""Of each kind of change, width and stream."""


def power_supply(path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read the two loads, and whether it is afternoon."""
    with gzip.open(path, "rt", encoding="utf-8") as text:
        lines = (line.strip() for line in text)
        # The last row ends with a comma.
        rows = [line.split(",")[:3] for line in lines if line and line[0] not in "@%"]
    table = np.array(rows, np.float64)
    return table[:, :-1], (table[:, -1] >= NOON).astype(np.int64)


def streams(data: Path) -> Iterator[Stream]:
    """Read the streams on which to tune."""
    yield Stream("power", *power_supply(data / POWER), heldout_seeds.TUNING)
    x, label = real.read(data / real.INSECTS, header=False)
    yield Stream("insects", x, np.isin(label, HALF).astype(np.int64), heldout_seeds.TUNING)


def candidates(*, published: bool) -> list[Entrant]:
    """Ours at every run length."""
    return [one for wanted in ARLS for one in real.ours(wanted, published=published)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m streamproc.detectors.evaluation.scoreboard.tuning",
        description="Rank detectors and run lengths by their F1 on streams other than Electricity. "
        "Example: python -m streamproc.detectors.evaluation.scoreboard.tuning --data DIR",
    )
    parser.add_argument("--data", type=Path, metavar="DIR", default=Path("../shared/data"))
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep trials there, and go on")
    parser.add_argument("--trials", type=int, metavar="N", default=TRIALS)
    given = parser.parse_args(arguments)
    for name in (POWER, real.INSECTS):
        if not (given.data / name).is_file():
            parser.error(f"there is no {name} in {given.data}: say where it is with --data")
    able = {published: candidates(published=published) for published in (True, False)}
    parts: dict[bool, dict[str, list[float]]] = {True: {}, False: {}}
    for stream in streams(given.data):
        for width in (0, MAX_DELAY):
            found = real.scored(
                stream,
                width,
                given.trials,
                able,
                cache=TrialCache(given.keep),
                notify=lambda _: None,
            )
            for published, scores in found.items():
                for label, one in scores.items():
                    mean = float(np.mean([one[kind].f1 for kind in KINDS]))
                    parts[published].setdefault(label, []).append(mean)
    for published, ranked in parts.items():
        sys.stdout.write(f"# {'as published' if published else 'corrected'}\n")
        for label, each in sorted(ranked.items(), key=lambda item: -sum(item[1])):
            shown = " ".join(f"{mean:.3f}" for mean in each)
            sys.stdout.write(f"{np.mean(each):.3f}  {label}  ({shown})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
