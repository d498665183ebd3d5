"""Judge the events of a slice by one rule."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamproc.config.rule import Rule
from streamproc.decode.matrix import Floats, Ints
from streamproc.detect.rules.columns import Bools, RuleColumns
from streamproc.detect.rules.counts_kernel import judge_order
from streamproc.detect.rules.expressions import holds, present
from streamproc.detect.rules.recent_values import RecentValues

Codes = NDArray[np.int8]
FULFILLED: Final = 0
VIOLATED: Final = 1
NOT_JUDGED: Final = -1
_CACHED: Final = 4096


class Judge:
    """Judges events by a rule without a range.

    Parameters
    ----------
    rule
        The rule.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._names = rule.references
        self._matches: Callable[[str], bool] | None = None
        if rule.regex is not None:
            self._matches = _matcher(rule.regex)
        elif self._names and self._names[0].text and rule.set is not None:
            self._matches = frozenset(rule.set).__contains__
        numbers = [] if self._matches is not None or rule.set is None else list(rule.set)
        self._allowed = np.array(numbers, np.float64)

    def judge(self, columns: RuleColumns, codes: Codes) -> None:
        """Judge the events of a slice by a rule without an order.

        Parameters
        ----------
        columns
            Their values.
        codes
            (events,): filled with `FULFILLED`, `VIOLATED`, or `NOT_JUDGED`: a value is missing.
        """
        rule = self.rule
        if rule.missing is not None:
            codes[:] = columns.missing(self._names[0])
            return
        if rule.freshness is not None:
            ages = columns.ages()
            judged = ~np.isnan(ages)
            fulfilled: Bools = ages <= rule.freshness.total_seconds()
        else:
            judged = present(self._names, columns)
            fulfilled = self._fulfilled(columns, judged)
        codes[:] = np.where(judged, ~fulfilled, NOT_JUDGED)

    def judge_unique(
        self,
        columns: RuleColumns,
        runs: Ints,
        recent: Sequence[tuple[RecentValues, int]],
        codes: Codes,
    ) -> None:
        """Judge the events of a slice by a rule of values that come only once.

        Parameters
        ----------
        columns, codes, runs
            As of `judge_order`.
        recent
            (models,): last values of each model, which are continued, and how many it had.
        """
        of = columns.typed(self._names[0])
        judged, digests = present((of,), columns), columns.digests(of)
        for (known, position), run in zip(recent, runs.tolist(), strict=True):
            span = slice(run[1], run[2])
            known.judge(digests[span], judged[span], position, codes[span])

    def judge_order(self, columns: RuleColumns, runs: Ints, previous: Floats, codes: Codes) -> None:
        """Judge the events of a slice by a rule with an order.

        Parameters
        ----------
        columns, codes
            As of `judge`.
        runs
            (models, 3): row in the layout, first event, event after the last.
        previous
            (models,): last value of each model before; continued.
        """
        order = self.rule.monotone or "increasing"
        values = np.ascontiguousarray(columns.numbers(self._names[0]))
        direction = order.startswith("strictly"), "decreasing" in order
        judge_order(values, runs, direction, previous, codes)

    def _fulfilled(self, columns: RuleColumns, judged: Bools) -> Bools:
        rule = self.rule
        if rule.parsed is not None:
            return holds(rule.parsed, columns)
        of = self._names[0]
        if self._matches is not None:
            found = np.zeros(len(columns), np.bool_)
            found[judged] = [self._matches(text) for text in columns.texts(of)[judged]]
            return found
        return np.isin(columns.numbers(of), self._allowed)


def _matcher(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether a text matches; the last texts are remembered."""
    match = re.compile(pattern).fullmatch
    return lru_cache(_CACHED)(lambda text: match(text) is not None)
