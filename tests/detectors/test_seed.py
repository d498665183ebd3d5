"""SEED against its published procedure, written without arrays or cleverness."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from streamproc.detectors import SEED, SEEDBank
from streamproc.detectors.errors import StateError

Values = NDArray[np.float64]


def _mean(block: list[float]) -> float:
    return math.fsum(block) / len(block)


def _compressed(blocks: list[list[float]], grain: float) -> list[list[float]]:
    """Merge neighbours of like mean, newest pair first, each older pair being allowed more."""
    blocks, allowed = list(blocks), 0.0
    for k in range(len(blocks) - 2, -1, -1):
        allowed += grain
        if abs(_mean(blocks[k]) - _mean(blocks[k + 1])) < allowed:
            blocks[k : k + 2] = [blocks[k] + blocks[k + 1]]
    return blocks


def _cut(blocks: list[list[float]], delta: float) -> int:
    """Newest border whose sides differ by more than ADWIN's bound, or 0."""
    window = [x for block in blocks for x in block]
    log_term = math.log(2 * math.log(len(window)) / delta)
    for k in range(len(blocks) - 1, 0, -1):
        old = [x for block in blocks[:k] for x in block]
        new = [x for block in blocks[k:] for x in block]
        m = 1 / len(old) + 1 / len(new)
        bound = math.sqrt(2 * m * float(np.var(window)) * log_term) + 2 / 3 * log_term * m
        if abs(_mean(old) - _mean(new)) > bound:
            return k
    return 0


def _published(values: Values, delta: float, size: int, grain: float, term: int) -> list[int]:
    """Alarms of the procedure, with blocks as lists of their values."""
    blocks: list[list[float]] = []
    begun, filled, alarms = 0, size, []
    for i, value in enumerate(values):
        if filled == size:
            if begun >= term:
                blocks, begun = _compressed(blocks, grain), 0
            blocks.append([])
            begun, filled = begun + 1, 0
        blocks[-1].append(float(value))
        filled += 1
        if filled == size and len(blocks) > 1 and (cut := _cut(blocks, delta)):
            blocks = blocks[cut:]
            alarms.append(i)
    return alarms


@pytest.mark.parametrize("term", [4, 20])
def test_it_is_the_published_procedure(term: int) -> None:
    """Alarms are those of the procedure on whole lists, through compressions and cuts."""
    rng = np.random.default_rng(1)
    rates = np.repeat([0.2, 0.35, 0.1, 0.1, 0.6, 0.5], 500)
    values = (rng.random(3000) < rates).astype(np.float64)
    expected = _published(values, 0.05, 16, 0.05 * 0.8, term)
    bank = SEEDBank(1, block_size=16, epsilon=0.05, alpha=0.8, compress_term=term, max_blocks=400)
    assert np.flatnonzero(bank.update(values[None])[0]).tolist() == expected
    assert len(expected) > 2


def test_few_blocks_still_hear() -> None:
    """With room for 6 blocks, those most alike merge, and a change is found all the same."""
    values = np.random.default_rng(2).normal(size=(1, 6000))
    values[:, 4000:] += 1.0
    bank = SEEDBank(1, delta=1e-4, max_blocks=6, epsilon=0.0)
    alarms = np.flatnonzero(bank.update(values)[0])
    assert 4000 < alarms[0] < 4150
    assert bank.state()["width"][0] < 2100


def test_keep_and_reset_differ_in_what_is_left() -> None:
    """After an alarm `keep` has the values behind the border, `reset` begins with the next one."""
    values = np.repeat([[0.1, 0.9]], 992, axis=1)
    kept, reset = SEEDBank(1), SEEDBank(1, after="reset")
    for bank in (kept, reset):
        assert np.flatnonzero(bank.update(values)[0]).tolist() == [1023]
    assert kept.state()["width"][0] == 2 * 992 - 992
    assert reset.state()["width"][0] == 2 * 992 - 1024


def test_the_variance_is_that_of_the_window() -> None:
    """Before and after cuts, the window's sum and squares are those of its values."""
    rng = np.random.default_rng(3)
    values = rng.normal(np.repeat([0.0, 3.0, 1.0], 700), 1.0)
    bank = SEEDBank(1, delta=1e-3)
    for end in range(64, 2100, 64):
        bank.update(values[None, end - 64 : end])
        state = bank.state()
        window = values[end - int(state["width"][0]) : end]
        assert state["total"][0] == pytest.approx(window.sum())
        assert state["squares"][0] == pytest.approx(((window - window.mean()) ** 2).sum())


def test_counts_that_leave_the_blocks_are_refused() -> None:
    """A state whose count would lead the loop out of its array is refused."""
    bank = SEEDBank(1, max_blocks=8)
    for wrong in (-1, 9):
        state = bank.state()
        state["count"][0] = wrong
        with pytest.raises(StateError, match="count"):
            bank.load(state)


def test_one_value_at_a_time() -> None:
    """The one-value interface alarms too, on a step of an error rate."""
    rng = np.random.default_rng(4)
    detector, alarms = SEED(), []
    for i in range(4000):
        detector.update(float(rng.random() < (0.2 if i < 2000 else 0.5)))
        if detector.drift_detected:
            alarms.append(i)
    assert next(alarm for alarm in alarms if alarm > 2000) < 2200
