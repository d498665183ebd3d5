"""Hold a model version with its metrics and the evidence that it is better."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from streamproc.config.river_spec import ModelSpec
from streamproc.detectors.runtime.dtypes import Floats
from streamproc.online.evaluation import RUNNING_METRICS, metrics
from streamproc.online.model_version import ModelVersion
from streamproc.performance.sequential_test import new_log_wealth

OWN, PRODUCTION, FLOOR = 0, 1, 2
_PREFIXES = {OWN: "", PRODUCTION: "production_", FLOOR: "floor_"}


@dataclass(slots=True)
class ScoredVersion:
    """A version with its metrics and evidence.

    Attributes
    ----------
    contestant
        The version.
    record
        (RECORD,): running metrics, then the evidence.
    """

    contestant: ModelVersion
    record: Floats = field(
        default_factory=lambda: np.append(np.zeros(3 * RUNNING_METRICS), new_log_wealth())
    )

    @property
    def tallies(self) -> Floats:
        """(3, TALLY): running metrics of this version, production and baseline; a view."""
        return self.record[: 3 * RUNNING_METRICS].reshape(3, RUNNING_METRICS)

    @property
    def evidence(self) -> Floats:
        """(EVIDENCE,): evidence that it is better than the champion; a view."""
        return self.record[3 * RUNNING_METRICS :]

    def doubt(self) -> None:
        """Reset the evidence."""
        self.record[3 * RUNNING_METRICS :] = new_log_wealth()

    @property
    def version(self) -> int:
        """Version number."""
        return self.contestant.version

    def metrics(self, task: str) -> dict[str, float | None]:
        """Return prequential metrics of this version, production and baseline by name."""
        found: dict[str, float | None] = {}
        for row, prefix in _PREFIXES.items():
            if row == OWN or self.tallies[row, 0]:
                found |= metrics(self.tallies[row], task, prefix)
        return {name: value for name, value in found.items() if value is not None}

    def dump(self) -> list[Any]:
        """Return the state as plain values."""
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
