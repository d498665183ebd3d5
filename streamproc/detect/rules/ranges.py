"""Judge events by all rules with a range at once: a call for each costs more than its events."""

from collections.abc import Sequence

import numpy as np

from streamproc.config.rule import Range, Rule
from streamproc.decode.matrix import Floats, Ints
from streamproc.detect.rules.columns import RuleColumns
from streamproc.detectors.runtime.jit import compiled


class RangeJudge:
    """Judges events by the rules that have a range, among some.

    Parameters
    ----------
    rules
        All rules.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        numbers = [at for at, rule in enumerate(rules) if rule.range is not None]
        self._names = [rules[at].references[0] for at in numbers]
        self._numbers: Ints = np.array(numbers, np.int64)
        limits = [_limits(rule.range) for rule in rules if rule.range is not None]
        self._limits: Floats = np.array(limits, np.float64).reshape(-1, 2)

    def judge(self, columns: RuleColumns, codes: np.ndarray) -> None:
        """Fill the rows of `codes`, int8 (rules, events), of the rules with a range."""
        if not self._names:
            return
        values, rows = columns.rows(self._names)
        judge_ranges(values, rows, self._limits, self._numbers, codes)


def _limits(allowed: Range) -> tuple[float, float]:
    low = -np.inf if allowed.min is None else allowed.min
    return low, np.inf if allowed.max is None else allowed.max


@compiled
def judge_ranges(
    values: Floats, rows: Ints, limits: Floats, numbers: Ints, codes: np.ndarray
) -> None:
    """Judge values by ranges.

    Parameters
    ----------
    values
        (series, events): NaN is missing, and not judged.
    rows
        (ranges,): row of `values`; negative: all are missing.
    limits
        (ranges, 2): smallest and largest value.
    numbers
        (ranges,): row of `codes`.
    codes
        int8 (rules, events): filled with 1 (violated), 0 (fulfilled) or -1 (not judged).
    """
    for each in range(len(rows)):
        low, high = limits[each]
        for event in range(codes.shape[1]):
            value = values[rows[each], event] if rows[each] >= 0 else np.nan
            if np.isnan(value):
                codes[numbers[each], event] = -1
            else:
                codes[numbers[each], event] = value < low or value > high
