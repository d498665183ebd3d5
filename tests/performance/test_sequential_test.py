"""Sequential tests hold their level however often one looks, and find what is there."""

import math

import numpy as np
import pytest

from streamproc.performance.sequential_test import (
    add_gains,
    is_significant,
    log_total,
    new_log_wealth,
    sequential_test,
)


@pytest.mark.parametrize("absolute", [False, True])
def test_the_test_for_better_holds_its_level(absolute: bool) -> None:  # noqa: FBT001
    """Of 2,000 pairs of equals, looked at after each of 1,000 labels, at most 5 % are promoted."""
    draw = np.random.default_rng(7)
    wrong = 0
    for _ in range(2000):
        evidence = new_log_wealth()
        pair = draw.random((2, 1000)) if absolute else (draw.random((2, 1000)) < 0.3) * 1.0
        sequential_test(pair[0], pair[1], absolute, evidence, 0, np.inf)
        wrong += is_significant(evidence, 0.05)
    assert wrong <= 100


def test_the_test_for_better_finds_what_is_better() -> None:
    """An error rate of .2 against .3 is proven within 1,000 labels nearly always."""
    draw = np.random.default_rng(8)
    found = 0
    for _ in range(200):
        evidence = new_log_wealth()
        mine, other = (draw.random(1000) < 0.3) * 1.0, (draw.random(1000) < 0.2) * 1.0
        sequential_test(mine, other, False, evidence, 0, np.inf)  # noqa: FBT003
        found += is_significant(evidence, 0.05)
    assert found > 180


def test_bets_that_restart_are_rarely_rich_without_a_change() -> None:
    """Bets against a fair coin reach a wealth of 1,000 at most once in 1,000 values."""
    draw = np.random.default_rng(9)
    stakes, crossed, values = (0.05, 0.15, 0.4, 0.8), 0, 100_000
    logs = [0.0] * len(stakes)
    for side in draw.choice([-1.0, 1.0], values).tolist():
        logs = add_gains(logs, [math.log1p(stake * side) for stake in stakes])
        if log_total(logs) - math.log(len(stakes)) >= math.log(1000.0):
            crossed, logs = crossed + 1, [0.0] * len(stakes)
    assert 0 < crossed <= values / 1000
