"""Hold a model version with its metrics and the evidence that it is better."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detectors.runtime.dtypes import Floats
from streamproc.config.river_spec import ModelSpec
from streamproc.online.evaluation import RUNNING_METRICS, metrics, new_log_wealth
from streamproc.online.model_version import ModelVersion

OWN, PRODUCTION, FLOOR = 0, 1, 2
_PREFIXES = {OWN: "", PRODUCTION: "production_", FLOOR: "floor_"}


@dataclass(slots=True)
class ScoredVersion:
    """A version and its record.

    Attributes
    ----------
    contestant
        What answers and learns.
    record
        (RECORD,): its tallies, then the evidence.
    """

    contestant: ModelVersion
    record: Floats = field(
        default_factory=lambda: np.append(np.zeros(3 * RUNNING_METRICS), new_log_wealth())
    )

    @property
    def tallies(self) -> Floats:
        """(3, TALLY): of its own answers, and of production's and the floor's on the same events.

        It is a view.
        """
        return self.record[: 3 * RUNNING_METRICS].reshape(3, RUNNING_METRICS)

    @property
    def evidence(self) -> Floats:
        """(EVIDENCE,): that it is better than the version that answers; a view."""
        return self.record[3 * RUNNING_METRICS :]

    def doubt(self) -> None:
        """Begin to bet anew."""
        self.record[3 * RUNNING_METRICS :] = new_log_wealth()

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


def scored_version(
    spec: ModelSpec, version: int, *, binary: bool, train_for: int | None
) -> ScoredVersion:
    """Make a version that has learned nothing."""
    return ScoredVersion(ModelVersion(spec, version, binary=binary, train_for=train_for))


def restored(written: list[Any], *, binary: bool, train_for: int | None) -> ScoredVersion:
    """Make the version that `dump` wrote."""
    steps, data, tallies, evidence = written
    made = scored_version(ModelSpec.model_validate(steps), 0, binary=binary, train_for=train_for)
    made.contestant.load(data)
    made.record[:] = np.frombuffer(tallies + evidence)
    return made
