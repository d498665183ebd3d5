"""Take apart the state of a series monitor, and load its parts."""

from collections.abc import Mapping

from streamproc.detectors.errors import StateError
from streamproc.detectors.runtime.dtypes import Ints
from streamproc.detectors.runtime.slots import Slots, State
from streamproc.detectors.series.follow import Follow
from streamproc.detectors.series.mixes import Mixes


def split_state(
    state: State, parts: Mapping[str, Slots], finder: str
) -> tuple[Ints, dict[str, State], State]:
    """Split a state by the parts of a monitor.

    Parameters
    ----------
    state
        Arrays by name: `restarts`, and those of each part after the part's name and a dot.
    parts
        The parts, by name.
    finder
        Name before the arrays of what is known of whole lives.

    Returns
    -------
    tuple
        Restarts of each slot; the state of each part; what is known of whole lives.

    Raises
    ------
    StateError
        If restarts are missing, or an array belongs to no part.
    """
    restarts = state.get("restarts")
    if restarts is None or restarts.dtype != "int64" or restarts.ndim != 1:
        raise StateError("Watch: state 'restarts' is missing or not a list of int64")
    prefix = f"{finder}."
    follow = {name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)}
    split: dict[str, State] = {part: {} for part in parts}
    for name, array in state.items():
        part, _, field = name.rpartition(".")
        if part in split:
            split[part][field] = array
        elif name != "restarts" and not name.startswith(prefix):
            raise StateError(f"Watch: state {name!r} belongs to none of {sorted(split)}")
    return restarts, split, follow


def load_parts(parts: Mapping[str, Slots], split: Mapping[str, State], size: int) -> None:
    """Load the parts of a monitor, each of which must have `size` slots.

    Raises
    ------
    StateError
        If one does not fit.
    """
    for part, slots in parts.items():
        slots.load(split[part])
        if slots.size != size:
            msg = f"Watch: state of {part} has {slots.size} slots, restarts has {size}"
            raise StateError(msg)


def life_of(life: Follow | Mixes, state: State, size: int) -> Follow | Mixes:
    """Return what is known of whole lives; a version that did not know it wrote no state.

    Raises
    ------
    StateError
        If it does not have `size` slots.
    """
    found = life.blank(0 if state else size)
    if state:
        found.load(state)
    if found.size != size:
        raise StateError(f"Watch: state of lives has {found.size} slots, restarts has {size}")
    return found
