"""Trials that are done stay done: their series in a directory, one file each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class TrialCache:
    """Where finished trials are kept.

    Attributes
    ----------
    folder
        Directory, made when first needed; None: nothing is cache. What it holds
        is believed: empty it after a change of the seeds or of what makes a trial.
    """

    folder: Path | None = None

    def made(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """Read a trial's arrays, or make and keep them.

        Parameters
        ----------
        name
            Of the trial, in letters, digits and dashes.
        make
            Makes its arrays.
        """
        if self.folder is None:
            return make()
        path = self.folder / f"{name}.npz"
        if path.is_file():
            with np.load(path) as held:
                return dict(held)
        arrays = make()
        self.folder.mkdir(parents=True, exist_ok=True)
        # Renamed when whole: a run that is stopped leaves no half of a trial.
        part = self.folder / f"{name}.part"
        with part.open("wb") as out:
            np.savez(out, **dict(arrays))  # type: ignore[arg-type]
        part.replace(path)
        return arrays


NOWHERE = TrialCache()
"""Nothing is cache."""
