"""Hold the counts of the rules of all models with the same configuration."""

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from streamproc.config.rule import Rule
from streamproc.decode.matrix import Floats, Ints, Matrix
from streamproc.detect.rules.columns import RuleColumns
from streamproc.detect.rules.counts_kernel import (
    ALARMED,
    COUNTS,
    EVENT,
    FIRST,
    FOUND,
    JUDGED,
    MAX_EXAMPLES,
    PREVIOUS,
    REPORTED,
    RULE,
    RUN,
    TIMES,
    WHAT,
    count_violations,
)
from streamproc.detect.rules.judge import VIOLATED, Judge
from streamproc.detect.rules.ranges import RangeJudge
from streamproc.detect.rules.recent_values import RecentValues

# Parts of a whole in which the sum of a test is counted.
_UNIT: Final = 2.0**32
EVENTS_BEFORE_A_FALSE_ALARM: Final = 1e6
"""Judged events, at least, until a test errs whose rule is violated as often as it may be."""


def steps_of(share: float) -> tuple[int, int, int]:
    """Return what a violation adds to a rule's sum, what another event takes, and its limit.

    Examples
    --------
    >>> steps_of(0.0)
    (1, 1, 1)
    >>> up, down, limit = steps_of(0.01)
    >>> -(-limit // up)  # violations in a row until it is reported
    21
    """
    if share == 0.0:
        return 1, 1, 1
    # Odds of share / (1 - share) against those of twice as much.
    down = math.log1p(share)
    parts = math.log(2.0) - down, down, math.log(EVENTS_BEFORE_A_FALSE_ALARM)
    up, down_units, limit = (max(1, round(part * _UNIT)) for part in parts)
    return up, down_units, limit


class Finding(NamedTuple):
    """Something to report of a rule.

    Attributes
    ----------
    what
        `EXAMPLE`, `FIRING`, `UPDATED` or `RESOLVED`.
    row
        Row of the model in the layout.
    rule
        The rule.
    event
        Column of the matrix.
    counts
        The counts then, columns as of the kernel.
    since
        Event time of the first violation.
    """

    what: int
    row: int
    rule: Rule
    event: int
    counts: tuple[int, ...]
    since: float


class RuleTable:
    """The counts of some rules, one slot per model.

    Parameters
    ----------
    rules
        The rules.

    Attributes
    ----------
    slots
        Slot by model id.
    counts, times
        (slots, rules, columns), as of the kernel.
    recent
        By slot and place of a rule `unique`, the last values of a model.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._ranges = RangeJudge(rules)
        self._judges = {at: Judge(each) for at, each in enumerate(rules) if each.range is None}
        self._steps: Ints = np.array([steps_of(rule.share) for rule in rules], np.int64)
        self.slots: dict[str, int] = {}
        self.recent: dict[tuple[int, int], RecentValues] = {}
        self._spare: list[int] = []
        self.counts: Ints = np.zeros((0, len(rules), COUNTS), np.int64)
        self.times: Floats = np.zeros((0, len(rules), TIMES))

    def take(self, model_id: str) -> int:
        """Return the slot of a model, which begins with zeros."""
        slot = self.slots.get(model_id)
        if slot is None:
            slot = self._spare.pop() if self._spare else len(self.slots)
            if slot == len(self.counts):
                more = max(8, slot)
                empty = np.zeros((more, *self.counts.shape[1:]), np.int64)
                self.counts = np.concatenate([self.counts, empty])
                times = np.zeros((more, *self.times.shape[1:]))
                self.times = np.concatenate([self.times, times])
            self.counts[slot] = 0
            self.times[slot] = 0.0
            self.times[slot, :, [ALARMED, REPORTED]] = -np.inf
            self.times[slot, :, PREVIOUS] = np.nan
            for at, judge in self._judges.items():
                if judge.rule.unique is not None:
                    self.recent[slot, at] = RecentValues(judge.rule.unique.within)
            self.slots[model_id] = slot
        return slot

    def release(self, model_id: str) -> None:
        """Forget a model."""
        if model_id in self.slots:
            slot = self.slots.pop(model_id)
            self._spare.append(slot)
            for at in self._judges:
                self.recent.pop((slot, at), None)

    def judge(
        self,
        columns: RuleColumns,
        data: Matrix,
        model_ids: Sequence[str],
        policy: tuple[int, float, float],
    ) -> Iterator[Finding]:
        """Judge the events of a slice; yield what there is to report, in log order of each rule.

        Parameters
        ----------
        columns
            Values of the events.
        data
            Their matrix.
        model_ids
            Model of each of its runs.
        policy
            As of the kernel.
        """
        slots: Ints = np.array([self.take(each) for each in model_ids], np.int64)
        codes = np.empty((len(self.rules), len(data.ts)), np.int8)
        self._ranges.judge(columns, codes)
        for at, judge in self._judges.items():
            if judge.rule.monotone is not None:
                previous = self.times[slots, at, PREVIOUS]
                judge.judge_order(columns, data.runs, previous, codes[at])
                self.times[slots, at, PREVIOUS] = previous
            elif judge.rule.unique is not None:
                judged = self.counts[slots, at, JUDGED].tolist()
                recent = [self.recent[slot, at] for slot in slots.tolist()]
                pairs = list(zip(recent, judged, strict=True))
                judge.judge_unique(columns, data.runs, pairs, codes[at])
            else:
                judge.judge(columns, codes[at])
        reports = int(np.count_nonzero(codes == VIOLATED)) + len(slots) * len(self.rules)
        found = np.empty(((1 + MAX_EXAMPLES) * reports, FOUND))
        events, state = (data.ts, data.offsets), (self.counts, self.times)
        size = count_violations(codes, data.runs, slots, self._steps, events, policy, state, found)
        for row in found[:size].tolist():
            counts = tuple(map(int, row[FIRST : FIRST + COUNTS]))
            yield Finding(
                what=int(row[WHAT]),
                row=int(data.runs[int(row[RUN]), 0]),
                rule=self.rules[int(row[RULE])],
                event=int(row[EVENT]),
                counts=counts,
                since=row[FIRST + COUNTS],
            )
