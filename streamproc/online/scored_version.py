"""A contestant with its record: how good it was, and the evidence that it is better."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detectors.runtime.dtypes import Floats
from streamproc.config.river_spec import ModelSpec
from streamproc.online.evaluation import TALLY, metrics, new_evidence
from streamproc.online.model_version import Contestant

OWN, PRODUCTION, FLOOR = 0, 1, 2
_PREFIXES = {OWN: "", PRODUCTION: "production_", FLOOR: "floor_"}


@dataclass(slots=True)
class Player:
    """A version and its record.

    Attributes
    ----------
    contestant
        What answers and learns.
    record
        (RECORD,): its tallies, then the evidence.
    """

    contestant: Contestant
    record: Floats = field(default_factory=lambda: np.append(np.zeros(3 * TALLY), new_evidence()))

    @property
    def tallies(self) -> Floats:
        """(3, TALLY): of its own answers, and of production's and the floor's on the same events.

        It is a view.
        """
        return self.record[: 3 * TALLY].reshape(3, TALLY)

    @property
    def evidence(self) -> Floats:
        """(EVIDENCE,): that it is better than the version that answers; a view."""
        return self.record[3 * TALLY :]

    def doubt(self) -> None:
        """Begin to bet anew."""
        self.record[3 * TALLY :] = new_evidence()

    @property
    def version(self) -> int:
        """Its number."""
        return self.contestant.version

    def metrics(self, task: str) -> dict[str, float | None]:
        """Give its prequential metrics, and beside them those that were judged with it."""
        found: dict[str, float | None] = {}
        for row, prefix in _PREFIXES.items():
            if row == OWN or self.tallies[row, 0]:
                found |= metrics(self.tallies[row], task, prefix)
        return {name: value for name, value in found.items() if value is not None}

    def dump(self) -> list[Any]:
        """Write all that there is to it."""
        spec = self.contestant.spec.steps
        parts = self.tallies.tobytes(), self.evidence.tobytes()
        return [spec, self.contestant.dump(), *parts]


def player(spec: ModelSpec, version: int, *, binary: bool, train_for: int | None) -> Player:
    """Make a version that has learned nothing."""
    return Player(Contestant(spec, version, binary=binary, train_for=train_for))


def restored(written: list[Any], *, binary: bool, train_for: int | None) -> Player:
    """Make the version that `dump` wrote."""
    steps, data, tallies, evidence = written
    made = player(ModelSpec.model_validate(steps), 0, binary=binary, train_for=train_for)
    made.contestant.load(data)
    made.record[:] = np.frombuffer(tallies + evidence)
    return made
