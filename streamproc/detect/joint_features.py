"""Hold the state of the features that are watched together, by how many they are."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from streamproc.decode.layout import UNWATCHED, JointSlot, Model
from streamproc.detectors.errors import StateError
from streamproc.detectors.series.pair_products import LEARNING, MAX_FEATURES, PairProducts

BEGIN: Final = 50
"""Events of a model after which its features to watch together are chosen: those that it has."""
BEFORE_FIRST: Final = BEGIN + LEARNING
"""Events of a model before the first value of the series, at the latest."""
_NONE: Final = JointSlot((), UNWATCHED)
_PREFIX: Final = "joint {}: "


class JointFeatures:
    """The features of the models of one partition that are watched together.

    Attributes
    ----------
    banks
        State of all models with that number of features.
    """

    def __init__(self) -> None:
        self.banks: dict[int, PairProducts] = {}
        self._spare: dict[int, list[int]] = {}

    def take(self, names: Sequence[str]) -> JointSlot:
        """Allocate a slot for some features; none for fewer than two."""
        count = len(names)
        if count < 2:
            return _NONE
        bank = self.banks.setdefault(count, PairProducts(count))
        spare = self._spare.setdefault(count, [])
        if not spare:
            spare.append(bank.size)
            bank.resize(bank.size + 1)
        return JointSlot(tuple(names), spare.pop())

    def give_back(self, joint: JointSlot) -> None:
        """Reset and free a slot."""
        count = len(joint.names)
        if count:
            self.banks[count].reset(np.array([joint.slot]))
            self._spare[count].append(joint.slot)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the state of all slots as named arrays."""
        return {
            _PREFIX.format(count) + name: array
            for count, bank in sorted(self.banks.items())
            for name, array in bank.state().items()
        }

    def load(self, arrays: Mapping[str, NDArray[Any]], used: Sequence[JointSlot]) -> None:
        """Restore the state; slots that are not in `used` are free.

        Raises
        ------
        StateError
            If an array is missing or does not fit, or there is no such slot.
        """
        for count in range(2, MAX_FEATURES + 1):
            prefix = _PREFIX.format(count)
            state = {
                name.removeprefix(prefix): array
                for name, array in arrays.items()
                if name.startswith(prefix)
            }
            if state:
                self.banks[count] = PairProducts(count)
                self.banks[count].load(state)
        taken: dict[int, set[int]] = {count: set() for count in self.banks}
        for joint in used:
            bank = self.banks.get(len(joint.names))
            if bank is None or not 0 <= joint.slot < bank.size:
                msg = f"no state of {len(joint.names)} features has a slot {joint.slot}"
                raise StateError(msg)
            taken[len(joint.names)].add(joint.slot)
        for count, bank in self.banks.items():
            spare = sorted(set(range(bank.size)) - taken[count], reverse=True)
            bank.reset(np.array(spare, np.int64))
            self._spare[count] = spare


def chosen(model: Model, events: int) -> list[str]:
    """Return the numeric features that a model has had within its first events, the first ones.

    Parameters
    ----------
    model
        The model.
    events
        Number of its events that count.
    """
    births = model.births
    known = [name for name in model.layout.shape.numbers if births.get(name, 0) < events]
    return sorted(known, key=lambda name: (births.get(name, 0), name))[:MAX_FEATURES]
