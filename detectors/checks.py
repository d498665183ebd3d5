"""The contract of a detector as a suite that anyone who writes one can run.

`for check in CHECKS: check(entry, numpy.random.default_rng(seed))` raises
`ContractError` at the first promise that is broken.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.bank import Bank
from streamproc.detectors.errors import DetectorError, NotFiniteError, ParameterError, StateError
from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.runtime.slots import State, every_row
from streamproc.detectors.spec import Entry

BYTES = 1500
"""Most bytes that a series may hold after 100,000 values: 200,000 of them fit in 300 MB."""


class ContractError(DetectorError, AssertionError):
    """A detector breaks a promise that pipelines rely on; the message says which."""


Check = Callable[[Entry, np.random.Generator], None]


def _hold(holds: bool, promise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise ContractError(promise)


def changing(rng: np.random.Generator, series: int = 4, length: int = 3000) -> Floats:
    """Series whose level jumps every 500 values, (series, length)."""
    jumps = rng.choice([-6.0, 6.0], (series, length // 500)).cumsum(axis=1)
    return np.repeat(jumps, 500, axis=1) + rng.normal(size=(series, length // 500 * 500))


def errors(
    rng: np.random.Generator, series: int, rates: Sequence[float], length: int = 500
) -> Floats:
    """Errors (1) of models whose error rate changes every `length` values, (series, time)."""
    return (rng.random((series, length * len(rates))) < np.repeat(rates, length)).astype(np.float64)


def changing_for(entry: Entry, rng: np.random.Generator, series: int = 4) -> Floats:
    """Series that change every 500 values in what the detector looks at, (series, 3000)."""
    if entry.family == "error":
        return errors(rng, series, (0.1, 0.6) * 3)
    values = changing(rng, series)
    return np.floor(values) if entry.family == "category" else values


def same_state(one: State, other: State) -> bool:
    """Whether two states are equal to the last bit."""
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype
        and one[name].shape == other[name].shape
        and one[name].tobytes() == other[name].tobytes()
        for name in one
    )


def fed(bank: Bank, values: Floats, cuts: Sequence[int] = ()) -> NDArray[np.bool_]:
    """Alarms of a bank fed in pieces that end at the cuts."""
    edges = sorted({0, *cuts, values.shape[1]})
    return np.hstack([bank.update(values[:, low:high]) for low, high in pairwise(edges)])


def check_any_split(entry: Entry, values: Floats, cuts: Sequence[int]) -> None:
    """Give the same alarms and the same state, to the last bit, for any split of the rows."""
    undivided, pieces = entry.bank(len(values)), entry.bank(len(values))
    _hold(
        bool((fed(undivided, values) == fed(pieces, values, cuts)).all()),
        f"{entry.name}: cuts at {list(cuts)} change its alarms",
    )
    _hold(
        same_state(undivided.state(), pieces.state()),
        f"{entry.name}: cuts at {list(cuts)} change its state",
    )


def check_continuation(entry: Entry, values: Floats, cut: int) -> None:
    """Go on as if nothing had happened, saved at any point and loaded elsewhere."""
    original = entry.bank(len(values))
    original.update(values[:, :cut])
    copy = entry.bank(1)
    copy.load(original.state())
    _hold(same_state(copy.state(), original.state()), f"{entry.name}: a load at {cut} loses state")
    alarms = original.update(values[:, cut:]), copy.update(values[:, cut:])
    _hold(
        bool((alarms[0] == alarms[1]).all()) and same_state(copy.state(), original.state()),
        f"{entry.name}: after a save and load at {cut} it goes on differently",
    )


def splits(entry: Entry, rng: np.random.Generator) -> None:
    """`check_any_split` at random cuts, one value at a time among them."""
    values = changing_for(entry, rng)
    _hold(bool(entry.bank(len(values)).update(values).any()), f"{entry.name}: sees no change")
    check_any_split(entry, values, sorted(rng.integers(0, values.shape[1], 40)))
    check_any_split(entry, values[:, :600], range(600))


def continuation(entry: Entry, rng: np.random.Generator) -> None:
    """`check_continuation` at random points, the beginning among them."""
    values = changing_for(entry, rng)
    for cut in (0, 1, *rng.integers(2, values.shape[1], 10)):
        check_continuation(entry, values, int(cut))


def one_is_many(entry: Entry, rng: np.random.Generator) -> None:
    """Alarm one value at a time as in a bank."""
    values = changing_for(entry, rng, series=1)
    detector, alarms = entry.detector(), []
    for value in values[0]:
        detector.update(float(value))
        alarms.append(detector.drift_detected)
    _hold(
        alarms == entry.bank(1).update(values)[0].tolist(),
        f"{entry.name}: one value at a time gives other alarms than a bank",
    )


def missing(entry: Entry, rng: np.random.Generator) -> None:
    """Skip NaN in a bank; refuse it by name, unchanged, one value at a time."""
    values = changing_for(entry, rng, series=1)
    gaps = rng.random(values.shape[1] * 2) < 0.5
    holed = np.full((1, len(gaps)), np.nan)
    where = np.flatnonzero(~gaps)[: values.shape[1]]
    holed[0, where] = values[0, : len(where)]
    alarms = entry.bank(1).update(values[:, : len(where)])[0]
    _hold(
        bool((entry.bank(1).update(holed)[0, where] == alarms).all()),
        f"{entry.name}: NaN in a bank is not skipped",
    )
    detector = entry.detector()
    for value, alarm in zip(values[0], alarms, strict=False):
        for bad in (math.nan, math.inf, -math.inf):
            try:
                detector.update(bad)
            except NotFiniteError:
                continue
            _hold(holds=False, promise=f"{entry.name}: takes {bad}")
        detector.update(float(value))
        _hold(detector.drift_detected == alarm, f"{entry.name}: a refused value changed it")


def isolation(entry: Entry, rng: np.random.Generator) -> None:
    """Alarm on a series as if it were alone, wherever it sits and whatever its neighbours do."""
    values = changing_for(entry, rng)
    tasks = every_row(values)[::-1].copy()
    crowd = entry.bank(2 * len(values))
    tasks[:, 3] += len(values)
    crowd.scan(values, every_row(values))
    hits = crowd.scan(values, tasks)
    for task, row in zip(tasks, hits.row, strict=True):
        alone = entry.bank(1).scan(values[task[0] : task[0] + 1], every_row(values[:1])).row[0]
        _hold(int(row) == int(alone), f"{entry.name}: neighbours change the alarm of a series")


def fresh_after_reset(entry: Entry, rng: np.random.Generator) -> None:
    """Make slots that are reset, or new after growing, as a new bank's are."""
    values = changing_for(entry, rng)
    bank = entry.bank(len(values))
    bank.update(values)
    bank.reset(np.arange(len(values)))
    _hold(
        same_state(bank.state(), entry.bank(len(values)).state()),
        f"{entry.name}: a reset leaves something behind",
    )
    bank.update(values)
    bank.resize(2 * len(values))
    bank.reset(np.arange(len(values)))
    _hold(
        same_state(bank.state(), entry.bank(2 * len(values)).state()),
        f"{entry.name}: a new slot is not blank",
    )


