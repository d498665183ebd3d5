"""Peers beside ours: their alarms on the series of table 3, and their cost."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from streamproc.detectors.evaluation.scoreboard.entrants import Bools, standardised
from streamproc.detectors.evaluation.scoreboard.peers import calibrated
from streamproc.detectors.evaluation.scoreboard.peers.catalogue import CATALOGUE, Theirs
from streamproc.detectors.evaluation.scoreboard.peers.environments import Peers
from streamproc.detectors.evaluation.scoreboard.peers.process import PeerError
from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.series_monitor import WARMUP

SERIES = 300
"""Of a change: at 1 to 10 microseconds a value all peers take some twenty minutes."""
ROUNDS = 3
LONG, SHORT = 5000, 1000
"""Values whose cost is measured, and those of slow detectors."""


@dataclass(frozen=True, slots=True)
class PeerComparison:
    """All peers for one report: who fails once is not asked again.

    Attributes
    ----------
    peers
        Who takes part.
    skipped
        Detector → why it has no number, filled as it comes to light.
    """

    peers: Peers
    skipped: dict[str, str] = field(default_factory=dict)

    def alarms(self, source: str, values: Floats) -> Iterator[tuple[str, Bools]]:
        """Give each able detector's first alarms on the first `SERIES` series.

        Parameters
        ----------
        source
            Stationary series before the change, by its name in table 3.
        values
            Raw, (series, time).

        Yields
        ------
        tuple
            Label, and where each series alarms first.
        """
        raw = values[:SERIES]
        skipped = WARMUP if source in calibrated.VALUES else 0  # no values, until there is a unit
        ready = standardised(raw)[:, skipped:] if skipped else raw
        knobs = calibrated.shipped()
        for peer in self.peers.here:
            for theirs in (t for t in CATALOGUE if t.peer == peer.name and self._asked(t)):
                if source not in calibrated.sources(theirs):
                    if source in calibrated.FALLS:
                        self.skipped[f"{theirs.label} on falls"] = "it looks for rises alone"
                    continue
                known = knobs.get(theirs.label, {}).get(source, "not calibrated")
                if isinstance(known, str):
                    self.skipped[f"{theirs.label} on {source}"] = known
                    continue
                try:
                    params = theirs.params(known["knob"])
                    found = peer.ask(theirs.name, params, ready, first=True).alarms
                except PeerError as error:
                    self.skipped[theirs.label] = str(error)
                    continue
                seen = np.zeros(raw.shape, np.bool_)
                for row, one in enumerate(found):
                    seen[row, [skipped + i for i in one]] = True
                yield theirs.label, seen

    def costs(self, values: Floats, errors: Floats) -> Iterator[tuple[Theirs, float]]:
        """Measure nanoseconds of processor time a value, with the libraries' own parameters.

        Parameters
        ----------
        values, errors
            One series of each, (1, time).

        Yields
        ------
        tuple
            The detector, and its nanoseconds: the fastest of some rounds.
        """
        for peer in self.peers.here:
            for theirs in (t for t in CATALOGUE if t.peer == peer.name):
                one = errors if theirs.family == "error" else values
                one = one[:, : SHORT if theirs.slow else LONG]
                try:
                    rounds = [peer.ask(theirs.name, {}, one) for _ in range(ROUNDS)]
                except PeerError as error:
                    self.skipped[theirs.label] = str(error)
                    continue
                yield theirs, min(r.seconds * 1e9 / r.values for r in rounds)

    def _asked(self, theirs: Theirs) -> bool:
        if theirs.slow:
            self.skipped[theirs.label] = "too slow for this table; its cost is in table 6"
        elif theirs.knob is None:
            self.skipped[theirs.label] = "nothing in it sets a run length; its cost is in table 6"
        return theirs.label not in self.skipped