def memory(entry: Entry, rng: np.random.Generator) -> None:
    """Hold at most `BYTES` a series after 100,000 quiet values."""
    bank = entry.bank(8)
    quiet = entry.family == "error"
    values = errors(rng, 8, [0.05], 100_000) if quiet else rng.normal(0.0, 1e-3, (8, 100_000))
    bank.scan(values, every_row(values))
    used = bank.nbytes() / 8
    _hold(used <= BYTES, f"{entry.name}: {used:.0f} bytes a series after 100,000 values")


def parameters(entry: Entry, _: np.random.Generator) -> None:
    """Refuse each parameter by name outside of its range, in both classes alike."""
    for name, param in entry.params.items():
        bad: list[object] = [None, True, math.nan, "nothing of the kind"]
        bad += [param.low - 1] if math.isfinite(param.low) else []
        bad += [param.high + 1] if math.isfinite(param.high) else []
        bad += [param.low] if param.above else []
        for value in bad:
            for build in (entry.detector, entry.bank):
                try:
                    build(**{name: value})
                except ParameterError as error:
                    _hold(name in str(error), f"{entry.name}: {error} does not name {name}")
                else:
                    _hold(holds=False, promise=f"{entry.name}: takes {name}={value!r}")


def wrong_state(entry: Entry, rng: np.random.Generator) -> None:
    """Refuse a state that does not fit, by name, and stay as it was."""
    bank = entry.bank(3)
    bank.update(changing_for(entry, rng, series=3))
    state = bank.state()
    for name, array in state.items():
        others = {other: array for other, array in state.items() if other != name}
        for bad in (
            others,
            state | {name: array.astype(np.complex128)},
            state | {name: array[..., None]},
            state | {name: array[:-1]},
        ):
            try:
                bank.load(bad)
            except StateError as error:
                _hold(name in str(error), f"{entry.name}: {error} does not name {name}")
            else:
                _hold(holds=False, promise=f"{entry.name}: loads a state with a wrong {name}")
            _hold(same_state(bank.state(), state), f"{entry.name}: a refused state changed it")


def extremes(entry: Entry, _: np.random.Generator) -> None:
    """Survive finite values of any size, and hear again after a reset."""
    values = np.tile([1e308, -1e308, 5e-324, 0.0, 1e-300, -1e300], (1, 200))
    bank = entry.bank(1)
    bank.update(values)
    bank.reset(np.zeros(1, np.int64))
    if entry.family == "error":
        jump = errors(np.random.default_rng(1), 1, (0.1, 0.9))
    else:
        jump = np.repeat([[0.0, 100.0]], 500, axis=1)
    _hold(bool(bank.update(jump).any()), f"{entry.name}: deaf after extreme values and a reset")


def tells_the_change(entry: Entry, rng: np.random.Generator) -> None:
    """Tell after an alarm where the series changed, in which direction and by how much."""
    category, step = entry.family == "category", 6.0
    values = rng.integers(4, size=3000).astype(np.float64) if category else rng.normal(size=3000)
    values[1500:] += step
    if entry.family == "error":
        values, step = errors(rng, 1, (0.1, 0.6), 1500)[0], 0.5
    detector = entry.detector(**entry.complete({}))
    _hold(detector.change is None, f"{entry.name}: tells a change before any value")
    for i, value in enumerate(values.tolist()):
        detector.update(value)
        if detector.drift_detected and i >= 1500:
            break
    change = detector.change
    if change is None:
        raise ContractError(f"{entry.name}: tells no change")
    _hold(
        abs(change.offset - 1500) <= 100 and change.direction == "up",
        f"{entry.name}: puts a rise at 1500 to {change.offset}, {change.direction}",
    )
    _hold(
        abs(change.size - step) <= 0.3 * step,
        f"{entry.name}: calls a rise by {step:g} one by {change.size:g}",
    )


CHECKS: tuple[Check, ...] = (
    splits,
    continuation,
    one_is_many,
    missing,
    isolation,
    fresh_after_reset,
    memory,
    parameters,
    wrong_state,
    extremes,
    tells_the_change,
)
"""All promises, each a function of an entry and a generator."""
